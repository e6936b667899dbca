#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forkcast::model {

/// The best model of one question ("is column c less than t?"): the baseline that says whether a
/// model of many trees has found more than a single threshold. Of all splits of all columns the one
/// with the least log loss on the training rows (greatest information gain, Quinlan 1986).
class Stump {
 public:
  /// `values`: row-major, `columns` a row, NaN is missing: missing values go where the loss is
  /// smaller, also all of them to one side and all others to the other. `labels`: one a row, less
  /// than `classes`. Ties: the first column, the least threshold. Without a split that helps it
  /// answers the shares of the classes. O(columns * rows log rows).
  static Stump Fit(std::span<const float> values, std::size_t columns,
                   std::span<const std::uint32_t> labels, std::size_t classes);

  /// The probability of each class: (rows of it + 1) / (rows + classes) among the training rows on
  /// the same side (Laplace's rule), so that a class not seen there is not impossible.
  [[nodiscard]] std::span<const double> Predict(std::span<const float> row) const noexcept;

  [[nodiscard]] bool splits() const noexcept { return splits_; }
  [[nodiscard]] std::size_t column() const noexcept { return column_; }
  /// Less than it: the first side. Infinite when only missing values are on the other.
  [[nodiscard]] float threshold() const noexcept { return threshold_; }

 private:
  bool splits_ = false;
  std::size_t column_ = 0;
  float threshold_ = 0;
  bool missing_is_less_ = false;
  std::vector<double> less_;
  std::vector<double> rest_;
};

}  // namespace forkcast::model
