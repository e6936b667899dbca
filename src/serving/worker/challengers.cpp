#include "serving/worker/challengers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace forkcast::serving {
namespace {

using Loaded = Result<std::shared_ptr<const ServedPipeline>>;

Error NoSuchDeployment(const std::string& name, const std::vector<Deployment>& champions) {
  std::vector<std::string> names;
  for (const Deployment& champion : champions) names.push_back(champion.name);
  return {ErrorCode::kNotFound,
          fmt::format("no deployment \"{}\" is declared; there are: {}", name,
                      names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")))};
}

}  // namespace

Result<Deployment> ChallengerOf(const Deployment& champion, const ExperimentPlan& plan) {
  Deployment challenger = champion;
  challenger.challenger.reset();
  challenger.routes = {};  // answers take the champion's
  challenger.origin = fmt::format("challenger of {}", plan.deployment);
  challenger.model.clear();
  challenger.pipeline.clear();
  challenger.place.clear();
  if (plan.is_pipeline) {
    challenger.place = plan.challenger;
    return challenger;
  }
  std::string reference = plan.challenger;
  const std::size_t separator = reference.find_first_of("@:");
  if (separator != std::string::npos) {
    reference[separator] = '@';
  } else if (champion.model.empty()) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("deployment \"{}\" serves a file, which has no version \"{}\": expected "
                    "MODEL:VERSION or another pipeline",
                    plan.deployment, plan.challenger)};
  } else {
    reference = champion.model.substr(0, champion.model.find('@') + 1) + reference;
  }
  // As a reference that is declared.
  const Result<Deployment> parsed = ParseDeployment(reference);
  if (!parsed) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("\"{}\" names no version: expected NUMBER, ALIAS or MODEL:VERSION",
                             plan.challenger)};
  }
  challenger.model = parsed->model;
  return challenger;
}

Challengers::Challengers(const ExperimentList& list, std::vector<Deployment> champions,
                         MakeSource source, const Clock& clock, std::uint32_t seed)
    : list_(list),
      champions_(std::move(champions)),
      source_(std::move(source)),
      swapper_({}, editions_, clock, seed) {}

std::vector<ChallengerNews> Challengers::Turn() {
  std::vector<ChallengerNews> news;
  if (list_.version() != version_) Follow(news);
  if (sources_.empty()) {
    swapper_.LetGo();
    return news;
  }
  const std::optional<SwapReport> report = swapper_.Turn();
  if (!report) return news;
  // What could not be loaded anew stays as it is: the champion's snapshots are the same.
  for (const Swap& swap : report->swaps) {
    const auto kept = std::ranges::find(kept_, sources_[swap.source],
                                        [](const Kept& one) { return one.experiment.id; });
    kept->pipeline = swap.pipeline;
    news.push_back(
        {.place = kept->place, .experiment = kept->experiment, .pipeline = kept->pipeline});
  }
  return news;
}

void Challengers::Follow(std::vector<ChallengerNews>& news) {
  const ExperimentList::Contents contents = list_.Read();
  version_ = contents.version;
  Drop(contents.experiments, news);
  for (std::size_t place = 0; place < contents.experiments.size(); ++place) {
    if (contents.experiments[place].is_running()) Take(place, contents.experiments[place], news);
  }
}

void Challengers::Drop(const std::vector<Experiment>& listed, std::vector<ChallengerNews>& news) {
  std::erase_if(kept_, [&](const Kept& kept) {
    const auto still = std::ranges::find(listed, kept.experiment.id, &Experiment::id);
    if (still != listed.end() && still->is_running()) return false;
    swapper_.Drop(kept.experiment.id);
    std::erase(sources_, kept.experiment.id);
    news.push_back({.place = kept.place, .experiment = kept.experiment});
    return true;
  });
}

void Challengers::Take(std::size_t place, const Experiment& experiment,
                       std::vector<ChallengerNews>& news) {
  const auto kept =
      std::ranges::find(kept_, experiment.id, [](const Kept& one) { return one.experiment.id; });
  if (kept != kept_.end()) {
    const bool is_same = kept->experiment.plan == experiment.plan;
    kept->experiment = experiment;
    if (is_same || kept->pipeline == nullptr) return;
    news.push_back({.place = place, .experiment = experiment, .pipeline = kept->pipeline});
    return;
  }
  Loaded loaded = Load(experiment);
  kept_.push_back({.place = place, .experiment = experiment});
  if (loaded) kept_.back().pipeline = *loaded;
  news.push_back({.place = place, .experiment = experiment, .pipeline = std::move(loaded)});
}

Loaded Challengers::Load(const Experiment& experiment) {
  const auto champion =
      std::ranges::find(champions_, experiment.plan.deployment, &Deployment::name);
  if (champion == champions_.end()) {
    return NoSuchDeployment(experiment.plan.deployment, champions_);
  }
  const Result<Deployment> deployment = ChallengerOf(*champion, experiment.plan);
  if (!deployment) return deployment.error();
  SwapSource source = source_(*deployment);
  source.id = experiment.id;
  preprocessing::SnapshotPool pool;
  try {
    const LoadAttempt attempt = source.load({}, pool);
    if (!attempt.loaded) return attempt.loaded.error();
    swapper_.Keep(std::move(source), attempt);
    sources_.push_back(experiment.id);
    return *attempt.loaded;
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInternal, error.what()};
  }
}

}  // namespace forkcast::serving
