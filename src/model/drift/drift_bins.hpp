#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/drift/reference.hpp"

namespace forkcast::model {

/// The bins of one feature or output, frozen when the version was trained, and how many of the
/// reference's rows fell into each. Of numbers: those between the edges, in order. Of texts: one a
/// category, and one for all others, which is empty in the reference unless it had more than
/// kMostCategories. The last bin of both holds missing values.
struct ColumnBins {
  static constexpr std::size_t kMostEdges = 15;  ///< References have deciles.
  static constexpr std::size_t kMostCategories = 254;

  std::string name;
  bool is_number = true;
  /// The smallest floats at or above the reference's edges: for a float, x >= one means x >= other.
  std::vector<float> edges{};
  std::vector<std::string> categories{};
  std::vector<double> reference{};
  double minimum = 0;  ///< Of the reference's numbers.
  double maximum = 0;
  double deviation = 0;  ///< Their standard deviation; 0 when it is not known.

  [[nodiscard]] std::size_t missing_bin() const noexcept { return reference.size() - 1; }
  /// Of texts: the bin of those that are no category.
  [[nodiscard]] std::size_t other_bin() const noexcept { return reference.size() - 2; }
};

/// So that what a worker has counted fits into one message of 64 KiB.
inline constexpr std::size_t kMostBins = 12'000;

/// The bins of all features, then of all outputs of a reference, in its order, up to kMostBins of
/// them: columns beyond are not watched. What its members hold is checked: kCorrupt naming the
/// column.
[[nodiscard]] Result<std::vector<ColumnBins>> BinsOf(const Reference& reference);

/// How often values fell into each bin of one column. Counting allocates nothing. Not thread-safe.
class BinCounter {
 public:
  /// `bins` outlives this. `counts`: bins.reference.size() of them, outlive it too.
  BinCounter(const ColumnBins& bins, std::span<std::uint32_t> counts);

  /// NaN is missing.
  void CountNumber(float value) noexcept {
    // The number of edges at or below it: four questions without a branch. Edges behind the last
    // are NaN, at or above which there is nothing.
    std::size_t bin = value >= edges_[7] ? 8U : 0U;
    bin += value >= edges_[bin + 3] ? 4U : 0U;
    bin += value >= edges_[bin + 1] ? 2U : 0U;
    bin += value >= edges_[bin] ? 1U : 0U;
    ++counts_[std::isnan(value) ? bins_.missing_bin() : bin];
  }
  void CountText(std::string_view text) noexcept {
    const auto known = categories_.find(text);
    ++counts_[known == categories_.end() ? bins_.other_bin() : known->second];
  }
  void CountMissing() noexcept { ++counts_[bins_.missing_bin()]; }

 private:
  const ColumnBins& bins_;
  std::span<std::uint32_t> counts_;
  std::array<float, ColumnBins::kMostEdges> edges_{};
  std::unordered_map<std::string_view, std::size_t> categories_;  // of bins_
};

}  // namespace forkcast::model
