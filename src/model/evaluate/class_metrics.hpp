#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/row_of.hpp"

namespace forkcast::model {

/// Counts of right and wrong classes. Parts merge into the whole.
class ClassificationSums {
 public:
  explicit ClassificationSums(std::size_t classes)
      : classes_(classes), counts_(classes * classes) {}

  /// One row: its class, and a probability for each class. The class forecast is the most likely
  /// one, the first among equals. Precondition: actual < classes(), probabilities.size() ==
  /// classes().
  void Add(std::size_t actual, std::span<const double> probabilities) noexcept;
  /// Precondition: the same number of classes.
  void Merge(const ClassificationSums& other) noexcept;

  [[nodiscard]] std::size_t classes() const noexcept { return classes_; }
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  /// Rows of class `actual` that were taken for class `forecast`.
  [[nodiscard]] std::uint64_t Count(std::size_t actual, std::size_t forecast) const noexcept {
    return counts_[actual * classes_ + forecast];
  }
  /// Share of rows whose class was forecast; not there without rows, as the next.
  [[nodiscard]] std::optional<double> Accuracy() const noexcept;
  /// Mean -ln(probability of the actual class), probabilities held within 1e-15 and 1.
  [[nodiscard]] std::optional<double> LogLoss() const noexcept;
  /// Of the rows taken for `label`, the share that are it; of those that are it, the share found.
  [[nodiscard]] std::optional<double> Precision(std::size_t label) const noexcept;
  [[nodiscard]] std::optional<double> Recall(std::size_t label) const noexcept;

 private:
  std::size_t classes_;
  std::uint64_t rows_ = 0;
  std::vector<std::uint64_t> counts_;
  double log_loss_ = 0;
};

/// One measure of how well classes are told apart.
struct ClassMetricRow {
  enum class Best { kLeast, kGreatest };
  std::string_view name;
  std::string_view error_name;  ///< Of the error that follows from it, as which it decides.
  Best best = Best::kLeast;
  /// Not there without rows.
  std::optional<double> (*value)(const ClassificationSums& sums) noexcept = nullptr;
};

/// Every metric there is, a row each. All are printed, in this order.
inline constexpr std::array kClassMetricRows{
    ClassMetricRow{
        .name = "accuracy",
        .error_name = "error_rate",
        .best = ClassMetricRow::Best::kGreatest,
        .value = [](const ClassificationSums& sums) noexcept { return sums.Accuracy(); }},
    ClassMetricRow{.name = "log_loss",
                   .error_name = "log_loss",
                   .value = [](const ClassificationSums& sums) noexcept { return sums.LogLoss(); }},
};
using ClassMetric = RowOf<kClassMetricRows>;

/// How wrong the classes are by a metric, smaller is better: its value, or 1 - value where that is
/// best when it is greatest. Not there without rows.
[[nodiscard]] std::optional<double> ErrorBy(ClassMetric metric,
                                            const ClassificationSums& sums) noexcept;

}  // namespace forkcast::model
