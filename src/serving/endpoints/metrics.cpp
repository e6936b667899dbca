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

#include "serving/experiment/experiment_status.hpp"
#include "serving/metrics/exposition.hpp"
#include "serving/process/experiment_list.hpp"
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
    family.samples.push_back({.labels = std::move(labels), .value = static_cast<double>(count)});
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

/// What an estimate is, and between which bounds; what is not known is left out.
void AddEstimate(std::string_view deployment, const ToldEstimate& estimate, DerivedFamily& family) {
  const std::array parts{std::pair("value", estimate.value), std::pair("lower", estimate.lower),
                         std::pair("upper", estimate.upper)};
  for (const auto& [bound, number] : parts) {
    if (!number) continue;
    std::string labels;
    AddLabel("deployment", deployment, labels);
    AddLabel("bound", bound, labels);
    family.samples.push_back({.labels = std::move(labels), .value = *number});
  }
}

/// Of all workers together: what experiments have found does not follow from their counters.
void AddExperiments(const Service& service, std::size_t workers,
                    std::vector<DerivedFamily>& families) {
  if (service.experiments == nullptr) return;
  DerivedFamily info{.family = "experiment_info", .help = "Experiments, by how they are"};
  DerivedFamily share{.family = "experiment_share", .help = "Share of the requests that take part"};
  DerivedFamily difference{.family = "experiment_output_difference",
                           .help = "Mean output of the challenger minus that of the champion"};
  DerivedFamily agreement{.family = "experiment_agreement",
                          .help = "Share of rows or steps with the same output"};
  DerivedFamily slowdown{.family = "experiment_slowdown",
                         .help = "How many times as long the challenger takes"};
  const std::vector<Experiment> experiments = service.experiments->Read().experiments;
  for (std::size_t place = 0; place < experiments.size(); ++place) {
    const Experiment& experiment = experiments[place];
    const ExperimentStatus status = StatusOf(
        experiment, service.experiments->SumsOf(experiment, place, workers), /*spread=*/{});
    std::string labels;
    AddLabel("deployment", status.deployment, labels);
    share.samples.push_back({.labels = labels, .value = status.share});
    AddLabel("mode", status.mode, labels);
    AddLabel("champion", status.champion, labels);
    AddLabel("challenger", status.challenger, labels);
    AddLabel("state", status.state, labels);
    info.samples.push_back({.labels = std::move(labels), .value = 1});
    AddEstimate(status.deployment, status.difference, difference);
    AddEstimate(status.deployment, status.agreement, agreement);
    AddEstimate(status.deployment, status.slowdown, slowdown);
  }
  for (DerivedFamily* family : {&info, &share, &difference, &agreement, &slowdown}) {
    if (!family->samples.empty()) families.push_back(std::move(*family));
  }
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
  std::vector<DerivedFamily> derived{WorkersByState(slots), Deployments(service.catalogue)};
  AddExperiments(service, end, derived);
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
