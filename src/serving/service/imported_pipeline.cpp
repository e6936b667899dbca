#include "serving/service/imported_pipeline.hpp"

#include <utility>

#include "data_preprocessing/pipeline/feature_groups.hpp"
#include "model/import/imported_version.hpp"
#include "serving/service/row_pipeline.hpp"
#include "serving/service/version_kinds.hpp"

namespace forkcast::serving {

using model::ImportedVersion;
using model::Predictor;

Result<std::shared_ptr<const ServedPipeline>> LoadImported(const model::VersionInfo& info,
                                                           const Deployment& deployment,
                                                           preprocessing::SnapshotPool& pool) {
  const Result<ImportedVersion> version = ImportedVersion::Read(info);
  if (!version) return version.error();
  Result<Predictor> predictor = version->ReadPredictor();
  if (!predictor) return std::move(predictor).error();
  auto made =
      RowPipeline::Make({.spec = version->spec(),
                         .model_name = info.model,
                         .model_version = VersionText(*version),
                         .predictor = std::make_shared<const Predictor>(*std::move(predictor)),
                         .groups = preprocessing::FeatureGroups(version->document()),
                         .alias_moves = AliasMovesOf(info, deployment),
                         .prediction_form = version->prediction_form()},
                        deployment.snapshots, pool);
  if (!made && made.error().code == ErrorCode::kInvalidArgument) {
    return version->InFolder({made.error().code, "pipeline.json: " + made.error().message});
  }
  return made;
}

}  // namespace forkcast::serving
