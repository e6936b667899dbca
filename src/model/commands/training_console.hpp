#pragma once

#include <string>

#include "data_preprocessing/command/command_context.hpp"
#include "model/commands/train_command.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {

/// The exit code that an end means.
[[nodiscard]] TrainExit ExitOf(TrainingEnd end) noexcept;

/// A run as a command shows it: progress on `context.err`, what was found on `context.out`, and the
/// end when a signal asks for it (StopSignals).
class TrainingConsole final : public TrainingObserver {
 public:
  struct Shows {
    bool progress = true;
    bool text = true;
  };
  /// `context` outlives the object.
  TrainingConsole(const preprocessing::CommandContext& context, Shows shows)
      : context_(context), shows_(shows) {}

  [[nodiscard]] OnProgress Begin(const std::string& stage) override;
  void Tell(const std::string& text) override;
  [[nodiscard]] bool Stops() const override;

 private:
  const preprocessing::CommandContext& context_;
  Shows shows_;
};

}  // namespace forkcast::model
