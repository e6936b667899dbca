#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/evaluate/baselines.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/quantile_table/quantile_table.hpp"

namespace forkcast::model {

/// What the plan's baselines "quantile_table" say. They read features, which are the examples'
/// (those of the first step): read at the target they are the same for all steps.
class TableBaselines {
 public:
  /// Both outlive the object.
  TableBaselines(const TrainingPlan& plan, const StepExamples& examples);

  /// Makes the tables of a fold: of its training, or of as many of its last periods as a baseline
  /// says.
  void Begin(const Fold& fold);
  /// What the plan's baseline at a position says of a point. Precondition: it is such a one, and
  /// Begin().
  [[nodiscard]] BaselineForecast Forecast(std::size_t baseline, const ForecastPoint& point) const;

 private:
  /// The key's number and the columns of the cells.
  void CellOf(std::size_t baseline, std::uint32_t row, std::vector<float>& cell) const;

  const TrainingPlan& plan_;
  const PointExamples* examples_ = nullptr;           // null where there is no such baseline
  std::vector<std::vector<std::size_t>> columns_;     // by baseline
  std::vector<std::optional<CellQuantiles>> tables_;  // the same
};

}  // namespace forkcast::model
