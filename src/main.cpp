#include <cstdlib>
#include <string_view>

#include "data_preprocessing/command/program.hpp"
#include "data_preprocessing/commands/ingest_command.hpp"
#include "model/commands/baseline_command.hpp"
#include "model/commands/init_command.hpp"
#include "model/commands/models_command.hpp"
#include "model/commands/training_programs.hpp"
#include "serving/commands/capture_command.hpp"
#include "serving/commands/deploy_command.hpp"
#include "serving/commands/drift_command.hpp"
#include "serving/commands/features_command.hpp"
#include "serving/commands/jobs_command.hpp"
#include "serving/commands/predict_command.hpp"
#include "serving/commands/retrain_command.hpp"
#include "serving/commands/schema_command.hpp"
#include "serving/commands/serve_command.hpp"
#include "serving/commands/skew_command.hpp"
#include "serving/commands/status_command.hpp"
#include "serving/commands/token_command.hpp"
#include "serving/commands/user_command.hpp"
#include "serving/commands/work_command.hpp"

namespace forkcast {
namespace {

/// A row a command, in the order of --help.
constexpr preprocessing::MakeCommand kCommands[] = {
    &model::BaselineCommand,   &serving::CaptureCommand,      &model::CheckElsewhere,
    &serving::DeployCommand,   &serving::DriftCommand,        &model::EvaluateElsewhere,
    &serving::FeaturesCommand, &preprocessing::IngestCommand, &model::InitCommand,
    &serving::JobsCommand,     &model::ModelsCommand,         &serving::PredictCommand,
    &serving::RetrainCommand,  &serving::SchemaCommand,       &serving::ServeCommand,
    &serving::SkewCommand,     &serving::StatusCommand,       &serving::TokenCommand,
    &model::TrainElsewhere,    &serving::UserCommand,         &serving::WorkCommand,
};

/// What forkcast-client or forkcast-train alone reads; who sets it for all may run us beside them.
constexpr std::string_view kOfOthers[] = {"FORKCAST_URL", "FORKCAST_TOKEN_FILE", "FORKCAST_MLFLOW"};

}  // namespace
}  // namespace forkcast

int main(int argc, char** argv) {
  // Of the program that trains, whose OpenMP reads it before its main begins: threads that wait by
  // spinning take the processor from those that work, on a busy machine a hundredfold.
  ::setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  return forkcast::preprocessing::RunMain(
      {.name = "forkcast",
       .version = FORKCAST_VERSION,
       .commands = forkcast::kCommands,
       .unknown_variables = forkcast::preprocessing::Program::UnknownVariables::kRefused,
       .others = forkcast::kOfOthers},
      argc, argv);
}
