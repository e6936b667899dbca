#include "serving/worker/swap_plan.hpp"

#include <algorithm>
#include <utility>

namespace forkcast::serving {
namespace {

bool Differs(const Ingredients& seen, const SwapPlan::Look& look) {
  const auto differs = [&look](const SeenFile& file) { return look(file.path) != file.identity; };
  return std::ranges::any_of(seen.version, differs) || std::ranges::any_of(seen.snapshots, differs);
}

}  // namespace

void SwapPlan::OnLoaded(Ingredients made_of) {
  served_ = std::move(made_of);
  failed_.reset();
  delay_.Reset();
}

void SwapPlan::OnFailed(Ingredients made_of, MonotonicTime now) {
  failed_ = std::move(made_of);
  delay_.OnDeath(now, now);
}

SwapPlan::Todo SwapPlan::Decide(const Look& look, MonotonicTime now) {
  if (!Differs(served_, look)) {
    if (!failed_) return Todo::kNothing;
    failed_.reset();
    delay_.Reset();
    return Todo::kForget;
  }
  if (!failed_) return Todo::kTakeNew;
  if (Differs(*failed_, look)) {
    delay_.Reset();
    return Todo::kTakeNew;
  }
  return now >= delay_.next() ? Todo::kRetry : Todo::kNothing;
}

}  // namespace forkcast::serving
