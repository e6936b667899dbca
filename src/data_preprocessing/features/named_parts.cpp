#include "data_preprocessing/features/named_parts.hpp"

#include <algorithm>
#include <optional>

namespace forkcast::preprocessing {
namespace {

/// The position of the column in `schema`; `where` is for the message.
std::size_t PositionOf(const Schema& schema, const JsonNode& name, const std::string& where) {
  const std::optional<std::size_t> position = schema.Find(name.String());
  if (!position) name.Fail("no column \"" + name.String() + "\" in " + where);
  return *position;
}

}  // namespace

const ColumnSpec& RequireColumn(const Schema& schema, const JsonNode& name,
                                const std::string& where) {
  return schema.columns[PositionOf(schema, name, where)];
}

const SeriesSpec& RequireSeries(std::span<const SeriesSpec> series, const JsonNode& name) {
  const auto found = std::ranges::find(series, name.String(), &SeriesSpec::name);
  if (found == series.end()) name.Fail("no series \"" + name.String() + "\"");
  return *found;
}

const SeriesSpec& RequireGrid(std::span<const SeriesSpec> series, const JsonNode& name) {
  const SeriesSpec& grid = RequireSeries(series, name);
  if (!grid.aggregate) {
    name.Fail("series \"" + grid.name + "\" has no \"aggregate\", so it has no periods");
  }
  return grid;
}

std::size_t RequireValue(const SeriesSpec& series, const JsonNode& name) {
  return PositionOf(series.ValueSchema(), name, "the values of series \"" + series.name + "\"");
}

std::vector<std::string> ReadKeyFields(const JsonNode& node, const SeriesSpec& series,
                                       const RequestSpec& request) {
  const std::vector<JsonNode> fields = node.Elements();
  const std::vector<ColumnType> key_types = series.KeyTypes();
  if (fields.size() != key_types.size()) {
    node.Fail("series \"" + series.name + "\" has " + std::to_string(key_types.size()) +
              " key column(s)");
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const ColumnSpec& field = RequireColumn(request.fields, fields[i], "the request's fields");
    if (field.type != key_types[i]) {
      fields[i].Fail("field is " + std::string(ToString(field.type)) + ", key column \"" +
                     series.key[i] + "\" is " + std::string(ToString(key_types[i])));
    }
    names.push_back(field.name);
  }
  return names;
}

}  // namespace forkcast::preprocessing
