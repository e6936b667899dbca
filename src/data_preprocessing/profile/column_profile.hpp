#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What the values of one column of a file have in common.
struct ColumnProfile {
  /// `type` is the narrowest that takes every value as `ingest` reads it, in the order int64,
  /// double, timestamp, bool, text; `nullable` where one is missing.
  ColumnSpec spec;
  std::size_t missing = 0;
  std::size_t distinct = 0;       ///< Different values that are there, or as many as were counted.
  bool has_more = false;          ///< Whether there are more of them than were counted.
  bool has_leading_zero = false;  ///< It would be a number but for values such as 00123.
  // Of a number.
  std::size_t negative = 0;
  std::size_t zeros = 0;
  double least = 0;
  double most = 0;

  [[nodiscard]] bool is_number() const noexcept {
    return spec.type == ColumnType::kInt64 || spec.type == ColumnType::kDouble;
  }
};

/// Looks at the values of a column one after the other. Memory: `most_distinct` hashes.
class ColumnProfiler {
 public:
  ColumnProfiler(std::string name, std::size_t most_distinct, const TimeZone& zone)
      : zone_(zone), most_distinct_(most_distinct) {
    profile_.spec.name = std::move(name);
  }

  void AddMissing() noexcept { ++profile_.missing; }
  void Add(std::string_view text);
  [[nodiscard]] ColumnProfile Profile() const;

 private:
  void NoteNumber(double value) noexcept;

  const TimeZone& zone_;
  std::size_t most_distinct_;
  ColumnProfile profile_;
  std::unordered_set<std::size_t> hashes_;
  std::size_t present_ = 0;
  // Which types take all values so far.
  bool int64_ = true;
  bool double_ = true;
  bool timestamp_ = true;
  bool bool_ = true;
};

}  // namespace forkcast::preprocessing
