#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/base/text_table.hpp"
#include "serving/experiment/experiment_status.hpp"
#include "serving/metrics/metric.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// What a hook did in a worker, since the server's start.
struct HookStatus {
  std::size_t place = 0;  ///< Among the configuration's hooks.
  std::string type;
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::uint64_t flagged = 0;
  std::uint64_t rejected = 0;
  std::uint64_t mean_ns = 0;  ///< Of a call; sampled.
  bool is_off = false;

  friend bool operator==(const HookStatus&, const HookStatus&) = default;
};

/// Of those that were called, or are off.
[[nodiscard]] std::vector<HookStatus> HooksOf(const WorkerSlot& slot);

/// One worker as the master sees it. Counters are of the slot: they go on through the processes
/// that have it in turn.
struct WorkerStatus {
  std::size_t slot = 0;
  pid_t pid = 0;
  std::uint64_t generation = 0;
  std::string state;  ///< What it says of itself: booting, ready, draining.
  std::string stage;  ///< How far the master is with it; from "retiring" on it is leaving.
  std::chrono::milliseconds age{};
  /// What answers: each deployment's name and version. None: not told.
  std::optional<std::string> serves{};
  /// Why it does not serve the newest edition; empty: it does, or is about to. None: not told.
  std::optional<std::string> failure{};
  MetricReadings metrics;  ///< All but the server's own.
  std::vector<HookStatus> hooks{};

  friend bool operator==(const WorkerStatus&, const WorkerStatus&) = default;
};

struct RecorderStatus {
  pid_t pid = 0;  ///< 0: there is none.
  std::uint64_t captured = 0;
  /// Not captured since the recorder was slow or absent, the disk full.
  std::uint64_t dropped = 0;

  friend bool operator==(const RecorderStatus&, const RecorderStatus&) = default;
};

struct RefresherStatus {
  pid_t pid = 0;               ///< 0: it is not running.
  std::string state{};         ///< In its own words; empty: it has not said.
  std::string last_success{};  ///< RFC 3339; empty: not yet.
  std::string error{};         ///< Why it fails; else empty.

  friend bool operator==(const RefresherStatus&, const RefresherStatus&) = default;
};

struct TrainerStatus {
  pid_t pid = 0;        ///< 0: it is not running.
  std::string doing{};  ///< Jobs that it works on; empty: none.
  std::string error{};  ///< Why the queue cannot be worked off; else empty.

  friend bool operator==(const TrainerStatus&, const TrainerStatus&) = default;
};

/// What `forkcast status` tells.
struct ServerStatus {
  pid_t pid = 0;
  std::chrono::milliseconds uptime{};
  MetricReadings metrics;  ///< The server's own.
  std::vector<WorkerStatus> workers;
  RecorderStatus recorder;
  std::optional<RefresherStatus> refresher{};  ///< None: the server has none.
  std::optional<TrainerStatus> trainer{};      ///< None: the server has no jobs.
  std::vector<ExperimentStatus> experiments{};

  friend bool operator==(const ServerStatus&, const ServerStatus&) = default;
};

/// One JSON object and a line feed; and back. kCorrupt when `text` is not one. Metrics are members
/// by their names, and one that is absent is not known: the server may be of an older version.
[[nodiscard]] std::string ToJson(const ServerStatus& status);
Result<ServerStatus> ParseServerStatus(std::string_view text);

/// For people: a line on the server, a table of the workers with a column for each metric that has
/// a heading, a line on each thing that workers serve or cannot take, and which do, two on each
/// experiment, one on lines that logs lost, one on the recorder, one on the refresher, one on the
/// trainer. What is not
/// known is a dash.
[[nodiscard]] std::string ToTable(const ServerStatus& status, const TextStyle& style = {});

/// `1d 2h`, `2h 3m`, `3m 4s` or `4s`.
[[nodiscard]] std::string ShowDuration(std::chrono::milliseconds duration);

}  // namespace forkcast::serving
