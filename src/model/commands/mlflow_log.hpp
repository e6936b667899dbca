#pragma once

#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {

/// A run that has ended, and where MLflow is.
struct MlflowLog {
  std::string url;
  nlohmann::ordered_json document;  ///< The pipeline.
  std::string models;               ///< The registry; empty: nothing was published.
  std::string alias;                ///< What a version that was promoted got.
  Instant begun;
};

/// What is wrong with `url` and the variables beside it, before anything is trained. Throws
/// Failure.
void CheckMlflow(const std::string& url, const preprocessing::CommandContext& context);

/// Tells MLflow of a run that judged something. That it cannot be told costs a line on
/// `context.err` and nothing else.
void TellMlflow(const MlflowLog& log, const TrainingOutcome& outcome,
                const preprocessing::CommandContext& context);

}  // namespace forkcast::model
