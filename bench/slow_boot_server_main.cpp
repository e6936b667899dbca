// slow-boot-server serve [flags of forkcast serve]: the server with a model that takes a second to
// load.

#include <chrono>
#include <thread>

#include "data_preprocessing/command/program.hpp"
#include "serving/commands/serve_command.hpp"

namespace {

forkcast::preprocessing::Command SlowServe() {
  return forkcast::serving::ServeCommand(
      {.before_load = [] { std::this_thread::sleep_for(std::chrono::seconds(1)); }});
}

constexpr forkcast::preprocessing::MakeCommand kCommands[] = {&SlowServe};

}  // namespace

int main(int argc, char** argv) {
  return forkcast::preprocessing::RunMain(
      {.name = "slow-boot-server", .version = "", .commands = kCommands}, argc, argv);
}
