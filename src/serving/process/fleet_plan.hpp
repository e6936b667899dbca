#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "serving/process/reload_plan.hpp"
#include "serving/process/worker_stage.hpp"

namespace forkcast::serving {

/// What counts of a worker when it is decided who goes.
struct FleetMember {
  std::uint64_t generation = 1;
  WorkerStage stage = WorkerStage::kBooting;
  bool wants_recycling = false;
  std::uint64_t connections = 0;  ///< What it has to finish.
};

/// What is to be done so that the right workers run.
struct FleetPlan {
  struct Start {
    std::uint64_t generation = 1;
    std::size_t workers = 0;

    friend bool operator==(const Start&, const Start&) = default;
  };
  std::vector<std::size_t> retire;  ///< Places among the members.
  std::vector<Start> start;         ///< After that.
  /// Enough of the new generation are READY: the reload at hand is over. What was to begin after it
  /// needs another plan.
  bool reload_done = false;
};

/// Compares those that run with the `target` workers that are wanted of the generations that there
/// should be. Whom others have replaced retires: of an old generation as many as the new one has
/// READY, one that wants recycling once there is one more than needed, and whoever is over the
/// target; those that cost least come first: one that still boots, else the one with the fewest
/// connections. What is missing is started: of a generation on trial one, before all follow, and
/// one more than the target while somebody waits to be recycled. Pure; O(members^2).
[[nodiscard]] FleetPlan PlanFleet(std::span<const FleetMember> members, const ReloadPlan& reload,
                                  std::size_t target);

}  // namespace forkcast::serving
