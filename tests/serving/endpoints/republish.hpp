#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/artefact/registry.hpp"

namespace forkcast::serving {

/// Publishes version 1 of `model` in `from` into `to`, changed: `change` gets its pipeline document
/// and its files, the pipeline among them, whose bytes follow from the document.
inline void Republish(const std::filesystem::path& from, const std::string& model,
                      const std::function<void(nlohmann::ordered_json& document,
                                               std::vector<model::ArtefactFile>& files)>& change,
                      const std::filesystem::path& to) {
  const auto checked = model::Registry::Check(*model::Registry(from).Find(model, "1"));
  if (!checked) throw std::runtime_error(checked.error().message);
  std::vector<model::ArtefactFile> files;
  for (const model::PublishedFile& file : checked->files) {
    files.push_back({file.path, preprocessing::ReadTextFile(file.place)});
  }
  nlohmann::ordered_json document = preprocessing::ReadJsonFile(from / model / "1/pipeline.json");
  change(document, files);
  const auto spec = preprocessing::ParsePipelineSpec(document.dump(), {});
  if (!spec) throw std::runtime_error(spec.error().message);
  for (model::ArtefactFile& file : files) {
    if (file.path == "pipeline.json") file.bytes = document.dump();
  }
  nlohmann::ordered_json manifest = preprocessing::ParseJson(checked->manifest);
  manifest.erase("files");
  manifest["pipeline"] = model::PipelineIdentity(*spec, document);
  const auto number = model::Registry(to).Publish(model, manifest, files, Instant());
  if (!number) throw std::runtime_error(number.error().message);
}

}  // namespace forkcast::serving
