#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/arguments.hpp"
#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/command/exit_code.hpp"
#include "data_preprocessing/command/flags.hpp"

namespace forkcast::preprocessing {

/// A word that a command takes besides its flags.
struct Operand {
  enum class Need { kRequired, kOptional };
  std::string name;  ///< "MODEL".
  Need need = Need::kRequired;
};

/// One way in which a command ends.
struct Ending {
  ExitCode code = ExitCode::kDone;
  std::string when{};  ///< What the code means of this command; empty: as the table says.
};

/// A command of a program, as data: help, parsing, checks and the list of commands are made from
/// it. A new one is a file with a function that returns it, and a row in the table of its program.
struct Command {
  std::string name;
  std::string meaning;        ///< A line in the list of commands: "takes CSV files into the store".
  std::string description{};  ///< A paragraph of --help.
  std::vector<Operand> operands{};
  std::vector<Flag> flags{};             ///< Beside --help, which every command has.
  std::vector<std::string> variables{};  ///< Of the environment, beside those of its flags.
  std::vector<Ending> endings{};         ///< For --help.
  std::string remark{};                  ///< A paragraph below the flags.
  /// Does it; what goes wrong is a Failure. Flags and operands are as the table says.
  std::function<ExitCode(const Arguments& arguments, const CommandContext& context)> run{};
  /// Asked first when there is not one word behind the command's name; none: goes on as with words.
  std::function<std::optional<ExitCode>(const CommandContext& context)> run_bare{};
  /// Commands below it (`models list`), each with what it takes beside the flags above; instead of
  /// `operands` and `run`. A flag of one name is the same in all of them.
  std::vector<Command> verbs{};
  /// The program, beside the running one, that has this command and is given all its words:
  /// instead of everything but name and meaning.
  std::string program{};
  /// What that program is given in place of the words, unless they ask for help; none: the words.
  /// What is wrong with them is a Failure.
  std::function<std::vector<std::string>(const std::vector<std::string>& words,
                                         const CommandContext& context)>
      reword{};
};

/// Runs it on the words behind its name and returns its exit code. --help anywhere prints help
/// alone; a Failure is printed to `context.err`, behind the program's and the command's name. What
/// could not be written to `context.out` is one.
int RunCommand(const Command& command, const std::vector<std::string>& words,
               const CommandContext& context);

/// What RunCommand() hands to `command.run`, for a command without verbs. kInvalidArgument says
/// what is wrong with the words.
Result<Arguments> ReadArguments(const Command& command, const std::vector<std::string>& words,
                                const Environment& environment);

/// What --help prints. `program`: what stands before the command's name.
[[nodiscard]] std::string CommandHelp(const Command& command, std::string_view program,
                                      std::size_t width = kHelpWidth);

/// `head`, a description beside it from `column` on, in lines of `width`.
[[nodiscard]] std::string Beside(std::string_view head, std::string_view text, std::size_t column,
                                 std::size_t width);
/// Columns for help: the terminal's, as far as lines can be read, or kHelpWidth.
[[nodiscard]] std::size_t HelpWidth(const CommandContext& context) noexcept;

}  // namespace forkcast::preprocessing
