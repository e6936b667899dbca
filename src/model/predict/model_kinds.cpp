#include "model/predict/model_kinds.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/tree/decision_tree.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::array kModelKinds{
    ModelKind{.format = DecisionTree::kFormat, .load = LoadDecisionTree},
};

/// The kind that the file says it is of. Throws SpecError.
const ModelKind& KindOf(const ModelFile& file, std::span<const ModelKind> kinds) {
  const nlohmann::ordered_json document = preprocessing::ParseJson(file.text);
  const JsonNode format = JsonNode(document).Get("format");
  const auto kind = std::ranges::find(kinds, format.String(), &ModelKind::format);
  if (kind != kinds.end()) return *kind;
  std::string known;
  for (const ModelKind& one : kinds) known.append(known.empty() ? "" : ", ").append(one.format);
  format.Fail("no kind of model is called \"" + format.String() + "\"; there are: " + known);
}

}  // namespace

std::span<const ModelKind> ModelKinds() noexcept { return kModelKinds; }

Result<LoadedModel> LoadModel(const std::filesystem::path& path, std::span<const ModelKind> kinds) {
  std::error_code ignored;
  const bool exists = std::filesystem::exists(path, ignored);
  ModelFile file{.path = path, .text = {}};
  try {
    file.text = preprocessing::ReadTextFile(path);
  } catch (const SpecError& error) {
    return Error{exists ? ErrorCode::kIo : ErrorCode::kNotFound, error.what()};
  }
  const auto in_file = [&path](ErrorCode code, const std::string& message) {
    return Error{code, path.string() + ": " + message};
  };
  try {
    Result<LoadedModel> loaded = KindOf(file, kinds).load(file);
    if (loaded) return loaded;
    return in_file(loaded.error().code, loaded.error().message);
  } catch (const SpecError& error) {
    return in_file(ErrorCode::kInvalidArgument, error.what());
  }
}

}  // namespace forkcast::model
