#include "model/learn/xgboost/prepared_rows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "model/learn/check_rows.hpp"

namespace forkcast::model {
namespace {

Error Refuse(const char* message) { return {ErrorCode::kInvalidArgument, message}; }

Result<std::vector<float>> WeightsOf(const TrainingRows& rows, const TreeOptions& options) {
  std::vector<double> weights(rows.target.size(), 1);
  if (!rows.weights.empty()) weights.assign(rows.weights.begin(), rows.weights.end());
  if (options.task == Task::kRegression && options.objective == Objective::kSquaredRelativeError) {
    // ((y - f) / y)^2 = (y - f)^2 / y^2. On average 1 again, so that min_child_weight keeps its
    // meaning.
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double y = rows.target[i];
      weights[i] = y == 0 ? 0 : weights[i] / (y * y);
      sum += weights[i];
    }
    if (!(sum > 0)) return Refuse("no row has both a weight and a target other than 0");
    if (!std::isfinite(sum)) return Refuse("the target comes too close to 0 for relative errors");
    for (double& weight : weights) weight *= static_cast<double>(weights.size()) / sum;
    Status weighed = RequireWeight(std::span(weights).first(weights.size() - rows.validation_rows));
    if (!weighed) return std::move(weighed).error();
  }
  return std::vector<float>(weights.begin(), weights.end());
}

}  // namespace

Result<PreparedRows> Prepare(const TrainingRows& rows, const TreeOptions& options) {
  Status checked = CheckRows(rows, options, options.early_stopping.has_value());
  if (!checked) return std::move(checked).error();
  Result<std::vector<float>> weights = WeightsOf(rows, options);
  if (!weights) return std::move(weights).error();
  return PreparedRows{.columns = rows.features.size(),
                      .outputs = options.task == Task::kMultiClass ? options.classes : 1,
                      .values = rows.values,
                      .target = {rows.target.begin(), rows.target.end()},
                      .weights = *std::move(weights)};
}

double WeightedMean(const PreparedRows& rows) {
  double sum = 0;
  double weight = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    sum += static_cast<double>(rows.weights[i]) * rows.target[i];
    weight += rows.weights[i];
  }
  return sum / weight;
}

double WeightedMedian(const PreparedRows& rows) {
  std::vector<std::size_t> order(rows.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t row) { return rows.target[row]; });
  const double half = std::accumulate(rows.weights.begin(), rows.weights.end(), 0.0) / 2;
  double below = 0;
  for (const std::size_t row : order) {
    below += rows.weights[row];
    if (below >= half) return rows.target[row];
  }
  return rows.target[order.back()];
}

}  // namespace forkcast::model
