#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/imported_model.hpp"
#include "model/import/model_formats.hpp"
#include "model/import/prediction_check.hpp"

namespace forkcast::model {

/// What is to become of a file.
struct ImportRequest {
  std::filesystem::path file{};
  std::string name{};  ///< Of the model in the registry.
  /// Whose features the model reads; none: requests are the model's inputs themselves.
  std::optional<std::filesystem::path> pipeline{};
  std::vector<std::string> inputs{};   ///< In the model's order; empty: as the file calls them.
  std::vector<std::string> classes{};  ///< In the model's order; empty: "0", "1" and so on.
  Rounds rounds = Rounds::kAll;
  /// Of classes: the library's `predict` gives the class, as scikit-learn's do, and no probability.
  bool predicts_labels = false;
  std::optional<std::filesystem::path> check{};  ///< As CheckPredictions().
  double tolerance = 1e-6;
};

/// A version that can be published.
struct PreparedImport {
  nlohmann::ordered_json manifest{};
  std::vector<ArtefactFile> files{};
  std::vector<std::string> outputs{};  ///< Of its answers.
  std::vector<std::string> notes{};
  std::optional<PredictionCheck> check{};
};

/// Reads the file, matches its inputs with features by name, and makes what is published: what is
/// compared with predictions is what will serve. Publishes nothing. kCorrupt and kInvalidArgument
/// name the file and what is wrong in it; kNotFound, kIo.
[[nodiscard]] Result<PreparedImport> PrepareImport(const ImportRequest& request);

}  // namespace forkcast::model
