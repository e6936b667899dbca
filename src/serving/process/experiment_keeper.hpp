#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/experiment/experiment_status.hpp"
#include "serving/process/experiment_list.hpp"
#include "serving/process/worker_slot.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// The master's part in experiments: takes orders, and ends them. It is the one that decides, so
/// that all workers do the same; it asks none of them and waits for nothing: what it has to know
/// stands in shared memory. A worker that cannot load a challenger, or that dies while one works
/// behind its answers, ends the experiment for all.
class ExperimentKeeper {
 public:
  /// All outlive it. `state` says how many of `slots` there are to look at.
  ExperimentKeeper(ExperimentList& list, std::span<const WorkerSlot> slots,
                   const ServerState& state, const Clock& clock, spdlog::logger& log);

  /// Begins with these: what settings declare, or what an old master had.
  Status Begin(const std::vector<ExperimentPlan>& plans);
  Status Inherit(std::string_view text);
  /// For a new master, with what was found so far.
  [[nodiscard]] std::string Bequeath() const;

  /// Does what `forkcast deploy` asks, a JSON object; the answer is one, too:
  ///   {"deployment": NAME, "challenger": {...}}      begins, in place of another one
  ///   {"deployment": NAME, "share": 0.2}             changes the share
  ///   {"deployment": NAME, "stop": "stopped"}        ends it; also "promoted"
  /// Answers `{"id": N}`, or `{"error": TEXT}`.
  [[nodiscard]] std::string Order(std::string_view text);

  /// Ends what has to end. To be called again and again; costs little while there is none.
  void Look();
  /// A worker ended that was not asked to.
  void OnDeath(std::size_t slot);

  [[nodiscard]] std::vector<ExperimentStatus> Describe() const;

 private:
  Result<std::uint64_t> Obey(std::string_view text);
  Result<std::uint64_t> Start(ExperimentPlan plan);
  Result<Experiment*> Find(std::string_view deployment);
  [[nodiscard]] std::size_t workers() const noexcept;
  /// Whether it changed.
  bool LookAt(Experiment& experiment, std::size_t place);
  bool HearReport(Experiment& experiment, const ExperimentReport& report);
  void End(Experiment& experiment, ExperimentState state, std::string reason);
  void Save();

  ExperimentList& list_;
  std::span<const WorkerSlot> slots_;
  const ServerState& state_;
  const Clock& clock_;
  spdlog::logger& log_;
  std::vector<Experiment> experiments_;  // as they stand in the list
};

}  // namespace forkcast::serving
