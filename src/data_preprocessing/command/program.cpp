#include "data_preprocessing/command/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/command/exit_code.hpp"

namespace forkcast::preprocessing {
namespace {

std::string ProgramHelp(const Program& program, const std::vector<Command>& commands) {
  std::string help = fmt::format("usage: {} COMMAND [flags]\n\nCommands:\n", program.name);
  for (const Command& command : commands) {
    help += fmt::format("  {:<10}{}\n", command.name, command.meaning);
  }
  help += fmt::format(
      "\n{0} COMMAND --help lists a command's flags and exit codes; {0} --version\n"
      "prints the version. Exit codes of every command:\n",
      program.name);
  for (const ExitCode code : {ExitCode::kDone, ExitCode::kUsage, ExitCode::kUnexpected}) {
    help += fmt::format("  {:<4}{}\n", static_cast<int>(code), MeaningOf(code));
  }
  return help;
}

std::string UnknownCommand(const Program& program, const std::vector<Command>& commands,
                           const std::string& name) {
  std::string known;
  for (const Command& command : commands) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", command.name);
  }
  return fmt::format("{}: unknown command \"{}\"; there are: {}\n", program.name, name, known);
}

}  // namespace

int RunProgram(const Program& program, const std::vector<std::string>& words,
               const CommandContext& context) {
  constexpr int kUsage = static_cast<int>(ExitCode::kUsage);
  std::vector<Command> commands;
  for (const MakeCommand make : program.commands) commands.push_back(make());
  if (words.empty()) {
    context.err << ProgramHelp(program, commands);
    return kUsage;
  }
  const std::string& name = words.front();
  const bool asks_for_help = name == "--help" || name == "-h";
  if (asks_for_help || name == "--version") {
    context.out << (asks_for_help ? ProgramHelp(program, commands)
                                  : fmt::format("{} {}\n", program.name, program.version));
    return static_cast<int>(context.out.flush() ? ExitCode::kDone : ExitCode::kIo);
  }
  const auto command = std::ranges::find(commands, name, &Command::name);
  if (command == commands.end()) {
    context.err << UnknownCommand(program, commands, name);
    return kUsage;
  }
  return RunCommand(*command, {words.begin() + 1, words.end()}, context);
}

int RunMain(const Program& program, int argc, char** argv) noexcept {
  try {
    const SystemClock clock;
    return RunProgram(program, {argv + std::min(argc, 1), argv + argc},
                      {.environment = ProcessEnvironment,
                       .out = std::cout,
                       .err = std::cerr,
                       .clock = clock,
                       .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                       .program = std::string(program.name)});
  } catch (const std::exception& error) {
    std::cerr << program.name << ": " << error.what() << '\n';
  } catch (...) {
    std::cerr << program.name << ": an error without description\n";
  }
  return static_cast<int>(ExitCode::kUnexpected);
}

}  // namespace forkcast::preprocessing
