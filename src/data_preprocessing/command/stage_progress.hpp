#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/progress.hpp"
#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::preprocessing {

/// How a command shows progress: not at all when quiet, on a terminal by a bar, else by lines.
[[nodiscard]] Progress::Style ProgressStyle(const CommandContext& context) noexcept;

/// The number of a descriptor, a SOCK_SEQPACKET socket, over which a command also tells its
/// progress: {"stage": "folds", "done": 3, "total": 10, "remaining_s": 4.2} in a message.
inline constexpr const char* kProgressVariable = "FORKCAST_PROGRESS_FD";

/// What a stage is called, and what its progress is counted in.
struct Stage {
  std::string label;
  std::string unit = "steps";
  std::size_t per_unit = 1;  ///< So many of what Update() is given are one unit: 1000 bytes a kB.
};

/// Shows on `context.err` how far one stage of a command is, from its construction on. `context`
/// must outlive it.
class StageProgress {
 public:
  StageProgress(const CommandContext& context, Stage stage);

  /// So much of it is done.
  void Update(std::size_t done, std::size_t total);

 private:
  /// To whoever started the command and listens, about five times a second.
  void Tell(std::size_t done, std::size_t total, std::chrono::nanoseconds elapsed);

  const Clock& clock_;
  const MonotonicTime start_;
  const std::size_t per_unit_;
  const std::string label_;
  int listener_ = -1;  // -1: nobody listens
  std::optional<std::chrono::nanoseconds> told_at_;
  Progress progress_;
};

}  // namespace forkcast::preprocessing
