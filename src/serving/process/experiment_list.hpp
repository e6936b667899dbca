#pragma once

// Which experiments a server has, and what its workers have found, in memory that its processes
// share.
//
// Invariants, by which the code names them:
//   1. The master alone writes the list. It has two places: one is written while the other one
//      counts, and `version`, which counts the changes, says which does. A reader that was so slow
//      that its place may have been written anew sees that by the version, and reads again.
//   2. What a worker found is in the tally of its slot and of the experiment's place in the list;
//      one process at a time writes it, as a slot (invariant 1 of WorkerSlot). It too has two
//      places, so that a worker that is killed leaves one that is whole. It is of the experiment
//      whose id stands in it: whatever else is there is nobody's any more.
//   3. What a worker says of its challenger is one text (SharedText), which names the experiment.
//   4. at_work is the id of the experiment whose challenger scores at this moment, behind an
//      answer; a worker that dies within leaves it there.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serving/experiment/experiment.hpp"
#include "serving/experiment/experiment_sums.hpp"
#include "serving/process/shared_array.hpp"
#include "serving/process/shared_text.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// How far a worker is with an experiment.
struct ExperimentReport {
  std::uint64_t id = 0;
  std::string champion{};  ///< As Experiment, and what follows.
  std::string champion_place{};
  std::string challenger{};
  std::string challenger_place{};
  std::string failure{};  ///< Why it cannot have the challenger; empty: it has.

  friend bool operator==(const ExperimentReport&, const ExperimentReport&) = default;
};

/// What one worker has found in the experiment of one place.
class ExperimentTally {
 public:
  /// By the worker alone. What is there of another experiment is gone.
  void Publish(std::uint64_t id, const ExperimentSums& sums) noexcept;
  /// Of the experiment of this id; none when there is nothing, or nothing whole.
  [[nodiscard]] std::optional<ExperimentSums> Read(std::uint64_t id) const noexcept;

  void Report(const ExperimentReport& report);
  [[nodiscard]] std::optional<ExperimentReport> report() const;

  std::atomic<std::uint64_t> at_work{0};

 private:
  static constexpr std::size_t kWords = sizeof(ExperimentSums) / sizeof(std::uint64_t);
  struct Place {
    std::atomic<std::uint64_t> id{0};
    std::array<std::atomic<std::uint64_t>, kWords> words{};
  };

  std::atomic<std::uint64_t> writes_{0};
  std::array<Place, 2> places_{};
  SharedText<512> report_;
};

/// Made by the master before it forks.
class ExperimentList {
 public:
  /// So many deployments can have an experiment, also one that is over.
  static constexpr std::size_t kMost = 4;

  struct Contents {
    std::uint64_t version = 1;
    std::vector<Experiment> experiments{};  ///< By place.
  };

  /// For so many workers at once.
  explicit ExperimentList(std::size_t workers);

  /// 1 at the start; only grows.
  [[nodiscard]] std::uint64_t version() const noexcept;
  [[nodiscard]] Contents Read() const;
  /// By the master alone. kTooLarge when there is no room for it; then all is as it was.
  Status Write(const std::vector<Experiment>& experiments);

  [[nodiscard]] ExperimentTally& tally(std::size_t worker, std::size_t place) const noexcept {
    return tallies_[worker * kMost + place];
  }
  /// What the workers of the first `workers` slots have found, and what was before.
  [[nodiscard]] ExperimentSums SumsOf(const Experiment& experiment, std::size_t place,
                                      std::size_t workers) const;

 private:
  static constexpr std::size_t kBytes = 32768;
  struct Head {
    std::atomic<std::uint64_t> version{1};
    std::array<std::atomic<std::uint64_t>, 2> sizes{};
    std::array<std::array<std::atomic<char>, kBytes>, 2> texts{};
  };

  SharedArray<Head> head_{1};
  SharedArray<ExperimentTally> tallies_;
};

}  // namespace forkcast::serving
