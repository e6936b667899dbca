#include "model/forecast/model_keys.hpp"

#include <limits>
#include <utility>
#include <variant>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::AppendIsoTimestamp;
using preprocessing::ColumnType;
using preprocessing::DecodeKey;
using preprocessing::EncodeKey;
using preprocessing::JsonNode;
using preprocessing::ParseTimestamp;
using preprocessing::SeriesSpec;
using preprocessing::TimeZone;
using preprocessing::ToString;
using preprocessing::Value;

constexpr const char* kKeysFormat = "forkcast.model_keys";
constexpr std::int64_t kKeysVersion = 1;

std::string ToText(const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  std::string text;
  if (const auto* instant = std::get_if<Instant>(&value)) AppendIsoTimestamp(*instant, text);
  return text;
}

/// Views the document.
Value ReadKeyValue(const JsonNode& node, ColumnType type) {
  if (type == ColumnType::kInt64) {
    return node.Integer(std::numeric_limits<std::int64_t>::min(),
                        std::numeric_limits<std::int64_t>::max());
  }
  if (type == ColumnType::kBool) return node.Bool();
  if (!node.json().is_string()) node.Fail("expected a text");
  const auto& text = node.json().get_ref<const std::string&>();
  if (type == ColumnType::kText) return std::string_view(text);
  const Result<Instant> instant = ParseTimestamp(text, TimeZone());
  if (!instant) node.Fail("expected a timestamp");
  return *instant;
}

}  // namespace

std::string JoinedKey(std::span<const Value> values) {
  if (values.empty()) return "all";
  std::string name;
  for (std::size_t i = 0; i < values.size(); ++i) name += (i == 0 ? "" : ",") + ToText(values[i]);
  return name;
}

ordered_json KeyToJson(std::span<const Value> values) {
  ordered_json json = ordered_json::array();
  for (const Value& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      json.push_back(*number);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      json.push_back(*flag);
    } else {
      json.push_back(ToText(value));
    }
  }
  return json;
}

ModelKeys::ModelKeys(const SeriesSpec& series) : columns_(series.key), types_(series.KeyTypes()) {}

std::optional<std::size_t> ModelKeys::Find(std::span<const Value> values) const {
  std::string scratch;
  return FindBytes(EncodeKey(values, scratch));
}

std::optional<std::size_t> ModelKeys::FindBytes(std::string_view bytes) const noexcept {
  const auto found = numbers_.find(bytes);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t ModelKeys::Add(std::span<const Value> values) {
  std::string scratch;
  const auto [key, added] = numbers_.emplace(EncodeKey(values, scratch), bytes_.size());
  if (added) {
    bytes_.push_back(key->first);
    missing_steps_.emplace_back();
  }
  return key->second;
}

std::vector<Value> ModelKeys::Values(std::size_t key) const {
  std::vector<Value> values(types_.size());
  DecodeKey(bytes_[key], types_, values);
  return values;
}

ordered_json ModelKeys::ToJson() const {
  ordered_json columns = ordered_json::array();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns.push_back({{"name", columns_[i]}, {"type", ToString(types_[i])}});
  }
  ordered_json keys = ordered_json::array();
  for (std::size_t key = 0; key < size(); ++key) {
    ordered_json one{{"values", KeyToJson(Values(key))}};
    if (!missing_steps_[key].empty()) one["missing_steps"] = missing_steps_[key];
    keys.push_back(std::move(one));
  }
  return {{"format", kKeysFormat},
          {"format_version", kKeysVersion},
          {"columns", std::move(columns)},
          {"keys", std::move(keys)}};
}

ModelKeys ModelKeys::FromJson(const JsonNode& node, const SeriesSpec& series, std::size_t steps) {
  node.RequireObject({"format", "format_version", "columns", "keys"});
  node.RequireFormat(kKeysFormat, kKeysVersion);
  ModelKeys keys(series);
  const JsonNode columns = node.Get("columns");
  if (columns.json() != keys.ToJson()["columns"]) {
    columns.Fail("expected the key columns of series \"" + series.name + "\"");
  }
  const JsonNode all = node.Get("keys");
  for (const JsonNode& one : all.Elements()) {
    one.RequireObject({"values", "missing_steps"});
    const std::vector<JsonNode> given = one.Get("values").Elements();
    if (given.size() != keys.types_.size()) {
      one.Get("values").Fail("expected " + std::to_string(keys.types_.size()) + " values");
    }
    std::vector<Value> values;
    for (std::size_t i = 0; i < given.size(); ++i) {
      values.push_back(ReadKeyValue(given[i], keys.types_[i]));
    }
    if (keys.Find(values)) one.Fail("key " + JoinedKey(values) + " is given twice");
    const std::size_t key = keys.Add(values);
    if (const auto missing = one.Find("missing_steps")) {
      for (const JsonNode& step : missing->Elements()) {
        const std::int64_t least =
            keys.missing_steps_[key].empty()
                ? 1
                : static_cast<std::int64_t>(keys.missing_steps_[key].back()) + 1;
        keys.missing_steps_[key].push_back(
            static_cast<std::size_t>(step.Integer(least, static_cast<std::int64_t>(steps))));
      }
    }
  }
  return keys;
}

}  // namespace forkcast::model
