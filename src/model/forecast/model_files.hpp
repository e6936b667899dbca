#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/fitted_model.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/target_transform.hpp"

/// The files of a forecast's models, under `model/` (FORMAT.md). Steps and keys count from 0.
namespace forkcast::model {

/// Of one model; `key` where it is one key's.
Status AppendFiles(const FittedModel& model, std::size_t step, std::optional<std::size_t> key,
                   std::vector<ArtefactFile>& files);
/// kInvalidArgument for a key that is not UTF-8.
Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files);

/// The two files of one model.
struct FilePair {
  const ArtefactFile* trees = nullptr;
  const ArtefactFile* around = nullptr;  ///< Transforms and target.
};

/// What the models of a pipeline have in common.
struct ExpectedModel {
  std::vector<FeatureColumnSpec> inputs;
  TargetTransform target;
};

/// Reads one model. Throws SpecError, with the file's name, when it cannot be read or is not as
/// expected.
FittedModel ReadModel(const FilePair& files, const ExpectedModel& expected);

/// The files of a version that lie under `model/`, each to be taken once. All calls throw SpecError
/// with a file's name.
class ModelFiles {
 public:
  /// Views of `files`, of which others are left aside.
  explicit ModelFiles(std::span<const ArtefactFile> files);

  /// The pair of one model.
  FilePair Take(std::size_t step, std::optional<std::size_t> key);
  /// The keys of a version with models of the pipeline `spec`.
  ModelKeys TakeKeys(const preprocessing::PipelineSpec& spec);
  void RequireAllTaken() const;

 private:
  const ArtefactFile& Take(const std::string& path);

  std::map<std::string, const ArtefactFile*> files_;
};

}  // namespace forkcast::model
