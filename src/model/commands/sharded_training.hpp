#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/command/arguments.hpp"
#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/learn/joined_fits.hpp"
#include "model/learn/shard.hpp"
#include "model/learn/training_job.hpp"
#include "model/learn/training_run.hpp"
#include "model/ray/ray_client.hpp"

/// `train` on several machines (docs/training_elsewhere.md): one of its shards, all of them joined,
/// or both as jobs of a Ray cluster.
namespace forkcast::model {

/// How the shards of a training become jobs of a cluster.
struct RayPlan {
  RaySettings cluster;
  std::filesystem::path program;  ///< `forkcast`, at the same place on every machine.
  unsigned threads = 1;           ///< Of a shard, and the CPUs that it is given.
  bool from_store = false;        ///< Each shard makes its snapshots of what the store has.
};

/// What `train` does of a training that is cut into shards.
struct ShardPlan {
  enum class Part {
    kShard,  ///< Trains one.
    kJoin,   ///< Joins all, and publishes.
    kRay,    ///< Has them trained by a cluster, then joins them.
  };
  Part part = Part::kShard;
  Shard shard{};                       ///< Of kShard.
  std::filesystem::path place;         ///< The registry of shards.
  std::optional<std::size_t> count{};  ///< None, of kJoin: as many as there are.
  std::chrono::seconds wait{0};        ///< Of kJoin, for those that are not there yet.
  std::string nonce{};                 ///< Of kShard: what the place must say; empty: nothing.
  RayPlan ray{};
};

[[nodiscard]] std::vector<preprocessing::Flag> ShardFlags();
/// Those of a whole training, whose shards are trained elsewhere: for `retrain`.
[[nodiscard]] std::vector<preprocessing::Flag> JoinFlags();
/// None where nothing is said of shards. Throws Failure.
[[nodiscard]] std::optional<ShardPlan> ReadShardPlan(const preprocessing::Arguments& arguments,
                                                     const preprocessing::CommandContext& context);

/// Of what the shards are.
struct WholeTraining {
  std::filesystem::path pipeline;   ///< The file; empty: the document goes along with shards.
  nlohmann::ordered_json document;  ///< What it says.
  JobSources sources{};
  std::string name{};  ///< Of the model; empty: the pipeline's.
};

/// Trains one shard (kShard).
[[nodiscard]] TrainingOutcome TrainShard(const WholeTraining& whole, const ShardPlan& plan,
                                         const preprocessing::CommandContext& context,
                                         TrainingObserver& observer);

/// The models of all shards, once they are there and of this training. Throws Failure.
[[nodiscard]] std::unique_ptr<JoinedFits> JoinShards(const WholeTraining& whole,
                                                     const ShardPlan& plan,
                                                     const preprocessing::CommandContext& context);

/// Has the shards trained (kRay), in a folder of their own below the plan's place, which goes with
/// the object.
class ShardsOnRay {
 public:
  /// Throws Failure. Nothing is left running.
  ShardsOnRay(const WholeTraining& whole, const ShardPlan& plan,
              const preprocessing::CommandContext& context, TrainingObserver& observer);
  /// By which they are joined.
  [[nodiscard]] ShardPlan ToJoin() const;

 private:
  /// Goes with its object.
  class Folder {
   public:
    /// Makes it. Throws Failure.
    explicit Folder(std::filesystem::path path);
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

   private:
    std::filesystem::path path_;
  };

  std::string run_;  // what its jobs are called
  ShardPlan plan_;
  std::unique_ptr<const Folder> folder_;
};

}  // namespace forkcast::model
