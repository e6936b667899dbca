#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/evaluate/intervals.hpp"

namespace forkcast::model {

// Intervals from what forecasts were off by when they were made for rows that their model had not
// learned from (split conformal prediction, Vovk et al. 2005; of both tails apart, Romano et al.
// 2019): they need no assumption on how errors are distributed, only that the next ones are like
// the last. Five things make keys, steps and times alike enough:
//   - an error counts in units of a scale that is known at the origin, so that keys of all sizes
//     are one pool. Which scale is chosen by the errors themselves, see IntervalScale;
//   - small, middle and large forecasts have pools of their own where there are errors enough for
//     that (Mondrian categories, Bostroem and Johansson 2020): whole numbers close to 0 err in
//     other ways than large ones;
//   - each step has a pool of its own, with those of the steps around it as far as it needs them:
//     errors of many keys in one period share what moved them all, so that periods count, not rows;
//   - newer errors count more where there are enough of them, since models get better or worse with
//     time (Barber, Candes, Ramdas and Tibshirani 2023);
//   - a bound is the order statistic that covers its share of n + 1 errors, not of n.

/// What errors are measured by. Of those, the one is taken by which errors are most alike: the
/// greatest likelihood of a Laplace distribution whose spread is the scale times one number.
enum class IntervalScale {
  kKey,       ///< KeyScale(): errors are as large whatever is forecast for the key.
  kForecast,  ///< The forecast: errors are a share of it; at least a 20th of the key's.
  kBoth,      ///< The root of their product, as of counts.
};

/// What a forecast was off by.
struct ForecastError {
  std::size_t step = 1;
  std::int64_t period = 0;  ///< That was forecast.
  double forecast = 0;
  double actual = 0;
  double key_scale = 0;  ///< KeyScale() at the forecast's origin.
  double weight = 1;     ///< How much it counts beside the error to come, above 0 and up to 1.
};

/// Mean change of a key's values, oldest first, from one season to the next; of those whose past is
/// shorter, from one period to the next. NaN when there is none.
[[nodiscard]] double KeyScale(std::span<const double> known, std::size_t season) noexcept;

/// So many errors are the fewest of which bounds of a level can be told: one more on each side.
[[nodiscard]] std::size_t ErrorsNeeded(double level);
/// kInvalidArgument, saying how many there are and how many are needed, when there are fewer.
[[nodiscard]] Status CheckEnoughErrors(double level, std::size_t errors);

struct IntervalOptions {
  std::vector<double> levels{};  ///< Each above 0 and below 1, ascending.
  std::size_t season = 1;        ///< Of KeyScale().
  std::size_t horizon = 1;
  bool not_negative = false;  ///< Bounds below 0 become 0.
};

/// How far around a forecast the bounds of each level and step lie. Never changes; thread-safe.
class ConformalIntervals {
 public:
  /// As CheckEnoughErrors() of the highest level; errors without a scale are none. O(errors *
  /// steps).
  static Result<ConformalIntervals> Fit(std::span<const ForecastError> errors,
                                        IntervalOptions options);
  /// As ToJson() wrote it (FORMAT.md), of a plan with `levels`. Throws SpecError.
  static ConformalIntervals FromJson(const preprocessing::JsonNode& root,
                                     std::span<const double> levels, std::size_t horizon);
  [[nodiscard]] nlohmann::ordered_json ToJson() const;

  [[nodiscard]] std::span<const double> levels() const noexcept { return options_.levels; }
  [[nodiscard]] std::size_t season() const noexcept { return options_.season; }
  [[nodiscard]] IntervalScale scale() const noexcept { return scale_; }

  /// The intervals around a forecast, one a level. Each lies within those of higher levels and
  /// contains the forecast, unless that is below 0 where bounds may not be.
  void Around(double forecast, std::size_t step, double key_scale,
              std::span<PredictionInterval> intervals) const noexcept;

  friend bool operator==(const ConformalIntervals& a, const ConformalIntervals& b) {
    return a.ToJson() == b.ToJson();
  }

 private:
  ConformalIntervals() = default;

  IntervalOptions options_;
  IntervalScale scale_ = IntervalScale::kKey;
  std::size_t errors_ = 0;
  std::vector<double> sizes_;  // where middle and large forecasts begin; empty: all are alike
  /// By size and in it by step; by level, in units of the scale, around 0.
  std::vector<std::vector<PredictionInterval>> by_step_;
};

}  // namespace forkcast::model
