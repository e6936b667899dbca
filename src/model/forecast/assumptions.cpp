#include "model/forecast/assumptions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::OwnedValue;
using preprocessing::PipelineSpec;
using preprocessing::ReadAt;
using preprocessing::SeriesRead;
using preprocessing::SeriesSpec;
using preprocessing::SpecError;

bool IsReadAtTarget(const PipelineSpec& spec, const SeriesSpec& series) {
  return std::ranges::any_of(spec.features, [&](const preprocessing::FeatureSpec& feature) {
    return std::ranges::any_of(feature.reads, [&](const SeriesRead& read) {
      return read.at == ReadAt::kTarget && read.series == series.name;
    });
  });
}

OwnedValue ReadTyped(ColumnType type, const JsonNode& node, const PipelineSpec& spec) {
  constexpr double kMost = std::numeric_limits<double>::max();
  const bool is_flag = node.json().is_boolean();
  switch (type) {
    case ColumnType::kDouble:
      return is_flag ? double{node.Bool() ? 1.0 : 0.0} : node.Number(-kMost, kMost);
    case ColumnType::kInt64:
      return is_flag ? std::int64_t{node.Bool() ? 1 : 0} : node.Integer(INT64_MIN, INT64_MAX);
    case ColumnType::kBool:
      return is_flag ? node.Bool() : node.Integer(0, 1) == 1;
    case ColumnType::kText:
      if (!node.json().is_string()) node.Fail("expected a text");
      return node.json().get<std::string>();
    case ColumnType::kTimestamp:
      break;
  }
  const auto time = preprocessing::ParseTimestamp(node.String(), spec.zone);
  if (!time) node.Fail(time.error().message);
  return *time;
}

Error Wrong(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), "assume"};
}

}  // namespace

AssumablePlans::AssumablePlans(const PipelineSpec& spec) : spec_(spec) {
  const auto forecast = spec.SeriesNamed(spec.forecast->series).aggregate->period;
  for (std::size_t i = 0; i < spec.series.size(); ++i) {
    const SeriesSpec& series = spec.series[i];
    const bool fits = !series.aggregate || series.aggregate->period == forecast;
    if (!series.known_in_advance || !fits || !IsReadAtTarget(spec, series)) continue;
    const preprocessing::Schema values = series.ValueSchema();
    for (std::size_t column = 0; column < values.columns.size(); ++column) {
      values_.push_back({.series = i,
                         .column = column,
                         .name = values.columns[column].name,
                         .type = values.columns[column].type});
    }
  }
  for (Assumable& one : values_) {
    const auto same = std::ranges::count_if(values_, [&](const Assumable& other) {
      return spec_.series[other.series].ValueSchema().columns[other.column].name == one.name;
    });
    if (same > 1) one.name = fmt::format("{}.{}", spec_.series[one.series].name, one.name);
  }
}

const AssumablePlans::Assumable* AssumablePlans::Find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(values_, name, &Assumable::name);
  return found == values_.end() ? nullptr : &*found;
}

preprocessing::Schema AssumablePlans::Describe() const {
  preprocessing::Schema schema;
  for (const Assumable& one : values_) {
    schema.columns.push_back({.name = one.name, .type = one.type, .nullable = true});
  }
  return schema;
}

std::string AssumablePlans::NamesText() const {
  std::vector<std::string_view> names;
  for (const Assumable& one : values_) names.emplace_back(one.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Assumption AssumablePlans::ReadValue(const Assumable& what, const JsonNode& node) const {
  Assumption assumption{.series = what.series, .column = what.column};
  if (!node.json().is_null()) assumption.value = ReadTyped(what.type, node, spec_);
  return assumption;
}

Result<std::vector<Assumption>> AssumablePlans::Read(std::string_view json) const {
  if (values_.empty()) {
    return Wrong(
        "nothing can be supposed: no feature reads, at the target, a series that is declared with "
        "\"known_in_advance\"");
  }
  std::vector<Assumption> assumptions;
  try {
    const nlohmann::ordered_json document = preprocessing::ParseJson(json);
    if (!document.is_object() || document.empty()) {
      return Wrong(fmt::format("expected an object of values known in advance: {}", NamesText()));
    }
    JsonNode(document, "assume").EachMember([&](const std::string& name, const JsonNode& node) {
      const Assumable* const what = Find(name);
      if (what == nullptr) {
        throw SpecError(fmt::format(
            "\"{}\" is nothing that is known in advance and read at the target; what may be "
            "supposed: {}",
            name, NamesText()));
      }
      if (!node.json().is_object()) {
        assumptions.push_back(ReadValue(*what, node));
        return;
      }
      node.EachMember([&](const std::string& period, const JsonNode& value) {
        const auto at = preprocessing::ParseTimestamp(period, spec_.zone);
        if (!at) value.Fail(at.error().message);
        assumptions.push_back(ReadValue(*what, value));
        assumptions.back().at = *at;
      });
    });
  } catch (const SpecError& error) {
    return Wrong(error.what());
  }
  return assumptions;
}

}  // namespace forkcast::model
