#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_field_reader.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_format.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// Rows of a file that are looked at together.
inline constexpr std::size_t kProfiledAtOnce = 4096;

/// What the values of one column of a file have in common.
struct ColumnProfile {
  /// `type` is the narrowest that takes every value as `ingest` reads it, in the order int64,
  /// double, timestamp, bool, text; `nullable` where one is missing. Of a bool that is written as
  /// "yes" and "no" or the like, `format` has the words.
  ColumnSpec spec;
  std::string first{};  ///< Value, as it stands in the file; empty where none is there.
  std::size_t missing = 0;
  std::size_t distinct = 0;       ///< Different values that are there, or as many as were counted.
  bool has_more = false;          ///< Whether there are more of them than were counted.
  bool has_leading_zero = false;  ///< It would be a number but for values such as 00123.
  /// Formats in which all values are times, those that more people write first; `spec` has the
  /// first where the values are nothing else.
  std::vector<std::string> time_formats{};
  // Of a number.
  std::size_t negative = 0;
  double least = 0;
  double most = 0;

  [[nodiscard]] bool is_number() const noexcept {
    return spec.type == ColumnType::kInt64 || spec.type == ColumnType::kDouble;
  }
  /// Makes a time of a column whose values are times in the first of its formats.
  void BecomeTime();
  /// Makes a text again of a bool that is written in words.
  void BecomeText();
};

/// Whether a field is a value of a type, as `ingest` would find. Not thread-safe.
class TypeProbe {
 public:
  TypeProbe(const CsvDialect& dialect, const TimeZone& zone);

  [[nodiscard]] bool Takes(ColumnType type, std::string_view text);
  /// The number that Takes() found last.
  [[nodiscard]] double number() const noexcept { return number_; }
  /// Whether it is a missing value of every column but one of text.
  [[nodiscard]] bool IsMissing(std::string_view text) const noexcept;
  [[nodiscard]] const TimeZone& zone() const noexcept { return zone_; }

 private:
  CsvDialect dialect_;
  const TimeZone& zone_;
  Schema schema_;          // a column a type, in the order of ColumnType
  CsvFieldReader reader_;  // of schema_ as it is when this is made
  std::vector<Column> scratch_;
  double number_ = 0;
};

/// Looks at the values of a column one after the other. Memory: `most_distinct` hashes.
class ColumnProfiler {
 public:
  ColumnProfiler(std::string name, std::size_t most_distinct) : most_distinct_(most_distinct) {
    profile_.spec.name = std::move(name);
  }

  void AddMissing() noexcept { ++profile_.missing; }
  void Add(std::string_view text, TypeProbe& probe);
  /// Of all that was added; the profiler is of no more use.
  [[nodiscard]] ColumnProfile Finish(TypeProbe& probe);

 private:
  void AddNumber(std::string_view text, TypeProbe& probe);
  void AddTime(std::string_view text, TypeProbe& probe);
  void FindFormats();
  void FindWords();

  std::size_t most_distinct_;
  ColumnProfile profile_;
  std::unordered_set<std::size_t> hashes_;
  std::size_t present_ = 0;
  std::size_t texts_if_text_ = 0;  // missing, but for a column of text
  // Which types take all values so far.
  bool int64_ = true;
  bool double_ = true;
  bool timestamp_ = true;
  bool bool_ = true;
  std::vector<std::string> words_;    // the first different values, one more than a bool has
  std::vector<std::string> samples_;  // until formats are sought in them
  bool sought_formats_ = false;
  std::vector<TimeFormat> formats_;
};

}  // namespace forkcast::preprocessing
