#include <csignal>

#include "client/produce_command.hpp"
#include "client/replay_command.hpp"
#include "data_preprocessing/command/program.hpp"

namespace forkcast::client {
namespace {

/// A row a command, in the order of --help.
constexpr preprocessing::MakeCommand kCommands[] = {&ProduceCommand, &ReplayCommand};

}  // namespace
}  // namespace forkcast::client

int main(int argc, char** argv) {
  // A closed connection or pipe is an error code where it is written to, not the end of us.
  std::signal(SIGPIPE, SIG_IGN);
  return forkcast::preprocessing::RunMain(
      {.name = "forkcast-client",
       .version = FORKCAST_VERSION,
       .commands = forkcast::client::kCommands,
       .unknown_variables =
           forkcast::preprocessing::Program::UnknownVariables::kRefusedWhenMistyped},
      argc, argv);
}
