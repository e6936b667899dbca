#include "serving/service/served_pipeline.hpp"

#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/predict/model_kinds.hpp"

namespace forkcast::serving {

Result<std::shared_ptr<const ServedPipeline>> ServedPipeline::Load(
    const std::filesystem::path& pipeline, const std::filesystem::path& snapshots) {
  return LoadPublished(pipeline, snapshots, nullptr).loaded;
}

LoadAttempt ServedPipeline::LoadPublished(const std::filesystem::path& pipeline,
                                          const std::filesystem::path& snapshots,
                                          const std::shared_ptr<const ServedPipeline>& served) {
  auto parts = served ? Result(served->parts_) : LoadParts(pipeline);
  if (!parts) return {.loaded = std::move(parts).error()};
  const preprocessing::PipelineSpec& spec = (*parts)->spec;
  Ingredients made_of{.snapshots = LookAt(preprocessing::SnapshotPaths(spec, snapshots))};
  auto opened = preprocessing::OpenSnapshots(spec, snapshots);
  if (!opened) return {.made_of = std::move(made_of), .loaded = std::move(opened).error()};
  return {.made_of = std::move(made_of),
          .loaded = std::shared_ptr<const ServedPipeline>(
              new ServedPipeline(*std::move(parts), *std::move(opened)))};
}

Result<std::shared_ptr<const ServedPipeline::Parts>> ServedPipeline::LoadParts(
    const std::filesystem::path& pipeline) {
  auto spec = preprocessing::LoadPipelineSpec(pipeline);
  if (!spec) return std::move(spec).error();
  const auto parts = std::make_shared<Parts>();
  parts->spec = *std::move(spec);
  if (!parts->spec.serving) {
    return Error{ErrorCode::kInvalidArgument,
                 pipeline.string() + ": $: missing key \"serving\": nothing to serve"};
  }
  if (Status model = LoadModel(*parts); !model) {
    return Error{model.error().code, pipeline.string() + ": " + model.error().message};
  }
  return std::shared_ptr<const Parts>(parts);
}

Status ServedPipeline::LoadModel(Parts& parts) {
  Result<model::LoadedModel> loaded = model::LoadModel(parts.spec.serving->model);
  if (!loaded) return std::move(loaded).error();
  parts.model_name = std::move(loaded->name);
  parts.model_version = std::move(loaded->version);
  auto predictor = model::Predictor::Make(std::move(loaded->model), parts.spec.features);
  if (!predictor) return std::move(predictor).error();
  auto answer = PlanAnswer(parts.spec, predictor->outputs());
  if (!answer) return std::move(answer).error();
  parts.predictor = std::move(*predictor);
  parts.answer = std::move(*answer);
  return {};
}

}  // namespace forkcast::serving
