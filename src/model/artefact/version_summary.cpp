#include "model/artefact/version_summary.hpp"

#include <fmt/format.h>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// A value deep in a manifest, or null: manifests of other versions may have less.
ordered_json At(const ordered_json& manifest, const std::string& pointer) {
  const ordered_json::json_pointer path(pointer);
  return manifest.contains(path) ? manifest.at(path) : ordered_json();
}

/// Of a version of single keys their values, null of one that was trained as a whole: which keys
/// stand for what it is worth.
ordered_json OnlyKeysOf(const ordered_json& manifest) {
  if (!manifest.contains("base")) return nullptr;
  ordered_json keys = ordered_json::array();
  for (const ordered_json& one : manifest.value("replaced", ordered_json::array())) {
    // Those of earlier versions say which.
    if (!one.contains("version")) keys.push_back(one.value("key", ordered_json()));
  }
  return keys;
}

}  // namespace

ordered_json SummaryOf(const VersionInfo& version, const ordered_json& manifest) {
  return {{"model", version.model},
          {"version", version.number},
          {"aliases", version.aliases},
          {"published_at", version.published_at},
          {"metric", At(manifest, "/evaluation/metric")},
          {"value", At(manifest, "/evaluation/value")},
          {"skill", At(manifest, "/evaluation/skill")},
          {"beats_baselines", At(manifest, "/evaluation/beats_baselines")},
          {"only_keys", OnlyKeysOf(manifest)},
          {"base", At(manifest, "/base/version")}};
}

std::string WhyNotPromoted(const ordered_json& manifest) {
  const ordered_json beats = At(manifest, "/evaluation/beats_baselines");
  if (beats == true) return {};
  const ordered_json shortfalls = At(manifest, "/evaluation/shortfalls");
  if (shortfalls.is_array() && !shortfalls.empty()) {
    const ordered_json& first = shortfalls.front();
    return fmt::format("was not judged well enough ({})",
                       first.is_string() ? first.get<std::string>() : first.dump());
  }
  return beats.is_null() ? "was not judged against baselines" : "does not beat the baselines";
}

}  // namespace forkcast::model
