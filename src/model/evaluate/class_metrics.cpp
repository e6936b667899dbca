#include "model/evaluate/class_metrics.hpp"

#include <algorithm>
#include <cmath>

namespace forkcast::model {

void ClassificationSums::Add(std::size_t actual, std::span<const double> probabilities) noexcept {
  const auto forecast =
      static_cast<std::size_t>(std::ranges::max_element(probabilities) - probabilities.begin());
  ++rows_;
  ++counts_[actual * classes_ + forecast];
  log_loss_ -= std::log(std::clamp(probabilities[actual], 1e-15, 1.0));
}

void ClassificationSums::Merge(const ClassificationSums& other) noexcept {
  rows_ += other.rows_;
  log_loss_ += other.log_loss_;
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

namespace {

std::optional<double> Share(std::uint64_t part, std::uint64_t whole) noexcept {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::optional<double> ClassificationSums::Accuracy() const noexcept {
  std::uint64_t right = 0;
  for (std::size_t label = 0; label < classes_; ++label) right += Count(label, label);
  return Share(right, rows_);
}

std::optional<double> ClassificationSums::LogLoss() const noexcept {
  if (rows_ == 0) return std::nullopt;
  return log_loss_ / static_cast<double>(rows_);
}

std::optional<double> ClassificationSums::Precision(std::size_t label) const noexcept {
  std::uint64_t taken_for_it = 0;
  for (std::size_t actual = 0; actual < classes_; ++actual) taken_for_it += Count(actual, label);
  return Share(Count(label, label), taken_for_it);
}

std::optional<double> ClassificationSums::Recall(std::size_t label) const noexcept {
  std::uint64_t are_it = 0;
  for (std::size_t forecast = 0; forecast < classes_; ++forecast) are_it += Count(label, forecast);
  return Share(Count(label, label), are_it);
}

std::optional<double> ErrorBy(ClassMetric metric, const ClassificationSums& sums) noexcept {
  const std::optional<double> value = metric->value(sums);
  if (!value || metric->best == ClassMetricRow::Best::kLeast) return value;
  return 1 - *value;
}

}  // namespace forkcast::model
