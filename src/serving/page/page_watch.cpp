#include "serving/page/page_watch.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/metrics/metric.hpp"
#include "serving/metrics/series.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

/// Numbers of metrics by their names; of those that are told so.
ordered_json NumbersOf(const MetricReadings& readings, bool of_server) {
  ordered_json numbers = ordered_json::object();
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    const bool is_servers = kMetrics[i].across == Metric::Across::kServer;
    const std::optional<std::uint64_t>& value = readings[MetricId(i)];
    if (is_servers == of_server && value) numbers[kMetrics[i].name] = *value;
  }
  return numbers;
}

ordered_json WorkersOf(std::span<const WorkerSlot> slots) {
  ordered_json workers = ordered_json::array();
  for (std::size_t place = 0; place < slots.size(); ++place) {
    const WorkerSlot& slot = slots[place];
    if (slot.State() == WorkerState::kEmpty) continue;
    workers.push_back({{"worker", place},
                       {"state", WordFor(slot.State())},
                       {"serves", slot.serves.Get().value_or("")},
                       {"failure", slot.failure.Get().value_or("")},
                       {"counts", NumbersOf(ReadMetrics(slot), /*of_server=*/false)}});
  }
  return workers;
}

/// `name="value",...` as an object; the escapes are those of the exposition.
ordered_json LabelsOf(std::string_view text) {
  ordered_json labels = ordered_json::object();
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) break;
    const std::string name(text.substr(at, equals - at));
    std::string value;
    for (at = equals + 2; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) {
        ++at;
        value += text[at] == 'n' ? '\n' : text[at];
      } else {
        value += text[at];
      }
    }
    labels[name] = value;
    at += 2;  // the quote, and the comma if there is one
  }
  return labels;
}

constexpr double kNsInAMs = 1e6;

/// Below which `share` of what was counted lies, in ms; within a bucket as if it were even there.
double QuantileMs(std::span<const std::uint64_t> buckets, std::uint64_t total, double share) {
  const double rank = share * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto count = static_cast<double>(buckets[i]);
    if (count > 0 && below + count >= rank) {
      const std::size_t last = kLatencyBounds.size() - 1;
      const double from = i == 0 ? 0 : static_cast<double>(kLatencyBounds[std::min(i - 1, last)]);
      const double to = static_cast<double>(kLatencyBounds[std::min(i, last)]);
      return (from + (to - from) * (rank - below) / count) / kNsInAMs;
    }
    below += count;
  }
  return static_cast<double>(kLatencyBounds.back()) / kNsInAMs;
}

ordered_json LatencyOf(const SeriesSum& series) {
  const std::span<const std::uint64_t> cells(series.cells);
  const std::span<const std::uint64_t> buckets = cells.first(kLatencyBounds.size() + 1);
  std::uint64_t total = 0;
  for (const std::uint64_t count : buckets) total += count;
  ordered_json one = LabelsOf(series.labels);
  one["count"] = total;
  if (total == 0) return one;
  one["mean_ms"] = static_cast<double>(cells.back()) / static_cast<double>(total) / kNsInAMs;
  one["p50_ms"] = QuantileMs(buckets, total, 0.5);
  one["p99_ms"] = QuantileMs(buckets, total, 0.99);
  return one;
}

void AddSeries(std::span<const Counts> counts, ordered_json& json) {
  std::vector<std::span<const SeriesBlock>> blocks;
  for (const Counts& one : counts) blocks.push_back(one.series);
  json["answers"] = ordered_json::array();
  json["latencies"] = ordered_json::array();
  for (const SeriesSum& series : SumSeries(blocks)) {
    const std::string_view family = kSeriesFamilies[series.family].family;
    if (family == "requests") {
      ordered_json one = LabelsOf(series.labels);
      one["count"] = series.cells.front();
      json["answers"].push_back(std::move(one));
    } else if (family == "request_duration_seconds") {
      json["latencies"].push_back(LatencyOf(series));
    }
  }
}

/// Of drift the newest report of each deployment, of quality that of each model.
void AddDrift(const DriftBoard* board, ordered_json& json) {
  json["drift"] = ordered_json::array();
  json["judged"] = ordered_json::array();
  // None: it is being written just now.
  const std::optional<std::string> text = board == nullptr ? std::string() : board->Get();
  if (!text || text->empty()) return;
  const ordered_json reports = ordered_json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!reports.is_object()) return;
  json["drift"] = reports.value("deployments", ordered_json::array());
  json["judged"] = reports.value("quality", ordered_json::array());
}

}  // namespace

std::string DescribeWatch(const PageWatch& watch, const PageServer& server, Instant now) {
  const std::size_t end = watch.server.slots_end.load(std::memory_order_relaxed);
  ordered_json json{{"host", server.host},
                    {"worker", server.worker},
                    {"now", preprocessing::IsoTimestamp(now)},
                    {"workers", WorkersOf(watch.slots.first(std::min(end, watch.slots.size())))},
                    {"server", NumbersOf(watch.server.metrics.Read(), /*of_server=*/true)}};
  AddSeries(watch.counts, json);
  AddDrift(watch.drift, json);
  return preprocessing::DumpText(json);
}

}  // namespace forkcast::serving
