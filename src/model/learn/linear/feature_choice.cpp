#include "model/learn/linear/feature_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "model/learn/linear/feature_scores.hpp"

namespace forkcast::model {
namespace {

constexpr std::size_t kShownConstants = 5;

std::vector<double> ColumnOf(const TrainingRows& rows, std::size_t feature) {
  std::vector<double> column(rows.target.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    column[row] = rows.values[row * rows.features.size() + feature];
  }
  return column;
}

Status RequireAll(const TrainingRows& rows) {
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    if (!std::isnan(rows.values[i])) continue;
    const std::size_t feature = i % rows.features.size();
    const std::vector<double> column = ColumnOf(rows, feature);
    const auto missing =
        std::ranges::count_if(column, [](double value) { return std::isnan(value); });
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("missing in {} of {} rows, which a linear model cannot learn from",
                             missing, column.size()),
                 rows.features[feature]};
  }
  return {};
}

/// Of what StandardScaler computes: the deviation is that of n, and 1 where all are equal.
LinearInput InputOf(const TrainingRows& rows, std::size_t feature) {
  const std::vector<double> column = ColumnOf(rows, feature);
  const auto count = static_cast<double>(column.size());
  double mean = 0;
  for (const double value : column) mean += value;
  mean /= count;
  double squares = 0;
  for (const double value : column) squares += (value - mean) * (value - mean);
  const auto [least, most] = std::ranges::minmax_element(column);
  return {.feature = static_cast<std::uint32_t>(feature),
          .mean = mean,
          .deviation = *least == *most ? 1 : std::sqrt(squares / count)};
}

Error TooFew(const TrainingRows& rows, std::size_t k,
             std::span<const std::optional<double>> scores) {
  std::vector<std::string> constant;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i]) constant.push_back(rows.features[i]);
  }
  const std::size_t differ = scores.size() - constant.size();
  const std::size_t shown = std::min(constant.size(), kShownConstants);
  const std::string names = fmt::format(
      "{}{}",
      fmt::join(constant.begin(), constant.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < constant.size() ? ", ..." : "");
  return {ErrorCode::kInvalidArgument,
          fmt::format("k_best asks for {} features, and {} of {} differ between the {} rows to "
                      "learn from{}{}",
                      k, differ, scores.size(), rows.target.size(),
                      constant.empty() ? "" : "; always the same: ", names)};
}

/// Positions of the k best, ascending.
Result<std::vector<std::size_t>> ChooseBest(const TrainingRows& rows, const BestFeatures& best,
                                            bool of_classes) {
  std::vector<std::optional<double>> scores;
  for (std::size_t i = 0; i < rows.features.size(); ++i) {
    scores.push_back(ScoreOf(best.score, ColumnOf(rows, i), rows.target, of_classes));
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i]) order.push_back(i);
  }
  if (order.size() < best.k) return TooFew(rows, best.k, scores);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return *scores[i]; });
  order.erase(order.begin(), order.end() - static_cast<std::ptrdiff_t>(best.k));
  std::ranges::sort(order);
  return order;
}

}  // namespace

Result<std::vector<LinearInput>> ChooseInputs(const TrainingRows& rows,
                                              const LinearOptions& options, bool of_classes) {
  if (Status all = RequireAll(rows); !all) return std::move(all).error();
  std::vector<LinearInput> inputs;
  if (!options.best) {
    for (std::size_t i = 0; i < rows.features.size(); ++i) inputs.push_back(InputOf(rows, i));
    return inputs;
  }
  const Result<std::vector<std::size_t>> chosen = ChooseBest(rows, *options.best, of_classes);
  if (!chosen) return chosen.error();
  for (const std::size_t feature : *chosen) inputs.push_back(InputOf(rows, feature));
  return inputs;
}

}  // namespace forkcast::model
