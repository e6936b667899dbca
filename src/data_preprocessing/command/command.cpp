#include "data_preprocessing/command/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/sibling_program.hpp"

namespace forkcast::preprocessing {
namespace {

Error UsageError(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

std::string DescribeOperands(const Command& command) {
  std::string text;
  for (const Operand& operand : command.operands) {
    const bool is_required = operand.need == Operand::Need::kRequired;
    text += is_required ? " " + operand.name : " [" + operand.name + "]";
  }
  return text;
}

/// That the operands are as many as the command takes. `called`: how the command is called.
Status CheckOperands(const Command& command, const std::vector<std::string>& operands,
                     const std::string& called) {
  const auto least = static_cast<std::size_t>(
      std::ranges::count(command.operands, Operand::Need::kRequired, &Operand::need));
  if (operands.size() >= least && operands.size() <= command.operands.size()) return {};
  if (command.operands.empty()) {
    return UsageError("unexpected argument \"" + operands.front() + "\" (--help lists the flags)");
  }
  return UsageError(
      fmt::format("expected: {}{} (--help lists the flags)", called, DescribeOperands(command)));
}

Flag HelpFlag() { return {.name = "help", .kind = Flag::Kind::kSwitch, .meaning = "Prints this."}; }

/// The command's own flags and those of its verbs, each once, and --help.
std::vector<Flag> AllFlags(const Command& command) {
  std::vector<Flag> flags = command.flags;
  for (const Command& verb : command.verbs) {
    for (const Flag& flag : verb.flags) {
      const bool is_known = std::ranges::find(flags, flag.name, &Flag::name) != flags.end();
      if (!is_known) flags.push_back(flag);
    }
  }
  flags.push_back(HelpFlag());
  return flags;
}

/// A verb as the command that it is: with the flags that all verbs have.
Result<Command> ChooseVerb(const Command& command, GivenWords& given) {
  const std::string see = " (--help lists verbs and flags)";
  if (given.operands.empty()) return UsageError("no verb given" + see);
  const auto verb = std::ranges::find(command.verbs, given.operands.front(), &Command::name);
  if (verb == command.verbs.end()) {
    return UsageError("unknown verb \"" + given.operands.front() + "\"" + see);
  }
  given.operands.erase(given.operands.begin());
  Command chosen = *verb;
  chosen.flags.insert(chosen.flags.begin(), command.flags.begin(), command.flags.end());
  for (const auto& [name, values] : given.flags) {
    if (std::ranges::find(chosen.flags, name, &Flag::name) == chosen.flags.end()) {
      return UsageError(fmt::format("--{} is no flag of {}", name, verb->name) + see);
    }
  }
  return chosen;
}

bool IsOn(const Command& command, const Arguments& arguments, std::string_view flag) {
  return std::ranges::find(command.flags, flag, &Flag::name) != command.flags.end() &&
         arguments.Has(flag);
}

ExitCode Run(const Command& command, const std::vector<std::string>& words,
             const CommandContext& context) {
  if (!command.program.empty()) {
    std::vector<std::string> all{command.name};
    all.insert(all.end(), words.begin(), words.end());
    BecomeSibling(command.program, all);
  }
  if (AsksForHelp(words)) {
    context.out << CommandHelp(command, context.program);
    return ExitCode::kDone;
  }
  if (words.empty() && command.run_bare) {
    if (const auto code = command.run_bare(context)) return *code;
  }
  const auto usage = ExitCode::kUsage;
  GivenWords given = Require(ParseWords(AllFlags(command), words), usage);
  const Command chosen =
      command.verbs.empty() ? command : Require(ChooseVerb(command, given), usage);
  const std::string called = fmt::format("{} {}{}", context.program, command.name,
                                         command.verbs.empty() ? "" : " " + chosen.name);
  Require(CheckOperands(chosen, given.operands, called), usage);
  const Arguments arguments =
      Require(Arguments::Read(chosen.flags, std::move(given), context.environment), usage);
  CommandContext around = context;
  around.quiet = context.quiet || IsOn(chosen, arguments, "quiet");
  return chosen.run(arguments, around);
}

std::string UsageLine(const Command& command, std::string_view program) {
  std::string line = fmt::format("usage: {} {}{}", program, command.name,
                                 command.verbs.empty() ? "" : " VERB ...");
  line += DescribeOperands(command);
  for (const Flag& flag : command.flags) {
    if (flag.need == Flag::Need::kOptional) continue;
    line += fmt::format(" --{} {}", flag.name, flag.argument);
  }
  return line + " [flags]\n\n";
}

}  // namespace

int RunCommand(const Command& command, const std::vector<std::string>& words,
               const CommandContext& context) {
  try {
    const ExitCode code = Run(command, words, context);
    if (!context.out.flush()) throw Failure(ExitCode::kIo, "standard output cannot be written");
    return static_cast<int>(code);
  } catch (const Failure& failure) {
    context.err << fmt::format("{} {}: {}\n", context.program, command.name, failure.what());
    return static_cast<int>(failure.code());
  }
}

Result<Arguments> ReadArguments(const Command& command, const std::vector<std::string>& words,
                                const Environment& environment) {
  Result<GivenWords> given = ParseWords(AllFlags(command), words);
  if (!given) return std::move(given).error();
  const Status counted = CheckOperands(command, given->operands, command.name);
  if (!counted) return counted.error();
  return Arguments::Read(command.flags, *std::move(given), environment);
}

std::string CommandHelp(const Command& command, std::string_view program) {
  std::string text = UsageLine(command, program) + command.description;
  if (!command.description.empty()) text += '\n';
  for (const Command& verb : command.verbs) {
    text += fmt::format("  {:<32}{}\n", verb.name + DescribeOperands(verb), verb.meaning);
  }
  if (!command.verbs.empty()) text += '\n';
  std::vector<Flag> flags = command.flags;
  for (const Command& verb : command.verbs) {
    for (Flag flag : verb.flags) {
      flag.meaning = verb.name + ": " + flag.meaning;
      flags.push_back(std::move(flag));
    }
  }
  flags.push_back(HelpFlag());
  text += DescribeFlags(flags);
  if (!command.remark.empty()) text += "\n" + command.remark;
  text += "\nExit codes:\n";
  for (const Ending& ending : command.endings) {
    constexpr std::size_t kColumn = 7;
    std::string line = Paragraph(
        ending.when.empty() ? MeaningOf(ending.code) : std::string_view(ending.when), kColumn);
    const std::string number = fmt::format("  {:<5}", static_cast<int>(ending.code));
    text += line.replace(0, kColumn, number);
  }
  return text;
}

}  // namespace forkcast::preprocessing
