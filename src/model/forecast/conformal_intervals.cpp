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

constexpr const char* kFormat = "forkcast.intervals";
constexpr std::int64_t kFormatVersion = 1;

/// A step's pool reaches as far as it takes to have errors of so many periods, and so many beyond
/// each bound of the highest level.
constexpr std::size_t kPeriodsOfAPool = 10;
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

/// How many of `errors` lie up to a quantile, counting the error to come as one of them; more than
/// there are, where they do not tell it. A whole number may have come out a little more.
std::size_t RankOf(double quantile, std::size_t errors) noexcept {
  constexpr double kRounding = 1e-9;
  return static_cast<std::size_t>(
      std::ceil(quantile * static_cast<double>(errors + 1) - kRounding));
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

/// The errors of one step, in units of their scale.
struct StepErrors {
  std::vector<double> errors;
  std::set<std::int64_t> periods;
};

/// The bounds of all levels around 0, which lies between them.
std::vector<PredictionInterval> BoundsOf(std::vector<double> pool, std::span<const double> levels) {
  const auto at_rank = [&pool](std::size_t rank) {
    const auto place = pool.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::ranges::nth_element(pool, place);
    return *place;
  };
  std::vector<PredictionInterval> bounds;
  for (const double level : levels) {
    const std::size_t upper = RankOf((1 + level) / 2, pool.size());
    const std::size_t lower = pool.size() + 1 - upper;
    bounds.push_back(
        {.lower = std::min(at_rank(lower), 0.0), .upper = std::max(at_rank(upper), 0.0)});
  }
  return bounds;
}

/// The errors of the steps around `step`, as many as a pool needs or there are.
std::vector<double> PoolAround(std::size_t step, std::span<const StepErrors> steps,
                               double highest_level) {
  const auto enough = static_cast<std::size_t>(std::ceil(2 * kErrorsBeyond / (1 - highest_level)));
  std::vector<double> pool;
  std::set<std::int64_t> periods;
  const auto add = [&](const StepErrors& one) {
    pool.insert(pool.end(), one.errors.begin(), one.errors.end());
    periods.insert(one.periods.begin(), one.periods.end());
  };
  add(steps[step]);
  for (std::size_t reach = 1;
       reach < steps.size() && (pool.size() < enough || periods.size() < kPeriodsOfAPool);
       ++reach) {
    if (step >= reach) add(steps[step - reach]);
    if (step + reach < steps.size()) add(steps[step + reach]);
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
  while (RankOf((1 + level) / 2, errors) > errors) ++errors;
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
  std::vector<StepErrors> steps(options.horizon);
  for (const ForecastError& error : measured) {
    StepErrors& of_step = steps[error.step - 1];
    of_step.errors.push_back((error.actual - error.forecast) /
                             ScaleOf(fitted.scale_, error.forecast, error.key_scale));
    of_step.periods.insert(error.period);
  }
  for (std::size_t step = 0; step < steps.size(); ++step) {
    fitted.by_step_.push_back(
        BoundsOf(PoolAround(step, steps, options.levels.back()), options.levels));
  }
  fitted.options_ = std::move(options);
  return fitted;
}

void ConformalIntervals::Around(double forecast, std::size_t step, double key_scale,
                                std::span<PredictionInterval> intervals) const noexcept {
  const double unit = ScaleOf(scale_, forecast, key_scale);
  const std::vector<PredictionInterval>& bounds = by_step_[step - 1];
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
  return {{"format", kFormat},
          {"format_version", kFormatVersion},
          {"levels", options_.levels},
          {"scale", std::ranges::find(kScales, scale_, &NamedScale::scale)->name},
          {"season", options_.season},
          {"not_negative", options_.not_negative},
          {"errors", errors_},
          {"steps", std::move(steps)}};
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
  root.RequireObject(
      {"format", "format_version", "levels", "scale", "season", "not_negative", "errors", "steps"});
  if (root.Get("format").String() != kFormat) {
    root.Get("format").Fail(fmt::format("expected {}", kFormat));
  }
  (void)root.Get("format_version").Integer(kFormatVersion, kFormatVersion);
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
  const std::vector<JsonNode> steps = root.Get("steps").Elements();
  if (steps.size() != horizon) {
    root.Get("steps").Fail(fmt::format("expected {} steps, as many as are forecast", horizon));
  }
  for (const JsonNode& step : steps) read.by_step_.push_back(ReadBounds(step, levels.size()));
  return read;
}

}  // namespace forkcast::model
