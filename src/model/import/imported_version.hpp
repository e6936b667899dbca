#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/prediction_form.hpp"
#include "model/learn/version.hpp"
#include "model/predict/predictor.hpp"
#include "model/predict/scoring_model.hpp"

namespace forkcast::model {

/// What the member "kind" of an imported version's manifest says.
inline constexpr const char* kImportedKind = "imported";

/// The member "answer" of its manifest, and back (throws SpecError).
[[nodiscard]] nlohmann::ordered_json AnswerJson(const TrainedAnswer& answer);
[[nodiscard]] TrainedAnswer ReadAnswer(const preprocessing::JsonNode& node);

/// From a row of the pipeline's features to the answer. `transforms`: the member of
/// STEM.transforms.json, whose features are the model's inputs, in its order. Throws SpecError for
/// one that the pipeline does not have, or has with another type.
[[nodiscard]] Predictor MakePredictor(ScoringModel scoring,
                                      const preprocessing::JsonNode& transforms,
                                      const preprocessing::PipelineSpec& spec,
                                      TrainedAnswer answer);

/// A model that was trained elsewhere and published here (../artefact/FORMAT.md), read back.
class ImportedVersion : public Version {
 public:
  /// As Version::Read.
  static Result<ImportedVersion> Read(const VersionInfo& info);

  /// Maps the model's files. kCorrupt with the file's name when one is missing or does not fit to
  /// the others. Blocks on the disk.
  [[nodiscard]] Result<Predictor> ReadPredictor() const;

  /// How its own library gives predictions; empty where a pipeline says what answers are, and of
  /// versions of before.
  [[nodiscard]] const PredictionForm& prediction_form() const noexcept { return form_; }

 private:
  ImportedVersion(Version version, TrainedAnswer answer, PredictionForm form)
      : Version(std::move(version)), answer_(std::move(answer)), form_(std::move(form)) {}

  /// The path of the model's file with an ending.
  [[nodiscard]] const PublishedFile* ModelFile(std::string_view ending) const;
  [[nodiscard]] ScoringModel OpenModel() const;

  TrainedAnswer answer_;
  PredictionForm form_;
};

/// The path of a file of the one model, within its version.
[[nodiscard]] std::string ImportedPath(std::string_view ending);
/// Of the file that says how inputs become floats.
inline constexpr std::string_view kTransformsEnding = ".transforms.json";

}  // namespace forkcast::model
