#include "serving/drift/drift_monitor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "model/drift/drift_report.hpp"

namespace forkcast::serving {
namespace {

using model::ColumnBins;
using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr std::size_t kMostWatched = 256;  // versions of deployments; the one unused longest goes
constexpr std::size_t kBoardBytes = 262'144;

/// Rows of the column that has most: features of a refused row have no outputs.
std::uint64_t RowsIn(std::span<const std::uint32_t> counts, std::span<const ColumnBins> bins) {
  std::uint64_t most = 0;
  for (const ColumnBins& column : bins) {
    const auto own = counts.first(column.reference.size());
    most = std::max(most, std::accumulate(own.begin(), own.end(), std::uint64_t{0}));
    counts = counts.subspan(own.size());
  }
  return most;
}

std::size_t CountsOf(std::span<const ColumnBins> bins) {
  return std::accumulate(
      bins.begin(), bins.end(), std::size_t{0},
      [](std::size_t sum, const ColumnBins& column) { return sum + column.reference.size(); });
}

ordered_json WithoutQuietColumns(ordered_json report) {
  auto& columns = report["columns"];
  ordered_json kept = ordered_json::array();
  for (ordered_json& column : columns) {
    if (column["status"] == "alarm" || column["status"] == "not_yet") kept.push_back(column);
  }
  columns = std::move(kept);
  return report;
}

}  // namespace

Status DriftMonitor::Take(std::span<const std::byte> bytes) {
  Result<DriftMessage> message = DecodeDrift(bytes);
  if (!message) return std::move(message).error();
  Result<Watched*> found = Find(*message);
  if (!found) return std::move(found).error();
  Watched& watched = **found;
  if (message->counts.size() != CountsOf(watched.reference->bins)) {
    return Error{ErrorCode::kCorrupt, "counts of other bins than those of the version"};
  }
  watched.last_used = ++messages_;
  Add(*message, watched);
  const WindowLength& window = watched.settings.window;
  const Pane& open = *watched.open;
  const bool is_full = window.rows > 0
                           ? open.rows * watched.settings.steps >= window.rows
                           : (open.to - open.from) * watched.settings.steps >= window.time;
  if (is_full) Judge(*message, watched);
  if (quality_.Look(watched.settings.folder, outputs_.clock.Monotonic())) ShowAll();
  return {};
}

Result<DriftMonitor::Watched*> DriftMonitor::Find(const DriftMessage& message) {
  Key key(message.settings, message.deployment, message.folder);
  if (const auto known = watched_.find(key); known != watched_.end()) return &known->second;
  auto reference = model::ReadDriftReference(std::filesystem::path(message.folder));
  if (!reference) return std::move(reference).error();
  try {
    const ordered_json json = preprocessing::ParseJson(message.settings);
    if (watched_.size() >= kMostWatched) {
      watched_.erase(std::ranges::min_element(
          watched_, {}, [](const auto& one) { return one.second.last_used; }));
    }
    return &watched_
                .try_emplace(std::move(key), ReadDriftSettings(JsonNode(json)),
                             *std::move(reference))
                .first->second;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

void DriftMonitor::Add(const DriftMessage& message, Watched& watched) const {
  if (!watched.open) {
    watched.open = Pane{.counts = std::vector<double>(message.counts.size()),
                        .from = message.sent,
                        .to = message.sent};
  }
  Pane& open = *watched.open;
  for (std::size_t i = 0; i < message.counts.size(); ++i) open.counts[i] += message.counts[i];
  open.from = std::min(open.from, message.sent);
  open.to = std::max(open.to, message.sent);
  open.rows += RowsIn(message.counts, watched.reference->bins);
}

void DriftMonitor::Judge(const DriftMessage& message, Watched& watched) {
  watched.panes.push_back(*std::move(watched.open));
  watched.open.reset();
  if (watched.panes.size() > watched.settings.steps) watched.panes.pop_front();
  if (watched.panes.size() < watched.settings.steps) return;
  std::vector<double> counts(watched.panes.front().counts.size());
  for (const Pane& pane : watched.panes) {
    std::ranges::transform(counts, pane.counts, counts.begin(), std::plus());
  }
  const model::DriftWindow window{.deployment = std::string(message.deployment),
                                  .pipeline = std::string(message.pipeline),
                                  .version = std::string(message.version),
                                  .number = ++watched.windows,
                                  .from = watched.panes.front().from,
                                  .to = watched.panes.back().to,
                                  .rules = watched.settings.rules,
                                  .columns = watched.judge.Judge(counts)};
  gauges_.Show(window, watched.reference->bins);
  const ordered_json report = model::ToJson(window, watched.reference->bins);
  Tell(window.deployment, report, watched.settings);
  outputs_.alarms.OnWindow(report, std::string(message.folder), watched.settings);
}

void DriftMonitor::Tell(const std::string& deployment, const ordered_json& report,
                        const DriftSettings& settings) {
  const std::vector<std::string> alarmed = model::AlarmedNames(report);
  outputs_.metrics.Count("drift_windows");
  if (!alarmed.empty()) {
    outputs_.metrics.Count("drift_alarms");
    outputs_.log.warn("drift_alarm deployment={:?} version={:?} window={} columns=\"{}\"",
                      deployment, report["version"].get<std::string>(),
                      report["window"]["number"].get<std::uint64_t>(), fmt::join(alarmed, ", "));
  }
  newest_[deployment] = report;
  ShowAll();
  try {
    std::filesystem::create_directories(settings.folder);
    AtomicFile file(std::filesystem::path(settings.folder) / fmt::format("{}.json", deployment));
    file.Write(report.dump() + "\n");
    file.Commit();
  } catch (const std::system_error& error) {
    if (const auto held_back = failures_.Pass(outputs_.clock.Monotonic())) {
      outputs_.log.warn("drift_report_failed reason={:?} suppressed={}", error.what(), *held_back);
    }
  }
}

void DriftMonitor::ShowAll() {
  ordered_json all = ordered_json::array();
  for (const auto& [deployment, report] : newest_) all.push_back(report);
  const ordered_json quality = quality_.newest();
  const auto text_of = [&] {
    ordered_json shown{{"deployments", all}};
    if (!quality.empty()) shown["quality"] = quality;
    return shown.dump();
  };
  std::string text = text_of();
  if (text.size() > kBoardBytes) {
    for (ordered_json& report : all) report = WithoutQuietColumns(std::move(report));
    text = text_of();
  }
  if (text.size() > kBoardBytes) text = R"({"deployments":[]})";
  outputs_.board.Set(text);
}

}  // namespace forkcast::serving
