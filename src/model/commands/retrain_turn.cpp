#include "model/commands/retrain_turn.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"

namespace forkcast::model {
namespace {

/// No name of a version or of an alias. The folder's own lock is for moments, this one for hours.
constexpr const char* kLockFile = ".retrain.lock";

/// Not in flock(), where a signal that comes just before would be missed.
constexpr std::chrono::milliseconds kBetweenTries{200};

}  // namespace

FileLock AwaitTurn(const std::filesystem::path& model_folder,
                   const preprocessing::CommandContext& context) {
  using preprocessing::ExitCode;
  using preprocessing::Failure;
  const std::filesystem::path path = model_folder / kLockFile;
  bool told = context.quiet;
  while (true) {
    FileLock turn(path, FileLock::Wait::kNo);
    if (turn.held()) return turn;
    if (errno != EWOULDBLOCK) {
      throw Failure(ExitCode::kIo,
                    fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
    }
    if (preprocessing::StopSignals::Requested()) {
      throw Failure(ExitCode::kStopped, "stopped; nothing was published");
    }
    if (!std::exchange(told, true)) {
      context.err << fmt::format("{} is being trained anew already: waits for that to end\n",
                                 model_folder.filename().string());
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace forkcast::model
