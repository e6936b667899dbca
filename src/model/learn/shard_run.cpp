#include "model/learn/shard_run.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/parameter_search.hpp"
#include "model/learn/training_failure.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// Of one shard: the newest, and the one before, which somebody may be joining.
constexpr std::size_t kKept = 2;

/// One run; throws TrainingFailure.
class ShardRun {
 public:
  ShardRun(const ShardRequest& request, const Clock& clock, TrainingObserver& observer)
      : request_(request), clock_(clock), observer_(observer) {}

  TrainingOutcome operator()() {
    const std::unique_ptr<TrainingJob> job =
        Require(request_.open(request_.document), TrainingEnd::kRefused);
    Require(job->Check());
    const std::string model = request_.name.empty() ? job->name() : request_.name;
    const std::string name = ShardName(model, request_.fits.shard());
    const Registry registry(request_.place);
    Require(Registry::CheckNames(name, kNewestShard), TrainingEnd::kRefused);
    Require(registry.CheckPlace(name, kNewestShard), TrainingEnd::kRefused);
    if (job->search() == nullptr) {
      TrainPoint(*job, 0, fmt::format("shard {}", ToString(request_.fits.shard())));
    } else {
      TrainPoints(*job);
    }
    if (observer_.Stops()) throw Stopped();
    return Publish(*job, name, registry);
  }

 private:
  static TrainingFailure Stopped() {
    return {TrainingEnd::kStopped, "stopped; nothing was published"};
  }

  void TrainPoint(TrainingJob& job, std::size_t point, const std::string& stage) const {
    if (!Require(job.TrainShard(point, observer_.Begin(stage)))) throw Stopped();
  }

  void TrainPoints(const TrainingJob& all) const {
    const std::vector<Assignment> points = Points(all);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::unique_ptr<TrainingJob> job = Require(Open(all, points[i]));
      const Result<bool> trained = job->TrainShard(
          i, observer_.Begin(fmt::format("shard {}, search {} of {}",
                                         ToString(request_.fits.shard()), i + 1, points.size())));
      // A point that cannot be trained is no end of a search, and what joins comes to the same.
      if (!trained && trained.error().code == ErrorCode::kInvalidArgument) continue;
      if (!Require(trained)) throw Stopped();
    }
  }

  /// Those that can be tried.
  [[nodiscard]] std::vector<Assignment> Points(const TrainingJob& all) const {
    return Require(EnumerateAssignments(*all.search(), [&](const Assignment& point) -> Status {
      auto job = Open(all, point);
      return job ? (*job)->Check() : Status(job.error());
    }));
  }

  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> Open(const TrainingJob& all,
                                                          const Assignment& point) const {
    try {
      return all.With(DocumentAt(request_.document, point));
    } catch (const preprocessing::SpecError& error) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("$.training.search: {}", error.what())};
    }
  }

  [[nodiscard]] TrainingOutcome Publish(const TrainingJob& job, const std::string& name,
                                        const Registry& registry) const {
    ShardFits& fits = request_.fits;
    const std::size_t models = fits.size();
    const ordered_json manifest{
        {"format", 1},
        {"kind", kShardKind},
        {"shard", {{"number", fits.shard().number}, {"count", fits.shard().count}}},
        {"models", models},
        {"origin", job.Origin()}};
    const std::uint64_t version =
        Require(registry.Publish(name, manifest, fits.TakeFiles(), clock_.Now(), kNewestShard));
    const std::string folder = registry.PlaceOf(name, version);
    const auto pruned = registry.Prune(name, kKept, /*dry_run=*/false);
    if (!pruned) observer_.Tell(fmt::format("old shards are left: {}\n", pruned.error().message));
    TrainingOutcome outcome;
    outcome.summary = {{"pipeline", job.name()},
                       {"shard", ToString(fits.shard())},
                       {"models", models},
                       {"folder", folder}};
    observer_.Tell(fmt::format("shard {} of {}: {} models in {}\n", ToString(fits.shard()),
                               job.name(), models, folder));
    return outcome;
  }

  const ShardRequest& request_;
  const Clock& clock_;
  TrainingObserver& observer_;
};

}  // namespace

TrainingOutcome RunShard(const ShardRequest& request, const Clock& clock,
                         TrainingObserver& observer) {
  try {
    return ShardRun(request, clock, observer)();
  } catch (const TrainingFailure& failure) {
    return {.end = failure.end, .message = failure.message};
  }
}

}  // namespace forkcast::model
