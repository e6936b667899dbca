#pragma once

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// Exit codes of `forkcast serve` and its processes (docs/operations.md).
enum ExitCode : int {
  kExitOk = 0,
  kExitInternal = 70,   ///< An error that Forkcast did not expect; as of every command.
  kExitUsage = 2,       ///< A flag, variable, or the config file is wrong.
  kExitBootFailed = 3,  ///< Pipeline, model or snapshots cannot be loaded.
  kExitCannotBind = 4,
};

/// A logger to standard error for one process, to be made in it: `role` ("worker=1") stands in
/// every line. `level`: debug, info, warn or error.
[[nodiscard]] std::shared_ptr<spdlog::logger> MakeProcessLog(const std::string& role,
                                                             const std::string& level);

}  // namespace forkcast::serving
