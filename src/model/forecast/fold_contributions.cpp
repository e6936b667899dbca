#include "model/forecast/fold_contributions.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace forkcast::model {
namespace {

/// A row, and the model that it is explained by.
struct ExplainedRow {
  const Predictor* predictor = nullptr;
  const PointExamples* examples = nullptr;
  std::uint32_t row = 0;

  [[nodiscard]] const ForecastPoint& point() const noexcept { return examples->points[row]; }
};

/// Those that a model forecasts.
std::vector<ExplainedRow> RowsOf(const ForecastData& data, const ForecastModel& model,
                                 const StepExamples& examples, PeriodRange test) {
  std::vector<ExplainedRow> rows;
  const std::size_t models = examples.model_count();
  for (std::size_t i = 0; i < models; ++i) {
    const PointExamples& known = examples.of_model(i);
    // Of several models each has a step of its own.
    const std::int64_t step = test.first + static_cast<std::int64_t>(i);
    const PeriodRange periods = models == 1 ? test : PeriodRange{.first = step, .last = step};
    for (const std::uint32_t row : RowsIn(known, periods)) {
      const auto key = model.FindKey(data.grid().KeyBytes(known.points[row].key));
      const Predictor* const predictor = key ? model.ModelOf(i + 1, *key) : nullptr;
      if (predictor != nullptr) rows.push_back({predictor, &known, row});
    }
  }
  return rows;
}

Result<MeanContributions> Explain(const TrainingPlan& plan, std::span<const ExplainedRow> rows,
                                  std::size_t wanted) {
  ContributionSums sums(plan.inputs, plan.groups);
  for (const std::size_t i :
       DrawRows(rows.size(), std::min(wanted, rows.size()), plan.setting.seed)) {
    const Status added = sums.Add(*rows[i].predictor, rows[i].examples->features, rows[i].row);
    if (!added) return added.error();
  }
  return sums.Means();
}

/// The rows of the keys with the greatest sums, by key.
std::map<std::uint32_t, std::vector<ExplainedRow>> OfLargestKeys(
    std::span<const ExplainedRow> rows) {
  constexpr std::size_t kKeys = 20;
  std::map<std::uint32_t, double> sums;
  for (const ExplainedRow& row : rows) {
    const double actual = row.examples->actual[row.row];
    if (std::isfinite(actual)) sums[row.point().key] += actual;
  }
  std::vector<std::pair<double, std::uint32_t>> by_size;
  for (const auto& [key, sum] : sums) by_size.emplace_back(-sum, key);
  std::ranges::sort(by_size);
  by_size.resize(std::min(by_size.size(), kKeys));
  std::map<std::uint32_t, std::vector<ExplainedRow>> of_keys;
  for (const auto& [size, key] : by_size) of_keys[key];
  for (const ExplainedRow& row : rows) {
    const auto found = of_keys.find(row.point().key);
    if (found != of_keys.end()) found->second.push_back(row);
  }
  return of_keys;
}

}  // namespace

Result<FoldContributions> ExplainFold(const ForecastData& data, const TrainingPlan& plan,
                                      const ForecastModel& model, const StepExamples& examples,
                                      PeriodRange test) {
  FoldContributions found;
  if (model.explained() != Explained::kYes || !model.candidates().empty()) return found;
  const std::vector<ExplainedRow> rows = RowsOf(data, model, examples, test);
  if (rows.empty()) return found;
  const std::size_t wanted = RowsToExplain(*rows.front().predictor->explainer(), rows.size());
  Result<MeanContributions> all = Explain(plan, rows, wanted);
  if (!all) return std::move(all).error();
  found.all = *std::move(all);
  const auto of_keys = OfLargestKeys(rows);
  for (const auto& [key, of_key] : of_keys) {
    Result<MeanContributions> means =
        Explain(plan, of_key, std::max<std::size_t>(1, wanted / of_keys.size()));
    if (!means) return std::move(means).error();
    found.by_key[key] = *std::move(means);
  }
  return found;
}

}  // namespace forkcast::model
