#include "model/forecast/forecast_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using preprocessing::AppendPeriodText;
using preprocessing::FeatureComputer;
using preprocessing::FeatureMoment;
using preprocessing::OpenSnapshots;
using preprocessing::PipelineSpec;
using preprocessing::SeriesMask;
using preprocessing::SeriesSpec;
using preprocessing::Snapshot;
using preprocessing::Value;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::size_t PositionOf(const std::vector<SeriesSpec>& series, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(series, name, &SeriesSpec::name) -
                                  series.begin());
}

Error BadWeight(const ForecastData& data, const TrainingPlan& plan, const ForecastPoint& point,
                const std::string& what) {
  const std::string& name = data.spec().features[*plan.weight].name;
  return {ErrorCode::kInvalidArgument,
          fmt::format("the weight \"{}\" of key {} in the period of {} is {}: expected a number "
                      "from 0 to 3.4e38",
                      name, data.KeyName(point.key), data.FirstDay(point.period), what),
          name};
}

/// A weight that rows can be learned with, or how it is none; the trainer takes floats.
std::optional<std::string> WrongIn(double weight) {
  if (weight >= 0 && weight <= std::numeric_limits<float>::max()) return std::nullopt;
  return std::isnan(weight) ? "missing" : fmt::format("{}", weight);
}

/// Of what learns from histories, which reads no feature.
PointExamples PointsAlone(const ForecastData& data, std::span<const ForecastPoint> points) {
  PointExamples examples(std::vector<FeatureColumnSpec>{});
  examples.points.assign(points.begin(), points.end());
  for (const ForecastPoint& point : points) {
    examples.actual.push_back(data.ValueIn(point.key, point.period));
  }
  examples.references.assign(points.size(), {.scale = kNaN, .anchor = kNaN});
  return examples;
}

/// Where the target takes a logarithm: whether it is not defined of a value.
bool HasNoLogarithm(const TrainingPlan& plan, double value, const TargetReference& reference) {
  if (!plan.target.log1p) return false;
  if (!plan.target.scale) return value <= -1;
  // Of a scale that cannot be used another one, greater than 0, stands in.
  return reference.scale > 0 && value / reference.scale <= -1;
}

Error NoLogarithm(const ForecastData& data, const TrainingPlan& plan, const ForecastPoint& point,
                  double value) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("the value {} of key {} in the period of {}{} has no logarithm: \"log1p\" in "
                      "\"target\" takes ln(1 + value), of values above -1. Leave such rows out of "
                      "series \"{}\", or take the step away",
                      value, data.KeyName(point.key), data.FirstDay(point.period),
                      plan.target.scale ? ", divided by its scale," : "", data.forecast().series),
          data.forecast().value};
}

}  // namespace

Result<std::unique_ptr<ForecastData>> ForecastData::Open(const PipelineSpec& spec,
                                                         const std::filesystem::path& snapshots) {
  Status checked = CheckForecastRequest(spec);
  if (!checked) return std::move(checked).error();
  Result<std::vector<Snapshot>> opened = OpenSnapshots(spec, snapshots);
  if (!opened) return opened.error();
  const auto all = std::make_shared<Opened>(spec, PositionOf(spec.series, spec.forecast->series),
                                            *std::move(opened));
  return std::unique_ptr<ForecastData>(new ForecastData(spec, all));
}

std::unique_ptr<ForecastData> ForecastData::For(const PipelineSpec& spec) const {
  return std::unique_ptr<ForecastData>(new ForecastData(spec, opened_));
}

ForecastData::Opened::Opened(const PipelineSpec& spec, std::size_t forecast_series,
                             std::vector<Snapshot> opened)
    : series(spec.series[forecast_series]),
      zone(spec.zone),
      snapshots(std::move(opened)),
      grid(series, snapshots[forecast_series], zone),
      column(*series.ValueSchema().Find(spec.forecast->value)),
      censored_by(series.aggregate->CensoredBy(column)),
      requests(spec.request.fields) {
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    AppendForecastRequest(spec, grid.KeyValues(key), std::nullopt, requests);
  }
}

std::string ForecastData::KeyName(std::size_t key) const {
  return JoinedKey(grid().KeyValues(key));
}

std::vector<std::uint32_t> ForecastData::AllKeys() const {
  std::vector<std::uint32_t> keys(key_count());
  std::iota(keys.begin(), keys.end(), 0);
  return keys;
}

