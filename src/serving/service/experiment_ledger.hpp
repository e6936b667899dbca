#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serving/experiment/experiment.hpp"
#include "serving/metrics/series.hpp"
#include "serving/process/experiment_list.hpp"

namespace forkcast::serving {

enum class ExperimentArm : std::uint8_t { kChampion, kChallenger };

/// What came of a request.
struct ArmObservation {
  bool failed = false;                 ///< Some row could not be scored, or the time was over.
  std::optional<double> output{};      ///< Mean of the compared output, where it is a number.
  std::chrono::nanoseconds scoring{};  ///< What features and model took.
};

/// What came of a request that both have scored.
struct PairObservation {
  ArmObservation champion;
  ArmObservation challenger;
  std::size_t lines = 0;   ///< That were compared; none where the challenger failed.
  std::size_t agreed = 0;  ///< Of these with the same output.
};

/// Why a request was not scored behind its answer.
enum class DropReason : std::uint8_t {
  kFull,   ///< Too many were waiting.
  kLate,   ///< The worker had no time for it.
  kLarge,  ///< It has too many rows, or too many bytes.
};

/// What one worker counts of one experiment: for the server, in shared memory, where it goes on
/// with what the slot's processes before it had counted; and as metrics. Used by the worker's loop.
class ExperimentLedger {
 public:
  /// The references outlive it.
  ExperimentLedger(const Experiment& experiment, ExperimentTally& tally, SeriesWriter& series);

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

  void Observe(ExperimentArm arm, const ArmObservation& observed);
  void ObservePair(const PairObservation& observed);
  /// A line has this text as the compared output. Beyond kMostValues of them what is new is counted
  /// together.
  void CountValue(ExperimentArm arm, std::string_view value);
  void Drop(DropReason reason);
  /// Nothing is counted any more: the place is another experiment's.
  void Close() noexcept { is_open_ = false; }

  /// Says in shared memory that the challenger is at work behind an answer, as long as it lives
  /// (invariant 4 of ExperimentList).
  class AtWork {
   public:
    explicit AtWork(ExperimentLedger& ledger) noexcept : tally_(ledger.tally_) {
      tally_.at_work.store(ledger.id_, std::memory_order_relaxed);
    }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;
    ~AtWork() { tally_.at_work.store(0, std::memory_order_relaxed); }

   private:
    ExperimentTally& tally_;
  };

 private:
  static constexpr std::size_t kArms = 2;
  static constexpr std::size_t kMostValues = 50;
  /// What is counted as metrics, once it has been met.
  struct ArmSeries {
    std::optional<SeriesCounter> answered{};
    std::optional<SeriesCounter> failed{};
    std::optional<SeriesHistogram> scoring{};
    std::vector<std::pair<std::string, SeriesCounter>> values{};
  };

  void Count(ExperimentArm arm, const ArmObservation& observed);
  [[nodiscard]] SeriesCounter CounterOf(SeriesFamilyId family, std::string_view label);
  void Publish() noexcept { tally_.Publish(id_, sums_); }

  std::uint64_t id_;
  std::string deployment_;
  ExperimentTally& tally_;
  SeriesWriter& series_;
  ExperimentSums sums_;
  std::array<ArmSeries, kArms> arms_{};
  bool is_open_ = true;
};

}  // namespace forkcast::serving
