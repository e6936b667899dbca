#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/predict/predictor.hpp"
#include "serving/service/answer_plan.hpp"
#include "serving/service/load_attempt.hpp"

namespace forkcast::serving {

/// Everything that answers requests of one pipeline: loaded whole or not at all, never changed
/// after; thread-safe. What a request needs beside it to work with, whoever works on it holds.
class ServedPipeline {
 public:
  /// Reads the pipeline file and its model, maps and verifies the snapshots in `snapshots`.
  /// Blocks on the disk. Errors name the file concerned.
  static Result<std::shared_ptr<const ServedPipeline>> Load(const std::filesystem::path& pipeline,
                                                            const std::filesystem::path& snapshots);
  /// The same, and what it looked at. With `served` pipeline file and model are those: they are
  /// settings, which a reload reads, and only what is published is new.
  static LoadAttempt LoadPublished(const std::filesystem::path& pipeline,
                                   const std::filesystem::path& snapshots,
                                   const std::shared_ptr<const ServedPipeline>& served);
  ServedPipeline(const ServedPipeline&) = delete;
  ServedPipeline& operator=(const ServedPipeline&) = delete;
  ~ServedPipeline() = default;

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return parts_->spec; }
  /// In the order of spec().series.
  [[nodiscard]] const std::vector<preprocessing::Snapshot>& snapshots() const noexcept {
    return snapshots_;
  }
  [[nodiscard]] const model::Predictor& predictor() const noexcept { return *parts_->predictor; }
  [[nodiscard]] const std::string& model_name() const noexcept { return parts_->model_name; }
  [[nodiscard]] const std::string& model_version() const noexcept { return parts_->model_version; }
  [[nodiscard]] const AnswerPlan& answer() const noexcept { return parts_->answer; }

  /// What computes the features of its rows: scratch memory, for one thread. Must not outlive this.
  [[nodiscard]] preprocessing::FeatureComputer MakeFeatureComputer() const {
    return {spec().features, spec().series, spec().request, spec().zone};
  }

 private:
  /// What stays when snapshots are replaced.
  struct Parts {
    preprocessing::PipelineSpec spec;
    std::string model_name;
    std::string model_version;
    std::optional<model::Predictor> predictor;
    AnswerPlan answer;
  };

  ServedPipeline(std::shared_ptr<const Parts> parts, std::vector<preprocessing::Snapshot> snapshots)
      : parts_(std::move(parts)), snapshots_(std::move(snapshots)) {}
  static Result<std::shared_ptr<const Parts>> LoadParts(const std::filesystem::path& pipeline);
  static Status LoadModel(Parts& parts);

  std::shared_ptr<const Parts> parts_;
  std::vector<preprocessing::Snapshot> snapshots_;
};

}  // namespace forkcast::serving
