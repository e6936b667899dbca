#include "model/commands/training_console.hpp"

#include <memory>

#include "data_preprocessing/base/progress.hpp"
#include "data_preprocessing/command/stop_signals.hpp"

namespace forkcast::model {

TrainExit ExitOf(TrainingEnd end) noexcept {
  switch (end) {  // no default: a new end without a row here is a warning, and an error in CI
    case TrainingEnd::kDone:
      return TrainExit::kDone;
    case TrainingEnd::kNotPromoted:
      return TrainExit::kGate;
    case TrainingEnd::kRefused:
      return TrainExit::kUsage;
    case TrainingEnd::kData:
      return TrainExit::kData;
    case TrainingEnd::kIo:
      return TrainExit::kIo;
    case TrainingEnd::kStopped:
      return TrainExit::kStopped;
  }
  return TrainExit::kIo;
}

OnProgress TrainingConsole::Begin(const std::string& stage) {
  using Style = Progress::Style;
  const Style style = !shows_.progress           ? Style::kNone
                      : context_.err_is_terminal ? Style::kBar
                                                 : Style::kLines;
  // Shared, since a std::function must be copyable; the bar goes with the last copy.
  const auto progress = std::make_shared<Progress>(style, context_.err, stage, "steps");
  const Clock& clock = context_.clock;
  return [progress, &clock, start = clock.Monotonic()](std::size_t done, std::size_t total) {
    progress->SetTotal(total);
    progress->Update(done, clock.Monotonic() - start);
    return !preprocessing::StopSignals::Requested();
  };
}

void TrainingConsole::Tell(const std::string& text) {
  if (shows_.text) context_.out << text;
}

bool TrainingConsole::Stops() const { return preprocessing::StopSignals::Requested(); }

}  // namespace forkcast::model
