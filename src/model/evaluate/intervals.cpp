#include "model/evaluate/intervals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forkcast::model {
namespace {

double LossOf(double quantile, double forecast, double actual) noexcept {
  const double error = actual - forecast;
  return 2 * std::max(quantile * error, (quantile - 1) * error);
}

}  // namespace

std::string LevelName(double level) {
  // Six digits, so that 0.57, which is a little less in binary, is 57.
  std::string name = fmt::format("{:.6g}", 100 * level);
  std::ranges::replace(name, '.', '_');
  return name;
}

std::string LowerName(double level) { return "lower_" + LevelName(level); }
std::string UpperName(double level) { return "upper_" + LevelName(level); }
std::string CoverageName(double level) { return "coverage_" + LevelName(level); }

IntervalSums::IntervalSums(std::span<const double> levels) {
  for (const double level : levels) levels_.push_back({.level = level});
}

void IntervalSums::Add(double actual, double forecast,
                       std::span<const PredictionInterval> intervals, double scale) {
  double loss = LossOf(0.5, forecast, actual);
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    OfLevel& sums = levels_[i];
    const auto [lower, upper] = intervals[i];
    if (actual < lower) ++sums.below;
    if (actual > upper) ++sums.above;
    sums.width += upper - lower;
    const double of_bounds =
        LossOf((1 - sums.level) / 2, lower, actual) + LossOf((1 + sums.level) / 2, upper, actual);
    sums.loss += of_bounds;
    loss += of_bounds;
  }
  loss /= static_cast<double>(2 * levels_.size() + 1);
  ++rows_;
  loss_ += loss;
  absolute_actual_ += std::abs(actual);
  if (scale > 0) {
    ++scaled_rows_;
    scaled_loss_ += loss / scale;
  }
}

double IntervalSums::coverage(std::size_t level) const noexcept {
  return Share(static_cast<double>(rows_ - levels_[level].below - levels_[level].above));
}

double IntervalSums::below(std::size_t level) const noexcept {
  return Share(static_cast<double>(levels_[level].below));
}

double IntervalSums::above(std::size_t level) const noexcept {
  return Share(static_cast<double>(levels_[level].above));
}

double IntervalSums::width(std::size_t level) const noexcept { return Share(levels_[level].width); }

double IntervalSums::pinball(std::size_t level) const noexcept {
  constexpr double kBoundsAndHalf = 4;
  return Share(levels_[level].loss) / kBoundsAndHalf;
}

std::optional<double> IntervalSums::wis() const noexcept {
  if (rows_ == 0) return std::nullopt;
  return Share(loss_);
}

std::optional<double> IntervalSums::wql() const noexcept {
  if (absolute_actual_ == 0) return std::nullopt;
  return loss_ / absolute_actual_;
}

std::optional<double> IntervalSums::sql() const noexcept {
  if (scaled_rows_ == 0) return std::nullopt;
  return scaled_loss_ / static_cast<double>(scaled_rows_);
}

}  // namespace forkcast::model
