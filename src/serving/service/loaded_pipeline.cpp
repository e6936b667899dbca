#include "serving/service/loaded_pipeline.hpp"

#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"

namespace forkcast::serving {

Result<std::unique_ptr<LoadedPipeline>> LoadedPipeline::Load(
    const std::filesystem::path& pipeline, const std::filesystem::path& snapshots) {
  auto spec = preprocessing::LoadPipelineSpec(pipeline);
  if (!spec) return std::move(spec).error();
  std::unique_ptr<LoadedPipeline> loaded(new LoadedPipeline);
  loaded->spec_ = std::move(*spec);
  if (!loaded->spec_.serving) {
    return Error{ErrorCode::kInvalidArgument,
                 pipeline.string() + ": $: missing key \"serving\": nothing to serve"};
  }
  if (Status model = loaded->LoadModel(); !model) {
    return Error{model.error().code, pipeline.string() + ": " + model.error().message};
  }
  auto opened = preprocessing::OpenSnapshots(loaded->spec_, snapshots);
  if (!opened) return std::move(opened).error();
  loaded->snapshots_ = std::move(*opened);
  loaded->features_.emplace(loaded->spec_.features, loaded->spec_.series, loaded->spec_.request,
                            loaded->spec_.zone);
  return loaded;
}

Status LoadedPipeline::LoadModel() {
  auto model = model::DecisionTree::Load(spec_.serving->model);
  if (!model) return std::move(model).error();
  model_ = std::move(*model);
  auto encoder = model::InputEncoder::Make(model_->inputs(), spec_.features);
  if (!encoder) return std::move(encoder).error();
  encoder_ = std::move(*encoder);
  for (const preprocessing::AnswerSource& source : spec_.serving->answer) {
    AnswerPart part;
    if (source.kind == preprocessing::AnswerSource::Kind::kModelOutput) {
      if (source.source != "class") {
        return Error{ErrorCode::kInvalidArgument, "$.serving.answer: the model has no output \"" +
                                                      source.source + "\"; it has: class"};
      }
      part.is_class = true;
    } else {
      part.request_column = *spec_.request.fields.Find(source.source);
    }
    parts_.push_back(part);
    answer_.fields.push_back(source.name);
  }
  for (const preprocessing::FeatureSpec& feature : spec_.features) {
    answer_.features.push_back(feature.name);
  }
  return {};
}

}  // namespace forkcast::serving
