#include "model/evaluate/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace forkcast::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr std::array<std::pair<Metric, std::string_view>, kAllMetrics.size()> kNames{
    {{Metric::kRmse, "rmse"},
     {Metric::kMae, "mae"},
     {Metric::kWape, "wape"},
     {Metric::kRmspe, "rmspe"},
     {Metric::kRmsle, "rmsle"},
     {Metric::kMase, "mase"},
     {Metric::kBias, "bias"}}};

}  // namespace

std::string_view ToString(Metric metric) noexcept {
  return std::ranges::find(kNames, metric, &std::pair<Metric, std::string_view>::first)->second;
}

std::optional<Metric> MetricFromString(std::string_view name) noexcept {
  const auto* const found =
      std::ranges::find(kNames, name, &std::pair<Metric, std::string_view>::second);
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

void ErrorSums::Add(double actual, double forecast, double mase_scale) noexcept {
  if (std::isnan(actual) || std::isnan(forecast)) {
    ++rows_left_out_;
    return;
  }
  const double error = forecast - actual;
  ++rows_;
  error_ += error;
  absolute_error_ += std::abs(error);
  squared_error_ += error * error;
  absolute_actual_ += std::abs(actual);
  if (actual != 0) {
    ++relative_rows_;
    squared_relative_error_ += (error / actual) * (error / actual);
  }
  if (actual < 0) {
    has_negative_actual_ = true;
  } else {
    const double log_error = std::log1p(std::max(forecast, 0.0)) - std::log1p(actual);
    squared_log_error_ += log_error * log_error;
  }
  if (mase_scale > 0) {
    ++scaled_rows_;
    scaled_error_ += std::abs(error) / mase_scale;
  }
}

void ErrorSums::Merge(const ErrorSums& other) noexcept {
  rows_ += other.rows_;
  rows_left_out_ += other.rows_left_out_;
  error_ += other.error_;
  absolute_error_ += other.absolute_error_;
  squared_error_ += other.squared_error_;
  absolute_actual_ += other.absolute_actual_;
  relative_rows_ += other.relative_rows_;
  squared_relative_error_ += other.squared_relative_error_;
  squared_log_error_ += other.squared_log_error_;
  has_negative_actual_ = has_negative_actual_ || other.has_negative_actual_;
  scaled_rows_ += other.scaled_rows_;
  scaled_error_ += other.scaled_error_;
}

std::optional<double> ErrorSums::Value(Metric metric) const noexcept {
  const auto rows = static_cast<double>(rows_);
  if (rows_ == 0) return std::nullopt;
  switch (metric) {
    case Metric::kRmse:
      return std::sqrt(squared_error_ / rows);
    case Metric::kMae:
      return absolute_error_ / rows;
    case Metric::kWape:
      if (absolute_actual_ == 0) return std::nullopt;
      return absolute_error_ / absolute_actual_;
    case Metric::kRmspe:
      if (relative_rows_ == 0) return std::nullopt;
      return std::sqrt(squared_relative_error_ / static_cast<double>(relative_rows_));
    case Metric::kRmsle:
      if (has_negative_actual_) return std::nullopt;
      return std::sqrt(squared_log_error_ / rows);
    case Metric::kMase:
      if (scaled_rows_ == 0) return std::nullopt;
      return scaled_error_ / static_cast<double>(scaled_rows_);
    case Metric::kBias:
      return error_ / rows;
  }
  return std::nullopt;
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
  if (metric == Metric::kBias) return 1 - std::abs(*model) / std::abs(*baseline);
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
