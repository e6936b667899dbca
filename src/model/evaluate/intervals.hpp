#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace forkcast::model {

/// Between which bounds a value is expected.
struct PredictionInterval {
  double lower = std::numeric_limits<double>::quiet_NaN();
  double upper = std::numeric_limits<double>::quiet_NaN();

  [[nodiscard]] bool Contains(double value) const noexcept {
    return lower <= value && value <= upper;
  }
  friend bool operator==(const PredictionInterval&, const PredictionInterval&) = default;
};

/// A level (the share of values that are to lie in an interval) as names have it: "80" of 0.8,
/// "97_5" of 0.975.
[[nodiscard]] std::string LevelName(double level);
/// What the bounds of a level are called: "lower_80", "upper_80".
[[nodiscard]] std::string LowerName(double level);
[[nodiscard]] std::string UpperName(double level);
/// The share of values inside: "coverage_80".
[[nodiscard]] std::string CoverageName(double level);

/// How good intervals were, summed up over rows. An interval of level L is a pair of quantiles,
/// (1 - L) / 2 and (1 + L) / 2, and the forecast is taken for the median; a quantile f of level q
/// loses 2 max(q (y - f), (q - 1) (y - f)), so that the loss of the median is the absolute error.
class IntervalSums {
 public:
  /// `levels`: each above 0 and below 1, ascending.
  explicit IntervalSums(std::span<const double> levels);

  /// One row; `intervals`: one a level. `scale`: as ErrorSums::Add's, of sql.
  void Add(double actual, double forecast, std::span<const PredictionInterval> intervals,
           double scale);

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  // Of the level at a position. Precondition: rows() > 0.
  [[nodiscard]] double coverage(std::size_t level) const noexcept;  ///< Share inside.
  [[nodiscard]] double below(std::size_t level) const noexcept;     ///< Share under the interval,
  [[nodiscard]] double above(std::size_t level) const noexcept;     ///< and over it.
  [[nodiscard]] double width(std::size_t level) const noexcept;     ///< On average.
  /// Mean loss of both bounds, halved: the pinball loss as it is mostly defined.
  [[nodiscard]] double pinball(std::size_t level) const noexcept;

  // Of all levels together; not there where undefined.
  /// Weighted interval score (Bracher et al. 2021): the mean loss over all quantiles.
  [[nodiscard]] std::optional<double> wis() const noexcept;
  /// Weighted quantile loss: wis over the mean |y|.
  [[nodiscard]] std::optional<double> wql() const noexcept;
  /// Scaled quantile loss: the same of losses over their rows' scales.
  [[nodiscard]] std::optional<double> sql() const noexcept;

 private:
  struct OfLevel {
    double level = 0;
    std::uint64_t below = 0;
    std::uint64_t above = 0;
    double width = 0;
    double loss = 0;
  };
  [[nodiscard]] double Share(double sum) const noexcept { return sum / static_cast<double>(rows_); }

  std::vector<OfLevel> levels_;
  std::uint64_t rows_ = 0;
  double loss_ = 0;  // mean of a row's quantiles
  double absolute_actual_ = 0;
  std::uint64_t scaled_rows_ = 0;
  double scaled_loss_ = 0;
};

}  // namespace forkcast::model
