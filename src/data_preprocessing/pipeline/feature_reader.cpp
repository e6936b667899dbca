#include <algorithm>
#include <cmath>
#include <utility>

#include "data_preprocessing/features/named_parts.hpp"
#include "data_preprocessing/features/operator_types.hpp"
#include "data_preprocessing/pipeline/spec_parts.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

OwnedValue ReadConstant(const JsonNode& node, ColumnType type, const TimeZone& zone) {
  switch (type) {
    case ColumnType::kText:
      if (!node.json().is_string()) node.Fail("expected a text: the feature is text");
      return node.json().get<std::string>();
    case ColumnType::kInt64:
      return node.Integer(INT64_MIN, INT64_MAX);
    case ColumnType::kDouble:
      return node.Number(-HUGE_VAL, HUGE_VAL);
    case ColumnType::kBool:
      return node.Bool();
    case ColumnType::kTimestamp: {
      const auto instant = ParseTimestamp(node.String(), zone);
      if (!instant) node.Fail(instant.error().message);
      return *instant;
    }
  }
  node.Fail("unknown type");
}

void ReadMissing(const JsonNode& node, const TimeZone& zone, FeatureSpec& feature) {
  if (!node.json().is_string()) {
    feature.when_missing =
        ReadConstant(node.RequireObject({"value"}).Get("value"), feature.type, zone);
    return;
  }
  const std::string rule = node.String();
  if (rule != "error" && rule != "keep") {
    node.Fail("expected \"error\", \"keep\" or {\"value\": ...}");
  }
  feature.keeps_missing = rule == "keep";
}

}  // namespace

FeatureSpec ReadFeature(const JsonNode& whole, const PipelineSpec& pipeline) {
  // Every feature may say what it is to a planner (FeatureGroups()); operators need not know.
  if (const auto group = whole.Find("group")) static_cast<void>(group->String());
  nlohmann::ordered_json members = whole.json();
  if (members.is_object()) members.erase("group");
  const JsonNode node(members, whole.path());
  const DeclaredBefore before{.series = pipeline.series,
                              .request = pipeline.request,
                              .features = pipeline.features,
                              .zone = pipeline.zone,
                              .forecasts = pipeline.forecast.has_value()};
  FeatureDeclaration declaration(node, before);
  DeclaredOperator declared = RequireOperatorType(node.Get("op")).read(declaration);
  const JsonNode name = node.Get("name");
  FeatureSpec feature{.name = name.String(),
                      .op = std::move(declared.op),
                      .type = declared.type,
                      .when_missing = {},
                      .reads = declaration.reads()};
  if (std::ranges::find(pipeline.features, feature.name, &FeatureSpec::name) !=
      pipeline.features.end()) {
    name.Fail("given twice");
  }
  if (pipeline.training && feature.name == pipeline.training->label) {
    name.Fail("the label can never be a feature");
  }
  if (const auto missing = node.Find("missing")) ReadMissing(*missing, pipeline.zone, feature);
  return feature;
}

ForecastSpec ReadForecast(const JsonNode& node, const PipelineSpec& pipeline) {
  constexpr int kMaxHorizon = 1000;
  node.RequireObject({"series", "value", "key", "horizon", "strategy"});
  const SeriesSpec& series = RequireGrid(pipeline.series, node.Get("series"));
  const JsonNode value = node.Get("value");
  RequireValue(series, value);
  const JsonNode strategy = node.Get("strategy");
  const auto known = ForecastStrategyFromString(strategy.String());
  if (!known) strategy.Fail("expected direct, shared, recursive or pooled");
  return {.series = series.name,
          .value = value.String(),
          .key = ReadKeyFields(node.Get("key"), series, pipeline.request),
          .horizon = static_cast<int>(node.Get("horizon").Integer(1, kMaxHorizon)),
          .strategy = *known};
}

}  // namespace forkcast::preprocessing
