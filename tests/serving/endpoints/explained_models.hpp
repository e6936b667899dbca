#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/artefact/registry.hpp"
#include "model/tree/shap_compiler.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace forkcast::serving {

/// Publishes version 1 of `model` in `from`, which is one of before, into `to` as it would be
/// today: with what explains its trees. Its features are of the groups that `groups` says by name.
inline void PublishExplained(const std::filesystem::path& from, const std::string& model,
                             const nlohmann::ordered_json& groups,
                             const std::filesystem::path& to) {
  const auto checked = model::Registry::Check(*model::Registry(from).Find(model, "1"));
  if (!checked) throw std::runtime_error(checked.error().message);
  nlohmann::ordered_json manifest = preprocessing::ParseJson(checked->manifest);
  manifest.erase("files");
  std::vector<model::ArtefactFile> files;
  for (const model::PublishedFile& file : checked->files) {
    files.push_back({file.path, preprocessing::ReadTextFile(file.place)});
    std::string& bytes = files.back().bytes;
    if (file.path == "pipeline.json") {
      nlohmann::ordered_json document = preprocessing::ParseJson(bytes);
      for (auto& feature : document["features"]) {
        const std::string name = feature["name"];
        if (groups.contains(name)) feature["group"] = groups[name];
      }
      bytes = document.dump();
      const auto spec = preprocessing::ParsePipelineSpec(bytes, {});
      if (!spec) throw std::runtime_error(spec.error().message);
      manifest["pipeline"] = model::PipelineIdentity(*spec, document);
    }
    if (!file.path.ends_with(".ubj")) continue;
    const auto trees = model::ReadXGBoost(bytes);
    if (!trees) throw std::runtime_error(trees.error().message);
    const std::string stem = file.path.substr(0, file.path.size() - 4);
    files.push_back({stem + ".shap", model::CompileShap(*trees)});
  }
  const auto number = model::Registry(to).Publish(model, manifest, files, Instant());
  if (!number) throw std::runtime_error(number.error().message);
}

}  // namespace forkcast::serving
