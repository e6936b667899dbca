#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/model_fits.hpp"
#include "model/learn/shard.hpp"

namespace forkcast::model {

/// The models of all shards of a training. What a run asks for and no shard has is an error:
/// nothing is trained here.
class JoinedFits final : public ModelFits {
 public:
  /// The newest of each shard of `model` in the registry `place`, read through and compared with
  /// their hashes. `count`: of so many shards; none: as many as those that are there say.
  /// kNotFound names the shards that are not there; kCorrupt what is not as it was written;
  /// kInvalidArgument when there are some of several counts.
  static Result<std::unique_ptr<JoinedFits>> Open(const std::filesystem::path& place,
                                                  const std::string& model,
                                                  std::optional<std::size_t> count);

  /// That all were trained from what a whole training is (TrainingJob::Origin()). kRefusedData
  /// names the shard and what differs.
  [[nodiscard]] Status CheckOrigin(const nlohmann::ordered_json& origin) const;
  [[nodiscard]] std::size_t shard_count() const noexcept { return origins_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return fits_.size(); }

  void Begin(const FitPlace& /*place*/) override {}
  [[nodiscard]] bool HasModel(std::size_t /*model*/) const noexcept override { return true; }
  [[nodiscard]] bool HasKey(std::size_t /*key*/) const noexcept override { return true; }
  /// As it was trained. kCorrupt.
  [[nodiscard]] Result<std::optional<TrainedPredictor>> Fit(const std::string& name,
                                                            const ModelInputs& inputs,
                                                            const TrainedAnswer& answer,
                                                            const Train& train) override;
  [[nodiscard]] Result<nlohmann::ordered_json> History(const std::string& name,
                                                       const Learn& learn) override;

 private:
  /// One model: where it is said, and where its files are.
  struct Joined {
    nlohmann::ordered_json entry;
    std::map<std::string, PublishedFile> parts;  // by ending
    std::vector<std::string> endings;            // in their order
  };
  JoinedFits() = default;
  Status Add(const VersionInfo& shard);
  /// Throws SpecError.
  void AddFits(const CheckedVersion& version);
  [[nodiscard]] Result<const Joined*> Find(const std::string& name) const;
  /// Throws SpecError.
  [[nodiscard]] static TrainedPredictor Read(const Joined& one, const ModelInputs& inputs,
                                             const TrainedAnswer& answer);

  std::vector<std::string> names_;  // of the shards
  std::vector<nlohmann::ordered_json> origins_;
  std::map<std::string, Joined> fits_;  // by name
};

}  // namespace forkcast::model
