#include "data_preprocessing/command/stop_signals.hpp"

#include <atomic>

namespace forkcast::preprocessing {
namespace {

/// Handlers have nowhere else to write.
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

int existing = 0;

}  // namespace

StopSignals::StopSignals() {
  if (existing++ > 0) return;
  requested = false;
  struct sigaction action {};
  action.sa_handler = [](int) { requested = true; };
  ::sigaction(SIGTERM, &action, &term_);
  ::sigaction(SIGINT, &action, &int_);
  sigset_t both;
  ::sigemptyset(&both);
  for (const int signal : {SIGTERM, SIGINT}) ::sigaddset(&both, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &both, &mask_);
}

StopSignals::~StopSignals() {
  if (--existing > 0) return;
  ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  ::sigaction(SIGTERM, &term_, nullptr);
  ::sigaction(SIGINT, &int_, nullptr);
}

bool StopSignals::Requested() noexcept { return requested; }

}  // namespace forkcast::preprocessing
