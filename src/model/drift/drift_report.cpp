#include "model/drift/drift_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr const char* kReportFormat = "forkcast.drift";

ordered_json ColumnJson(const ColumnDrift& drift, const ColumnBins& bins) {
  ordered_json json{{"name", bins.name},
                    {"status", WordFor(drift.status)},
                    {"rows", drift.rows},
                    {"effect", drift.effect},
                    {"p", drift.p},
                    {"psi", drift.psi},
                    {"jensen_shannon", drift.jensen_shannon},
                    {"chi_square", drift.chi_square},
                    {"missing", drift.missing},
                    {"reference_missing", drift.reference_missing}};
  if (bins.is_number) {
    json["kolmogorov_smirnov"] = drift.kolmogorov_smirnov;
    json["wasserstein"] = drift.wasserstein;
  } else {
    json["unseen"] = drift.unseen;
  }
  return json;
}

/// What a status means to a reader.
std::string_view Meaning(std::string_view status) {
  if (status == "alarm") return "drifted";
  if (status == "not_yet") return "changed, to be confirmed";
  if (status == "by_chance") return "within chance";
  if (status == "too_small") return "no change that matters";
  return "too few rows";
}

/// Drifted ones first, then by how much they changed.
std::vector<JsonNode> InOrder(const JsonNode& report) {
  std::vector<JsonNode> columns = report.Get("columns").Elements();
  const auto rank = [](const JsonNode& column) {
    const std::string status = column.Get("status").String();
    const int group = status == "alarm" ? 0 : status == "not_yet" ? 1 : 2;
    return std::pair(group, -column.Get("effect").Number(0, HUGE_VAL));
  };
  std::ranges::stable_sort(columns, {}, rank);
  return columns;
}

void AddRow(const JsonNode& column, std::string& page) {
  constexpr double kFullBar = 0.25;  // of an effect that everybody calls large
  const std::string status = column.Get("status").String();
  const double effect = column.Get("effect").Number(0, HUGE_VAL);
  fmt::format_to(std::back_inserter(page),
                 "<tr class=\"{}\"><td>{}</td><td>{}</td><td>{:.0f}</td>"
                 "<td>{:.4f} <span class=\"effect\" style=\"width:{:.0f}px\"></span></td>"
                 "<td>{:.2g}</td><td>{:.4f}</td><td>{:.2f} %</td><td>{:.2f} %</td></tr>\n",
                 EscapeHtml(status), EscapeHtml(column.Get("name").String()), Meaning(status),
                 column.Get("rows").Number(0, HUGE_VAL), effect,
                 60 * std::min(effect / kFullBar, 1.0), column.Get("p").Number(0, 1),
                 column.Get("psi").Number(0, HUGE_VAL), 100 * column.Get("missing").Number(0, 1),
                 100 * column.Get("reference_missing").Number(0, 1));
}

void AddReport(const JsonNode& report, std::string& page) {
  const JsonNode window = report.Get("window");
  fmt::format_to(
      std::back_inserter(page),
      "<h2>{}: {}</h2>\n<p>Version {}, window {}, {} to {}.</p>\n"
      "<table "
      "class=\"findings\"><tr><th>column</th><th>finding</th><th>rows</th><th>effect</th><th>p</th>"
      "<th>PSI</th><th>missing</th><th>in the reference</th></tr>\n",
      EscapeHtml(report.Get("deployment").String()),
      report.Get("alarm").Bool() ? "drifted" : "no drift",
      EscapeHtml(report.Get("version").String()), window.Get("number").Integer(0, INT64_MAX),
      EscapeHtml(window.Get("from").String()), EscapeHtml(window.Get("to").String()));
  for (const JsonNode& column : InOrder(report)) AddRow(column, page);
  page += "</table>\n";
}

}  // namespace

bool HasAlarm(std::span<const ColumnDrift> columns) noexcept {
  return std::ranges::any_of(
      columns, [](const ColumnDrift& one) { return one.status == DriftStatus::kAlarm; });
}

ordered_json ToJson(const DriftWindow& window, std::span<const ColumnBins> bins) {
  ordered_json columns = ordered_json::array();
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (window.columns[i].rows > 0) columns.push_back(ColumnJson(window.columns[i], bins[i]));
  }
  const DriftRules& rules = window.rules;
  return {{"format", kReportFormat},
          {"format_version", 1},
          {"deployment", window.deployment},
          {"pipeline", window.pipeline},
          {"version", window.version},
          {"alarm", HasAlarm(window.columns)},
          {"window",
           {{"number", window.number},
            {"from", preprocessing::IsoTimestamp(window.from)},
            {"to", preprocessing::IsoTimestamp(window.to)}}},
          {"rules",
           {{"min_rows", rules.min_rows},
            {"min_effect", rules.min_effect},
            {"false_alarm_rate", rules.false_alarm_rate},
            {"persistence", rules.persistence},
            {"memory", rules.memory}}},
          {"columns", std::move(columns)}};
}

ordered_json AlarmedColumns(const ordered_json& report) {
  ordered_json columns = ordered_json::array();
  for (const ordered_json& column : report["columns"]) {
    if (column["status"] == "alarm") columns.push_back(column);
  }
  return columns;
}

std::vector<std::string> AlarmedNames(const ordered_json& report) {
  std::vector<std::string> names;
  for (const ordered_json& column : AlarmedColumns(report)) names.push_back(column["name"]);
  return names;
}

void RequireDriftReport(const ordered_json& report) {
  JsonNode(report).RequireFormat(kReportFormat);
}

std::string DriftPage(std::span<const ordered_json> reports,
                      std::span<const std::string> sections) {
  std::string page = BeginPage("Drift");
  for (const ordered_json& report : reports) {
    RequireDriftReport(report);
    AddReport(JsonNode(report), page);
  }
  for (const std::string& section : sections) page += section;
  if (reports.empty() && sections.empty()) page += "<p>No window is complete yet.</p>\n";
  page += EndPage(false);
  return page;
}

}  // namespace forkcast::model
