#pragma once

#include <memory>
#include <string>

#include "data_preprocessing/command/exit_code.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

class LogOutput;

/// How the server's processes end: codes of the one table, as numbers, since that is what a process
/// leaves.
inline constexpr int kExitOk = static_cast<int>(preprocessing::ExitCode::kDone);
/// A flag, a variable or the config file is wrong.
inline constexpr int kExitUsage = static_cast<int>(preprocessing::ExitCode::kUsage);
/// Pipeline, model or snapshots cannot be loaded.
inline constexpr int kExitBootFailed = static_cast<int>(preprocessing::ExitCode::kUnfit);
inline constexpr int kExitCannotBind = static_cast<int>(preprocessing::ExitCode::kIo);
inline constexpr int kExitInternal = static_cast<int>(preprocessing::ExitCode::kUnexpected);

/// A logger for one process, to be made in it: `role` ("worker=1") stands in every line. `level`:
/// debug, info, warn or error. `output` outlives it. Never waits: a line that `output` does not
/// take is lost, which the next one that it takes is told by `log_lines_lost`; a long one ends in
/// "...".
[[nodiscard]] std::shared_ptr<spdlog::logger> MakeProcessLog(const std::string& role,
                                                             const std::string& level,
                                                             LogOutput& output);

}  // namespace forkcast::serving
