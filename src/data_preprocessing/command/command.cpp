#include "data_preprocessing/command/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/base/descriptor_stream.hpp"
#include "data_preprocessing/base/suggestion.hpp"
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
    std::vector<std::string> names;
    for (const Command& one : command.verbs) names.push_back(one.name);
    const std::string& word = given.operands.front();
    return UsageError(fmt::format("unknown verb \"{}\"{}{}", word, DidYouMean(word, names), see));
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
    const bool is_reworded = command.reword && !AsksForHelp(words);
    std::vector<std::string> all = is_reworded ? command.reword(words, context) : words;
    all.insert(all.begin(), command.name);
    BecomeSibling(command.program, all);
  }
  if (AsksForHelp(words)) {
    context.out << CommandHelp(command, context.program, HelpWidth(context));
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
  return line + " [flags]";
}

}  // namespace

int RunCommand(const Command& command, const std::vector<std::string>& words,
               const CommandContext& context) {
  try {
    const ExitCode code = Run(command, words, context);
    if (!context.out.flush()) throw Failure(ExitCode::kIo, WhyNotWritten(context.out));
    return static_cast<int>(code);
  } catch (const Failure& failure) {
    context.out.flush();  // what was printed before is to be read before
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

std::string CommandHelp(const Command& command, std::string_view program, std::size_t width) {
  std::string text = Paragraph(UsageLine(command, program), width) + "\n";
  if (!command.description.empty()) text += Paragraph(command.description, width) + "\n";
  for (const Command& verb : command.verbs) {
    constexpr std::size_t kColumn = 34;
    text += Beside("  " + verb.name + DescribeOperands(verb), verb.meaning, kColumn, width);
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
  text += DescribeFlags(flags, width);
  if (!command.remark.empty()) text += "\n" + Paragraph(command.remark, width);
  text += "\nExit codes:\n";
  for (const Ending& ending : command.endings) {
    constexpr std::size_t kColumn = 7;
    text += Beside(fmt::format("  {}", static_cast<int>(ending.code)),
                   ending.when.empty() ? MeaningOf(ending.code) : std::string_view(ending.when),
                   kColumn, width);
  }
  return text;
}

std::string Beside(std::string_view head, std::string_view text, std::size_t column,
                   std::size_t width) {
  if (head.size() >= column) return fmt::format("{}\n{}", head, Paragraph(text, width, column));
  return Paragraph(text, width, column).replace(0, column, fmt::format("{:<{}}", head, column));
}

std::size_t HelpWidth(const CommandContext& context) noexcept {
  constexpr std::size_t kLongestLine = 100;
  return context.style.width == 0 ? kHelpWidth : std::min(context.style.width, kLongestLine);
}

}  // namespace forkcast::preprocessing
