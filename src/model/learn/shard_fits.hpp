#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/model_fits.hpp"
#include "model/learn/shard.hpp"

namespace forkcast::model {

/// The models that one shard trains, as far as they are needed where shards are joined: in memory
/// until they are published. Which they are depends on the shard and on the order of the trainings
/// alone: of the models of single keys, those of every count-th key, and of models of all keys,
/// every count-th one.
class ShardFits final : public ModelFits {
 public:
  explicit ShardFits(const Shard& shard) : shard_(shard) {}

  void Begin(const FitPlace& place) override { place_ = place; }
  [[nodiscard]] bool HasModel(std::size_t model) const noexcept override {
    return (place_.number + model) % shard_.count + 1 == shard_.number;
  }
  [[nodiscard]] bool HasKey(std::size_t key) const noexcept override {
    return key % shard_.count + 1 == shard_.number;
  }
  /// Trains the model and keeps it, or why it cannot be trained.
  [[nodiscard]] Result<std::optional<TrainedPredictor>> Fit(const std::string& name,
                                                            const ModelInputs& inputs,
                                                            const TrainedAnswer& answer,
                                                            const Train& train) override;
  [[nodiscard]] Result<nlohmann::ordered_json> History(const std::string& name,
                                                       const Learn& learn) override;

  [[nodiscard]] const Shard& shard() const noexcept { return shard_; }
  /// How many models there are.
  [[nodiscard]] std::size_t size() const;
  /// What is published of them (SHARDS.md), in the order of their names. Takes them. Precondition:
  /// nothing is trained any more.
  [[nodiscard]] std::vector<ArtefactFile> TakeFiles();

 private:
  /// A member of fits.json, and the files that it names.
  struct Kept {
    nlohmann::ordered_json entry;
    std::vector<ModelPart> parts{};
  };
  void Keep(const std::string& name, Kept kept);
  [[nodiscard]] Kept PartsOf(const TrainedPredictor& model) const;

  Shard shard_;
  FitPlace place_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // by name
};

}  // namespace forkcast::model
