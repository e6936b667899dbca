#include "data_preprocessing/command/stage_progress.hpp"

#include <utility>

namespace forkcast::preprocessing {

Progress::Style ProgressStyle(const CommandContext& context) noexcept {
  if (context.quiet) return Progress::Style::kNone;
  return context.err_is_terminal ? Progress::Style::kBar : Progress::Style::kLines;
}

StageProgress::StageProgress(const CommandContext& context, Stage stage)
    : clock_(context.clock),
      start_(clock_.Monotonic()),
      per_unit_(stage.per_unit),
      progress_(ProgressStyle(context), context.err, std::move(stage.label), std::move(stage.unit),
                context.err_width) {}

void StageProgress::Update(std::size_t done, std::size_t total) {
  progress_.SetTotal(total / per_unit_);
  progress_.Update(done / per_unit_, clock_.Monotonic() - start_);
}

}  // namespace forkcast::preprocessing
