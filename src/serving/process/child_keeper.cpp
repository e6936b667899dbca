#include "serving/process/child_keeper.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <system_error>

namespace forkcast::serving {

bool ChildKeeper::StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork) {
  if (!wanted_ || process_ || now < delay_.next()) return false;
  try {
    process_ = fork();
  } catch (const std::system_error& error) {
    delay_.OnDeath(now, now);
    log_.error("start_failed {} error={:?}", kept_.name, error.what());
    return false;
  }
  started_ = now;
  kill_at_ = MonotonicTime::max();
  log_.info("{}_started child={}", kept_.name, process_->pid());
  return true;
}

void ChildKeeper::End(MonotonicTime now) {
  if (!process_) return;
  if (!is_ending()) {
    if (kept_.ends == KeptChild::Ends::kOnTerm) {
      process_->Signal(SIGTERM);
    } else {
      process_->CloseControl();
    }
    kill_at_ = now + kept_.patience;
  } else if (now >= kill_at_) {
    log_.warn("{}_killed child={}", kept_.name, process_->pid());
    process_->Signal(SIGKILL);
    kill_at_ = now + kept_.patience;
  }
}

bool ChildKeeper::Reap(MonotonicTime now, Asked asked) {
  if (!process_) return false;
  const auto end = process_->Reap();
  if (!end) return false;
  LogEnd(log_, kept_.name, *process_, *end, asked);
  if (!is_ending()) delay_.OnDeath(started_, now);
  process_.reset();
  kill_at_ = MonotonicTime::max();
  return true;
}

}  // namespace forkcast::serving
