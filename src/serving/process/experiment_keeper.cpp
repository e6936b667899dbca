#include "serving/process/experiment_keeper.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

ExperimentKeeper::ExperimentKeeper(ExperimentList& list, std::span<const WorkerSlot> slots,
                                   const ServerState& state, const Clock& clock,
                                   spdlog::logger& log)
    : list_(list), slots_(slots), state_(state), clock_(clock), log_(log) {}

Status ExperimentKeeper::Begin(const std::vector<ExperimentPlan>& plans) {
  for (const ExperimentPlan& plan : plans) {
    if (const auto begun = Start(plan); !begun) return begun.error();
  }
  return {};
}

Status ExperimentKeeper::Inherit(std::string_view text) {
  auto experiments = ParseExperiments(text);
  if (!experiments) return std::move(experiments).error();
  experiments_ = *std::move(experiments);
  return list_.Write(experiments_);
}

std::string ExperimentKeeper::Bequeath() const {
  std::vector<Experiment> experiments = experiments_;
  for (std::size_t place = 0; place < experiments.size(); ++place) {
    experiments[place].before = list_.SumsOf(experiments_[place], place, workers());
  }
  return ToText(experiments);
}

std::string ExperimentKeeper::Order(std::string_view text) {
  const Result<std::uint64_t> id = Obey(text);
  ordered_json answer;
  if (id) {
    answer["id"] = *id;
  } else {
    answer["error"] = id.error().message;
  }
  return preprocessing::DumpText(answer) + "\n";
}

