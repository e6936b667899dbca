#include "serving/service/answer_plan.hpp"

#include <algorithm>
#include <string>

namespace forkcast::serving {

using model::OutputColumn;
using preprocessing::AnswerSource;

namespace {

Error NoSuchOutput(const std::string& name, std::span<const OutputColumn> outputs) {
  std::string known;
  for (const OutputColumn& output : outputs) {
    known.append(known.empty() ? "" : ", ").append(output.name);
  }
  return {ErrorCode::kInvalidArgument,
          "$.serving.answer: the model has no output \"" + name + "\"; it has: " + known};
}

}  // namespace

Result<AnswerPlan> PlanAnswer(const preprocessing::PipelineSpec& spec,
                              std::span<const OutputColumn> outputs) {
  AnswerPlan plan;
  for (const AnswerSource& source : spec.serving->answer) {
    AnswerPart part;
    if (source.kind == AnswerSource::Kind::kModelOutput) {
      const auto output = std::ranges::find(outputs, source.source, &OutputColumn::name);
      if (output == outputs.end()) return NoSuchOutput(source.source, outputs);
      part = {.from = AnswerPart::From::kModel,
              .column = static_cast<std::size_t>(output - outputs.begin())};
    } else {
      part.column = *spec.request.fields.Find(source.source);
    }
    plan.parts.push_back(part);
    plan.schema.fields.push_back(source.name);
  }
  for (const preprocessing::FeatureSpec& feature : spec.features) {
    plan.schema.features.push_back(feature.name);
  }
  return plan;
}

}  // namespace forkcast::serving
