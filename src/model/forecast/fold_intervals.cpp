#include "model/forecast/fold_intervals.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

namespace forkcast::model {
namespace {

/// Whether no value that is known by the end of period `last` is below 0.
bool AreNotNegative(const ForecastData& data, std::int64_t last) {
  for (std::uint32_t key = 0; key < data.key_count(); ++key) {
    if (std::ranges::any_of(data.ValuesUpTo(key, last), [](double value) { return value < 0; })) {
      return false;
    }
  }
  return true;
}

/// After so many folds an error counts half.
constexpr double kHalfLife = 4;

constexpr std::size_t kParts = 3;

/// The part that each key with rows belongs to, the smallest keys first; none with too few keys.
std::map<std::uint32_t, std::size_t> PartsBySize(const Backtest& backtest) {
  struct Sum {
    double absolute = 0;
    double rows = 0;
  };
  std::map<std::uint32_t, Sum> sums;
  for (const JudgedForecast& row : backtest.rows) {
    Sum& sum = sums[row.forecast.point.key];
    sum.absolute += std::abs(row.actual);
    ++sum.rows;
  }
  std::vector<std::pair<double, std::uint32_t>> by_size;
  for (const auto& [key, sum] : sums) by_size.emplace_back(sum.absolute / sum.rows, key);
  std::ranges::sort(by_size);
  std::map<std::uint32_t, std::size_t> parts;
  if (by_size.size() < kParts) return parts;
  for (std::size_t i = 0; i < by_size.size(); ++i) {
    parts[by_size[i].second] = i * kParts / by_size.size();
  }
  return parts;
}

}  // namespace

std::size_t IntervalFolds(const TrainingPlan& plan) noexcept {
  return std::max(plan.folds.n_splits, plan.calibration_folds);
}

void FoldIntervals::Begin(const Fold& fold) {
  if (plan_.intervals.empty()) return;
  key_scales_.clear();
  for (std::uint32_t key = 0; key < data_.key_count(); ++key) {
    key_scales_.push_back(KeyScale(data_.ValuesUpTo(key, fold.origin), plan_.mase_season));
  }
  fitted_.reset();
  Result<ConformalIntervals> fitted = FitIntervals(data_, plan_, Newest(), fold.origin);
  if (fitted) fitted_ = *std::move(fitted);
}

std::vector<PredictionInterval> FoldIntervals::Around(const Forecast& forecast) const {
  if (!fitted_) return {};
  std::vector<PredictionInterval> intervals(plan_.intervals.size());
  fitted_->Around(forecast.value, forecast.step, key_scales_[forecast.point.key], intervals);
  return intervals;
}

void FoldIntervals::Learn(const std::vector<Forecast>& forecasts) {
  if (plan_.intervals.empty()) return;
  std::vector<ForecastError>& errors = errors_.emplace_back();
  for (const Forecast& forecast : forecasts) {
    const auto [key, period] = forecast.point;
    const double actual = data_.ValueIn(key, period);
    if (std::isnan(forecast.value) || std::isnan(actual)) continue;
    errors.push_back({.step = forecast.step,
                      .period = period,
                      .forecast = forecast.value,
                      .actual = actual,
                      .key_scale = key_scales_[key]});
  }
}

std::vector<ForecastError> FoldIntervals::Newest() const {
  std::vector<ForecastError> newest;
  const std::size_t folds = std::min(IntervalFolds(plan_), errors_.size());
  for (std::size_t fold = errors_.size() - folds; fold < errors_.size(); ++fold) {
    const auto age = static_cast<double>(errors_.size() - 1 - fold);
    for (ForecastError error : errors_[fold]) {
      error.weight = std::exp2(-age / kHalfLife);
      newest.push_back(error);
    }
  }
  return newest;
}

Result<ConformalIntervals> FitIntervals(const ForecastData& data, const TrainingPlan& plan,
                                        std::span<const ForecastError> errors, std::int64_t last) {
  std::vector<ForecastError> known;
  std::ranges::copy_if(errors, std::back_inserter(known),
                       [last](const ForecastError& error) { return error.period <= last; });
  return ConformalIntervals::Fit(known, {.levels = plan.intervals,
                                         .season = plan.mase_season,
                                         .horizon = data.horizon(),
                                         .not_negative = AreNotNegative(data, last)});
}

IntervalResult JudgeIntervals(const Backtest& backtest, const ForecastData& data,
                              const TrainingPlan& plan) {
  const IntervalSums none(plan.intervals);
  const std::map<std::uint32_t, std::size_t> parts = PartsBySize(backtest);
  IntervalResult result{.levels = plan.intervals,
                        .all = none,
                        .by_fold = std::vector(backtest.folds.size(), none),
                        .by_step = std::vector(data.horizon(), none),
                        .by_size = std::vector(parts.empty() ? 0 : kParts, none)};
  std::map<std::pair<std::size_t, std::uint32_t>, double> scales;  // by fold and key
  for (const JudgedForecast& row : backtest.rows) {
    if (row.intervals.empty()) {
      ++result.rows_without;
      continue;
    }
    const std::uint32_t key = row.forecast.point.key;
    const auto [found, is_new] = scales.try_emplace({row.fold, key});
    if (is_new) found->second = ScaleOf(data, plan, key, backtest.folds[row.fold]);
    const double scale = found->second;
    const auto add = [&](IntervalSums& sums) {
      sums.Add(row.actual, row.forecast.value, row.intervals, scale);
    };
    add(result.all);
    add(result.by_fold[row.fold]);
    add(result.by_step[row.forecast.step - 1]);
    if (!parts.empty()) add(result.by_size[parts.at(key)]);
  }
  return result;
}

}  // namespace forkcast::model
