#include "serving/service/served_pipeline.hpp"

#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/predict/model_kinds.hpp"

namespace forkcast::serving {

Result<std::shared_ptr<const ServedPipeline>> ServedPipeline::Load(
    const std::filesystem::path& pipeline, const std::filesystem::path& snapshots) {
  auto spec = preprocessing::LoadPipelineSpec(pipeline);
  if (!spec) return std::move(spec).error();
  const std::shared_ptr<ServedPipeline> loaded(new ServedPipeline);
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
  return std::shared_ptr<const ServedPipeline>(loaded);
}

Status ServedPipeline::LoadModel() {
  Result<model::LoadedModel> loaded = model::LoadModel(spec_.serving->model);
  if (!loaded) return std::move(loaded).error();
  model_name_ = std::move(loaded->name);
  model_version_ = std::move(loaded->version);
  auto predictor = model::Predictor::Make(std::move(loaded->model), spec_.features);
  if (!predictor) return std::move(predictor).error();
  auto answer = PlanAnswer(spec_, predictor->outputs());
  if (!answer) return std::move(answer).error();
  predictor_ = std::move(*predictor);
  answer_ = std::move(*answer);
  return {};
}

}  // namespace forkcast::serving
