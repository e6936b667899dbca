#include "model/forecast/conformal_intervals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "model/evaluate/metrics.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr const char* kIntervalsFormat = "forkcast.intervals";
constexpr std::int64_t kIntervalsVersion = 1;

/// A step's pool reaches as far as it takes to have errors of so many periods, and so many beyond
/// each bound of the highest level.
constexpr std::size_t kPeriodsOfAPool = 20;
constexpr double kErrorsBeyond = 5;
/// Of a key's scale, the least by which an error is measured: forecasts come close to 0.
constexpr double kLeastShare = 0.05;

struct NamedScale {
  std::string_view name;
  IntervalScale scale = IntervalScale::kKey;
};
constexpr std::array kScales{NamedScale{"key", IntervalScale::kKey},
                             NamedScale{"forecast", IntervalScale::kForecast},
                             NamedScale{"both", IntervalScale::kBoth}};

/// 0 only where neither says anything.
double ScaleOf(IntervalScale scale, double forecast, double key_scale) noexcept {
  const double size = std::abs(forecast);
  if (std::isnan(key_scale)) return size;
  const double by_forecast = std::max(size, kLeastShare * key_scale);
  switch (scale) {
    case IntervalScale::kKey:
      return key_scale;
    case IntervalScale::kForecast:
      return by_forecast;
    case IntervalScale::kBoth:
      return std::sqrt(key_scale * by_forecast);
  }
  return key_scale;
}

/// How much of the weight of errors lies up to a quantile, counting the error to come as one of
/// them; more than there is, where they do not tell it. A whole number may come out a little more.
double WeightUpTo(double quantile, double weight) noexcept {
  constexpr double kRounding = 1e-9;
  return quantile * (weight + 1) - kRounding;
}

/// What an error is, by each scale: less is better.
double Unlikeliness(std::span<const ForecastError> errors, IntervalScale scale) {
  double sum = 0;
  double logs = 0;
  for (const ForecastError& error : errors) {
    const double unit = ScaleOf(scale, error.forecast, error.key_scale);
    sum += std::abs(error.actual - error.forecast) / unit;
    logs += std::log(unit);
  }
  const auto count = static_cast<double>(errors.size());
  return std::log(sum / count) + logs / count;
}

IntervalScale ChooseScale(std::span<const ForecastError> errors) {
  IntervalScale best = IntervalScale::kKey;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [name, scale] : kScales) {
    const double found = Unlikeliness(errors, scale);
    if (found >= least) continue;
    least = found;
    best = scale;
  }
  return best;
}

/// An error in units of its scale.
struct PooledError {
  double error = 0;
  double weight = 1;
};

double WeightOf(std::span<const PooledError> pool) {
  double weight = 0;
  for (const PooledError& one : pool) weight += one.weight;
  return weight;
}

/// The errors of one step.
struct StepErrors {
  std::vector<PooledError> errors;
  std::set<std::int64_t> periods;
};

/// The first of the errors up to which they have so much weight; the last, where they have less.
double ErrorAt(double weight, auto begin, auto end) {
  double sum = 0;
  double found = 0;
  for (auto one = begin; one != end && sum < weight; ++one) {
    sum += one->weight;
    found = one->error;
  }
  return found;
}

/// The bounds of all levels around 0, which lies between them.
std::vector<PredictionInterval> BoundsOf(std::vector<PooledError> pool,
                                         std::span<const double> levels) {
  std::ranges::sort(pool, {}, &PooledError::error);
  const double all = WeightOf(pool);
  std::vector<PredictionInterval> bounds;
  for (const double level : levels) {
    const double inside = WeightUpTo((1 + level) / 2, all);
    bounds.push_back({.lower = std::min(ErrorAt(inside, pool.rbegin(), pool.rend()), 0.0),
                      .upper = std::max(ErrorAt(inside, pool.begin(), pool.end()), 0.0)});
  }
  return bounds;
}

/// A pool has so many at least, if there are as many.
double EnoughErrors(double highest_level) noexcept {
  return std::ceil(2 * kErrorsBeyond / (1 - highest_level));
}

/// Of which size a forecast is, from 0; `sizes` tell where each but the smallest begins.
std::size_t SizeOf(double forecast, std::span<const double> sizes) noexcept {
  return static_cast<std::size_t>(std::ranges::upper_bound(sizes, std::abs(forecast)) -
                                  sizes.begin());
}

