#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// Makes values of the fields of a CSV, by its dialect and the formats of the columns. What it was
/// made of must outlive it. Thread-safe.
class CsvFieldReader {
 public:
  CsvFieldReader(const Schema& schema, const CsvDialect& dialect, const TimeZone& zone);

  /// Whether what AppendParsed() takes of a field that is not empty is its value, whatever stands
  /// in it: in the plain dialect, of a column without format.
  [[nodiscard]] bool IsPlain(std::size_t column) const noexcept {
    return is_plain_[column] != 0 && dialect_.null.empty();
  }
  /// Whether the field is no value of the column at `column`: it is empty, or a null text. In a
  /// text column what is quoted is a text, also an empty one.
  [[nodiscard]] bool IsMissing(const CsvField& field, std::size_t column) const noexcept {
    if (!field.text.empty() && dialect_.null.empty()) return false;
    return IsMissingText(field, column);
  }
  /// Appends the value of `text` to `into`, the column at `column`. Beside what AppendParsed()
  /// takes, an int64 may have a fraction of zeros (`7.0`), as programs write it that have no
  /// missing integers. kInvalidArgument, and no change, when it is no such value.
  Status Append(std::string_view text, std::size_t column, Column& into) const {
    if (is_plain_[column] == 0) return AppendWritten(text, column, into);
    Status appended = AppendParsed(text, zone_, into);
    if (!appended && into.type() == ColumnType::kInt64) appended = AppendWhole(text, into);
    return appended;
  }

 private:
  [[nodiscard]] bool IsMissingText(const CsvField& field, std::size_t column) const noexcept;
  Status AppendWritten(std::string_view text, std::size_t column, Column& into) const;
  Status AppendNumber(std::string_view text, Column& into) const;
  /// An integer that has a fraction of zeros.
  Status AppendWhole(std::string_view text, Column& into) const;

  const Schema& schema_;
  const CsvDialect& dialect_;
  const TimeZone& zone_;
  bool plain_numbers_;
  std::vector<char> is_plain_;  // by column: AppendParsed() alone reads it
};

/// Which column each field of a header names: the one of this name, or, where the dialect says so
/// and no field has it exactly, of this name in another case. kInvalidArgument, naming the place,
/// when two fields name one column. Allocates only when `columns` has less room than the header
/// fields.
Status MatchHeader(const std::vector<CsvField>& header, const Schema& schema, CsvHeaderMatch match,
                   std::vector<std::optional<std::size_t>>& columns);

}  // namespace forkcast::preprocessing
