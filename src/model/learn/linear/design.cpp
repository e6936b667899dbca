#include "model/learn/linear/design.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace forkcast::model {

using Eigen::Index;
using Eigen::VectorXd;

Design::Design(const TrainingRows& rows, const LinearSource& source)
    : rows_(rows), source_(source), terms_(source.inputs.size(), source.polynomial) {}

void Design::Fill(std::size_t first, Block& block) const {
  const std::size_t count = std::min(kBlockRows, row_count() - first);
  const auto size = static_cast<Index>(count);
  block.first_row = first;
  block.terms.resize(size, term_count());
  block.target.resize(size);
  block.weights.resize(size);
  std::vector<double> inputs(source_.inputs.size());
  for (Index i = 0; i < size; ++i) {
    const std::size_t row = first + static_cast<std::size_t>(i);
    block.target[i] = rows_.target[row];
    block.weights[i] = rows_.weights.empty() ? 1 : rows_.weights[row];
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      const LinearInput& input = source_.inputs[j];
      const double x = rows_.values[row * rows_.features.size() + input.feature];
      inputs[j] = source_.is_scaled ? (x - input.mean) / input.deviation : x;
    }
    for (std::size_t term = 0; term < terms_.size(); ++term) {
      double product = 1;
      for (const std::uint32_t factor : terms_.factors(term)) product *= inputs[factor];
      block.terms(i, static_cast<Index>(term)) = product;
    }
  }
}

Design::Moments Design::ComputeMoments() const {
  Moments moments{.means = VectorXd::Zero(term_count()),
                  .deviations = VectorXd::Zero(term_count())};
  EachBlock([&](const Block& block) {
    moments.weight += block.weights.sum();
    moments.target_mean += block.weights.dot(block.target);
    moments.means += block.terms.transpose() * block.weights;
  });
  moments.target_mean /= moments.weight;
  moments.means /= moments.weight;
  EachBlock([&](const Block& block) {
    moments.deviations +=
        (block.terms.rowwise() - moments.means.transpose()).cwiseAbs2().transpose() * block.weights;
  });
  moments.deviations = (moments.deviations / moments.weight).cwiseSqrt();
  return moments;
}

}  // namespace forkcast::model
