#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/model.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {

/// Where each member of an answer row comes from.
struct AnswerPart {
  enum class From { kRequest, kModel };
  From from = From::kRequest;
  std::size_t column = 0;  ///< Of the request's fields, or of the model's outputs.

  friend bool operator==(const AnswerPart&, const AnswerPart&) = default;
};

/// How a row is answered: what stands in it, and from where.
struct AnswerPlan {
  wire::AnswerSchema schema;
  std::vector<AnswerPart> parts;  ///< One for each of schema.fields.
};

/// The plan of a pipeline that is served (`spec.serving`) by a model with these outputs.
/// kInvalidArgument naming an output that the model has not, and those it has.
[[nodiscard]] Result<AnswerPlan> PlanAnswer(const preprocessing::PipelineSpec& spec,
                                            std::span<const model::OutputColumn> outputs);

}  // namespace forkcast::serving
