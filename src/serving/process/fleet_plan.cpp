#include "serving/process/fleet_plan.hpp"

#include <algorithm>

namespace forkcast::serving {
namespace {

/// Works on a copy of the members, in which those that it lets go are leaving.
class Planner {
 public:
  Planner(std::span<const FleetMember> members, const ReloadPlan& reload, std::size_t target)
      : members_(members.begin(), members.end()), reload_(reload), target_(target) {}

  FleetPlan Plan() && {
    if (reload_.on_trial()) {
      StartMissing(reload_.generation(), 1);
      StartMissing(reload_.kept_generation(), target_);
      return std::move(plan_);
    }
    if (reload_.under_way()) {
      RetireOld();
    } else {
      RetireRecycled();
      RetireSurplus();
    }
    StartMissing(reload_.generation(), Wanted());
    return std::move(plan_);
  }

 private:
  [[nodiscard]] static bool Stays(const FleetMember& member) { return !IsLeaving(member.stage); }
  [[nodiscard]] bool IsCurrent(const FleetMember& member) const {
    return Stays(member) && member.generation == reload_.generation();
  }
  [[nodiscard]] bool IsOld(const FleetMember& member) const {
    return Stays(member) && member.generation != reload_.generation();
  }
  template <typename Predicate>
  [[nodiscard]] std::size_t Count(Predicate predicate) const {
    return static_cast<std::size_t>(std::ranges::count_if(members_, predicate));
  }
  [[nodiscard]] std::size_t Ready() const {
    return Count([this](const FleetMember& member) {
      return IsCurrent(member) && member.stage == WorkerStage::kReady;
    });
  }
  /// A successor is ready before the one that it is for drains.
  [[nodiscard]] std::size_t Wanted() const {
    const bool recycles = std::ranges::any_of(members_, [](const FleetMember& member) {
      return member.wants_recycling && Stays(member);
    });
    return target_ + (recycles ? 1 : 0);
  }

  void RetireOld() {
    const auto is_old = [this](const FleetMember& member) { return IsOld(member); };
    const std::size_t ready = Ready();
    for (std::size_t old = Count(is_old); old > 0 && ready + old > target_; --old) {
      RetireCheapest(is_old);
    }
    plan_.reload_done = ready >= target_;
  }
  void RetireRecycled() {
    std::size_t ready = Ready();
    for (FleetMember& member : members_) {
      if (ready <= target_) return;
      if (!member.wants_recycling || !IsCurrent(member)) continue;
      Retire(member);
      --ready;
    }
  }
  void RetireSurplus() {
    const auto is_current = [this](const FleetMember& member) { return IsCurrent(member); };
    while (Count(is_current) > Wanted()) RetireCheapest(is_current);
  }
  template <typename Predicate>
  void RetireCheapest(Predicate may_go) {
    Retire(*std::ranges::min_element(members_, {}, [&](const FleetMember& member) {
      if (!may_go(member)) return UINT64_MAX;
      return member.stage == WorkerStage::kBooting ? 0 : 1 + member.connections;
    }));
  }
  void Retire(FleetMember& member) {
    member.stage = WorkerStage::kRetiring;
    plan_.retire.push_back(static_cast<std::size_t>(&member - members_.data()));
  }
  void StartMissing(std::uint64_t generation, std::size_t wanted) {
    const std::size_t staying = Count([generation](const FleetMember& member) {
      return Stays(member) && member.generation == generation;
    });
    if (staying < wanted) {
      plan_.start.push_back({.generation = generation, .workers = wanted - staying});
    }
  }

  std::vector<FleetMember> members_;
  const ReloadPlan& reload_;
  std::size_t target_;
  FleetPlan plan_;
};

}  // namespace

FleetPlan PlanFleet(std::span<const FleetMember> members, const ReloadPlan& reload,
                    std::size_t target) {
  return Planner(members, reload, target).Plan();
}

}  // namespace forkcast::serving
