#include "serving/service/classifier_pipeline.hpp"

#include <string>
#include <utility>

#include "model/classify/classifier_version.hpp"
#include "serving/service/row_pipeline.hpp"
#include "serving/service/version_kinds.hpp"

namespace forkcast::serving {

using model::ClassifierModel;
using model::ClassifierVersion;

Result<std::shared_ptr<const ServedPipeline>> LoadClassifier(const model::VersionInfo& info,
                                                             const Deployment& deployment,
                                                             preprocessing::SnapshotPool& pool) {
  Result<ClassifierVersion> version = ClassifierVersion::Read(info);
  if (!version) return std::move(version).error();
  Result<ClassifierModel> model = version->Model();
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<const ClassifierModel>(*std::move(model));
  auto made = RowPipeline::Make({.spec = version->spec(),
                                 .model_name = info.model,
                                 .model_version = VersionText(*version),
                                 .predictor = {kept, &kept->predictor()},
                                 .groups = version->plan().groups,
                                 .drift_reference = DriftReferenceOf(*version),
                                 .alias_moves = AliasMovesOf(info, deployment)},
                                deployment.snapshots, pool);
  if (!made && made.error().code == ErrorCode::kInvalidArgument) {
    return version->InFolder({made.error().code, "pipeline.json: " + made.error().message});
  }
  return made;
}

}  // namespace forkcast::serving
