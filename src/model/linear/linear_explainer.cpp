#include "model/linear/linear_explainer.hpp"

#include <algorithm>
#include <cstdint>

namespace forkcast::model {
namespace {

/// A term's different inputs, each with its power: of the row, and of the mean.
struct Product {
  std::size_t size = 0;
  std::array<std::uint32_t, kMostDegree> inputs{};
  std::array<double, kMostDegree> values{};
  std::array<double, kMostDegree> means{};
};

/// `factors`: ascending, so that equal ones stand together.
Product ProductOf(std::span<const std::uint32_t> factors, std::span<const double> values,
                  std::span<const double> means) noexcept {
  Product product;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const std::uint32_t input = factors[i];
    if (i == 0 || input != factors[i - 1]) {
      product.inputs[product.size] = input;
      product.values[product.size] = 1;
      product.means[product.size] = 1;
      ++product.size;
    }
    product.values[product.size - 1] *= values[input];
    product.means[product.size - 1] *= means[input];
  }
  return product;
}

/// The share of input `i` in the change of a product from its means to its values.
double ShareOf(const Product& product, std::size_t i, const Quadrature& points) noexcept {
  double others = 0;
  for (std::size_t q = 0; q < points.at.size(); ++q) {
    double here = points.weights[q];
    for (std::size_t j = 0; j < product.size; ++j) {
      if (j == i) continue;
      here *= product.means[j] + points.at[q] * (product.values[j] - product.means[j]);
    }
    others += here;
  }
  return (product.values[i] - product.means[i]) * others;
}

}  // namespace

LinearExplainer::LinearExplainer(const LinearModel& model) : model_(model) {
  const LinearSource& source = model.source();
  for (const LinearInput& input : source.inputs) {
    means_.push_back(source.is_scaled ? 0 : input.mean);
  }
  for (const LinearOutput& output : source.outputs) bases_.push_back(output.intercept);
  for (std::size_t inputs = 1; inputs < points_.size(); ++inputs) {
    points_[inputs] = GaussLegendre((inputs + 1) / 2);
  }
  const PolynomialTerms& terms = model.terms();
  for (std::size_t term = 0; term < terms.size(); ++term) {
    const std::span<const std::uint32_t> factors = terms.factors(term);
    double product = 1;
    for (const std::uint32_t factor : factors) product *= means_[factor];
    for (std::size_t i = 0; i < bases_.size(); ++i) {
      bases_[i] += source.outputs[i].coefficients[term] * product;
    }
    cost_ += factors.size() * factors.size() * points_[factors.size()].at.size() + 2;
  }
}

MarginScale LinearExplainer::scale() const noexcept {
  switch (model_.source().link) {
    case LinearLink::kSigmoid:
      return MarginScale::kLogOdds;
    case LinearLink::kSoftmax:
      return MarginScale::kRaw;
    case LinearLink::kIdentity:
      break;
  }
  return MarginScale::kOutput;
}

void LinearExplainer::Explain(std::span<const float> row, std::size_t margin,
                              ExplainScratch& scratch, std::span<double> contributions) const {
  const LinearSource& source = model_.source();
  std::ranges::fill(contributions, 0.0);
  scratch.numbers.resize(std::max(scratch.numbers.size(), source.inputs.size()));
  const auto values = std::span(scratch.numbers).first(source.inputs.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = model_.ValueOf(i, row.data());
  const PolynomialTerms& terms = model_.terms();
  for (std::size_t term = 0; term < terms.size(); ++term) {
    const double coefficient = source.outputs[margin].coefficients[term];
    if (coefficient == 0) continue;
    const Product product = ProductOf(terms.factors(term), values, means_);
    for (std::size_t i = 0; i < product.size; ++i) {
      contributions[source.inputs[product.inputs[i]].feature] +=
          coefficient * ShareOf(product, i, points_[product.size]);
    }
  }
}

}  // namespace forkcast::model
