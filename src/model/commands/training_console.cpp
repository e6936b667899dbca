#include "model/commands/training_console.hpp"

#include <memory>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/command/stop_signals.hpp"

namespace forkcast::model {

preprocessing::ExitCode ExitOf(TrainingEnd end) noexcept {
  using preprocessing::ExitCode;
  switch (end) {  // no default: a new end without a row here is a warning, and an error in CI
    case TrainingEnd::kDone:
    case TrainingEnd::kNothingNew:
      return ExitCode::kDone;
    case TrainingEnd::kNotPromoted:
      return ExitCode::kGate;
    case TrainingEnd::kRefused:
      return ExitCode::kUsage;
    case TrainingEnd::kData:
      return ExitCode::kUnfit;
    case TrainingEnd::kIo:
      return ExitCode::kIo;
    case TrainingEnd::kStopped:
      return ExitCode::kStopped;
  }
  return ExitCode::kIo;
}

OnProgress TrainingConsole::Begin(const std::string& stage) {
  // Shared, since a std::function must be copyable; the bar goes with the last copy.
  const auto progress = std::make_shared<preprocessing::StageProgress>(
      context_, preprocessing::Stage{.label = stage});
  return [progress](std::size_t done, std::size_t total) {
    progress->Update(done, total);
    return !preprocessing::StopSignals::Requested();
  };
}

void TrainingConsole::Tell(const std::string& text) {
  if (texts_ == Texts::kShown && !context_.quiet) context_.out << LaidOut(text, context_.style);
}

bool TrainingConsole::Stops() const { return preprocessing::StopSignals::Requested(); }

}  // namespace forkcast::model
