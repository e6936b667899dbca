#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/tree/shap_compiler.hpp"
#include "model/tree/xgboost_reader.hpp"
#include "serving/endpoints/republish.hpp"

namespace forkcast::serving {

/// Publishes version 1 of `model` in `from`, which is one of before, into `to` as it would be
/// today: with what explains its trees. Its features are of the groups that `groups` says by name.
inline void PublishExplained(const std::filesystem::path& from, const std::string& model,
                             const nlohmann::ordered_json& groups,
                             const std::filesystem::path& to) {
  const auto explain = [&groups](nlohmann::ordered_json& document,
                                 std::vector<model::ArtefactFile>& files) {
    for (auto& feature : document["features"]) {
      const std::string name = feature["name"];
      if (groups.contains(name)) feature["group"] = groups[name];
    }
    const std::vector<model::ArtefactFile> before = files;
    for (const model::ArtefactFile& file : before) {
      if (!file.path.ends_with(".ubj")) continue;
      const auto trees = model::ReadXGBoost(file.bytes);
      if (!trees) throw std::runtime_error(trees.error().message);
      const std::string stem = file.path.substr(0, file.path.size() - 4);
      files.push_back({stem + ".shap", model::CompileShap(*trees)});
    }
  };
  Republish(from, model, explain, to);
}

}  // namespace forkcast::serving
