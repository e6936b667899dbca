#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/row_of.hpp"

namespace forkcast::model {

/// Sums over rows of a forecast f and what happened, y.
struct ErrorTotals {
  std::uint64_t rows = 0;
  double error = 0;  ///< Of f - y.
  double absolute_error = 0;
  double squared_error = 0;
  double absolute_actual = 0;         ///< Of |y|.
  std::uint64_t relative_rows = 0;    ///< With y != 0, and of them:
  double squared_relative_error = 0;  ///< of ((f - y) / y)^2.
  double squared_log_error = 0;       ///< Of (ln(1 + max(f, 0)) - ln(1 + y))^2, where y >= 0.
  std::uint64_t negative_rows = 0;    ///< With y < 0.
  std::uint64_t scaled_rows = 0;  ///< With a scale (SeasonalScale of their series), and of them:
  double scaled_error = 0;        ///< of |f - y| / scale.
};

// Why a metric is not there although there are rows, of the value that people know as `value`:
// what stands behind "the metric is not defined: ".
[[nodiscard]] std::string TellNegative(const ErrorTotals& totals, std::string_view value);
[[nodiscard]] std::string TellAllZero(const ErrorTotals& totals, std::string_view value);
[[nodiscard]] std::string TellNoScale(const ErrorTotals& totals, std::string_view value);

/// One measure of how far forecasts are from what happened.
struct MetricRow {
  enum class Best {
    kLeast,
    kNearestTo0,  ///< So that it cannot decide which of two is better by being less.
  };
  std::string_view name;
  Best best = Best::kLeast;
  /// Not there, rather than 0, when undefined. Precondition: totals.rows > 0.
  std::optional<double> (*value)(const ErrorTotals& totals) noexcept = nullptr;
  /// When that is; null where it never is.
  std::string (*why_undefined)(const ErrorTotals& totals, std::string_view value) = nullptr;
};

/// Every metric there is: a new one is a row, and where it needs sums of its own a member of
/// ErrorTotals. All are printed, in this order.
inline constexpr std::array kMetricRows{
    MetricRow{.name = "rmse",
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                return std::sqrt(totals.squared_error / static_cast<double>(totals.rows));
              }},
    MetricRow{.name = "mae",
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                return totals.absolute_error / static_cast<double>(totals.rows);
              }},
    // sum |f - y| / sum |y|
    MetricRow{.name = "wape",
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                if (totals.absolute_actual == 0) return std::nullopt;
                return totals.absolute_error / totals.absolute_actual;
              },
              .why_undefined = TellAllZero},
    // Over the rows with y != 0.
    MetricRow{.name = "rmspe",
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                if (totals.relative_rows == 0) return std::nullopt;
                return std::sqrt(totals.squared_relative_error /
                                 static_cast<double>(totals.relative_rows));
              },
              .why_undefined = TellAllZero},
    MetricRow{.name = "rmsle",
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                if (totals.negative_rows > 0) return std::nullopt;
                return std::sqrt(totals.squared_log_error / static_cast<double>(totals.rows));
              },
              .why_undefined = TellNegative},
    // Over the rows that have a scale.
    MetricRow{.name = "mase",
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                if (totals.scaled_rows == 0) return std::nullopt;
                return totals.scaled_error / static_cast<double>(totals.scaled_rows);
              },
              .why_undefined = TellNoScale},
    // Positive when too much was forecast.
    MetricRow{.name = "bias",
              .best = MetricRow::Best::kNearestTo0,
              .value = [](const ErrorTotals& totals) noexcept -> std::optional<double> {
                return totals.error / static_cast<double>(totals.rows);
              }},
};
using Metric = RowOf<kMetricRows>;

/// Sums of errors from which all metrics follow. Sums of parts (folds, steps, series) merge into
/// those of the whole; in what order changes the last bits alone.
class ErrorSums {
 public:
  /// One row. A row without actual value or without forecast (NaN) counts in rows_left_out() alone;
  /// an infinite one counts, and shows. `mase_scale`: NaN, 0 or less leaves the row out of MASE.
  void Add(double actual, double forecast,
           double mase_scale = std::numeric_limits<double>::quiet_NaN()) noexcept;
  void Merge(const ErrorSums& other) noexcept;

  [[nodiscard]] std::uint64_t rows() const noexcept { return totals_.rows; }
  [[nodiscard]] std::uint64_t rows_left_out() const noexcept { return rows_left_out_; }
  /// As MetricRow::value; not there without rows, either.
  [[nodiscard]] std::optional<double> Value(Metric metric) const noexcept;
  /// Why it is not there, of the value that is called `value`: 'rmsle is not defined: "q" is
  /// negative in 3 of 36 rows'. Precondition: it is not.
  [[nodiscard]] std::string WhyUndefined(Metric metric, std::string_view value) const;
  /// Sum of f - y over that of |y|: 0.1 is 10 % too high on average. Not there when all y are 0.
  [[nodiscard]] std::optional<double> RelativeBias() const noexcept;

 private:
  ErrorTotals totals_;
  std::uint64_t rows_left_out_ = 0;
};

/// Mean |y_t - y_(t-season)| over training values, oldest first, pairs with a NaN left out: the
/// scale of MASE. NaN without a pair, and when it is 0.
[[nodiscard]] double SeasonalScale(std::span<const double> training, std::size_t season) noexcept;

/// 1 - model / baseline: 0.1 is an error 10 % smaller, negative is worse than the baseline; of the
/// absolute values for a metric that is best nearest to 0. Not there when the baseline makes no
/// error, or either is not there.
[[nodiscard]] std::optional<double> Skill(Metric metric, std::optional<double> model,
                                          std::optional<double> baseline) noexcept;

/// The q-quantiles (0..1) of values that are not NaN, linear between order statistics (as R's type
/// 7); empty without a value. O(n log n).
[[nodiscard]] std::vector<double> Quantiles(std::vector<double> values, std::span<const double> q);
/// Quantiles over the series for which the metric is defined.
[[nodiscard]] std::vector<double> QuantilesOverSeries(std::span<const ErrorSums> series,
                                                      Metric metric, std::span<const double> q);

}  // namespace forkcast::model
