#include "model/commands/mlflow_log.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "data_preprocessing/command/failure.hpp"
#include "model/artefact/registry.hpp"
#include "model/mlflow/training_log.hpp"

namespace forkcast::model {
namespace {

using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Require;

/// Nobody waits long for a server that is there for the record.
constexpr HttpLimits kLimits{.connect = std::chrono::seconds(3), .attempts = 2};

Result<LoggedRun> Log(const MlflowLog& log, const TrainingOutcome& outcome,
                      const CommandContext& context) {
  Result<MlflowSettings> settings = ReadMlflowSettings(log.url, context.environment);
  if (!settings) return std::move(settings).error();
  const std::string pipeline = outcome.summary.at("pipeline");
  TrainingLog told{.experiment = context.environment("MLFLOW_EXPERIMENT_NAME").value_or(pipeline),
                   .run_name = pipeline,
                   .begun = log.begun,
                   .ended = context.clock.Now(),
                   .document = log.document,
                   .evaluation = outcome.summary.at("evaluation"),
                   .report = outcome.page};
  if (outcome.summary.contains("version")) {
    const std::string model = outcome.summary.at("model");
    const std::uint64_t number = outcome.summary.at("version");
    told.run_name = fmt::format("{} {}", model, number);
    Result<VersionInfo> version = Registry(log.models).Find(model, std::to_string(number));
    if (!version) return std::move(version).error();
    told.version = *std::move(version);
    if (outcome.summary.value("promoted", false)) told.alias = log.alias;
  }
  MlflowClient client(*std::move(settings), kLimits);
  return LogTraining(client, told);
}

}  // namespace

void CheckMlflow(const std::string& url, const CommandContext& context) {
  if (!url.empty()) Require(ReadMlflowSettings(url, context.environment), ExitCode::kUsage);
}

void TellMlflow(const MlflowLog& log, const TrainingOutcome& outcome,
                const CommandContext& context) {
  if (log.url.empty() || !outcome.summary.contains("evaluation")) return;
  const Result<LoggedRun> logged = Log(log, outcome, context);
  if (!logged) {
    context.err << fmt::format("warning: MLflow was not told of it: {}\n", logged.error().message);
    return;
  }
  if (context.quiet) return;
  context.err << fmt::format("MLflow: run {}{}\n", logged->run_id,
                             logged->version == 0
                                 ? ""
                                 : fmt::format(", version {} of its model {}", logged->version,
                                               outcome.summary.at("model").get<std::string>()));
}

}  // namespace forkcast::model
