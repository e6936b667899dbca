#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// What is added up: leaves, and sums of leaves, each by its number.
struct SummedLeaves {
  std::size_t sums = 0;
  std::vector<std::vector<std::uint32_t>> sums_of{};  ///< By leaf: the sums that it is part of.

  [[nodiscard]] std::size_t leaves() const noexcept { return sums_of.size(); }
};

/// What forecasts of sums and of leaves were off by at one time.
struct SummedErrors {
  std::vector<double> sums;    ///< NaN: there was no forecast.
  std::vector<double> leaves;  ///< The same.
};

/// How much each leaf gives way to what is forecast of the sums: row-major, leaves x sums.
/// The leaves become b - gains (u - A b), of forecasts b of leaves and u of sums, where A adds
/// leaves up. The sums are then those of the leaves, so that all forecasts are coherent whatever
/// the gains are; without gains (empty) this is bottom-up.
struct ReconciliationGains {
  std::vector<double> values;
  double shrinkage = 1;  ///< How much of the correlations was taken for noise: 1 is all.

  friend bool operator==(const ReconciliationGains&, const ReconciliationGains&) = default;
};

/// The most sums and gains that MinT works with: it solves as many equations.
inline constexpr std::size_t kMostSums = 1000;
inline constexpr std::size_t kMostGains = 4'000'000;

/// Those of MinT(Shrink): the least total variance of all coherent forecasts, were the errors'
/// covariance as that of `errors` with correlations shrunk towards 0 (Wickramasuriya,
/// Athanasopoulos & Hyndman, "Optimal forecast reconciliation for hierarchical and grouped time
/// series through trace minimization", JASA 2019; the shrinkage is that of Schäfer & Strimmer
/// 2005). With fewer than two times, and where no forecast was ever off, a sum's variance is taken
/// for the number of its leaves ("structural scaling"). Precondition: at most kMostSums and
/// kMostGains. O(leaves * sums^2 + times * sums * (times + leaves)).
[[nodiscard]] ReconciliationGains MinTraceGains(const SummedLeaves& summed,
                                                std::span<const SummedErrors> errors);

/// Reconciles the leaves in place. NaN: a sum or a leaf that is not forecast; such a leaf adds
/// nothing and stays as it is.
void Reconcile(const SummedLeaves& summed, const ReconciliationGains& gains,
               std::span<const double> sums, std::span<double> leaves);
/// Leaves added up; NaN where no leaf of a sum is a number.
[[nodiscard]] std::vector<double> AddUp(const SummedLeaves& summed, std::span<const double> leaves);

}  // namespace forkcast::model
