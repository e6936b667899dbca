#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/predict/predictor.hpp"
#include "serving/service/answer_plan.hpp"

namespace forkcast::serving {

/// Everything that answers requests of one pipeline: loaded whole or not at all, never changed
/// after; thread-safe. What a request needs beside it to work with, whoever works on it holds.
class ServedPipeline {
 public:
  /// Reads the pipeline file and its model, maps and verifies the snapshots in `snapshots`.
  /// Blocks on the disk. Errors name the file concerned.
  static Result<std::shared_ptr<const ServedPipeline>> Load(const std::filesystem::path& pipeline,
                                                            const std::filesystem::path& snapshots);
  ServedPipeline(const ServedPipeline&) = delete;
  ServedPipeline& operator=(const ServedPipeline&) = delete;
  ~ServedPipeline() = default;

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  /// In the order of spec().series.
  [[nodiscard]] const std::vector<preprocessing::Snapshot>& snapshots() const noexcept {
    return snapshots_;
  }
  [[nodiscard]] const model::Predictor& predictor() const noexcept { return *predictor_; }
  [[nodiscard]] const std::string& model_name() const noexcept { return model_name_; }
  [[nodiscard]] const std::string& model_version() const noexcept { return model_version_; }
  [[nodiscard]] const AnswerPlan& answer() const noexcept { return answer_; }

  /// What computes the features of its rows: scratch memory, for one thread. Must not outlive this.
  [[nodiscard]] preprocessing::FeatureComputer MakeFeatureComputer() const {
    return {spec_.features, spec_.series, spec_.request, spec_.zone};
  }

 private:
  ServedPipeline() = default;
  Status LoadModel();

  preprocessing::PipelineSpec spec_;
  std::vector<preprocessing::Snapshot> snapshots_;
  std::string model_name_;
  std::string model_version_;
  std::optional<model::Predictor> predictor_;
  AnswerPlan answer_;
};

}  // namespace forkcast::serving
