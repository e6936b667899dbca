#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/commands/ingest_command.hpp"
#include "model/commands/container_training.hpp"
#include "model/commands/models_command.hpp"
#include "model/commands/train_command.hpp"
#include "serving/commands/serve_command.hpp"
#include "serving/commands/status_command.hpp"

namespace forkcast {
namespace {

using preprocessing::CommandContext;

struct Subcommand {
  std::string_view name;
  std::string_view meaning;
  int (*run)(const std::vector<std::string>& arguments, const CommandContext& context);
};

constexpr Subcommand kSubcommands[] = {
    {"evaluate", "judges a pipeline's model on its past", &model::RunEvaluateCommand},
    {"ingest", "takes CSV files into the store and publishes snapshots",
     &preprocessing::RunIngestCommand},
    {"models", "lists, shows, compares, promotes and prunes versions of models",
     &model::RunModelsCommand},
    {"serve", "answers requests from the snapshots that ingest published",
     &serving::RunServeCommand},
    {"status", "tells how a running server and its workers are", &serving::RunStatusCommand},
    {"train", "judges a pipeline's model, trains it on everything and publishes it",
     &model::RunTrainProgram},
};

constexpr int kUsage = 2;
constexpr int kUnexpected = 70;  // EX_SOFTWARE of sysexits.h

std::string Help() {
  std::string help = "usage: forkcast COMMAND [flags]\n\nCommands:\n";
  for (const Subcommand& command : kSubcommands) {
    help += fmt::format("  {:<10}{}\n", command.name, command.meaning);
  }
  return help +
         "\nforkcast COMMAND --help lists a command's flags and exit codes; forkcast --version\n"
         "prints the version. Exit codes of every command:\n"
         "  0   done\n"
         "  2   wrong usage\n"
         "  70  an error that Forkcast did not expect; the message says which\n";
}

int UnknownCommand(const std::string& name) {
  std::string known;
  for (const Subcommand& command : kSubcommands) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", command.name);
  }
  std::cerr << fmt::format("forkcast: unknown command \"{}\"; there are: {}\n", name, known);
  return kUsage;
}

int Run(const std::vector<std::string>& words) {
  if (words.empty()) {
    std::cerr << Help();
    return kUsage;
  }
  const std::string& name = words.front();
  if (name == "--help" || name == "-h") {
    std::cout << Help();
    return 0;
  }
  if (name == "--version") {
    std::cout << "forkcast " FORKCAST_VERSION "\n";
    return 0;
  }
  const auto* const command = std::ranges::find(kSubcommands, name, &Subcommand::name);
  if (command == std::end(kSubcommands)) return UnknownCommand(name);
  const SystemClock clock;
  return command->run({words.begin() + 1, words.end()},
                      {.environment = ProcessEnvironment,
                       .out = std::cout,
                       .err = std::cerr,
                       .clock = clock,
                       .err_is_terminal = ::isatty(STDERR_FILENO) == 1});
}

}  // namespace
}  // namespace forkcast

int main(int argc, char** argv) {
  try {
    return forkcast::Run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "forkcast: " << error.what() << '\n';
  } catch (...) {
    std::cerr << "forkcast: an error without description\n";
  }
  return forkcast::kUnexpected;
}
