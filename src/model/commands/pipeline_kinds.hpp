#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/learn/trainer.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// A kind of pipeline that is trained: a row of the table in pipeline_kinds.cpp.
struct PipelineKind {
  std::string_view name;
  bool has_keys = false;  ///< Whether it learns of several keys, which can be named.
  /// Whether a document is of the kind, so that what is wrong with it is said in its words.
  bool (*is_kind_of)(const nlohmann::ordered_json& document);
  /// Checks the member `training` of a document, whose validated form is `spec`, without any data.
  /// Throws SpecError naming the path.
  void (*check)(const preprocessing::JsonNode& root, const preprocessing::PipelineSpec& spec,
                std::span<const TrainerKind> trainers);
  /// The Load() of its TrainingJob.
  Result<std::unique_ptr<TrainingJob>> (*open)(const nlohmann::ordered_json& document,
                                               const JobSources& sources);
};

/// The kind of a pipeline document; the last of the table for one that is of none.
[[nodiscard]] const PipelineKind& KindOf(const nlohmann::ordered_json& document);

}  // namespace forkcast::model
