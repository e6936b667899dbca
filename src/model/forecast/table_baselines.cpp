#include "model/forecast/table_baselines.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "data_preprocessing/base/nan.hpp"

namespace forkcast::model {
namespace {

bool IsTable(const BaselineSpec& spec) { return spec.kind == BaselineKind::kQuantileTable; }

}  // namespace

TableBaselines::TableBaselines(const TrainingPlan& plan, const StepExamples& examples)
    : plan_(plan), columns_(plan.baselines.size()), tables_(plan.baselines.size()) {
  if (std::ranges::none_of(plan.baselines, IsTable)) return;
  examples_ = &examples.of_model(0);
  const auto& known = examples_->features.columns();
  for (std::size_t i = 0; i < plan.baselines.size(); ++i) {
    for (const std::string& name : plan.baselines[i].cells) {
      const auto found = std::ranges::find(known, name, &FeatureColumnSpec::name);
      columns_[i].push_back(static_cast<std::size_t>(found - known.begin()));
    }
  }
}

void TableBaselines::CellOf(std::size_t baseline, std::uint32_t row,
                            std::vector<float>& cell) const {
  cell.assign(1, static_cast<float>(examples_->points[row].key));
  for (const std::size_t column : columns_[baseline]) {
    cell.push_back(examples_->features.column(column)[row]);
  }
}

void TableBaselines::Begin(const Fold& fold) {
  std::vector<float> cell;
  for (std::size_t i = 0; i < plan_.baselines.size(); ++i) {
    const BaselineSpec& spec = plan_.baselines[i];
    if (!IsTable(spec)) continue;
    PeriodRange learned = fold.train;
    if (spec.periods > 0) {
      learned.first =
          std::max(learned.first, learned.last - static_cast<std::int64_t>(spec.periods) + 1);
    }
    CellRows rows(columns_[i].size() + 1);
    for (std::uint32_t row = 0; row < examples_->points.size(); ++row) {
      if (!learned.Contains(examples_->points[row].period)) continue;
      CellOf(i, row, cell);
      rows.Add(cell, examples_->actual[row]);
    }
    tables_[i].reset();
    if (!rows.empty()) tables_[i] = rows.Table({});
  }
}

BaselineForecast TableBaselines::Forecast(std::size_t baseline, const ForecastPoint& point) const {
  const std::optional<CellQuantiles>& table = tables_[baseline];
  if (!table) return {.value = kNaN, .reason = NoForecast::kHistoryTooShort};
  const auto place = [](const ForecastPoint& one) { return std::tuple(one.key, one.period); };
  const auto& points = examples_->points;
  const auto found = std::ranges::lower_bound(points, place(point), {}, place);
  if (found == points.end() || place(*found) != place(point)) {
    return {.value = kNaN, .reason = NoForecast::kValueMissing};
  }
  std::vector<float> cell;
  CellOf(baseline, static_cast<std::uint32_t>(found - points.begin()), cell);
  CellKey key;
  CellKeyOf(cell, key);
  return {.value = table->Of(key, key.size())};
}

}  // namespace forkcast::model
