#include "model/forecast/forecast_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "data_preprocessing/table/append_value.hpp"

namespace forkcast::model {

using preprocessing::AppendValue;
using preprocessing::ColumnSpec;
using preprocessing::PipelineSpec;
using preprocessing::Table;
using preprocessing::Value;

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

void AppendForecastRequest(const PipelineSpec& spec, std::span<const Value> key,
                           const std::optional<Instant>& origin, Table& rows) {
  const std::vector<std::string>& names = spec.forecast->key;
  for (std::size_t i = 0; i < rows.column_count(); ++i) {
    const std::string& field = rows.schema().columns[i].name;
    const auto name = std::ranges::find(names, field);
    if (name != names.end()) {
      AppendValue(key[static_cast<std::size_t>(name - names.begin())], rows.column(i));
    } else if (field == spec.request.time && origin) {
      rows.column(i).AppendTimestamp(*origin);
    } else {
      rows.column(i).AppendMissing();
    }
  }
}

}  // namespace forkcast::model