/// Cuts errors by the size of their forecasts in three parts; nothing where one has too few.
std::vector<double> SizesOf(std::span<const ForecastError> errors, double enough) {
  constexpr std::size_t kSizes = 3;
  std::vector<double> forecasts;
  for (const ForecastError& error : errors) forecasts.push_back(std::abs(error.forecast));
  std::ranges::sort(forecasts);
  std::vector<double> sizes;
  for (std::size_t i = 1; i < kSizes; ++i) {
    sizes.push_back(forecasts[i * forecasts.size() / kSizes]);
  }
  std::array<double, kSizes> counts{};
  for (const double forecast : forecasts) ++counts[SizeOf(forecast, sizes)];
  if (std::ranges::min(counts) < enough) sizes.clear();
  return sizes;
}

/// The errors of the steps around `step`, as many as a pool needs or there are. All count alike
/// where their weight is that of too few.
std::vector<PooledError> PoolAround(std::size_t step, std::span<const StepErrors> steps,
                                    double enough) {
  std::vector<PooledError> pool;
  std::set<std::int64_t> periods;
  const auto add = [&](const StepErrors& one) {
    pool.insert(pool.end(), one.errors.begin(), one.errors.end());
    periods.insert(one.periods.begin(), one.periods.end());
  };
  add(steps[step]);
  for (std::size_t reach = 1; reach < steps.size() && (static_cast<double>(pool.size()) < enough ||
                                                       periods.size() < kPeriodsOfAPool);
       ++reach) {
    if (step >= reach) add(steps[step - reach]);
    if (step + reach < steps.size()) add(steps[step + reach]);
  }
  if (WeightOf(pool) < enough) {
    for (PooledError& one : pool) one.weight = 1;
  }
  return pool;
}

}  // namespace

double KeyScale(std::span<const double> known, std::size_t season) noexcept {
  const double scale = SeasonalScale(known, season);
  return std::isnan(scale) && season > 1 ? SeasonalScale(known, 1) : scale;
}

std::size_t ErrorsNeeded(double level) {
  auto errors = static_cast<std::size_t>(2 / (1 - level)) - 1;
  while (WeightUpTo((1 + level) / 2, static_cast<double>(errors)) > static_cast<double>(errors)) {
    ++errors;
  }
  return errors;
}

Status CheckEnoughErrors(double level, std::size_t errors) {
  const std::size_t needed = ErrorsNeeded(level);
  if (errors >= needed) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("an interval of level {:g} needs at least {} forecasts to compare with "
                           "what happened, and the folds have {}: judge more periods (\"folds\", "
                           "\"calibration_folds\"), or take a lower level in \"intervals\"",
                           level, needed, errors)};
}

Result<ConformalIntervals> ConformalIntervals::Fit(std::span<const ForecastError> errors,
                                                   IntervalOptions options) {
  std::vector<ForecastError> measured;
  for (const ForecastError& error : errors) {
    const bool has_scale = ScaleOf(IntervalScale::kKey, error.forecast, error.key_scale) > 0;
    if (has_scale && std::isfinite(error.actual - error.forecast)) measured.push_back(error);
  }
  Status enough = CheckEnoughErrors(options.levels.back(), measured.size());
  if (!enough) return std::move(enough).error();
  ConformalIntervals fitted;
  fitted.scale_ = ChooseScale(measured);
  fitted.errors_ = measured.size();
  const double least = EnoughErrors(options.levels.back());
  fitted.sizes_ = SizesOf(measured, least);
  std::vector<StepErrors> steps((fitted.sizes_.size() + 1) * options.horizon);
  for (const ForecastError& error : measured) {
    StepErrors& of_step =
        steps[SizeOf(error.forecast, fitted.sizes_) * options.horizon + error.step - 1];
    of_step.errors.push_back({.error = (error.actual - error.forecast) /
                                       ScaleOf(fitted.scale_, error.forecast, error.key_scale),
                              .weight = error.weight});
    of_step.periods.insert(error.period);
  }
  for (std::size_t size = 0; size <= fitted.sizes_.size(); ++size) {
    const auto of_size = std::span(steps).subspan(size * options.horizon, options.horizon);
    for (std::size_t step = 0; step < options.horizon; ++step) {
      fitted.by_step_.push_back(BoundsOf(PoolAround(step, of_size, least), options.levels));
    }
  }
  fitted.options_ = std::move(options);
  return fitted;
}

