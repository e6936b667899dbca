#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "model/explainer.hpp"
#include "model/linear/linear_model.hpp"
#include "model/tree/gauss_legendre.hpp"

namespace forkcast::model {

/// What each input adds to a linear model's sum, before the link, beside the row of the means: the
/// base is that row's sum, which without products is the mean sum of the training rows.
///
/// The idea: Shapley values, where an input that is not known has its mean. Of a term that is one
/// input, or its power, that is coefficient * (term - term of the mean). A product is parted among
/// its inputs: each gets its own change times what the others are on average over the orders in
/// which they become known, which for two is (x - mean) * (y + mean of y) / 2. In general it is the
/// integral over t in 0..1 of (x - mean) times the product of the others' t y + (1 - t) mean of y
/// (Owen 1972), a polynomial that Gauss-Legendre points integrate without error.
class LinearExplainer final : public Explainer {
 public:
  /// `model` outlives the object.
  explicit LinearExplainer(const LinearModel& model);

  [[nodiscard]] std::size_t input_count() const noexcept override { return model_.inputs().size(); }
  [[nodiscard]] std::size_t margin_count() const noexcept override {
    return model_.outputs().size();
  }
  [[nodiscard]] MarginScale scale() const noexcept override;
  [[nodiscard]] std::size_t cost() const noexcept override { return cost_; }
  [[nodiscard]] double base(std::size_t margin) const noexcept override { return bases_[margin]; }
  void Explain(std::span<const float> row, std::size_t margin, ExplainScratch& scratch,
               std::span<double> contributions) const override;

 private:
  const LinearModel& model_;
  std::vector<double> means_;  ///< Of the chosen inputs, as terms multiply them.
  std::vector<double> bases_;
  std::size_t cost_ = 0;
  std::array<Quadrature, kMostDegree + 1> points_;  ///< By the different inputs of a term.
};

}  // namespace forkcast::model
