#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace forkcast::model {

/// How far forecasts f are from what happened, y, over n rows. Smaller is better, kBias nearer to
/// 0.
enum class Metric {
  kRmse,   ///< sqrt(mean (f - y)^2)
  kMae,    ///< mean |f - y|
  kWape,   ///< sum |f - y| / sum |y|
  kRmspe,  ///< sqrt(mean ((y - f) / y)^2) over the rows with y != 0
  kRmsle,  ///< sqrt(mean (ln(1 + max(f, 0)) - ln(1 + y))^2)
  kMase,   ///< mean |f - y| / scale over the rows that have a scale (SeasonalScale of their series)
  kBias,   ///< mean (f - y): positive when too much was forecast
};
inline constexpr std::array kAllMetrics{Metric::kRmse,  Metric::kMae,   Metric::kWape,
                                        Metric::kRmspe, Metric::kRmsle, Metric::kMase,
                                        Metric::kBias};

/// "rmse", "mae", "wape", "rmspe", "rmsle", "mase", "bias".
[[nodiscard]] std::string_view ToString(Metric metric) noexcept;
[[nodiscard]] std::optional<Metric> MetricFromString(std::string_view name) noexcept;

/// Sums of errors from which all metrics follow. Sums of parts (folds, steps, series) merge into
/// those of the whole; in what order changes the last bits alone.
class ErrorSums {
 public:
  /// One row. A row without actual value or without forecast (NaN) counts in rows_left_out() alone;
  /// an infinite one counts, and shows. `mase_scale`: NaN, 0 or less leaves the row out of MASE.
  void Add(double actual, double forecast,
           double mase_scale = std::numeric_limits<double>::quiet_NaN()) noexcept;
  void Merge(const ErrorSums& other) noexcept;

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint64_t rows_left_out() const noexcept { return rows_left_out_; }
  /// Not there, rather than 0, when undefined: no rows; kWape: actual values that are all 0;
  /// kRmspe: no row with y != 0; kRmsle: a row with y < 0; kMase: no row with a scale.
  [[nodiscard]] std::optional<double> Value(Metric metric) const noexcept;

 private:
  std::uint64_t rows_ = 0;
  std::uint64_t rows_left_out_ = 0;
  double error_ = 0;
  double absolute_error_ = 0;
  double squared_error_ = 0;
  double absolute_actual_ = 0;
  std::uint64_t relative_rows_ = 0;
  double squared_relative_error_ = 0;
  double squared_log_error_ = 0;
  bool has_negative_actual_ = false;
  std::uint64_t scaled_rows_ = 0;
  double scaled_error_ = 0;
};

/// Mean |y_t - y_(t-season)| over training values, oldest first, pairs with a NaN left out: the
/// scale of MASE. NaN without a pair, and when it is 0.
[[nodiscard]] double SeasonalScale(std::span<const double> training, std::size_t season) noexcept;

/// 1 - model / baseline: 0.1 is an error 10 % smaller, negative is worse than the baseline. For
/// kBias, of the absolute values. Not there when the baseline makes no error, or either is not
/// there.
[[nodiscard]] std::optional<double> Skill(Metric metric, std::optional<double> model,
                                          std::optional<double> baseline) noexcept;

/// The q-quantiles (0..1) of values that are not NaN, linear between order statistics (as R's type
/// 7); empty without a value. O(n log n).
[[nodiscard]] std::vector<double> Quantiles(std::vector<double> values, std::span<const double> q);
/// Quantiles over the series for which the metric is defined.
[[nodiscard]] std::vector<double> QuantilesOverSeries(std::span<const ErrorSums> series,
                                                      Metric metric, std::span<const double> q);

}  // namespace forkcast::model
