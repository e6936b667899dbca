#include "model/learn/library_versions.hpp"

#include "data_preprocessing/document/json.hpp"
#include "model/learn/xgboost/tree_model.hpp"

namespace forkcast::model {

nlohmann::ordered_json LibraryVersions() {
  return {{"forkcast", FORKCAST_VERSION}, {"xgboost", XGBoostLibraryVersion()}};
}

}  // namespace forkcast::model
