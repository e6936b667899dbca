#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/forecast_job.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// Which keys of which version are trained anew.
struct KeyReplacement {
  std::string model;              ///< Empty: called as the pipeline is.
  std::string base = "champion";  ///< A version's number or alias.
  /// Each a JoinedKey(), or a JSON array of the key's values where several are called so.
  std::vector<std::string> keys;
};

/// Some keys of a published forecast that has one model a key, trained anew, or for the first time:
/// what is judged, learned and computed is of these keys alone, and the version to publish has the
/// files of all others as they were.
class KeyReplacementJob final : public TrainingJob {
 public:
  /// As ForecastJob::Load; kInvalidArgument also when one model is for all keys, there is no such
  /// version, a key is not in the data or stands for several, or the pipeline or the seed differs
  /// from the version's in what shapes its models. Otherwise as ForecastVersion::Read. What a
  /// search chose for the version holds for its keys: nothing is searched anew. Reads all of the
  /// version.
  static Result<std::unique_ptr<TrainingJob>> Load(const nlohmann::ordered_json& document,
                                                   const JobSources& sources,
                                                   const Registry& registry,
                                                   const KeyReplacement& replacement);

  [[nodiscard]] const std::string& name() const noexcept override { return job_->name(); }
  [[nodiscard]] const SearchSpec* search() const noexcept override { return nullptr; }
  /// kInternal: there is no search.
  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> With(
      const nlohmann::ordered_json& document) const override;
  [[nodiscard]] JobSummary Summary() const override;
  [[nodiscard]] Status CheckReportKeys(const std::vector<std::string>& keys) const override {
    return job_->CheckReportKeys(keys);
  }
  [[nodiscard]] Status Check() const override { return job_->Check(); }
  /// Of a part alone: with `base`, by which it is no whole training.
  [[nodiscard]] nlohmann::ordered_json Origin() const override;
  Status ComputeExamples() override { return job_->ComputeExamples(); }
  Result<const Validation*> Validate(const OnProgress& on_progress) override {
    return job_->Validate(on_progress);
  }
  [[nodiscard]] Status CheckRival(const VersionInfo& champion) const override {
    return job_->CheckRival(champion);
  }
  [[nodiscard]] Result<Rivalry> CompareWith(const VersionInfo& champion) const override {
    return job_->CompareWith(champion);
  }
  [[nodiscard]] Result<std::optional<Artefact>> TrainOnAll(
      const OnProgress& on_progress) const override;

 private:
  KeyReplacementJob(std::unique_ptr<ForecastJob> job, ForecastVersion base, ModelKeys base_keys,
                    std::optional<ExpectedAlias> expected)
      : job_(std::move(job)),
        base_(std::move(base)),
        base_keys_(std::move(base_keys)),
        expected_(std::move(expected)) {}
  [[nodiscard]] nlohmann::ordered_json Manifest(const ForecastModel& model,
                                                std::span<const ArtefactFile> files) const;
  /// What the manifest says of the version that it was made from.
  [[nodiscard]] nlohmann::ordered_json Base() const;
  /// What the manifest says of a key that was trained now.
  [[nodiscard]] nlohmann::ordered_json Replaced(std::uint32_t key) const;

  std::unique_ptr<ForecastJob> job_;
  ForecastVersion base_;
  ModelKeys base_keys_;
  std::optional<ExpectedAlias> expected_;  // none where the base was named by its number
};

/// The pipeline document `root` without what does not change its models: names and descriptions,
/// `serving`, how it is judged, the number of threads. Two documents whose shapes are equal train
/// the same models from the same data and seed.
[[nodiscard]] nlohmann::json ShapeOf(const nlohmann::ordered_json& root);

}  // namespace forkcast::model
