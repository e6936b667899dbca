#include "serving/service/route_subject.hpp"

#include <utility>

namespace forkcast::serving {

RouteSubject SubjectOf(const ServedPipeline& pipeline) {
  RouteSubject subject{.question = pipeline.fields(),
                       .field_count = pipeline.spec().request.fields.columns.size(),
                       .features = pipeline.answer().schema.features,
                       .model_name = pipeline.model_name(),
                       .model_version = pipeline.model_version(),
                       .zone = pipeline.spec().zone};
  if (pipeline.spec().forecast) subject.steps_field = "steps";
  const SubjectOutputs places = OutputsOf(pipeline);
  const auto named = [&pipeline](std::size_t output) {
    const AnswerOutput& one = pipeline.answer().outputs[output];
    return TemplateName{.name = one.name, .type = one.type};
  };
  for (const std::size_t output : places.row) subject.row.push_back(named(output));
  for (const std::size_t output : places.step) subject.step.push_back(named(output));
  return subject;
}

SubjectOutputs OutputsOf(const ServedPipeline& pipeline) {
  SubjectOutputs places;
  const std::vector<AnswerOutput>& outputs = pipeline.answer().outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    (outputs[i].of == AnswerOutput::Of::kRow ? places.row : places.step).push_back(i);
  }
  return places;
}

}  // namespace forkcast::serving
