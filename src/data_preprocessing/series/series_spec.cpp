#include "data_preprocessing/series/series_spec.hpp"

#include <nlohmann/json.hpp>

namespace forkcast::preprocessing {
namespace {

void AddOnce(const Schema& from, const std::string& name, Schema& to) {
  if (name.empty() || to.Find(name)) return;
  if (const auto index = from.Find(name)) to.columns.push_back(from.columns[*index]);
}

}  // namespace

Schema SeriesSpec::ValueSchema() const {
  Schema schema;
  for (const std::string& value : values) AddOnce(source_schema, value, schema);
  return schema;
}

std::vector<ColumnType> SeriesSpec::KeyTypes() const {
  std::vector<ColumnType> types;
  for (const std::string& column : key) {
    if (const auto index = source_schema.Find(column)) {
      types.push_back(source_schema.columns[*index].type);
    }
  }
  return types;
}

Schema SeriesSpec::ReadSchema() const {
  Schema schema;
  for (const std::string& column : key) AddOnce(source_schema, column, schema);
  AddOnce(source_schema, time, schema);
  AddOnce(source_schema, known_at, schema);
  for (const std::string& column : values) AddOnce(source_schema, column, schema);
  return schema;
}

std::string DefinitionOf(const SeriesSpec& spec, const std::string& zone_name) {
  nlohmann::ordered_json columns = nlohmann::ordered_json::array();
  for (const ColumnSpec& column : spec.ReadSchema().columns) {
    columns.push_back({column.name, ToString(column.type), column.nullable});
  }
  nlohmann::ordered_json definition;
  if (const auto* table = std::get_if<TableSource>(&spec.source)) {
    definition["table"] = table->table;
  } else {
    definition["query"] = std::get<QuerySource>(spec.source).sql;
  }
  definition["columns"] = std::move(columns);
  definition["key"] = spec.key;
  definition["time"] = spec.time;
  definition["known_at"] = spec.known_at;
  definition["delay_us"] = spec.delay.count();
  definition["values"] = spec.values;
  definition["timezone"] = zone_name;
  return definition.dump();
}

}  // namespace forkcast::preprocessing
