#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/learn/parameter_search.hpp"

/// The pipelines of conf/ as tests take them.
namespace forkcast::model {

inline const std::filesystem::path kPipelines = FORKCAST_SOURCE_DIR "/conf/pipelines";
inline const std::filesystem::path kSamples = FORKCAST_SOURCE_DIR "/data";

/// Every pipeline file that declares a forecast.
inline std::vector<std::filesystem::path> ForecastPipelines() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kPipelines)) {
    if (preprocessing::ReadJsonFile(entry.path()).contains("forecast")) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

/// data/NAME or, as several pipelines may share a sample, data/PREFIX of "PREFIX_...".
inline std::filesystem::path SampleOf(const std::filesystem::path& pipeline) {
  std::string name = pipeline.stem();
  while (!std::filesystem::is_directory(kSamples / name)) {
    const std::size_t end = name.rfind('_');
    if (end == std::string::npos) return {};
    name.resize(end);
  }
  return kSamples / name;
}

/// The pipeline with few trees, if it has any, and without search: what is tested are its features
/// and its way through the commands. One thread, since several wait for each other longer than so
/// few trees take.
inline nlohmann::ordered_json SmallDocument(const std::filesystem::path& pipeline) {
  nlohmann::ordered_json document = preprocessing::ReadJsonFile(pipeline);
  document["training"].erase("search");
  if (document["training"]["model"].contains("trees")) {
    document = WithParameters(std::move(document), {{"model.trees", 8}});
  }
  return WithParameters(std::move(document), {{"model.threads", 1}});
}

}  // namespace forkcast::model
