#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/mlflow/mlflow_client.hpp"

namespace forkcast::model {

/// A training or judging that has ended, as MLflow is told of it.
struct TrainingLog {
  std::string experiment;
  std::string run_name;
  Instant begun{};
  Instant ended{};
  nlohmann::ordered_json document{};     ///< The pipeline.
  nlohmann::ordered_json evaluation{};   ///< What Validation::ToJson() gave.
  std::string report{};                  ///< The page; empty: none.
  std::optional<VersionInfo> version{};  ///< What was published, its files here.
  std::string alias{};                   ///< What it got; empty: none.
};

struct LoggedRun {
  std::string run_id;
  std::uint64_t version = 0;  ///< In MLflow's registry; 0: none was registered.
};

/// Numbers as MLflow has them: `key` at `step`.
struct LoggedMetric {
  std::string key;
  double value = 0;
  std::uint64_t step = 0;

  friend bool operator==(const LoggedMetric&, const LoggedMetric&) = default;
};

/// Those of an evaluation: its metrics under their names, those of fold N under `fold.NAME` at step
/// N, and `value` and `skill`.
[[nodiscard]] std::vector<LoggedMetric> MetricsOf(const nlohmann::ordered_json& evaluation);
/// The leaves of the section `training`, by their path ("trainer.rounds"), and the pipeline's name
/// and version; as many as MLflow takes.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> ParametersOf(
    const nlohmann::ordered_json& document);
/// The file by which MLflow knows a folder to hold a model.
[[nodiscard]] std::string MlmodelText(const VersionInfo& version, const std::string& run_id,
                                      Instant now);

/// Makes a run with all of it: parameters, metrics, pipeline.json, evaluation.json, report.html
/// and, of what was published, its files under `model/`, registered as a version of the model's
/// name with its alias. Errors as MlflowClient; what was told before one stays, and the run is
/// FAILED.
[[nodiscard]] Result<LoggedRun> LogTraining(MlflowClient& client, const TrainingLog& log);

}  // namespace forkcast::model
