#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/xgboost/tree_options.hpp"

namespace forkcast::model {

/// What is learned from, checked: numbers of the library's types.
struct PreparedRows {
  std::size_t columns = 0;
  std::size_t outputs = 1;  ///< Trees a round.
  std::span<const float> values;
  std::vector<float> target;
  std::vector<float> weights;  ///< Of the objective too: kSquaredRelativeError is a weight.

  [[nodiscard]] std::size_t rows() const noexcept { return target.size(); }
  /// `count` rows from row `first`; the features stay where they are.
  [[nodiscard]] PreparedRows Part(std::size_t first, std::size_t count) const {
    const auto from = static_cast<std::ptrdiff_t>(first);
    const auto to = from + static_cast<std::ptrdiff_t>(count);
    return {columns,
            outputs,
            values.subspan(first * columns, count * columns),
            {target.begin() + from, target.begin() + to},
            {weights.begin() + from, weights.begin() + to}};
  }
};

/// Checks rows as Trainer::Train says.
[[nodiscard]] Result<PreparedRows> Prepare(const TrainingRows& rows, const TreeOptions& options);

/// Of the target.
[[nodiscard]] double WeightedMean(const PreparedRows& rows);
[[nodiscard]] double WeightedMedian(const PreparedRows& rows);

}  // namespace forkcast::model
