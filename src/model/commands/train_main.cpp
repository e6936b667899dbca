// forkcast-train: the commands that need XGBoost. `forkcast train`, `retrain`, `evaluate` and
// `check` become this program, and so it speaks in that one's name.

#include "data_preprocessing/command/program.hpp"
#include "model/commands/check_command.hpp"
#include "model/commands/container_training.hpp"
#include "model/commands/train_command.hpp"

namespace forkcast::model {
namespace {

/// A row a command, in the order of --help.
constexpr preprocessing::MakeCommand kCommands[] = {&CheckCommand, &EvaluateCommand,
                                                    &RetrainCommand, &TrainOrContainerCommand};

}  // namespace
}  // namespace forkcast::model

int main(int argc, char** argv) {
  return forkcast::preprocessing::RunMain(
      {.name = "forkcast",
       .version = FORKCAST_VERSION,
       .commands = forkcast::model::kCommands,
       .unknown_variables =
           forkcast::preprocessing::Program::UnknownVariables::kRefusedWhenMistyped},
      argc, argv);
}
