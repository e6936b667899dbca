#include "model/evaluate/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/base/nan.hpp"

namespace forkcast::model {

std::string TellNegative(const ErrorTotals& totals, std::string_view value) {
  return fmt::format("\"{}\" is negative in {} of {} rows", value, totals.negative_rows,
                     totals.rows);
}

std::string TellAllZero(const ErrorTotals& totals, std::string_view value) {
  return fmt::format("\"{}\" is 0 in all {} rows", value, totals.rows);
}

std::string TellNoScale(const ErrorTotals& totals, std::string_view value) {
  return fmt::format(
      "none of {} rows is of a key whose \"{}\" changed from one season (mase_season) to the next "
      "while it was learned from",
      totals.rows, value);
}

void ErrorSums::Add(double actual, double forecast, double mase_scale) noexcept {
  if (std::isnan(actual) || std::isnan(forecast)) {
    ++rows_left_out_;
    return;
  }
  const double error = forecast - actual;
  ++totals_.rows;
  totals_.error += error;
  totals_.absolute_error += std::abs(error);
  totals_.squared_error += error * error;
  totals_.absolute_actual += std::abs(actual);
  if (actual != 0) {
    ++totals_.relative_rows;
    totals_.squared_relative_error += (error / actual) * (error / actual);
  }
  if (actual < 0) {
    ++totals_.negative_rows;
  } else {
    const double log_error = std::log1p(std::max(forecast, 0.0)) - std::log1p(actual);
    totals_.squared_log_error += log_error * log_error;
  }
  if (mase_scale > 0) {
    ++totals_.scaled_rows;
    totals_.scaled_error += std::abs(error) / mase_scale;
  }
}

void ErrorSums::Merge(const ErrorSums& other) noexcept {
  const ErrorTotals& more = other.totals_;
  totals_.rows += more.rows;
  totals_.error += more.error;
  totals_.absolute_error += more.absolute_error;
  totals_.squared_error += more.squared_error;
  totals_.absolute_actual += more.absolute_actual;
  totals_.relative_rows += more.relative_rows;
  totals_.squared_relative_error += more.squared_relative_error;
  totals_.squared_log_error += more.squared_log_error;
  totals_.negative_rows += more.negative_rows;
  totals_.scaled_rows += more.scaled_rows;
  totals_.scaled_error += more.scaled_error;
  rows_left_out_ += other.rows_left_out_;
}

std::optional<double> ErrorSums::Value(Metric metric) const noexcept {
  return totals_.rows == 0 ? std::nullopt : metric->value(totals_);
}

std::string ErrorSums::WhyUndefined(Metric metric, std::string_view value) const {
  if (totals_.rows == 0) return fmt::format("{} is not defined: there is no row", metric->name);
  return fmt::format("{} is not defined: {}", metric->name, metric->why_undefined(totals_, value));
}

std::optional<double> ErrorSums::RelativeBias() const noexcept {
  if (totals_.absolute_actual == 0) return std::nullopt;
  return totals_.error / totals_.absolute_actual;
}

double SeasonalScale(std::span<const double> training, std::size_t season) noexcept {
  double sum = 0;
  std::size_t pairs = 0;
  for (std::size_t i = season; i < training.size(); ++i) {
    const double change = std::abs(training[i] - training[i - season]);
    if (std::isnan(change)) continue;
    sum += change;
    ++pairs;
  }
  return sum > 0 ? sum / static_cast<double>(pairs) : kNaN;
}

std::optional<double> Skill(Metric metric, std::optional<double> model,
                            std::optional<double> baseline) noexcept {
  if (!model || !baseline || *baseline == 0) return std::nullopt;
  if (metric->best == MetricRow::Best::kNearestTo0)
    return 1 - std::abs(*model) / std::abs(*baseline);
  return 1 - *model / *baseline;
}

std::vector<double> Quantiles(std::vector<double> values, std::span<const double> q) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  std::vector<double> quantiles;
  if (values.empty()) return quantiles;
  std::ranges::sort(values);
  for (const double share : q) {
    const double position = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double rest = position - static_cast<double>(below);
    // Without the test an infinite neighbour of weight 0 would make it NaN.
    quantiles.push_back(rest == 0 ? values[below]
                                  : values[below] + rest * (values[above] - values[below]));
  }
  return quantiles;
}

std::vector<double> QuantilesOverSeries(std::span<const ErrorSums> series, Metric metric,
                                        std::span<const double> q) {
  std::vector<double> values;
  values.reserve(series.size());
  for (const ErrorSums& sums : series) {
    if (const std::optional<double> value = sums.Value(metric)) values.push_back(*value);
  }
  return Quantiles(std::move(values), q);
}

}  // namespace forkcast::model
