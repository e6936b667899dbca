#include "data_preprocessing/command/program.hpp"
#include "data_preprocessing/commands/ingest_command.hpp"
#include "model/commands/container_training.hpp"
#include "model/commands/models_command.hpp"
#include "model/commands/train_command.hpp"
#include "serving/commands/serve_command.hpp"
#include "serving/commands/status_command.hpp"

namespace forkcast {
namespace {

/// A row a command, in the order of --help.
constexpr preprocessing::MakeCommand kCommands[] = {
    &model::EvaluateCommand, &preprocessing::IngestCommand, &model::ModelsCommand,
    &serving::ServeCommand,  &serving::StatusCommand,       &model::TrainOrContainerCommand,
};

}  // namespace
}  // namespace forkcast

int main(int argc, char** argv) {
  return forkcast::preprocessing::RunMain(
      {.name = "forkcast", .version = FORKCAST_VERSION, .commands = forkcast::kCommands}, argc,
      argv);
}
