#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/classify/slice.hpp"
#include "model/classify/time_split.hpp"
#include "model/evaluate/class_metrics.hpp"
#include "model/learn/learning_plan.hpp"

namespace forkcast::model {

/// How a pipeline with a label is trained and judged: its section `training`
/// (docs/classifiers.md). Task and number of classes of the trainer are those of the rows that a
/// model learns from.
struct ClassifierPlan : LearningPlan {
  TimeSplitSpec split;
  ClassMetric metric{"accuracy"};  ///< By whose error it is compared with its baselines.
  std::vector<SliceSpec> slices;
  double min_judged = kLeastJudged;
};

/// Reads the member `training` of the pipeline document `root`, whose validated form is `spec`.
/// `trainers`: as PlanReading::trainers. Throws SpecError naming the path: also when the pipeline
/// has no label, or one that is neither bool, text nor int64; when a feature that is named does not
/// exist, or is no number where one is needed; when a feature that the model sees is a timestamp.
[[nodiscard]] ClassifierPlan ReadClassifierPlan(const preprocessing::JsonNode& root,
                                                const preprocessing::PipelineSpec& spec,
                                                std::span<const TrainerKind> trainers);

}  // namespace forkcast::model
