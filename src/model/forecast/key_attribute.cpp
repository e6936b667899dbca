#include "model/forecast/key_attribute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "data_preprocessing/series/key_codec.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::EncodeKey;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::SeriesSpec;
using preprocessing::Snapshot;
using preprocessing::ToString;
using preprocessing::Value;

class AttributeReader {
 public:
  explicit AttributeReader(const PipelineSpec& spec)
      : spec_(spec), series_(spec.SeriesNamed(spec.forecast->series)) {}

  KeyAttribute Find(const JsonNode& node, const std::string& name) {
    const auto column = std::ranges::find(series_.key, name);
    if (column != series_.key.end()) {
      return {.name = name, .key_column = static_cast<std::size_t>(column - series_.key.begin())};
    }
    const auto [series, value] = Locate(node, name);
    if (std::ranges::find(chain_, name) != chain_.end()) {
      node.Fail(fmt::format("goes in a circle: \"{}\" is looked up by \"{}\"",
                            fmt::join(chain_, "\", which is looked up by \""), name));
    }
    chain_.push_back(name);
    KeyAttribute attribute{.name = name, .series = series, .value = value};
    const std::vector<ColumnType> types = spec_.series[series].KeyTypes();
    for (const std::string& key : spec_.series[series].key) {
      attribute.key.push_back(Find(node, key));
      const ColumnType type = TypeOf(attribute.key.back());
      if (type == types[attribute.key.size() - 1]) continue;
      node.Fail(fmt::format("\"{}\" is {}, and the key of series \"{}\" is {}", key, ToString(type),
                            spec_.series[series].name, ToString(types[attribute.key.size() - 1])));
    }
    chain_.pop_back();
    return attribute;
  }

 private:
  [[nodiscard]] ColumnType TypeOf(const KeyAttribute& attribute) const {
    if (attribute.key_column) return series_.KeyTypes()[*attribute.key_column];
    return spec_.series[attribute.series].ValueSchema().columns[attribute.value].type;
  }
  /// The one series without time that has such a value: "category", or "products.category".
  std::pair<std::size_t, std::size_t> Locate(const JsonNode& node, const std::string& name) const {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    std::vector<std::string> full_names;
    for (std::size_t i = 0; i < spec_.series.size(); ++i) {
      const SeriesSpec& one = spec_.series[i];
      if (!one.is_static()) continue;
      const preprocessing::Schema values = one.ValueSchema();
      for (std::size_t value = 0; value < values.columns.size(); ++value) {
        const std::string& column = values.columns[value].name;
        const std::string full_name = fmt::format("{}.{}", one.name, column);
        if (name != column && name != full_name) continue;
        if (values.columns[value].type == ColumnType::kDouble) {
          node.Fail(fmt::format("\"{}\" is double: keys cannot be grouped by it", full_name));
        }
        places.emplace_back(i, value);
        full_names.push_back(full_name);
      }
    }
    if (places.empty()) {
      node.Fail(
          fmt::format("\"{}\" is neither a key column of series \"{}\" ({}) nor a value of a "
                      "series without time",
                      name, series_.name, fmt::join(series_.key, ", ")));
    }
    if (places.size() > 1) {
      node.Fail(fmt::format("\"{}\" is in several series: expected one of \"{}\"", name,
                            fmt::join(full_names, "\", \"")));
    }
    return places.front();
  }

  const PipelineSpec& spec_;
  const SeriesSpec& series_;
  std::vector<std::string> chain_;
};

bool IsMissing(const Value& value) { return std::holds_alternative<std::monostate>(value); }

/// A view of the snapshot, or of what `key` views; missing where something on the way is.
Value LookUp(const KeyAttribute& attribute, std::span<const Value> key,
             std::span<const Snapshot> snapshots) {
  if (attribute.key_column) return key[*attribute.key_column];
  std::vector<Value> values;
  for (const KeyAttribute& one : attribute.key) {
    values.push_back(LookUp(one, key, snapshots));
    if (IsMissing(values.back())) return {};
  }
  std::string scratch;
  const Snapshot& snapshot = snapshots[attribute.series];
  const auto rows = snapshot.Find(EncodeKey(values, scratch));
  const auto row = rows ? snapshot.AsOf(*rows, Instant::max()) : std::nullopt;
  return row ? snapshot.ValueAt(attribute.value, *row) : Value();
}

}  // namespace

KeyAttribute ReadKeyAttribute(const JsonNode& node, const PipelineSpec& spec) {
  return AttributeReader(spec).Find(node, node.String());
}

std::vector<std::string> AttributesOf(std::span<const KeyAttribute> attributes,
                                      std::span<const Value> key,
                                      std::span<const Snapshot> snapshots) {
  std::vector<std::string> values;
  for (const KeyAttribute& attribute : attributes) {
    const Value value = LookUp(attribute, key, snapshots);
    values.push_back(IsMissing(value) ? std::string() : JoinedKey({&value, 1}));
  }
  return values;
}

}  // namespace forkcast::model
