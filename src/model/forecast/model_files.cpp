#include "model/forecast/model_files.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/step_examples.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kFolder = "model/";
constexpr const char* kKeysFile = "model/keys.json";
constexpr const char* kTrees = "ubj";
constexpr const char* kTransforms = "transforms.json";

std::string PathOf(std::size_t step, std::optional<std::size_t> key, std::string_view ending) {
  return key ? fmt::format("{}{}/{}.{}", kFolder, step + 1, *key, ending)
             : fmt::format("{}{}.{}", kFolder, step + 1, ending);
}

[[noreturn]] void Fail(const ArtefactFile& file, const std::string& what) {
  throw SpecError(file.path + ": " + what);
}

/// Reads a file with `read`, which throws SpecError; names the file in errors.
template <typename Read>
auto ReadJson(const ArtefactFile& file, const Read& read) {
  try {
    const nlohmann::ordered_json json = preprocessing::ParseJson(file.bytes);
    return read(JsonNode(json));
  } catch (const SpecError& error) {
    Fail(file, error.what());
  }
}

}  // namespace

Status AppendFiles(const FittedModel& model, std::size_t step, std::optional<std::size_t> key,
                   std::vector<ArtefactFile>& files) {
  Result<std::string> trees = model.trees.Save(ModelFormat::kUbj);
  if (!trees) return std::move(trees).error();
  files.push_back({PathOf(step, key, kTrees), *std::move(trees)});
  const nlohmann::ordered_json around{{"transforms", model.transforms.ToJson()},
                                      {"target", model.target.ToJson()}};
  files.push_back({PathOf(step, key, kTransforms), around.dump() + "\n"});
  return {};
}

Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files) {
  try {
    files.push_back({kKeysFile, keys.ToJson().dump() + "\n"});
    return {};
  } catch (const nlohmann::ordered_json::type_error&) {
    return Error{ErrorCode::kInvalidArgument, "a key is not UTF-8: its model cannot be published"};
  }
}

FittedModel ReadModel(const FilePair& files, const ExpectedModel& expected) {
  Result<TreeModel> trees = TreeModel::Load(files.trees->bytes);
  if (!trees) Fail(*files.trees, trees.error().message);
  if (trees->task() != Task::kRegression) Fail(*files.trees, "a forecast's model is a regression");
  return ReadJson(*files.around, [&](const JsonNode& node) {
    node.RequireObject({"transforms", "target"});
    FittedTransforms transforms = FittedTransforms::FromJson(node.Get("transforms"));
    if (transforms.inputs() != expected.inputs) {
      node.Get("transforms").Fail("the features are not those of the pipeline");
    }
    if (transforms.outputs() != trees->features()) {
      node.Get("transforms").Fail("its columns are not those of " + files.trees->path);
    }
    const TargetTransform target = ReadTargetTransform(node.Get("target"));
    TargetTransform steps = target;
    steps.fallback_scale = expected.target.fallback_scale;
    if (steps != expected.target) node.Get("target").Fail("not the pipeline's");
    return FittedModel{
        .transforms = std::move(transforms), .target = target, .trees = *std::move(trees)};
  });
}

ModelFiles::ModelFiles(std::span<const ArtefactFile> files) {
  for (const ArtefactFile& file : files) {
    if (file.path.starts_with(kFolder)) files_[file.path] = &file;
  }
}

const ArtefactFile& ModelFiles::Take(const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) throw SpecError(path + ": missing");
  const ArtefactFile& file = *found->second;
  files_.erase(found);
  return file;
}

FilePair ModelFiles::Take(std::size_t step, std::optional<std::size_t> key) {
  return {.trees = &Take(PathOf(step, key, kTrees)),
          .around = &Take(PathOf(step, key, kTransforms))};
}

ModelKeys ModelFiles::TakeKeys(const preprocessing::PipelineSpec& spec) {
  return ReadJson(Take(kKeysFile), [&spec](const JsonNode& node) {
    return ModelKeys::FromJson(node, spec.SeriesNamed(spec.forecast->series),
                               ModelsOf(*spec.forecast));
  });
}

void ModelFiles::RequireAllTaken() const {
  if (files_.empty()) return;
  throw SpecError(files_.begin()->first + ": belongs to no step and key");
}

}  // namespace forkcast::model
