#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/command/command.hpp"
#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::preprocessing {

/// A row of a program's table of commands.
using MakeCommand = Command (*)();

/// A program of several commands. What it names must outlive it.
struct Program {
  std::string_view name;
  std::string_view version;
  std::span<const MakeCommand> commands;  ///< In the order of --help.

  /// What happens to a variable of the environment that begins as Forkcast's do (FORKCAST_) and
  /// that no command reads.
  enum class UnknownVariables {
    kTaken,                ///< Nothing.
    kRefusedWhenMistyped,  ///< Wrong usage when it is nearly one that a command reads.
    kRefused,              ///< Wrong usage, as an unknown flag is.
  };
  UnknownVariables unknown_variables = UnknownVariables::kTaken;
  std::span<const std::string_view> others{};  ///< Variables of the programs beside it.
};

/// Runs the command that the first word names, on those behind it; `help`, `help COMMAND`, --help
/// and --version are the program's own. Returns the exit code.
int RunProgram(const Program& program, const std::vector<std::string>& words,
               const CommandContext& context);

/// What main() does: RunProgram() with the process's arguments, environment, streams and clock. An
/// exception that no command expected ends it with ExitCode::kUnexpected and its text.
int RunMain(const Program& program, int argc, char** argv) noexcept;

}  // namespace forkcast::preprocessing
