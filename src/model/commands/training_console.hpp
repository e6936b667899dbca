#pragma once

#include <string>

#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/command/exit_code.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {

/// The exit code that an end means.
[[nodiscard]] preprocessing::ExitCode ExitOf(TrainingEnd end) noexcept;

/// A run as a command shows it: progress on `context.err`, what was found on `context.out` (neither
/// when quiet), and the end when a signal asks for it (StopSignals).
class TrainingConsole final : public TrainingObserver {
 public:
  enum class Texts { kShown, kHidden };
  /// `context` outlives the object.
  TrainingConsole(const preprocessing::CommandContext& context, Texts texts)
      : context_(context), texts_(texts) {}

  [[nodiscard]] OnProgress Begin(const std::string& stage) override;
  void Tell(const std::string& text) override;
  [[nodiscard]] bool Stops() const override;

 private:
  const preprocessing::CommandContext& context_;
  Texts texts_;
};

}  // namespace forkcast::model
