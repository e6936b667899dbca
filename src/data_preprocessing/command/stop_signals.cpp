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
}

StopSignals::~StopSignals() {
  if (--existing > 0) return;
  ::sigaction(SIGTERM, &term_, nullptr);
  ::sigaction(SIGINT, &int_, nullptr);
}

bool StopSignals::Requested() noexcept { return requested; }

}  // namespace forkcast::preprocessing
