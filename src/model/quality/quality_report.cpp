#include "model/quality/quality_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/version_history.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr const char* kFormat = "forkcast.quality";
constexpr const char* kEvent = "quality";

/// Infinite numbers have no JSON.
ordered_json OrNull(std::optional<double> number) {
  return number && std::isfinite(*number) ? ordered_json(*number) : ordered_json();
}

ordered_json MetricJson(const JudgedMetric& metric) {
  ordered_json json{{"name", metric.name}, {"value", OrNull(metric.value)}};
  if (metric.reference) {
    json["folds"] = OrNull(metric.reference);
    json["folds_deviation"] = metric.deviation;
  }
  if (metric.status) {
    json["effect"] = OrNull(metric.effect);
    json["p"] = metric.p;
    json["status"] = WordFor(*metric.status);
  }
  return json;
}

ordered_json WindowJson(const QualityWindow& window, std::span<const JudgedMetric> judged) {
  ordered_json metrics = ordered_json::array();
  for (const JudgedMetric& one : judged) metrics.push_back(MetricJson(one));
  return {{"from", window.from},
          {"to", window.to},
          {"rows", window.rows},
          {"alarm", HasAlarm(judged)},
          {"metrics", std::move(metrics)}};
}

JsonNode Checked(const ordered_json& report) {
  const JsonNode node(report);
  if (!IsQualityReport(report)) node.Fail(fmt::format("expected a report of {}", kFormat));
  return node;
}

std::vector<JsonNode> TestedIn(const JsonNode& window) {
  std::vector<JsonNode> tested = window.Get("metrics").Elements();
  std::erase_if(tested, [](const JsonNode& metric) { return !metric.Find("status"); });
  return tested;
}

std::string NumberText(const JsonNode& node, std::string_view name) {
  const auto member = node.Find(name);
  if (!member || !member->json().is_number()) return "-";
  return fmt::format("{:.4g}", member->json().get<double>());
}

/// "drifted" is a word for data; an error is worse.
std::string_view Finding(std::string_view status) {
  if (status == "alarm") return "worse";
  if (status == "not_yet") return "worse, to be confirmed";
  if (status == "by_chance") return "within chance";
  if (status == "too_small") return "as in the folds";
  return "too few rows";
}

std::string Verdict(const JsonNode& report) {
  const auto windows = report.Get("windows").Elements();
  if (windows.empty()) return "no window is complete yet";
  return report.Get("alarm").Bool() ? "worse than in the folds" : "as in the folds";
}

std::string Head(const JsonNode& report) {
  return fmt::format("{} version {}: {}", report.Get("model").String(),
                     report.Get("version").Integer(0, INT64_MAX), Verdict(report));
}

std::string LeftOutText(const JsonNode& report) {
  std::string text;
  report.Get("left_out").EachMember([&](const std::string& reason, const JsonNode& rows) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", rows.json().dump(), reason);
  });
  return text;
}

}  // namespace

void Judge(const QualityReference& reference, QualityFindings& findings) {
  QualityJudge judge(reference, findings.rules);
  for (const QualityWindow& window : findings.windows) {
    findings.judged.push_back(judge.Judge(window));
  }
}

ordered_json ToJson(const QualityFindings& findings) {
  ordered_json windows = ordered_json::array();
  for (std::size_t i = 0; i < findings.windows.size(); ++i) {
    windows.push_back(WindowJson(findings.windows[i], findings.judged[i]));
  }
  ordered_json left_out = ordered_json::object();
  for (const auto& [reason, rows] : findings.left_out) left_out[std::string(reason)] = rows;
  const QualityRules& rules = findings.rules;
  return {{"format", kFormat},
          {"format_version", 1},
          {"model", findings.model},
          {"version", findings.version},
          {"kind", findings.kind},
          {"alarm", !findings.judged.empty() && HasAlarm(findings.judged.back())},
          {"judged_at", preprocessing::IsoTimestamp(findings.now)},
          {"rules",
           {{"min_rows", rules.min_rows},
            {"min_effect", rules.min_effect},
            {"false_alarm_rate", rules.false_alarm_rate},
            {"persistence", rules.persistence},
            {"memory", rules.memory}}},
          {"left_out", std::move(left_out)},
          {"windows", std::move(windows)}};
}

bool IsQualityReport(const ordered_json& report) {
  return report.is_object() && report.value("format", ordered_json()) == kFormat;
}

std::string QualityText(const ordered_json& report, const TextStyle& style) {
  const JsonNode node = Checked(report);
  using enum TextTable::Align;
  TextTable table({{"from"},
                   {"to"},
                   {"rows", kNumber},
                   {"metric"},
                   {"value", kNumber},
                   {"folds", kNumber},
                   {"effect", kNumber},
                   {"p", kNumber},
                   {"status"}});
  for (const JsonNode& window : node.Get("windows").Elements()) {
    for (const JsonNode& metric : TestedIn(window)) {
      table.Add(
          {window.Get("from").String(), window.Get("to").String(), window.Get("rows").json().dump(),
           metric.Get("name").String(), NumberText(metric, "value"), NumberText(metric, "folds"),
           NumberText(metric, "effect"), NumberText(metric, "p"), metric.Get("status").String()});
    }
  }
  std::string text = fmt::format("{}\n", Head(node));
  if (table.row_count() > 0) text += table.Text(style);
  const std::string left_out = LeftOutText(node);
  if (!left_out.empty()) text += fmt::format("not counted: {}\n", left_out);
  return text;
}

std::string QualitySection(const ordered_json& report) {
  const JsonNode node = Checked(report);
  std::string page = fmt::format(
      "<h2>{}</h2>\n<p>What was answered beside what happened. {}</p>\n<table "
      "class=\"findings\"><tr><th>window</th>"
      "<th>finding</th><th>metric</th><th>value</th><th>in the folds</th><th>effect</th><th>p</th>"
      "<th>rows</th></tr>\n",
      EscapeHtml(Head(node)), EscapeHtml(LeftOutText(node)));
  for (const JsonNode& window : node.Get("windows").Elements()) {
    for (const JsonNode& metric : TestedIn(window)) {
      const std::string status = metric.Get("status").String();
      fmt::format_to(std::back_inserter(page),
                     "<tr class=\"{}\"><td>{} to {}</td><td>{}</td><td>{}</td><td>{}</td>"
                     "<td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                     EscapeHtml(status), EscapeHtml(window.Get("from").String()),
                     EscapeHtml(window.Get("to").String()), Finding(status),
                     EscapeHtml(metric.Get("name").String()), NumberText(metric, "value"),
                     NumberText(metric, "folds"), NumberText(metric, "effect"),
                     NumberText(metric, "p"), EscapeHtml(window.Get("rows").json().dump()));
    }
  }
  page += "</table>\n";
  return page;
}

Result<std::size_t> RecordQuality(const VersionInfo& version, const ordered_json& report) {
  return AddToHistory(version, [&report](const VersionHistory& so_far) {
    VersionHistory news;
    for (const ordered_json& window : report.at("windows")) {
      const auto is_of_it = [&window](const ordered_json& entry) {
        return entry.value("event", ordered_json()) == kEvent &&
               entry.value("window", ordered_json::object()).value("from", ordered_json()) ==
                   window.at("from");
      };
      const auto last = std::find_if(so_far.rbegin(), so_far.rend(), is_of_it);
      if (last != so_far.rend() && last->at("window") == window) continue;
      news.push_back({{"event", kEvent}, {"at", report.at("judged_at")}, {"window", window}});
    }
    return news;
  });
}

}  // namespace forkcast::model
