#pragma once

#include <memory>
#include <vector>

#include "data_preprocessing/base/file_identity.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

class Route;
class ServedPipeline;

/// What a deployment is made of and may be published anew while it is served, as it was looked at.
struct Ingredients {
  std::vector<SeenFile>
      version{};  ///< The alias or folder of its version; none of a pipeline file.
  std::vector<SeenFile> snapshots{};

  friend bool operator==(const Ingredients&, const Ingredients&) = default;
};

/// What came of one attempt to load a deployment.
struct LoadAttempt {
  /// Looked at before anything of it was opened, so that what is published meanwhile is seen to
  /// differ. Of an attempt that failed: as far as it came.
  Ingredients made_of{};
  Result<std::shared_ptr<const ServedPipeline>> loaded;
  std::vector<std::shared_ptr<const Route>> routes{};  ///< Of the deployment, bound to it.
};

}  // namespace forkcast::serving
