#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/metrics/metric_values.hpp"
#include "serving/process/child_keeper.hpp"
#include "serving/process/server_status.hpp"

namespace forkcast::serving {

/// What a refresher says of itself in one message: what `forkcast ingest --follow` writes to the
/// descriptor that FORKCAST_TELL_FD names. Totals are since its own start.
struct RefresherReport {
  std::string state{};  ///< following, waiting, failing.
  std::uint64_t rows = 0;
  std::uint64_t rejected = 0;
  std::uint64_t published = 0;
  std::optional<Instant> last_success{};  ///< None: not yet.
  std::string error{};                    ///< Why it fails; else empty.
  std::optional<std::uint64_t> lag{};     ///< Messages that wait in its source; none: not known.

  friend bool operator==(const RefresherReport&, const RefresherReport&) = default;
};

/// One JSON object. Members that are not known are left alone, those that are absent are as above.
/// kCorrupt when it is none, or a member is of another type.
Result<RefresherReport> ParseRefresherReport(std::string_view json);

/// The refresher, the child that takes in new rows and publishes them while the server runs: kept
/// running, and what it tells, counted through all that have been it in turn. Waits for nothing.
class Refresher {
 public:
  /// To end its turn, which is undone when that takes longer.
  static constexpr std::chrono::milliseconds kPatience{5'000};

  /// `metrics`: the server's own. Both must outlive this.
  Refresher(bool wanted, std::uint32_t seed, MetricValues& metrics, spdlog::logger& log);

  [[nodiscard]] ChildKeeper& keeper() noexcept { return keeper_; }
  [[nodiscard]] const ChildKeeper& keeper() const noexcept { return keeper_; }

  void StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork);
  /// Takes what it has told since the last call, and its end.
  void Take(MonotonicTime now, Asked asked);
  /// None: no refresher is wanted.
  [[nodiscard]] std::optional<RefresherStatus> Describe() const;

 private:
  void OnReport(std::string_view json);

  ChildKeeper keeper_;
  const bool wanted_;
  MetricValues& metrics_;
  spdlog::logger& log_;
  RefresherReport report_;
};

}  // namespace forkcast::serving
