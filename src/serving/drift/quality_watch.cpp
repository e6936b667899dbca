#include "serving/drift/quality_watch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/logger.h>

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/drift/drift_decision.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr std::chrono::seconds kBetweenLooks{10};

/// What there is to show of a report. Throws SpecError when it is none.
ordered_json Shown(const ordered_json& report) {
  const JsonNode node(report);
  node.RequireFormat("forkcast.quality");
  const std::vector<JsonNode> windows = node.Get("windows").Elements();
  return {{"model", node.Get("model").String()},
          {"version", node.Get("version").json()},
          {"alarm", node.Get("alarm").Bool()},
          {"judged_at", node.Get("judged_at").String()},
          {"window", windows.empty() ? ordered_json() : windows.back().json()}};
}

std::vector<std::string> AlarmedIn(const ordered_json& window) {
  std::vector<std::string> names;
  for (const JsonNode& metric : JsonNode(window).Get("metrics").Elements()) {
    const auto status = metric.Find("status");
    if (status && status->String() == "alarm") names.push_back(metric.Get("name").String());
  }
  return names;
}

/// The number of a finding among the values of DriftStatus.
std::optional<double> NumberOf(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(model::DriftStatus::kAlarm); ++i) {
    if (WordFor(static_cast<model::DriftStatus>(i)) == word) return i;
  }
  return std::nullopt;
}

void SetOrClear(const SeriesGauge& gauge, const std::optional<JsonNode>& number) {
  if (number && number->json().is_number()) {
    gauge.Set(number->json().get<double>());
  } else {
    gauge.Clear();
  }
}

}  // namespace

bool QualityWatch::Look(const fs::path& folder, MonotonicTime now) {
  MonotonicTime& next = next_look_.try_emplace(folder, MonotonicTime::min()).first->second;
  if (now < next) return false;
  next = now + kBetweenLooks;
  bool is_new = false;
  std::error_code failed;
  // Nobody has to ask for quality.
  for (fs::directory_iterator entry(folder / "quality", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().extension() == ".json") is_new = Read(entry->path(), now) || is_new;
  }
  return is_new;
}

bool QualityWatch::Read(const fs::path& file, MonotonicTime now) {
  const FileIdentity identity = FileIdentity::At(file);
  const auto known = reports_.find(file);
  if (known != reports_.end() && known->second.identity == identity) return false;
  try {
    ordered_json shown = Shown(preprocessing::ReadJsonFile(file));
    Tell(shown);
    ShowGauges(shown);
    reports_.insert_or_assign(file, Report{.identity = identity, .shown = std::move(shown)});
    return true;
  } catch (const preprocessing::SpecError& error) {
    if (const auto held_back = failures_.Pass(now)) {
      log_.warn("quality_report_refused file={:?} reason={:?} suppressed={}", file.string(),
                error.what(), *held_back);
    }
    return false;
  }
}

void QualityWatch::Tell(const ordered_json& shown) const {
  metrics_.Count("quality_reports");
  if (shown.at("alarm") != true) return;
  metrics_.Count("quality_alarms");
  const ordered_json& window = shown.at("window");
  log_.warn("quality_alarm model={:?} version={} window={:?} metrics=\"{}\"",
            shown.at("model").get<std::string>(), shown.at("version").dump(),
            window.value("from", std::string()), fmt::join(AlarmedIn(window), ", "));
}

void QualityWatch::ShowGauges(const ordered_json& shown) const {
  if (shown.at("window").is_null()) return;
  const std::string model = shown.at("model");
  for (const JsonNode& metric : JsonNode(shown.at("window")).Get("metrics").Elements()) {
    const std::string name = metric.Get("name").String();
    const std::array<std::string_view, 2> labels{model, name};
    SetOrClear(series_.GaugeOf("quality_value", labels), metric.Find("value"));
    SetOrClear(series_.GaugeOf("quality_folds", labels), metric.Find("folds"));
    const auto status = metric.Find("status");
    if (!status) continue;
    if (const auto number = NumberOf(status->String())) {
      series_.GaugeOf("quality_status", labels).Set(*number);
    }
  }
}

ordered_json QualityWatch::newest() const {
  ordered_json all = ordered_json::array();
  for (const auto& [file, report] : reports_) all.push_back(report.shown);
  return all;
}

}  // namespace forkcast::serving
