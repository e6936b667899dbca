#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/quality/quality_decision.hpp"

namespace forkcast::model {

/// How good a version has been, window by window.
struct QualityFindings {
  std::string model;
  std::uint64_t version = 0;
  std::string kind;  ///< "forecast", "classifier".
  Instant now{};     ///< What was known then.
  QualityRules rules{};
  std::vector<QualityWindow> windows;               ///< In the order of time,
  std::vector<std::vector<JudgedMetric>> judged{};  ///< and what was found of each.
  std::map<std::string_view, std::uint64_t> left_out;
};

/// Judges `windows` into `judged`.
void Judge(const QualityReference& reference, QualityFindings& findings);

/// The report, as docs/monitoring.md describes it.
[[nodiscard]] nlohmann::ordered_json ToJson(const QualityFindings& findings);

/// Whether a document says that it is such a report.
[[nodiscard]] bool IsQualityReport(const nlohmann::ordered_json& report);

/// A line a window for people; a section of a page for browsers. Throw preprocessing::SpecError
/// when it is no such report.
[[nodiscard]] std::string QualityText(const nlohmann::ordered_json& report, const TextStyle& style);
[[nodiscard]] std::string QualitySection(const nlohmann::ordered_json& report);

/// Appends each window to the version's history that is not there as it is now: those that have
/// ended since, and those whose truth was corrected. Returns how many. kIo, kCorrupt.
Result<std::size_t> RecordQuality(const VersionInfo& version, const nlohmann::ordered_json& report);

}  // namespace forkcast::model
