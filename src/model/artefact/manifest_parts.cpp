#include "model/artefact/manifest_parts.hpp"

#include <cmath>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

using nlohmann::ordered_json;

ordered_json OrNull(std::optional<double> value) {
  return value && std::isfinite(*value) ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json PipelineIdentity(const preprocessing::PipelineSpec& spec,
                              const ordered_json& document) {
  return {{"name", spec.name},
          {"version", spec.version},
          {"hash", preprocessing::ContentHash(document.dump())}};
}

namespace {

/// Of its bytes; with runs, of the hashes of all its files.
std::string HashOf(const preprocessing::Snapshot& snapshot) {
  std::string hash = preprocessing::ContentHash(snapshot.base().bytes());
  if (snapshot.runs().empty()) return hash;
  for (const preprocessing::SnapshotFile& run : snapshot.runs()) {
    hash += preprocessing::ContentHash(run.bytes());
  }
  return preprocessing::ContentHash(hash);
}

}  // namespace

ordered_json SnapshotHashes(const preprocessing::PipelineSpec& spec,
                            std::span<const preprocessing::Snapshot> snapshots) {
  ordered_json hashes = ordered_json::array();
  for (std::size_t i = 0; i < spec.series.size(); ++i) {
    hashes.push_back({{"series", spec.series[i].name}, {"hash", HashOf(snapshots[i])}});
  }
  return hashes;
}

}  // namespace forkcast::model
