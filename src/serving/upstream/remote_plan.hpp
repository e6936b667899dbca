#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/table/schema.hpp"
#include "serving/config/remote_model.hpp"

namespace forkcast::serving {

/// A feature, as a remote model gets it.
struct RemoteFeature {
  std::string name;
  preprocessing::ColumnType type = preprocessing::ColumnType::kDouble;
  bool may_be_missing = false;
};

/// What a deployment asks of a remote model: which features go there, and what is expected back.
/// Known without asking anybody; never changes.
struct RemotePlan {
  RemoteModelSpec spec;
  std::vector<RemoteFeature> features;  ///< A row's, in the pipeline's order.
};

}  // namespace forkcast::serving
