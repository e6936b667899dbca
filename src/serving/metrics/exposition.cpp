#include "serving/metrics/exposition.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace forkcast::serving {
namespace {

std::string FullName(const Metric& metric) {
  std::string name = "forkcast_" + std::string(metric.family);
  if (metric.kind == Metric::Kind::kCounter) name += "_total";
  return name;
}

std::string JoinLabels(std::string_view labels, std::string_view more) {
  std::string joined(labels);
  if (!labels.empty() && !more.empty()) joined += ',';
  return joined += more;
}

void AddSample(const Metric& metric, const std::string& labels, std::uint64_t value,
               std::string& text) {
  text += FullName(metric);
  if (!labels.empty()) text += '{' + labels + '}';
  text += ' ' + std::to_string(value) + '\n';
}

void AddSamples(MetricId id, std::span<const WorkerReadings> workers, const MetricReadings& server,
                std::string& text) {
  const Metric& metric = kMetrics[id.index()];
  switch (metric.across) {
    case Metric::Across::kServer:
      return AddSample(metric, std::string(metric.labels), server[id].value_or(0), text);
    case Metric::Across::kByWorker:
      for (const WorkerReadings& worker : workers) {
        if (!worker.running || !worker.values[id]) continue;
        const std::string label = "worker=\"" + std::to_string(worker.slot) + '"';
        AddSample(metric, JoinLabels(metric.labels, label), *worker.values[id], text);
      }
      return;
    case Metric::Across::kSum:
    case Metric::Across::kMax:
      std::vector<std::optional<std::uint64_t>> values;
      values.reserve(workers.size());
      for (const WorkerReadings& worker : workers) values.push_back(worker.values[id]);
      return AddSample(metric, std::string(metric.labels), AddUp(metric.across, values), text);
  }
}

}  // namespace

std::string ToExposition(std::span<const WorkerReadings> workers, const MetricReadings& server) {
  std::string text;
  std::string_view family;
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    const Metric& metric = kMetrics[i];
    if (metric.family != family) {
      family = metric.family;
      text += "# HELP " + FullName(metric) + ' ' + std::string(metric.help) + '\n';
      text += "# TYPE " + FullName(metric) + ' ' + std::string(WordFor(metric.kind)) + '\n';
    }
    AddSamples(MetricId(i), workers, server, text);
  }
  return text;
}

}  // namespace forkcast::serving
