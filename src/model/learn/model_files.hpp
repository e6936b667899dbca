#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/drift/reference.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/learn/fit.hpp"

/// The files that versions of all kinds have (artefact/FORMAT.md): of each model, under `model/`,
/// STEM.ubj and STEM.transforms.json; the pipeline; the reference.
namespace forkcast::model {

inline constexpr const char* kPipelineFile = "pipeline.json";

/// Adds the two files of a model; `stem` is its path without endings, below `model/`.
Status AppendFiles(const Fit& fit, const std::string& stem, std::vector<ArtefactFile>& files);

/// What a pipeline's models have in common.
struct ExpectedModel {
  std::vector<FeatureColumnSpec> inputs;
  std::optional<TargetTransform> target{};  ///< But for its fallback scale.
  Task task = Task::kRegression;
  std::size_t outputs = 1;  ///< As TreeModel::output_count().
};

/// The two files of one model.
struct FilePair {
  const ArtefactFile* trees = nullptr;
  const ArtefactFile* around = nullptr;  ///< Transforms and target.
};

/// Reads one model. Throws SpecError, with the file's name, when it cannot be read or is not as
/// expected.
[[nodiscard]] Fit ReadFit(const FilePair& files, const ExpectedModel& expected);

/// The files of a version that lie under `model/`, each to be taken once. All calls throw SpecError
/// with a file's name.
class ModelFiles {
 public:
  /// Views of `files`, of which others are left aside.
  explicit ModelFiles(std::span<const ArtefactFile> files);

  /// Those of one model.
  FilePair TakePair(const std::string& stem);
  /// A file by its path below `model/`.
  const ArtefactFile& Take(const std::string& path);
  /// `owner`: to what a file belongs, for the message: "step and key".
  void RequireAllTaken(const char* owner) const;

 private:
  std::map<std::string, const ArtefactFile*> files_;
};

/// Calls `read` with the JSON of a file. Throws SpecError, as `read` may; names the file.
void ReadJson(const ArtefactFile& file,
              const std::function<void(const preprocessing::JsonNode& root)>& read);

/// pipeline.json: the document that was trained.
[[nodiscard]] ArtefactFile PipelineFile(const nlohmann::ordered_json& document);
/// reference.json.
[[nodiscard]] ArtefactFile ReferenceFile(const Reference& reference);

/// The path of a file below `model/` within its version.
[[nodiscard]] std::string ModelPath(const std::string& path);

}  // namespace forkcast::model
