#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forkcast::model {

/// What the sums are in which contributions add up, before anything makes the model's answer of
/// them.
enum class MarginScale {
  kOutput,   ///< The model's output itself.
  kLogOdds,  ///< ln(p / (1 - p)) of the probability p that is answered.
  kLog,      ///< The logarithm of the output.
  kRaw,      ///< Of several classes: e to it, as a share of all, is a probability.
};

/// Memory of a thread that explains, kept from one row to the next.
struct ExplainScratch {
  std::vector<double> numbers;
  std::vector<std::uint8_t> marks;
};

/// Says what a model's answer is made of: a base, which is the same for all rows, and what each
/// input of a row adds to it. Beside the model, so that scoring knows nothing of it. Loaded whole
/// and checked, never changed after; thread-safe.
class Explainer {
 public:
  virtual ~Explainer() = default;

  /// Floats of a row, as the model's inputs().
  [[nodiscard]] virtual std::size_t input_count() const noexcept = 0;
  /// Sums that a row has: one, or one a class.
  [[nodiscard]] virtual std::size_t margin_count() const noexcept = 0;
  [[nodiscard]] virtual MarginScale scale() const noexcept = 0;
  /// What a row takes, roughly in nanoseconds.
  [[nodiscard]] virtual std::size_t cost() const noexcept = 0;

  /// What margin `margin` is of a row of which nothing is known: the mean over the rows that were
  /// learned from, or that of the mean row.
  [[nodiscard]] virtual double base(std::size_t margin) const noexcept = 0;
  /// What each input adds to margin `margin` of `row`: Shapley values, so that base and all of them
  /// add up to the margin. NaN is missing. Steady state allocates nothing.
  /// Precondition: row.size() == contributions.size() == input_count().
  virtual void Explain(std::span<const float> row, std::size_t margin, ExplainScratch& scratch,
                       std::span<double> contributions) const = 0;
};

}  // namespace forkcast::model
