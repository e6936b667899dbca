#include "model/learn/xgboost/prepared_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "model/learn/xgboost/parameter_text.hpp"

namespace forkcast::model {
namespace {

Error Refuse(std::string message, std::string field = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

Status CheckShape(const TrainingRows& rows, const TrainerOptions& options) {
  const std::size_t n = rows.target.size();
  if (rows.features.empty()) return Refuse("no feature to learn from");
  if (rows.values.size() != n * rows.features.size()) {
    return Refuse("expected " + std::to_string(n) + " rows of " +
                  std::to_string(rows.features.size()) + " values, got " +
                  std::to_string(rows.values.size()) + " values");
  }
  if (!rows.weights.empty() && rows.weights.size() != n) {
    return Refuse("expected a weight for each of " + std::to_string(n) + " rows, got " +
                  std::to_string(rows.weights.size()));
  }
  if (options.early_stopping && rows.validation_rows == 0) {
    return Refuse("early stopping needs validation rows, and there are none");
  }
  if (!options.early_stopping && rows.validation_rows > 0) {
    return Refuse("only early stopping has validation rows");
  }
  if (n < rows.validation_rows + 2) {
    return Refuse("too few rows to learn from: at least 2 are needed, and there are " +
                  std::to_string(n - std::min(n, rows.validation_rows)));
  }
  return {};
}

Status CheckTarget(std::span<const double> target) {
  const auto is_bad = [](double y) { return !(std::abs(y) <= std::numeric_limits<float>::max()); };
  const auto first = std::ranges::find_if(target, is_bad);
  if (first == target.end()) return {};
  return Refuse("the target of " + std::to_string(std::ranges::count_if(target, is_bad)) + " of " +
                std::to_string(target.size()) + " rows is not a finite number, first of row " +
                std::to_string(first - target.begin()));
}

/// `learned`: the rows that are not validation rows, at the start.
Status CheckClasses(std::span<const double> target, std::size_t learned,
                    const TrainerOptions& options) {
  const std::size_t classes = options.task == Task::kBinary ? 2 : options.classes;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] >= 0 && target[i] < static_cast<double>(classes) &&
        target[i] == std::floor(target[i])) {
      continue;
    }
    return Refuse("expected a class from 0 to " + std::to_string(classes - 1) + ", got " +
                  TextOf(target[i]) + " in row " + std::to_string(i));
  }
  const auto learned_classes = target.first(learned);
  if (std::ranges::count(learned_classes, target.front()) == std::ssize(learned_classes)) {
    return Refuse("all rows to learn from are of class " + TextOf(target.front()));
  }
  return {};
}

Status CheckFeatures(const TrainingRows& rows) {
  const auto found = std::ranges::find_if(rows.values, [](float x) { return std::isinf(x); });
  if (found == rows.values.end()) return {};
  const auto at = static_cast<std::size_t>(found - rows.values.begin());
  return Refuse("infinite in row " + std::to_string(at / rows.features.size()),
                rows.features[at % rows.features.size()]);
}

Result<std::vector<float>> WeightsOf(const TrainingRows& rows, const TrainerOptions& options) {
  std::vector<double> weights(rows.target.size(), 1);
  if (!rows.weights.empty()) weights.assign(rows.weights.begin(), rows.weights.end());
  const auto is_bad = [](double w) { return !(w >= 0 && w <= std::numeric_limits<float>::max()); };
  if (const auto bad = std::ranges::find_if(weights, is_bad); bad != weights.end()) {
    return Refuse("the weight of row " + std::to_string(bad - weights.begin()) +
                  " is negative or not finite");
  }
  const auto validation = std::span(weights).last(rows.validation_rows);
  if (!validation.empty() && std::ranges::count(validation, 0) == std::ssize(validation)) {
    return Refuse("the weights of all validation rows are 0: every model would be without error");
  }
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
  }
  const auto learned = std::span(weights).first(weights.size() - rows.validation_rows);
  if (std::ranges::count(learned, 0) == std::ssize(learned)) {
    return Refuse("the weights of all rows to learn from are 0");
  }
  return std::vector<float>(weights.begin(), weights.end());
}

}  // namespace

Result<PreparedRows> Prepare(const TrainingRows& rows, const TrainerOptions& options) {
  if (Status ok = CheckShape(rows, options); !ok) return std::move(ok).error();
  const std::size_t learned = rows.target.size() - rows.validation_rows;
  if (Status ok = CheckTarget(rows.target); !ok) return std::move(ok).error();
  if (options.task != Task::kRegression) {
    Status ok = CheckClasses(rows.target, learned, options);
    if (!ok) return std::move(ok).error();
  }
  if (Status ok = CheckFeatures(rows); !ok) return std::move(ok).error();
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
