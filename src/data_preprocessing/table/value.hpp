#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// One typed value, or none (monostate: missing). Trivially copyable; a text is a view whose owner
/// (a table, a snapshot, a pipeline) must outlive it.
using Value = std::variant<std::monostate, std::string_view, std::int64_t, double, bool, Instant>;

[[nodiscard]] inline bool IsMissing(const Value& value) noexcept { return value.index() == 0; }

/// The value of `column` at `row`. Precondition: row < column.size().
[[nodiscard]] inline Value ValueAt(const Column& column, std::size_t row) noexcept {
  if (column.IsMissing(row)) return {};
  switch (column.type()) {
    case ColumnType::kText:
      return column.Text(row);
    case ColumnType::kInt64:
      return column.Int64(row);
    case ColumnType::kDouble:
      return column.Double(row);
    case ColumnType::kBool:
      return column.Bool(row);
    case ColumnType::kTimestamp:
      return column.Timestamp(row);
  }
  return {};
}

}  // namespace forkcast::preprocessing
