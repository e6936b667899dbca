#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/classify/classifier_plan.hpp"
#include "model/classify/labelled_examples.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// What a model trained on all examples is expected to answer to rows like them that it has not
/// seen. The rows that models of a time split are judged on do not tell: those models learned from
/// fewer rows, so they are less sure.
struct HeldOutAnswers {
  /// Of each class of the label, the rows of which it is the most likely.
  std::vector<std::size_t> taken_for;
  /// Of each class, and each model that was asked, the probabilities of its rows.
  std::vector<std::vector<std::vector<float>>> probabilities;
};

/// Of each of AnswerHeldOut()'s trainings, in their order, the examples that it learns from.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> RowsOfParts(const LabelledExamples& examples);

/// Cross-fitting: each answer is of a model that learned from all examples but every tenth, of
/// which the row is one. Cost: a training for each tenth, of which there are as many as 5,000
/// answers take, three at least and ten at most. A tenth without which nothing can be learned is
/// left out. Nothing when `on_progress` cancelled.
[[nodiscard]] Result<std::optional<HeldOutAnswers>> AnswerHeldOut(
    const ClassifierPlan& plan, const LabelledExamples& examples,
    std::span<const ClassLabel> classes, const OnProgress& on_progress);

}  // namespace forkcast::model
