#include "serving/process/reload_plan.hpp"

#include <utility>

namespace forkcast::serving {

ReloadPlan::Asked ReloadPlan::Ask() noexcept {
  asked_again_ = reload_ || !ever_ready_;
  if (asked_again_) return Asked::kLater;
  reload_ = Reload{.old_generation = generation_};
  generation_ = ++newest_generation_;
  return Asked::kBegins;
}

ReloadPlan::Ready ReloadPlan::OnReady(std::uint64_t generation) noexcept {
  if (!std::exchange(ever_ready_, true)) return Ready::kFirstEver;
  if (!IsOnTrial(generation)) return Ready::kOneMore;
  reload_->proven = true;
  return Ready::kProven;
}

void ReloadPlan::Abandon() noexcept {
  generation_ = reload_->old_generation;
  reload_.reset();
}

}  // namespace forkcast::serving
