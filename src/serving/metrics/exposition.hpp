#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serving/metrics/metric.hpp"
#include "serving/metrics/series.hpp"

namespace forkcast::serving {

/// What one slot tells.
struct WorkerReadings {
  std::size_t slot = 0;
  bool running = false;  ///< A process has the slot; else what is by worker leaves it out.
  MetricReadings values;
};

/// A family of gauges that no slot holds, since they follow from something else.
struct DerivedFamily {
  struct Sample {
    std::string labels{};  ///< As AddLabel() makes them.
    double value = 0;
  };
  std::string_view family;
  std::string_view help;
  std::vector<Sample> samples{};
};

/// What is shown at once. Views.
struct Exposed {
  std::span<const WorkerReadings> workers;
  const MetricReadings& server;  ///< The server's own.
  std::span<const SeriesSum> series{};
  std::span<const DerivedFamily> derived{};
};

enum class ExpositionForm {
  kPrometheus,   ///< Prometheus' text format, version 0.0.4.
  kOpenMetrics,  ///< OpenMetrics 1.0.
};

/// All metrics as text: for each family its HELP and TYPE, then a line a sample, added up over the
/// workers as the metric says, or with the label `worker`. A family that is counted by labels is
/// shown by these alone. Pure; O(metrics * workers + series).
/// https://prometheus.io/docs/instrumenting/exposition_formats/
/// https://prometheus.io/docs/specs/om/open_metrics_spec/
[[nodiscard]] std::string ToExposition(const Exposed& exposed,
                                       ExpositionForm form = ExpositionForm::kPrometheus);

/// The form to answer in: OpenMetrics where `accept` prefers it, else Prometheus' own, which all
/// scrapers read.
[[nodiscard]] ExpositionForm NegotiateExposition(std::string_view accept) noexcept;
[[nodiscard]] std::string_view MediaType(ExpositionForm form) noexcept;

/// Appends `name="value"`, escaped, behind a comma where something stands before it.
void AddLabel(std::string_view name, std::string_view value, std::string& labels);

}  // namespace forkcast::serving