void ConformalIntervals::Around(double forecast, std::size_t step, double key_scale,
                                std::span<PredictionInterval> intervals) const noexcept {
  const double unit = ScaleOf(scale_, forecast, key_scale);
  const std::vector<PredictionInterval>& bounds =
      by_step_[SizeOf(forecast, sizes_) * options_.horizon + step - 1];
  for (std::size_t level = 0; level < bounds.size(); ++level) {
    PredictionInterval& interval = intervals[level];
    interval = {.lower = forecast + bounds[level].lower * unit,
                .upper = forecast + bounds[level].upper * unit};
    if (!options_.not_negative) continue;
    interval = {.lower = std::max(interval.lower, 0.0), .upper = std::max(interval.upper, 0.0)};
  }
}

ordered_json ConformalIntervals::ToJson() const {
  ordered_json steps = ordered_json::array();
  for (const std::vector<PredictionInterval>& bounds : by_step_) {
    ordered_json step{{"lower", ordered_json::array()}, {"upper", ordered_json::array()}};
    for (const auto& [lower, upper] : bounds) {
      step["lower"].push_back(lower);
      step["upper"].push_back(upper);
    }
    steps.push_back(std::move(step));
  }
  ordered_json json{{"format", kIntervalsFormat},
                    {"format_version", kIntervalsVersion},
                    {"levels", options_.levels},
                    {"scale", std::ranges::find(kScales, scale_, &NamedScale::scale)->name},
                    {"season", options_.season},
                    {"not_negative", options_.not_negative},
                    {"errors", errors_}};
  if (!sizes_.empty()) json["sizes"] = sizes_;
  json["steps"] = std::move(steps);
  return json;
}

namespace {

IntervalScale ReadScale(const JsonNode& node) {
  const std::string name = node.String();
  const auto* const found = std::ranges::find(kScales, name, &NamedScale::name);
  if (found == kScales.end()) node.Fail("expected key, forecast or both");
  return found->scale;
}

/// Bounds of one step: around 0, and each level's around those of the level before.
std::vector<PredictionInterval> ReadBounds(const JsonNode& step, std::size_t levels) {
  constexpr double kInfinity = std::numeric_limits<double>::max();
  step.RequireObject({"lower", "upper"});
  const std::vector<JsonNode> lower = step.Get("lower").Elements();
  const std::vector<JsonNode> upper = step.Get("upper").Elements();
  if (lower.size() != levels || upper.size() != levels) {
    step.Fail(fmt::format("expected {} bounds of each side, one a level", levels));
  }
  std::vector<PredictionInterval> bounds;
  PredictionInterval inner{.lower = 0, .upper = 0};
  for (std::size_t level = 0; level < levels; ++level) {
    inner = {.lower = lower[level].Number(-kInfinity, inner.lower),
             .upper = upper[level].Number(inner.upper, kInfinity)};
    bounds.push_back(inner);
  }
  return bounds;
}

}  // namespace

ConformalIntervals ConformalIntervals::FromJson(const JsonNode& root,
                                                std::span<const double> levels,
                                                std::size_t horizon) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  root.RequireObject({"format", "format_version", "levels", "scale", "season", "not_negative",
                      "errors", "sizes", "steps"});
  root.RequireFormat(kIntervalsFormat, kIntervalsVersion);
  ConformalIntervals read;
  read.options_ = {.levels = {levels.begin(), levels.end()},
                   .season = static_cast<std::size_t>(root.Get("season").Integer(1, kMax)),
                   .horizon = horizon,
                   .not_negative = root.Get("not_negative").Bool()};
  if (root.Get("levels").json() != ordered_json(read.options_.levels)) {
    root.Get("levels").Fail(fmt::format("expected those of the pipeline, {}",
                                        ordered_json(read.options_.levels).dump()));
  }
  read.scale_ = ReadScale(root.Get("scale"));
  read.errors_ = static_cast<std::size_t>(root.Get("errors").Integer(1, kMax));
  if (const auto sizes = root.Find("sizes")) {
    double least = 0;
    for (const JsonNode& size : sizes->Elements()) {
      least = size.Number(least, std::numeric_limits<double>::max());
      read.sizes_.push_back(least);
    }
  }
  const std::vector<JsonNode> steps = root.Get("steps").Elements();
  if (steps.size() != (read.sizes_.size() + 1) * horizon) {
    root.Get("steps").Fail(fmt::format("expected {} steps, as many as are forecast",
                                       (read.sizes_.size() + 1) * horizon));
  }
  for (const JsonNode& step : steps) read.by_step_.push_back(ReadBounds(step, levels.size()));
  return read;
}

}  // namespace forkcast::model
