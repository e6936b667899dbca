#pragma once

#include <string_view>
#include <variant>

#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// Appends a value that is missing, or of the column's type; of another, throws
/// std::bad_variant_access.
inline void AppendValue(const Value& value, Column& column) {
  if (IsMissing(value)) return column.AppendMissing();
  switch (column.type()) {
    case ColumnType::kText:
      return column.AppendText(std::get<std::string_view>(value));
    case ColumnType::kInt64:
      return column.AppendInt64(std::get<std::int64_t>(value));
    case ColumnType::kDouble:
      return column.AppendDouble(std::get<double>(value));
    case ColumnType::kBool:
      return column.AppendBool(std::get<bool>(value));
    case ColumnType::kTimestamp:
      return column.AppendTimestamp(std::get<Instant>(value));
  }
}

}  // namespace forkcast::preprocessing
