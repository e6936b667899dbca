#include "serving/process/recorder_keeper.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <system_error>

namespace forkcast::serving {

void RecorderKeeper::StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork) {
  if (!wanted_ || process_ || now < delay_.next()) return;
  try {
    process_ = fork();
    started_ = now;
    log_.info("recorder_started child={}", process_->pid());
  } catch (const std::system_error& error) {
    delay_.OnDeath(now, now);
    log_.error("start_failed recorder error={:?}", error.what());
  }
}

void RecorderKeeper::End(MonotonicTime now) {
  if (!process_) return;
  if (kill_at_ == MonotonicTime::max()) {
    process_->CloseControl();  // asks it to write what it has and to leave
    kill_at_ = now + kPatience;
  } else if (now >= kill_at_) {
    log_.warn("recorder_killed child={}", process_->pid());
    process_->Signal(SIGKILL);
    kill_at_ = now + kPatience;
  }
}

void RecorderKeeper::Reap(MonotonicTime now, Asked asked) {
  if (!process_) return;
  const auto end = process_->Reap();
  if (!end) return;
  LogEnd(log_, "recorder", *process_, *end, asked);
  delay_.OnDeath(started_, now);
  process_.reset();
}

}  // namespace forkcast::serving
