#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/inputs/input_encoder.hpp"
#include "model/tree/decision_tree.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {

/// Everything that answers invocations of one pipeline: loaded whole or not at all, then used by
/// one thread. Neither copied nor moved, its parts refer to each other.
class LoadedPipeline {
 public:
  /// Reads the pipeline file and its model, maps and verifies the snapshots in `snapshots`.
  /// Blocks on the disk. Errors name the file concerned.
  static Result<std::unique_ptr<LoadedPipeline>> Load(const std::filesystem::path& pipeline,
                                                      const std::filesystem::path& snapshots);

  /// Where each member of an answer comes from: a column of the request, or the model's class.
  struct AnswerPart {
    bool is_class = false;
    std::size_t request_column = 0;
  };

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const model::DecisionTree& model() const noexcept { return *model_; }
  [[nodiscard]] const model::InputEncoder& encoder() const noexcept { return *encoder_; }
  [[nodiscard]] preprocessing::FeatureComputer& features() noexcept { return *features_; }
  [[nodiscard]] const std::vector<preprocessing::Snapshot>& snapshots() const noexcept {
    return snapshots_;
  }
  [[nodiscard]] const std::vector<AnswerPart>& answer_parts() const noexcept { return parts_; }
  [[nodiscard]] const wire::AnswerSchema& answer_schema() const noexcept { return answer_; }

 private:
  LoadedPipeline() = default;
  Status LoadModel();

  preprocessing::PipelineSpec spec_;
  std::optional<model::DecisionTree> model_;
  std::optional<model::InputEncoder> encoder_;
  std::optional<preprocessing::FeatureComputer> features_;
  std::vector<preprocessing::Snapshot> snapshots_;
  std::vector<AnswerPart> parts_;
  wire::AnswerSchema answer_;
};

}  // namespace forkcast::serving