std::string ForecastData::FirstDay(std::int64_t period) const {
  std::string text;
  AppendPeriodText(period, series().aggregate->period, text);
  return text;
}

TargetReference ReferenceIn(const TrainingPlan& plan, std::span<const Value> features) {
  return {.scale = plan.scale ? NumberOf(features[*plan.scale]) : kNaN,
          .anchor = plan.anchor ? NumberOf(features[*plan.anchor]) : kNaN};
}

Result<PointExamples> ComputeExamples(const ForecastData& data, const TrainingPlan& plan,
                                      std::span<const ForecastPoint> points,
                                      const DistanceOf& distance) {
  if (plan.history) return PointsAlone(data, points);
  const PipelineSpec& spec = data.spec();
  FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone, &*spec.forecast);
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  // A key is looked up once.
  std::ranges::sort(order, [&points](std::size_t a, std::size_t b) {
    return std::pair(points[a].key, points[a].period) < std::pair(points[b].key, points[b].period);
  });
  std::vector<Value> values(computer.feature_count());
  PointExamples examples(plan.inputs.columns);
  examples.features.Reserve(points.size());
  std::vector<Value> visible(plan.inputs.features.size());
  std::uint32_t selected = std::numeric_limits<std::uint32_t>::max();
  for (const std::size_t i : order) {
    const ForecastPoint& point = points[i];
    if (point.key != selected) {
      selected = point.key;
      computer.Select(data.snapshots(), data.requests(), selected);
    }
    const FeatureMoment moment{.origin = data.grid().VisibleFrom(point.period - distance(point)),
                               .target = data.grid().StartOf(point.period)};
    SeriesMask stale = 0;
    const Status computed = computer.ComputeAt(moment, values, stale);
    if (!computed) {
      // A row with a weight to be missed would have been learned from: leaving it out is no answer.
      if (plan.weight && computed.error().field == spec.features[*plan.weight].name &&
          !examples.bad_row) {
        examples.bad_row = BadWeight(data, plan, point, "missing");
      }
      examples.Refuse([&] {
        return fmt::format("{} ({}, key {})", computed.error().message, computed.error().field,
                           data.KeyName(point.key));
      });
      continue;
    }
    for (std::size_t column = 0; column < visible.size(); ++column) {
      visible[column] = values[plan.inputs.features[column]];
    }
    const Status appended = examples.features.Append(visible);
    if (!appended) return appended.error();
    examples.points.push_back(point);
    examples.actual.push_back(data.ValueIn(point.key, point.period));
    examples.references.push_back(ReferenceIn(plan, values));
    if (!examples.bad_row &&
        HasNoLogarithm(plan, examples.actual.back(), examples.references.back())) {
      examples.bad_row = NoLogarithm(data, plan, point, examples.actual.back());
    }
    if (!plan.weight) continue;
    examples.weights.push_back(NumberOf(values[*plan.weight]));
    if (const auto wrong = WrongIn(examples.weights.back()); wrong && !examples.bad_row) {
      examples.bad_row = BadWeight(data, plan, point, *wrong);
    }
  }
  return examples;
}

void PointExamples::Append(PointExamples later) {
  features.Append(later.features);
  points.insert(points.end(), later.points.begin(), later.points.end());
  actual.insert(actual.end(), later.actual.begin(), later.actual.end());
  references.insert(references.end(), later.references.begin(), later.references.end());
  weights.insert(weights.end(), later.weights.begin(), later.weights.end());
  if (!bad_row) bad_row = std::move(later.bad_row);
  refused += later.refused;
  if (first_refusal.empty()) first_refusal = std::move(later.first_refusal);
}

std::vector<ForecastPoint> KnownPoints(const ForecastData& data, PeriodRange periods,
                                       std::span<const std::uint32_t> keys) {
  std::vector<ForecastPoint> points;
  for (const std::uint32_t key : keys) {
    const std::int64_t first = std::max(periods.first, data.grid().FirstPeriod(key));
    const std::int64_t last = std::min(periods.last, data.grid().LastPeriod(key));
    for (std::int64_t period = first; period <= last; ++period) {
      if (std::isnan(data.ValueIn(key, period))) continue;
      points.push_back({.key = key, .period = period});
    }
  }
  return points;
}

}  // namespace forkcast::model
