#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/drift/reference.hpp"
#include "model/inputs/fitted_encoder.hpp"
#include "model/inputs/model_inputs.hpp"
#include "model/learn/fit.hpp"
#include "model/predict/predictor.hpp"
#include "model/predict/published_kinds.hpp"

/// The files that versions of all kinds have (artefact/FORMAT.md): of each model, under `model/`,
/// those of its PublishedKind and STEM.transforms.json; the pipeline; the reference.
namespace forkcast::model {

inline constexpr const char* kPipelineFile = "pipeline.json";

/// Adds the files of a trained model; `stem` is its path without endings, below `model/`.
void AppendFiles(const Predictor& predictor, const TrainedParts& parts, const std::string& stem,
                 std::vector<ArtefactFile>& files);

/// What stands around a trained model, as its file STEM.transforms.json has it.
[[nodiscard]] nlohmann::ordered_json AroundJson(const Predictor& predictor);

/// How many models `files` are of.
[[nodiscard]] std::size_t CountModels(std::span<const ArtefactFile> files) noexcept;

/// Where the files of one model are.
struct StoredModel {
  const PublishedKind* kind = nullptr;
  const PublishedFile* served = nullptr;       ///< Null in a version of before.
  const PublishedFile* interchange = nullptr;  ///< Null where the kind has none.
  const PublishedFile* explanation = nullptr;  ///< Likewise, and in a version of before.
  const PublishedFile* around = nullptr;       ///< Transforms and target.

  /// Those that there are, in the order in which they are published.
  [[nodiscard]] std::vector<const PublishedFile*> files() const;
};

/// Reads the models of one version, which share what is alike in them. Thread-safe.
class PredictorReader {
 public:
  /// What the models have in common: the features that they see, and what they answer; of a value,
  /// the target but for its fallback scale.
  PredictorReader(const ModelInputs& inputs, TrainedAnswer answer)
      : inputs_(inputs), answer_(std::move(answer)) {}

  /// Throws SpecError, with the file's name, when a file cannot be read or is not as expected.
  [[nodiscard]] Predictor Read(const StoredModel& stored);
  /// The same where AroundJson() is in no file of its own: `around`, in place of the file's.
  [[nodiscard]] Predictor Read(const StoredModel& stored, const preprocessing::JsonNode& around);

 private:
  [[nodiscard]] std::shared_ptr<const FittedEncoder> EncoderOf(
      const preprocessing::JsonNode& transforms);
  [[nodiscard]] TrainedAnswer AnswerOf(const preprocessing::JsonNode& around) const;

  const ModelInputs& inputs_;
  TrainedAnswer answer_;
  InputPool inputs_pool_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const FittedEncoder>> encoders_;  // by their JSON
};

/// The files of a version that lie under `model/`, each to be taken once. All calls throw SpecError
/// with a file's name.
class ModelFiles {
 public:
  /// Views of `files`, of which others are left aside.
  explicit ModelFiles(std::span<const PublishedFile> files);

  /// Those of one model.
  StoredModel TakeModel(const std::string& stem);
  /// A file by its path below `model/`.
  const PublishedFile& Take(const std::string& path);
  /// `owner`: to what a file belongs, for the message: "step and key".
  void RequireAllTaken(const char* owner) const;

 private:
  [[nodiscard]] bool Has(const std::string& path) const;

  std::map<std::string, const PublishedFile*> files_;
};

/// A published file with its bytes, and its place as their original. Throws SpecError.
[[nodiscard]] ArtefactFile LoadFile(const PublishedFile& file);

/// Calls `read` with the JSON of a file. Throws SpecError, as `read` may; names the file.
void ReadJson(const ArtefactFile& file,
              const std::function<void(const preprocessing::JsonNode& root)>& read);

/// pipeline.json: the document that was trained.
[[nodiscard]] ArtefactFile PipelineFile(const nlohmann::ordered_json& document);
/// reference.json, and constraints.json, which is learned from it.
[[nodiscard]] ArtefactFile ReferenceFile(const Reference& reference);
[[nodiscard]] ArtefactFile ConstraintsFile(const Reference& reference);

/// The path of a file below `model/` within its version.
[[nodiscard]] std::string ModelPath(const std::string& path);

}  // namespace forkcast::model
