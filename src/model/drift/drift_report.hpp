#pragma once

#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/drift/drift_decision.hpp"

namespace forkcast::model {

/// What one window of a deployment looked like beside its version's reference.
struct DriftWindow {
  std::string deployment;
  std::string pipeline;
  std::string version;
  std::uint64_t number = 0;  ///< 1, 2 ... since the version was first seen.
  Instant from;              ///< Of its first rows,
  Instant to;                ///< and its last.
  DriftRules rules;
  std::vector<ColumnDrift> columns;  ///< In the order of the bins.
};

[[nodiscard]] bool HasAlarm(std::span<const ColumnDrift> columns) noexcept;

/// The report of a window, as docs/monitoring.md describes it, of the columns that have rows.
[[nodiscard]] nlohmann::ordered_json ToJson(const DriftWindow& window,
                                            std::span<const ColumnBins> bins);

/// The columns of such a report that it raises the alarm for, and what they are called.
[[nodiscard]] nlohmann::ordered_json AlarmedColumns(const nlohmann::ordered_json& report);
[[nodiscard]] std::vector<std::string> AlarmedNames(const nlohmann::ordered_json& report);

/// Throws preprocessing::SpecError when it is no such report.
void RequireDriftReport(const nlohmann::ordered_json& report);

/// One page without scripts, of such reports: what drifted first; then `sections`, which are HTML
/// already. Throws as RequireDriftReport() does.
[[nodiscard]] std::string DriftPage(std::span<const nlohmann::ordered_json> reports,
                                    std::span<const std::string> sections = {});

}  // namespace forkcast::model
