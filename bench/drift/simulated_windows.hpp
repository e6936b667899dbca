#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "model/drift/drift_bins.hpp"

namespace forkcast::bench {

/// What one simulated column is: numbers of a normal distribution, or categories with shares; some
/// of both may be missing.
struct SimulatedColumn {
  std::vector<double> shares{};  ///< Of its categories; empty: numbers.
  double missing = 0;
  /// What is other than in the reference: numbers are greater by as many standard deviations; the
  /// share of category 0 is so much greater, taken evenly from the others.
  double shift = 0;
};

/// 20 columns as pipelines have them: 12 of numbers, two of them with missing values; 8 of
/// categories, from a flag to 200 of very unequal frequency.
[[nodiscard]] std::vector<SimulatedColumn> TwentyColumns();

/// A reference drawn from the columns, and windows drawn from them, or from the shifted ones. A
/// window's counts are drawn directly (multinomial, by the true probability of each bin): the
/// same distribution as that of counted rows, in a thousandth of the time.
class SimulatedWindows {
 public:
  SimulatedWindows(std::vector<SimulatedColumn> columns, std::size_t reference_rows,
                   std::uint32_t seed);

  [[nodiscard]] const std::vector<model::ColumnBins>& bins() const noexcept { return bins_; }
  /// Counts of all columns one after the other, as DriftJudge takes them.
  [[nodiscard]] std::vector<double> Draw(std::size_t rows);

  /// The rows of one column themselves, without missing ones; categories by number.
  [[nodiscard]] std::vector<double> DrawValues(std::size_t column, std::size_t rows);
  /// Those that the reference's bins were made of.
  [[nodiscard]] const std::vector<double>& reference_values(std::size_t column) const noexcept {
    return reference_values_[column];
  }
  [[nodiscard]] const std::vector<SimulatedColumn>& columns() const noexcept { return columns_; }

 private:
  [[nodiscard]] std::vector<double> Multinomial(const std::vector<double>& shares,
                                                std::size_t rows);
  [[nodiscard]] std::vector<double> SharesOfBins(std::size_t column) const;

  std::vector<SimulatedColumn> columns_;
  std::mt19937 random_;
  std::vector<model::ColumnBins> bins_;
  std::vector<std::vector<double>> reference_values_;
  std::vector<std::vector<double>> shares_;  // of each column's bins now
};

}  // namespace forkcast::bench
