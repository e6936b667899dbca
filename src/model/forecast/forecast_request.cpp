#include "model/forecast/forecast_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace forkcast::model {
namespace {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::PipelineSpec;
using preprocessing::Table;
using preprocessing::Value;

void Append(const Value& value, Column& column) {
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

}  // namespace

Status CheckForecastRequest(const PipelineSpec& spec) {
  for (const ColumnSpec& field : spec.request.fields.columns) {
    const bool in_key =
        std::ranges::find(spec.forecast->key, field.name) != spec.forecast->key.end();
    if (in_key || field.name == spec.request.time || field.nullable) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("request field \"{}\" may not be missing, but a forecast knows only "
                             "its key and time",
                             field.name)};
  }
  return {};
}

void AppendForecastRequest(const PipelineSpec& spec, std::span<const Value> key, Table& rows) {
  const std::vector<std::string>& names = spec.forecast->key;
  for (std::size_t i = 0; i < rows.column_count(); ++i) {
    const auto name = std::ranges::find(names, rows.schema().columns[i].name);
    if (name == names.end()) {
      rows.column(i).AppendMissing();
    } else {
      Append(key[static_cast<std::size_t>(name - names.begin())], rows.column(i));
    }
  }
}

}  // namespace forkcast::model
