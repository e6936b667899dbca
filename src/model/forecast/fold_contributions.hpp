#pragma once

#include <cstdint>
#include <map>

#include "data_preprocessing/base/result.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/mean_contributions.hpp"

namespace forkcast::model {

/// What forecasts of a fold's test are made of.
struct FoldContributions {
  MeanContributions all{};
  /// Of the keys with the greatest sums in the test.
  std::map<std::uint32_t, MeanContributions> by_key{};
};

/// Explains a sample of the rows in `test`, drawn by the plan's seed: at most as many as
/// RowsToExplain() says in all, and again over the keys. Rows of a recursive forecast are those
/// whose past is known. Nothing where a model cannot be explained.
[[nodiscard]] Result<FoldContributions> ExplainFold(const ForecastData& data,
                                                    const TrainingPlan& plan,
                                                    const ForecastModel& model,
                                                    const StepExamples& examples, PeriodRange test);

}  // namespace forkcast::model
