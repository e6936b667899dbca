#pragma once

#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// A forecast that was published, read back (FORMAT.md): the pipeline document, the manifest, and
/// the files, of which the models are made when they are asked for.
class ForecastVersion {
 public:
  /// kCorrupt with the file's name, when it is not what was published or does not fit to the
  /// others; kInvalidArgument when the version is no forecast, or of a format of later days.
  static Result<ForecastVersion> Read(const VersionInfo& info);

  [[nodiscard]] const VersionInfo& info() const noexcept { return info_; }
  [[nodiscard]] const nlohmann::ordered_json& manifest() const noexcept { return manifest_; }
  /// The pipeline that it was trained from, what a search chose included, and what it means. The
  /// plan has the seed that was used, whatever the document says.
  [[nodiscard]] const nlohmann::ordered_json& document() const noexcept { return document_; }
  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const TrainingPlan& plan() const noexcept { return plan_; }
  /// All that the manifest lists, in its order.
  [[nodiscard]] std::span<const ArtefactFile> files() const noexcept { return files_; }
  /// What manifest.json itself hashes to.
  [[nodiscard]] const std::string& manifest_hash() const noexcept { return manifest_hash_; }

  /// The keys that have models of their own; none where one model is for all. kCorrupt.
  [[nodiscard]] Result<ModelKeys> Keys() const;
  /// All models. As ForecastModel::Load; kCorrupt also when there are not as many as the manifest
  /// says.
  [[nodiscard]] Result<ForecastModel> Model() const;

 private:
  ForecastVersion() = default;

  VersionInfo info_;
  nlohmann::ordered_json manifest_;
  nlohmann::ordered_json document_;
  preprocessing::PipelineSpec spec_;
  TrainingPlan plan_;
  std::vector<ArtefactFile> files_;
  std::string manifest_hash_;
};

}  // namespace forkcast::model
