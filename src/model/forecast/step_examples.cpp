#include "model/forecast/step_examples.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "model/forecast/ended_rule.hpp"
#include "model/learn/for_each.hpp"

namespace forkcast::model {

using preprocessing::ForecastStrategy;

std::size_t ModelsOf(const preprocessing::ForecastSpec& forecast) {
  return forecast.strategy == ForecastStrategy::kDirect ? static_cast<std::size_t>(forecast.horizon)
                                                        : 1;
}

namespace {

/// Those of keys that have ended as of each origin, `nearest` to `farthest` periods before.
void EraseEnded(const ForecastData& data, const TrainingPlan& plan, std::size_t nearest,
                std::size_t farthest, std::vector<ForecastPoint>& points) {
  const EndedRule rule(plan.ended_after, data.series(), data.grid(), data.forecast());
  std::erase_if(points, [&](const ForecastPoint& point) {
    for (std::size_t distance = nearest; distance <= farthest; ++distance) {
      if (!rule.HasEnded(point.key, point.period - static_cast<std::int64_t>(distance))) {
        return false;
      }
    }
    return true;
  });
}

}  // namespace

std::int64_t DistanceOfPoint(const preprocessing::ForecastSpec& forecast, std::size_t model,
                             const ForecastPoint& point) noexcept {
  switch (forecast.strategy) {
    case ForecastStrategy::kShared:
      return forecast.horizon;
    case ForecastStrategy::kPooled: {
      // A key's number moves its steps, so that no period is one of a single step.
      const std::int64_t turn = (point.period + point.key) % forecast.horizon;
      return turn + (turn < 0 ? forecast.horizon : 0) + 1;
    }
    case ForecastStrategy::kDirect:
    case ForecastStrategy::kRecursive:
      break;
  }
  return static_cast<std::int64_t>(model) + 1;
}

Result<StepExamples> StepExamples::Compute(const ForecastData& data, const TrainingPlan& plan,
                                           PeriodRange periods, std::vector<std::uint32_t> keys) {
  if (!plan.candidates.empty()) return ComputeCandidates(data, plan, periods, keys);
  std::vector<std::uint32_t> sorted = keys;
  std::ranges::sort(sorted);
  const preprocessing::ForecastSpec& forecast = data.forecast();
  const std::size_t models = plan.history ? 1 : ModelsOf(forecast);
  const unsigned threads = ThreadsOf(plan.setting);
  const std::size_t shares = std::clamp<std::size_t>(sorted.size(), 1, threads);
  std::vector<std::optional<PointExamples>> parts(models * shares);
  const auto compute = [&](std::size_t i, bool) -> Status {
    const std::size_t share = i % shares;
    const std::size_t first = sorted.size() * share / shares;
    const std::size_t last = sorted.size() * (share + 1) / shares;
    std::vector<ForecastPoint> points =
        KnownPoints(data, periods, std::span(sorted).subspan(first, last - first));
    if (plan.ended_after) {
      const std::size_t step = i / shares + 1;
      EraseEnded(data, plan, models > 1 ? step : 1, models > 1 ? step : data.horizon(), points);
    }
    Result<PointExamples> examples =
        ComputeExamples(data, plan, points, [&forecast, model = i / shares](const auto& point) {
          return DistanceOfPoint(forecast, model, point);
        });
    if (!examples) return std::move(examples).error();
    parts[i] = *std::move(examples);
    return {};
  };
  Status computed = ForEach(parts.size(), threads, compute);
  if (!computed) return std::move(computed).error();
  StepExamples all;
  all.keys_ = std::move(keys);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % shares == 0) {
      all.by_model_.push_back(*std::move(parts[i]));
    } else {
      all.by_model_.back().Append(*std::move(parts[i]));
    }
    parts[i].reset();
  }
  for (const PointExamples& examples : all.by_model_) {
    if (examples.bad_row) return *examples.bad_row;
  }
  return all;
}

Result<StepExamples> StepExamples::ComputeCandidates(const ForecastData& data,
                                                     const TrainingPlan& plan, PeriodRange periods,
                                                     const std::vector<std::uint32_t>& keys) {
  StepExamples all;
  all.keys_ = keys;
  for (const TrainingPlan& candidate : plan.candidates) {
    Result<StepExamples> examples = Compute(data, candidate, periods, keys);
    if (!examples) return examples;
    all.candidates_.push_back(*std::move(examples));
  }
  const auto shown = std::ranges::find_if(plan.candidates, &TrainingPlan::reads_features);
  if (shown != plan.candidates.end()) {
    all.shown_ = static_cast<std::size_t>(shown - plan.candidates.begin());
  }
  return all;
}

std::vector<std::uint32_t> RowsIn(const PointExamples& examples, PeriodRange periods) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < examples.points.size(); ++row) {
    if (periods.Contains(examples.points[row].period)) rows.push_back(row);
  }
  std::ranges::stable_sort(rows, {},
                           [&](std::uint32_t row) { return examples.points[row].period; });
  return rows;
}

}  // namespace forkcast::model
