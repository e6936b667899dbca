#pragma once

#include <cstddef>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/progress.hpp"
#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::preprocessing {

/// How a command shows progress: not at all when quiet, on a terminal by a bar, else by lines.
[[nodiscard]] Progress::Style ProgressStyle(const CommandContext& context) noexcept;

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
  const Clock& clock_;
  const MonotonicTime start_;
  const std::size_t per_unit_;
  Progress progress_;
};

}  // namespace forkcast::preprocessing
