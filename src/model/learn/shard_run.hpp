#pragma once

#include <filesystem>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/learn/shard_fits.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {

/// A part of a training: of the same document and sources as the whole.
struct ShardRequest {
  nlohmann::ordered_json document;  ///< The pipeline.
  OpenJob open;                     ///< Of sources whose `fits` are the next.
  ShardFits& fits;
  std::filesystem::path place;  ///< The registry of shards.
  std::string name;             ///< Of the model; empty: the pipeline's.
};

/// Opens a pipeline's job and trains the shard's part of its models, of each point of its search,
/// for validation and for publishing, as RunTraining() would. Publishes them as the newest version
/// of this shard (SHARDS.md); judges nothing. The outcome's summary: pipeline, shard, models,
/// folder. Whatever goes wrong is in the outcome.
[[nodiscard]] TrainingOutcome RunShard(const ShardRequest& request, const Clock& clock,
                                       TrainingObserver& observer);

}  // namespace forkcast::model
