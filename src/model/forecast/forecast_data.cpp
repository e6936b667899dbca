#include "model/forecast/forecast_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using preprocessing::AppendPeriodText;
using preprocessing::FeatureColumn;
using preprocessing::FeatureColumns;
using preprocessing::FeatureComputer;
using preprocessing::FeatureMoment;
using preprocessing::OpenSnapshots;
using preprocessing::PipelineSpec;
using preprocessing::Snapshot;
using preprocessing::Value;

TargetReference ReferenceAt(const TrainingPlan& plan, const FeatureColumns& features,
                            std::size_t row) {
  const auto number = [&](const std::optional<std::size_t>& feature) {
    return feature ? features.column(*feature).NumberAt(row) : kNaN;
  };
  return {.scale = number(plan.scale), .anchor = number(plan.anchor)};
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

/// One computation of examples: of each key's points, whose periods mostly follow one another,
/// those that lie close together at once.
class ExampleComputer {
 public:
  ExampleComputer(const ForecastData& data, const TrainingPlan& plan,
                  std::span<const ForecastPoint> points, const DistanceOf& distance)
      : data_(data),
        plan_(plan),
        distance_(distance),
        points_(points.begin(), points.end()),
        computer_(data.spec().features, data.spec().series, data.spec().request, data.spec().zone,
                  &data.forecast()),
        examples_(plan.inputs.columns) {
    // A key is looked up once.
    std::ranges::sort(points_, [](const ForecastPoint& a, const ForecastPoint& b) {
      return std::pair(a.key, a.period) < std::pair(b.key, b.period);
    });
  }

  Result<PointExamples> operator()() {
    if (points_.empty()) return std::move(examples_);
    examples_.features.Reserve(points_.size());
    const auto [first, last] = std::ranges::minmax_element(points_, {}, &ForecastPoint::period);
    first_period_ = first->period;
    last_period_ = last->period;
    for (std::size_t begin = 0; begin < points_.size();) {
      const std::size_t end = EndOfNeighbours(begin);
      if (begin == 0 || points_[begin - 1].key != points_[begin].key) {
        computer_.Select(data_.snapshots(), data_.requests(), points_[begin].key);
        moments_ = &MomentsOf(points_[begin].key);
      }
      if (Status added = Add(std::span(points_).subspan(begin, end - begin)); !added) {
        return added.error();
      }
      begin = end;
    }
    return std::move(examples_);
  }

 private:
  /// What is computed at once stays in a processor's nearest memory.
  static constexpr std::int64_t kMostPeriods = 256;
  /// Rather this many periods that nobody asks for than to begin anew.
  static constexpr std::int64_t kMostBetween = 8;

  /// Of all periods from the first to the last. Keys whose first period is as far from its origin
  /// share them.
  [[nodiscard]] const preprocessing::FeatureMoments& MomentsOf(std::uint32_t key) {
    const auto [found, is_new] =
        prepared_.try_emplace(distance_({.key = key, .period = first_period_}));
    if (!is_new) return found->second;
    std::vector<FeatureMoment> moments;
    for (std::int64_t period = first_period_; period <= last_period_; ++period) {
      const std::int64_t distance = distance_({.key = key, .period = period});
      moments.push_back({.origin = data_.grid().VisibleFrom(period - distance),
                         .target = data_.grid().StartOf(period)});
    }
    found->second = computer_.Prepare(std::move(moments));
    return found->second;
  }

  /// The end of the points of one key that lie close together, from `begin` on.
  [[nodiscard]] std::size_t EndOfNeighbours(std::size_t begin) const {
    std::size_t end = begin + 1;
    while (end < points_.size() && points_[end].key == points_[begin].key &&
           points_[end].period - points_[end - 1].period <= kMostBetween &&
           points_[end].period - points_[begin].period < kMostPeriods) {
      ++end;
    }
    return end;
  }

  /// Adds these neighbours.
  Status Add(std::span<const ForecastPoint> points) {
    const std::int64_t first = points.front().period;
    computer_.ComputeColumns(*moments_, static_cast<std::size_t>(first - first_period_),
                             static_cast<std::size_t>(points.back().period - first) + 1, columns_);
    rows_.clear();
    auto refused = columns_.refused().begin();
    for (const ForecastPoint& point : points) {
      const auto row = static_cast<std::size_t>(point.period - first);
      while (refused != columns_.refused().end() && refused->row < row) ++refused;
      if (refused != columns_.refused().end() && refused->row == row) {
        Refuse(point, refused->error);
        continue;
      }
      rows_.push_back(static_cast<std::uint32_t>(row));
      Note(point, row);
    }
    visible_.clear();
    for (const std::size_t feature : plan_.inputs.features) {
      visible_.push_back(&columns_.column(feature));
    }
    return examples_.features.Append(visible_, rows_);
  }

  void Refuse(const ForecastPoint& point, const Error& error) {
    // A row with a weight to be missed would have been learned from: leaving it out is no answer.
    if (plan_.weight && error.field == data_.spec().features[*plan_.weight].name &&
        !examples_.bad_row) {
      examples_.bad_row = BadWeight(data_, plan_, point, "missing");
    }
    examples_.Refuse([&] {
      return fmt::format("{} ({}, key {})", error.message, error.field, data_.KeyName(point.key));
    });
  }

  /// All of a row but its features.
  void Note(const ForecastPoint& point, std::size_t row) {
    examples_.points.push_back(point);
    const double actual = examples_.actual.emplace_back(data_.ValueIn(point.key, point.period));
    const TargetReference& reference =
        examples_.references.emplace_back(ReferenceAt(plan_, columns_, row));
    if (!examples_.bad_row && HasNoLogarithm(plan_, actual, reference)) {
      examples_.bad_row = NoLogarithm(data_, plan_, point, actual);
    }
    if (!plan_.weight) return;
    examples_.weights.push_back(columns_.column(*plan_.weight).NumberAt(row));
    if (const auto wrong = WrongIn(examples_.weights.back()); wrong && !examples_.bad_row) {
      examples_.bad_row = BadWeight(data_, plan_, point, *wrong);
    }
  }

  const ForecastData& data_;
  const TrainingPlan& plan_;
  const DistanceOf& distance_;
  std::vector<ForecastPoint> points_;
  FeatureComputer computer_;
  PointExamples examples_;
  std::int64_t first_period_ = 0;
  std::int64_t last_period_ = 0;
  std::map<std::int64_t, preprocessing::FeatureMoments>
      prepared_;                                            // by the first period's distance
  const preprocessing::FeatureMoments* moments_ = nullptr;  // of the selected key
  // Scratch of Add().
  FeatureColumns columns_;
  std::vector<std::uint32_t> rows_;
  std::vector<const FeatureColumn*> visible_;
};

}  // namespace

Result<std::unique_ptr<ForecastData>> ForecastData::Open(const PipelineSpec& spec,
                                                         const std::filesystem::path& snapshots) {
  Status checked = CheckForecastRequest(spec);
  if (!checked) return std::move(checked).error();
  Result<std::vector<Snapshot>> opened = OpenSnapshots(spec, snapshots);
  if (!opened) return opened.error();
  const auto all = std::make_shared<Opened>(
      spec, preprocessing::PositionOfSeries(spec.series, spec.forecast->series),
      *std::move(opened));
  return std::unique_ptr<ForecastData>(new ForecastData(spec, all));
}

std::unique_ptr<ForecastData> ForecastData::For(const PipelineSpec& spec) const {
  return std::unique_ptr<ForecastData>(new ForecastData(spec, opened_));
}

ForecastData::Opened::Opened(const PipelineSpec& spec, std::size_t position,
                             std::vector<Snapshot> opened)
    : series(spec.series[position]),
      zone(spec.zone),
      snapshots(std::move(opened)),
      forecast_series(position),
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
  return ExampleComputer(data, plan, points, distance)();
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
