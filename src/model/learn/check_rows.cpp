#include "model/learn/check_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace forkcast::model {
namespace {

/// Beyond it a library's floats are infinite.
constexpr double kMost = std::numeric_limits<float>::max();

Status CheckShape(const TrainingRows& rows, bool validates) {
  const std::size_t n = rows.target.size();
  if (rows.features.empty()) return Invalid("no feature to learn from");
  if (rows.values.size() != n * rows.features.size()) {
    return Invalid(fmt::format("expected {} rows of {} values, got {} values", n,
                               rows.features.size(), rows.values.size()));
  }
  if (!rows.weights.empty() && rows.weights.size() != n) {
    return Invalid(
        fmt::format("expected a weight for each of {} rows, got {}", n, rows.weights.size()));
  }
  if (validates && rows.validation_rows == 0) {
    return Invalid("early stopping needs validation rows, and there are none");
  }
  if (!validates && rows.validation_rows > 0) {
    return Invalid("only early stopping has validation rows");
  }
  if (n < rows.validation_rows + 2) {
    return Invalid(
        fmt::format("too few rows to learn from: at least 2 are needed, and there are {}",
                    n - std::min(n, rows.validation_rows)));
  }
  return {};
}

Status CheckTarget(std::span<const double> target) {
  const auto is_bad = [](double y) { return !(std::abs(y) <= kMost); };
  const auto first = std::ranges::find_if(target, is_bad);
  if (first == target.end()) return {};
  return Invalid(fmt::format("the target of {} of {} rows is not a finite number, first of row {}",
                             std::ranges::count_if(target, is_bad), target.size(),
                             first - target.begin()));
}

/// `learned`: the rows that are not validation rows, at the start.
Status CheckClasses(std::span<const double> target, std::size_t learned,
                    const LearningSetting& setting) {
  const std::size_t classes = setting.task == Task::kBinary ? 2 : setting.classes;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] >= 0 && target[i] < static_cast<double>(classes) &&
        target[i] == std::floor(target[i])) {
      continue;
    }
    return Invalid(
        fmt::format("expected a class from 0 to {}, got {} in row {}", classes - 1, target[i], i));
  }
  const auto learned_classes = target.first(learned);
  if (std::ranges::count(learned_classes, target.front()) == std::ssize(learned_classes)) {
    return Invalid(fmt::format("all rows to learn from are of class {}", target.front()));
  }
  return {};
}

Status CheckFeatures(const TrainingRows& rows) {
  const auto found = std::ranges::find_if(rows.values, [](float x) { return std::isinf(x); });
  if (found == rows.values.end()) return {};
  const auto at = static_cast<std::size_t>(found - rows.values.begin());
  return Invalid(fmt::format("infinite in row {}", at / rows.features.size()),
                 rows.features[at % rows.features.size()]);
}

Status CheckWeights(const TrainingRows& rows) {
  if (rows.weights.empty()) return {};
  const auto is_bad = [](double w) { return !(w >= 0 && w <= kMost); };
  if (const auto bad = std::ranges::find_if(rows.weights, is_bad); bad != rows.weights.end()) {
    return Invalid(
        fmt::format("the weight of row {} is negative or not finite", bad - rows.weights.begin()));
  }
  const auto validation = rows.weights.last(rows.validation_rows);
  if (!validation.empty() && std::ranges::count(validation, 0) == std::ssize(validation)) {
    return Invalid("the weights of all validation rows are 0: every model would be without error");
  }
  return RequireWeight(rows.weights.first(rows.weights.size() - rows.validation_rows));
}

}  // namespace

Status CheckRows(const TrainingRows& rows, const LearningSetting& setting, bool validates) {
  if (Status ok = CheckShape(rows, validates); !ok) return ok;
  if (Status ok = CheckTarget(rows.target); !ok) return ok;
  if (setting.task != Task::kRegression) {
    Status ok = CheckClasses(rows.target, rows.target.size() - rows.validation_rows, setting);
    if (!ok) return ok;
  }
  if (Status ok = CheckFeatures(rows); !ok) return ok;
  return CheckWeights(rows);
}

Status RequireWeight(std::span<const double> learned) {
  if (std::ranges::count(learned, 0) < std::ssize(learned)) return {};
  return Invalid("the weights of all rows to learn from are 0");
}

}  // namespace forkcast::model
