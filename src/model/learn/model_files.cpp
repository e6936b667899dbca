#include "model/learn/model_files.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kFolder = "model/";
constexpr const char* kTrees = ".ubj";
constexpr const char* kTransforms = ".transforms.json";

[[noreturn]] void Fail(const ArtefactFile& file, const std::string& what) {
  throw SpecError(file.path + ": " + what);
}

/// What a file says of the target, which must be what the pipeline says.
std::optional<TargetTransform> ReadTarget(const JsonNode& node,
                                          const std::optional<TargetTransform>& expected) {
  if (!expected) {
    node.RequireObject({"transforms"});
    return std::nullopt;
  }
  node.RequireObject({"transforms", "target"});
  const TargetTransform target = ReadTargetTransform(node.Get("target"));
  TargetTransform steps = target;
  steps.fallback_scale = expected->fallback_scale;
  if (steps != *expected) node.Get("target").Fail("not the pipeline's");
  return target;
}

}  // namespace

std::string ModelPath(const std::string& path) { return std::string(kFolder) + path; }

ArtefactFile PipelineFile(const nlohmann::ordered_json& document) {
  return {kPipelineFile, document.dump(2) + "\n"};
}

ArtefactFile ReferenceFile(const Reference& reference) {
  return {Reference::kFile, reference.ToJson().dump() + "\n"};
}

Status AppendFiles(const Fit& fit, const std::string& stem, std::vector<ArtefactFile>& files) {
  Result<std::string> trees = fit.trees.Save(ModelFormat::kUbj);
  if (!trees) return std::move(trees).error();
  files.push_back({ModelPath(stem + kTrees), *std::move(trees)});
  nlohmann::ordered_json around{{"transforms", fit.transforms.ToJson()}};
  if (fit.target) around["target"] = fit.target->ToJson();
  files.push_back({ModelPath(stem + kTransforms), around.dump() + "\n"});
  return {};
}

void ReadJson(const ArtefactFile& file, const std::function<void(const JsonNode& root)>& read) {
  try {
    const nlohmann::ordered_json json = preprocessing::ParseJson(file.bytes);
    read(JsonNode(json));
  } catch (const SpecError& error) {
    Fail(file, error.what());
  }
}

Fit ReadFit(const FilePair& files, const ExpectedModel& expected) {
  Result<TreeModel> trees = TreeModel::Load(files.trees->bytes);
  if (!trees) Fail(*files.trees, trees.error().message);
  if (trees->task() != expected.task || trees->output_count() != expected.outputs) {
    Fail(*files.trees,
         fmt::format("expected a model for {} that answers {} number{}", ToString(expected.task),
                     expected.outputs, expected.outputs == 1 ? "" : "s"));
  }
  std::optional<TargetTransform> target;
  std::optional<FittedTransforms> transforms;
  ReadJson(*files.around, [&](const JsonNode& node) {
    target = ReadTarget(node, expected.target);
    transforms = FittedTransforms::FromJson(node.Get("transforms"));
    if (transforms->inputs() != expected.inputs) {
      node.Get("transforms").Fail("the features are not those of the pipeline");
    }
    if (transforms->outputs() != trees->features()) {
      node.Get("transforms").Fail("its columns are not those of " + files.trees->path);
    }
  });
  return {.transforms = *std::move(transforms), .target = target, .trees = *std::move(trees)};
}

ModelFiles::ModelFiles(std::span<const ArtefactFile> files) {
  for (const ArtefactFile& file : files) {
    if (file.path.starts_with(kFolder)) files_[file.path] = &file;
  }
}

const ArtefactFile& ModelFiles::Take(const std::string& path) {
  const auto found = files_.find(ModelPath(path));
  if (found == files_.end()) throw SpecError(ModelPath(path) + ": missing");
  const ArtefactFile& file = *found->second;
  files_.erase(found);
  return file;
}

FilePair ModelFiles::TakePair(const std::string& stem) {
  return {.trees = &Take(stem + kTrees), .around = &Take(stem + kTransforms)};
}

void ModelFiles::RequireAllTaken(const char* owner) const {
  if (files_.empty()) return;
  throw SpecError(fmt::format("{}: belongs to no {}", files_.begin()->first, owner));
}

}  // namespace forkcast::model
