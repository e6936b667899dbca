#include "serving/process/kill_ladder.hpp"

#include <signal.h>

#include <algorithm>

namespace forkcast::serving {

void KillLadder::OnReady() noexcept {
  if (stage_ != WorkerStage::kBooting) return;
  stage_ = WorkerStage::kReady;
  deadline_ = MonotonicTime::max();
}

void KillLadder::Retire(MonotonicTime by) noexcept {
  stage_ = WorkerStage::kRetiring;
  deadline_ = by;
}

KillLadder::Told KillLadder::Stop(StopKind kind, MonotonicTime by) noexcept {
  const bool signalled = stage_ >= WorkerStage::kTerminated;
  if (signalled && kind != StopKind::kAtOnce) return Told::kTooLate;
  deadline_ = stage_ == WorkerStage::kStopping ? std::min(deadline_, by) : by;
  if (signalled) return Told::kTooLate;
  stage_ = kind == StopKind::kGraceful ? WorkerStage::kStopping : WorkerStage::kAborted;
  return Told::kYes;
}

void KillLadder::OnStuck(MonotonicTime now) noexcept {
  stage_ = WorkerStage::kTerminated;
  deadline_ = now;
}

std::optional<int> KillLadder::Climb(MonotonicTime now) noexcept {
  if (now < deadline_) return std::nullopt;
  const auto step = [&](WorkerStage stage, int signal) {
    stage_ = stage;
    deadline_ = now + kStep;
    return signal;
  };
  switch (stage_) {
    case WorkerStage::kReady:
      return std::nullopt;
    case WorkerStage::kRetiring:
    case WorkerStage::kStopping:
      return step(WorkerStage::kTerminated, SIGTERM);
    case WorkerStage::kBooting:
    case WorkerStage::kTerminated:
      return step(WorkerStage::kAborted, SIGABRT);
    case WorkerStage::kAborted:
    case WorkerStage::kKilled:
      return step(WorkerStage::kKilled, SIGKILL);
  }
  return std::nullopt;
}

}  // namespace forkcast::serving