Result<std::uint64_t> ExperimentKeeper::Obey(std::string_view text) {
  try {
    const ordered_json json = preprocessing::ParseJson(text);
    const JsonNode order(json);
    order.RequireObject({"deployment", "challenger", "share", "stop"});
    const std::string deployment = order.Get("deployment").String();
    if (const auto challenger = order.Find("challenger")) {
      return Start(ReadExperimentPlan(*challenger, deployment));
    }
    const Result<Experiment*> found = Find(deployment);
    if (!found) return found.error();
    if (const auto stop = order.Find("stop")) {
      const bool is_promoted = stop->String() == WordFor(ExperimentState::kPromoted);
      End(**found, is_promoted ? ExperimentState::kPromoted : ExperimentState::kStopped, {});
    } else {
      (*found)->plan.share = order.Get("share").Number(0, 1);
      log_.info("experiment_share deployment={:?} share={}", deployment, (*found)->plan.share);
    }
    Save();
    return (*found)->id;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Result<std::uint64_t> ExperimentKeeper::Start(ExperimentPlan plan) {
  std::vector<Experiment> experiments = experiments_;
  auto place = std::ranges::find(experiments, plan.deployment,
                                 [](const Experiment& one) { return one.plan.deployment; });
  if (place == experiments.end() && experiments.size() == ExperimentList::kMost) {
    place = std::ranges::find_if_not(experiments, &Experiment::is_running);
  }
  if (place == experiments.end()) place = experiments.insert(place, Experiment());
  // Also greater than those of a server before, whose tallies nobody can mistake for its own.
  std::uint64_t id = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(ToMicros(clock_.Now())));
  for (const Experiment& one : experiments) id = std::max(id, one.id + 1);
  *place = {.id = id, .plan = std::move(plan), .begun = clock_.Now()};
  if (Status written = list_.Write(experiments); !written) return std::move(written).error();
  experiments_ = std::move(experiments);
  const ExperimentPlan& begun = std::ranges::find(experiments_, id, &Experiment::id)->plan;
  log_.info("experiment_begun deployment={:?} challenger={:?} mode={} share={}", begun.deployment,
            begun.challenger, WordFor(begun.mode), begun.share);
  return id;
}

Result<Experiment*> ExperimentKeeper::Find(std::string_view deployment) {
  const auto found = std::ranges::find_if(experiments_, [deployment](const Experiment& one) {
    return one.is_running() && one.plan.deployment == deployment;
  });
  if (found != experiments_.end()) return &*found;
  return Error{ErrorCode::kNotFound,
               fmt::format("deployment \"{}\" has no challenger", deployment)};
}

std::size_t ExperimentKeeper::workers() const noexcept {
  return std::min<std::size_t>(state_.slots_end.load(std::memory_order_relaxed), slots_.size());
}

void ExperimentKeeper::Look() {
  bool changed = false;
  for (std::size_t place = 0; place < experiments_.size(); ++place) {
    if (experiments_[place].is_running()) changed |= LookAt(experiments_[place], place);
  }
  if (changed) Save();
}

bool ExperimentKeeper::LookAt(Experiment& experiment, std::size_t place) {
  bool changed = false;
  for (std::size_t worker = 0; worker < workers(); ++worker) {
    const auto report = list_.tally(worker, place).report();
    if (report && report->id == experiment.id) changed |= HearReport(experiment, *report);
    if (!experiment.is_running()) return true;
  }
  auto reason = WhyEnded(experiment.plan, list_.SumsOf(experiment, place, workers()));
  if (!reason) return changed;
  End(experiment, ExperimentState::kEnded, *std::move(reason));
  return true;
}

bool ExperimentKeeper::HearReport(Experiment& experiment, const ExperimentReport& report) {
  if (!report.failure.empty()) {
    End(experiment, ExperimentState::kFailed, report.failure);
    return true;
  }
  if (experiment.challenger.empty()) {
    experiment.champion = report.champion;
    experiment.champion_place = report.champion_place;
    experiment.challenger = report.challenger;
    experiment.challenger_place = report.challenger_place;
    return true;
  }
  // What was found is of these two versions.
  const auto ends = [&](std::string_view who, const std::string& was, const std::string& is) {
    if (was == is) return false;
    End(experiment, ExperimentState::kEnded,
        fmt::format("the {} is version {} now, and was {}", who, is, was));
    return true;
  };
  return ends("champion", experiment.champion, report.champion) ||
         ends("challenger", experiment.challenger, report.challenger);
}

void ExperimentKeeper::OnDeath(std::size_t slot) {
  for (std::size_t place = 0; place < experiments_.size(); ++place) {
    Experiment& experiment = experiments_[place];
    const std::uint64_t at_work = list_.tally(slot, place).at_work.exchange(0);
    if (!experiment.is_running() || at_work != experiment.id) continue;
    End(experiment, ExperimentState::kFailed,
        fmt::format("worker {} died while the challenger was at work", slot));
    Save();
  }
}

void ExperimentKeeper::End(Experiment& experiment, ExperimentState state, std::string reason) {
  experiment.state = state;
  experiment.reason = std::move(reason);
  const auto level = state == ExperimentState::kEnded || state == ExperimentState::kFailed
                         ? spdlog::level::warn
                         : spdlog::level::info;
  log_.log(level, "experiment_over deployment={:?} challenger={:?} state={} reason={:?}",
           experiment.plan.deployment, experiment.plan.challenger, WordFor(state),
           experiment.reason);
}

void ExperimentKeeper::Save() {
  // There was room when it began; names of versions are short.
  if (const Status saved = list_.Write(experiments_); !saved) {
    log_.error("experiments_not_told error={:?}", saved.error().message);
  }
}

std::vector<ExperimentStatus> ExperimentKeeper::Describe() const {
  std::vector<ExperimentStatus> all;
  for (std::size_t place = 0; place < experiments_.size(); ++place) {
    const Experiment& experiment = experiments_[place];
    ExperimentSpread spread;
    for (std::size_t worker = 0; worker < workers(); ++worker) {
      if (slots_[worker].State() != WorkerState::kReady) continue;
      ++spread.ready_workers;
      const auto report = list_.tally(worker, place).report();
      if (report && report->id == experiment.id && report->failure.empty()) ++spread.workers;
    }
    all.push_back(StatusOf(experiment, list_.SumsOf(experiment, place, workers()), spread));
  }
  return all;
}

}  // namespace forkcast::serving
