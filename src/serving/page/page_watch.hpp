#pragma once

#include <span>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "serving/drift/drift_monitor.hpp"
#include "serving/page/page_series.hpp"
#include "serving/process/shared_counts.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// Where to look; all outlives the look. Everything is memory that processes share, so any thread
/// may.
struct PageWatch {
  std::span<const WorkerSlot> slots;  ///< Of all workers.
  const ServerState& server;
  std::span<const Counts> counts;
  const DriftBoard* drift = nullptr;  ///< Null: there is none.
};

/// `{"host", "worker", "now", "workers": [...], "server": {...}, "answers": [...],
/// "latencies": [...], "drift": [...], "judged": [...]}`: what each worker is and counts, answers
/// by deployment, route and code, how long they took (estimated within the buckets of the
/// histogram), and what the recorder has found.
[[nodiscard]] std::string DescribeWatch(const PageWatch& watch, const PageServer& server,
                                        Instant now);

}  // namespace forkcast::serving
