#include "model/learn/library_versions.hpp"

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

nlohmann::ordered_json LibraryVersions(const Trainer* trainer) {
  nlohmann::ordered_json versions{{"forkcast", FORKCAST_VERSION}};
  if (trainer == nullptr) return versions;
  if (const auto library = trainer->library()) versions[library->name] = library->version;
  return versions;
}

}  // namespace forkcast::model
