#include "serving/endpoints/metrics.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "serving/metrics/exposition.hpp"
#include "serving/web/api_operation.hpp"

namespace forkcast::serving {
namespace {

/// What gauges were told by processes of another server is not asked.
MetricReadings CountersOf(const WorkerSlot& slot) {
  MetricReadings readings = slot.metrics.Read();
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    if (kMetrics[i].kind != Metric::Kind::kCounter) readings[MetricId(i)] = std::nullopt;
  }
  return readings;
}

/// Of all workers, then of servers before.
std::vector<WorkerReadings> ReadWorkers(std::span<const WorkerSlot> slots,
                                        std::span<const Counts> before) {
  std::vector<WorkerReadings> workers;
  for (const WorkerSlot& slot : slots) {
    workers.push_back({.slot = workers.size(),
                       .running = slot.State() != WorkerState::kEmpty,
                       .values = ReadMetrics(slot)});
  }
  for (const Counts& counts : before) {
    for (const WorkerSlot& slot : counts.slots) workers.push_back({.values = CountersOf(slot)});
  }
  return workers;
}

DerivedFamily WorkersByState(std::span<const WorkerSlot> slots) {
  constexpr std::array kStates{WorkerState::kBooting, WorkerState::kReady, WorkerState::kDraining};
  DerivedFamily family{.family = "workers", .help = "Workers, by what they do"};
  for (const WorkerState state : kStates) {
    const auto count = std::ranges::count_if(
        slots, [state](const WorkerSlot& slot) { return slot.State() == state; });
    std::string labels;
    AddLabel("state", WordFor(state), labels);
    family.samples.push_back(
        {.labels = std::move(labels), .value = static_cast<std::uint64_t>(count)});
  }
  return family;
}

/// Of the worker that is asked: while a new version spreads, another one may serve the old a moment
/// longer, which `forkcast_edition` tells.
DerivedFamily Deployments(const Catalogue& catalogue) {
  DerivedFamily family{.family = "deployment_info", .help = "What is served"};
  for (const Catalogue::Entry& entry : catalogue.entries()) {
    const ServedPipeline& pipeline = *entry.deployment.pipeline;
    std::string labels;
    AddLabel("deployment", entry.deployment.name, labels);
    AddLabel("pipeline", pipeline.spec().name, labels);
    AddLabel("model", pipeline.model_name(), labels);
    AddLabel("version", pipeline.model_version(), labels);
    family.samples.push_back({.labels = std::move(labels), .value = 1});
  }
  return family;
}

}  // namespace

void AnswerMetrics(Exchange& exchange, Service& service) {
  const std::size_t end = service.server.slots_end.load(std::memory_order_relaxed);
  const auto slots = service.slots.first(std::min(end, service.slots.size()));
  const std::vector<WorkerReadings> workers =
      ReadWorkers(slots, service.counts.subspan(std::min<std::size_t>(1, service.counts.size())));
  const MetricReadings server = service.server.metrics.Read();
  std::vector<std::span<const SeriesBlock>> blocks;
  for (const Counts& counts : service.counts) blocks.push_back(counts.series);
  const std::vector<SeriesSum> series = SumSeries(blocks);
  const std::array derived{WorkersByState(slots), Deployments(service.catalogue)};
  const ExpositionForm form = NegotiateExposition(exchange.request().accept);
  exchange.response().content_type = MediaType(form);
  exchange.response().body = ToExposition(
      {.workers = workers, .server = server, .series = series, .derived = derived}, form);
}

void DescribeMetrics(ApiOperation& operation) {
  for (const ExpositionForm form : {ExpositionForm::kPrometheus, ExpositionForm::kOpenMetrics}) {
    operation.AddAnswer("200", "What is counted, in the form that Accept prefers.", MediaType(form),
                        {{"type", "string"}});
  }
}

}  // namespace forkcast::serving
