#include "data_preprocessing/command/stage_progress.hpp"

#include <sys/socket.h>

#include <charconv>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::chrono::milliseconds kBetweenMessages{200};

int ListenerIn(const Environment& environment) {
  const auto text = environment ? environment(kProgressVariable) : std::nullopt;
  int fd = -1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), fd);
  return fd;
}

}  // namespace

Progress::Style ProgressStyle(const CommandContext& context) noexcept {
  if (context.quiet) return Progress::Style::kNone;
  return context.err_is_terminal ? Progress::Style::kBar : Progress::Style::kLines;
}

StageProgress::StageProgress(const CommandContext& context, Stage stage)
    : clock_(context.clock),
      start_(clock_.Monotonic()),
      per_unit_(stage.per_unit),
      label_(stage.label),
      listener_(ListenerIn(context.environment)),
      progress_(ProgressStyle(context), context.err, std::move(stage.label), std::move(stage.unit),
                context.err_width) {}

void StageProgress::Update(std::size_t done, std::size_t total) {
  const std::chrono::nanoseconds elapsed = clock_.Monotonic() - start_;
  progress_.SetTotal(total / per_unit_);
  progress_.Update(done / per_unit_, elapsed);
  if (listener_ >= 0) Tell(done, total, elapsed);
}

void StageProgress::Tell(std::size_t done, std::size_t total, std::chrono::nanoseconds elapsed) {
  if (told_at_ && done < total && elapsed - *told_at_ < kBetweenMessages) return;
  told_at_ = elapsed;
  nlohmann::ordered_json message{{"stage", label_}, {"done", done}, {"total", total}};
  if (done > 0 && done <= total) {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    message["remaining_s"] =
        seconds * static_cast<double>(total - done) / static_cast<double>(done);
  }
  const std::string text = DumpText(message);
  // One who does not listen is waited for by nobody.
  ::send(listener_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace forkcast::preprocessing
