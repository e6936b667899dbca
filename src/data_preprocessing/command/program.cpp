#include "data_preprocessing/command/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/descriptor_stream.hpp"
#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/command/exit_code.hpp"
#include "data_preprocessing/command/known_variables.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/command/terminal.hpp"

namespace forkcast::preprocessing {
namespace {

std::string ProgramHelp(const Program& program, const std::vector<Command>& commands,
                        std::size_t width) {
  constexpr std::size_t kNameColumn = 12;
  constexpr std::size_t kCodeColumn = 6;
  std::string help = fmt::format("usage: {} COMMAND [flags]\n\nCommands:\n", program.name);
  for (const Command& command : commands) {
    help += Beside("  " + command.name, command.meaning, kNameColumn, width);
  }
  help += "\n" + Paragraph(fmt::format("{0} help COMMAND, or {0} COMMAND --help, lists a command's "
                                       "flags and exit codes; {0} --version prints the version. "
                                       "Exit codes of every command:",
                                       program.name),
                           width);
  for (const ExitCode code : {ExitCode::kDone, ExitCode::kUsage, ExitCode::kUnexpected}) {
    help +=
        Beside(fmt::format("  {}", static_cast<int>(code)), MeaningOf(code), kCodeColumn, width);
  }
  return help;
}

std::string UnknownCommand(const Program& program, const std::vector<Command>& commands,
                           const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : commands) known.push_back(command.name);
  return fmt::format("{}: unknown command \"{}\"{} (there are: {})\n", program.name, name,
                     DidYouMean(name, known), fmt::join(known, ", "));
}

Status CheckEnvironment(const Program& program, const std::vector<Command>& commands,
                        const CommandContext& context) {
  using enum Program::UnknownVariables;
  if (program.unknown_variables == kTaken) return {};
  std::vector<std::string> known = VariablesOf(commands);
  known.insert(known.end(), program.others.begin(), program.others.end());
  known.emplace_back(kProgressVariable);  // of every command that shows progress
  return CheckVariables(context.variables, context.environment, known,
                        program.unknown_variables == kRefusedWhenMistyped);
}

std::vector<std::string> NamesInEnvironment() {
  std::vector<std::string> names;
  for (const char* const* variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

}  // namespace

int RunProgram(const Program& program, const std::vector<std::string>& words,
               const CommandContext& context) {
  constexpr int kUsage = static_cast<int>(ExitCode::kUsage);
  std::vector<Command> commands;
  for (const MakeCommand make : program.commands) commands.push_back(make());
  if (words.empty()) {
    context.err << ProgramHelp(program, commands, HelpWidth(context));
    return kUsage;
  }
  std::string name = words.front();
  std::vector<std::string> behind(words.begin() + 1, words.end());
  if (name == "help" && !behind.empty()) {
    name = behind.front();
    behind = {"--help"};
  }
  const bool asks_for_help = name == "--help" || name == "-h" || name == "help";
  if (asks_for_help || name == "--version") {
    context.out << (asks_for_help ? ProgramHelp(program, commands, HelpWidth(context))
                                  : fmt::format("{} {}\n", program.name, program.version));
    return static_cast<int>(context.out.flush() ? ExitCode::kDone : ExitCode::kIo);
  }
  const auto command = std::ranges::find(commands, name, &Command::name);
  if (command == commands.end()) {
    context.err << UnknownCommand(program, commands, name);
    return kUsage;
  }
  // Who asks for help is to get it whatever is wrong.
  if (const Status known = CheckEnvironment(program, commands, context);
      !known && !AsksForHelp(behind)) {
    context.err << fmt::format("{} {}: {}\n", program.name, name, known.error().message);
    return kUsage;
  }
  return RunCommand(*command, behind, context);
}

int RunMain(const Program& program, int argc, char** argv) noexcept {
  try {
    const SystemClock clock;
    DescriptorBuffer buffer(STDOUT_FILENO);
    std::ostream out(&buffer);
    const TextStyle style = StyleOf(STDOUT_FILENO, ProcessEnvironment);
    if (style.width > 0) out << std::unitbuf;  // whoever looks at it sees it at once
    return RunProgram(program, {argv + std::min(argc, 1), argv + argc},
                      {.environment = ProcessEnvironment,
                       .out = out,
                       .err = std::cerr,
                       .clock = clock,
                       .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                       .program = std::string(program.name),
                       .style = style,
                       .err_width = TerminalWidth(STDERR_FILENO, ProcessEnvironment),
                       .variables = NamesInEnvironment()});
  } catch (const std::exception& error) {
    std::cerr << program.name << ": " << error.what() << '\n';
  } catch (...) {
    std::cerr << program.name << ": an error without description\n";
  }
  return static_cast<int>(ExitCode::kUnexpected);
}

}  // namespace forkcast::preprocessing
