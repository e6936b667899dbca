#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/metrics/metric_values.hpp"
#include "serving/process/child_keeper.hpp"
#include "serving/process/server_status.hpp"

namespace forkcast::serving {

/// What a trainer tells its master in one message.
struct TrainerReport {
  std::uint64_t queued = 0;
  std::uint64_t running = 0;  ///< Wherever.
  std::uint64_t oldest_queued_s = 0;
  std::uint64_t succeeded = 0;  ///< Jobs that it has ended so, since its own start.
  std::uint64_t failed = 0;
  std::uint64_t stopped = 0;
  std::string doing{};  ///< In words; empty: nothing.
  std::string error{};  ///< Why the queue cannot be worked off; else empty.

  friend bool operator==(const TrainerReport&, const TrainerReport&) = default;
};
[[nodiscard]] std::string TextOf(const TrainerReport& report);
/// None when it is no such text.
[[nodiscard]] std::optional<TrainerReport> ReadTrainerReport(std::string_view text);

/// The trainer, the child that works off the queue of jobs: kept running, and what it tells,
/// counted through all that have been it in turn. Waits for nothing.
class Trainer {
 public:
  /// To end the command of a job, and put that back into the queue.
  static constexpr std::chrono::milliseconds kPatience{8'000};

  /// `metrics`: the server's own. Both must outlive this.
  Trainer(bool wanted, std::uint32_t seed, MetricValues& metrics, spdlog::logger& log);

  [[nodiscard]] ChildKeeper& keeper() noexcept { return keeper_; }
  [[nodiscard]] const ChildKeeper& keeper() const noexcept { return keeper_; }

  void StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork);
  /// Takes what it has told since the last call, and its end.
  void Take(MonotonicTime now, Asked asked);
  /// Settings have changed: it ends when the jobs that it works on have, for another to take its
  /// place.
  void Retire() noexcept;
  /// None: no trainer is wanted.
  [[nodiscard]] std::optional<TrainerStatus> Describe() const;

 private:
  void OnReport(const TrainerReport& report);

  ChildKeeper keeper_;
  const bool wanted_;
  MetricValues& metrics_;
  spdlog::logger& log_;
  TrainerReport report_;
  bool retires_ = false;
};

}  // namespace forkcast::serving
