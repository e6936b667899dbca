#include "data_preprocessing/series/series_spec.hpp"

#include <algorithm>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {
namespace {

void AddOnce(const Schema& from, const std::string& name, Schema& to) {
  if (name.empty() || to.Find(name)) return;
  if (const auto index = from.Find(name)) to.columns.push_back(from.columns[*index]);
}

nlohmann::ordered_json ToJson(const EmptyRule& empty) {
  if (const auto* number = std::get_if<double>(&empty)) return *number;
  return std::holds_alternative<EmptyIsPrevious>(empty) ? "previous" : "missing";
}

std::string UntilText(const AggregateSpec& aggregate) {
  switch (aggregate.until) {
    case GridEnd::kJudged:
      return "";
    case GridEnd::kLastFull:
      return "last_full";
    case GridEnd::kToday:
      return "today";
    case GridEnd::kLastRow:
      return "last_row";
    case GridEnd::kDay:
      return DateText(aggregate.until_day);
  }
  return "";
}

nlohmann::ordered_json ToJson(const AggregateSpec& aggregate) {
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  for (const AggregateValue& value : aggregate.values) {
    values.push_back({value.name, ToString(value.op), value.column, ToJson(value.empty)});
    if (!value.censored.empty()) values.back().push_back(value.censored);
  }
  nlohmann::ordered_json json{
      {"period", ToString(aggregate.period)},
      {"values", std::move(values)},
      {"partial", aggregate.partial == PartialPeriods::kDrop ? "drop" : "keep"},
      {"from", aggregate.from == GridBound::kKey ? "key" : "all"},
      {"to", aggregate.to == GridBound::kKey ? "key" : "all"}};
  if (const std::string_view day = StartOfWeek(aggregate.period); !day.empty() && day != "monday") {
    json["week_starts"] = day;
  }
  if (aggregate.until != GridEnd::kJudged) json["until"] = UntilText(aggregate);
  return json;
}

}  // namespace

Schema SeriesSpec::ValueSchema() const {
  Schema schema;
  if (!aggregate) {
    for (const std::string& value : values) AddOnce(source_schema, value, schema);
    return schema;
  }
  for (const AggregateValue& value : aggregate->values) {
    schema.columns.push_back({.name = value.name, .type = ColumnType::kDouble, .nullable = true});
  }
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
  if (aggregate) {
    for (const AggregateValue& value : aggregate->values) {
      AddOnce(source_schema, value.column, schema);
    }
  }
  return schema;
}

std::size_t PositionOfSeries(std::span<const SeriesSpec> series, std::string_view name) noexcept {
  return static_cast<std::size_t>(std::ranges::find(series, name, &SeriesSpec::name) -
                                  series.begin());
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
  // Only where they are declared, so that what was published before there were such keys stays
  // valid.
  if (spec.aggregate) definition["aggregate"] = ToJson(*spec.aggregate);
  if (spec.known_in_advance) definition["known_in_advance"] = true;
  if (const auto* table = std::get_if<TableSource>(&spec.source); table && table->grows_by) {
    definition["grows_by"] = table->grows_by->name;
  }
  if (!spec.skip_missing.empty()) definition["skip_missing"] = spec.skip_missing;
  return definition.dump();
}

}  // namespace forkcast::preprocessing
