#pragma once

#include <memory>
#include <optional>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/xgboost/booster.hpp"
#include "model/learn/xgboost/tree_options.hpp"

/// What trainers that grow trees by XGBoost do alike.
namespace forkcast::model {

/// What all of them tell the library.
Status ConfigureBooster(Booster& booster, const TreeOptions& options, double base_score,
                        double learning_rate);

/// The result of a training: the booster's file, and the forest that is compiled of it. Nothing
/// when cancelled, which is no booster.
[[nodiscard]] Result<std::optional<TrainedModel>> FinishTraining(
    std::unique_ptr<Booster> booster, const TrainingRows& rows, const TreeOptions& options,
    std::optional<double> validation_error);

/// One more round is done. False when cancelled.
[[nodiscard]] bool ReportRound(TrainingProgress& progress, const OnRound& on_round,
                               std::optional<double> validation_error = {});

}  // namespace forkcast::model
