#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "serving/metrics/metric.hpp"

namespace forkcast::serving {

/// What one slot tells.
struct WorkerReadings {
  std::size_t slot = 0;
  bool running = false;  ///< A process has the slot; else what is by worker leaves it out.
  MetricReadings values;
};

/// All metrics in Prometheus' text format, version 0.0.4: for each family its HELP and TYPE, then a
/// line a sample, added up over `workers` as the metric says, or with the label `worker`. `server`:
/// the server's own. Pure; O(metrics * workers).
/// https://prometheus.io/docs/instrumenting/exposition_formats/
[[nodiscard]] std::string ToExposition(std::span<const WorkerReadings> workers,
                                       const MetricReadings& server);

}  // namespace forkcast::serving
