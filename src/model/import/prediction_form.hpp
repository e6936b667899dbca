#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/import/imported_model.hpp"

namespace forkcast::model {

/// A part of what a model's own library predicts for a row.
struct PredictedPart {
  enum class Form {
    kValue,  ///< One output.
    kList,
    kMap,  ///< Outputs by keys.
  };
  std::string name{};  ///< Among others; empty: it is the row.
  Form form = Form::kValue;
  std::vector<std::string> outputs{};
  std::vector<std::string> keys{};  ///< Of a map: one an output.
  bool is_integer = false;          ///< The output is a text that is read as a whole number.

  friend bool operator==(const PredictedPart&, const PredictedPart&) = default;
};

/// How a model's own library gives a row's prediction, which is what MLflow's server passes on: one
/// part without a name, or several with names.
using PredictionForm = std::vector<PredictedPart>;

/// `predict` of XGBoost's and LightGBM's Booster: a number; of several targets and of classes with
/// a score each, a list; of two classes with one score, the second one's probability. With
/// `labels`, as scikit-learn's classes: the class. Of ONNX the outputs of the graph under their
/// names.
[[nodiscard]] PredictionForm PredictionFormOf(const ImportedModel& model, bool labels);

/// The member "predictions" of a version's manifest (../artefact/FORMAT.md), and back (throws
/// SpecError).
[[nodiscard]] nlohmann::ordered_json ToJson(const PredictionForm& form);
[[nodiscard]] PredictionForm ReadPredictionForm(const preprocessing::JsonNode& node);

}  // namespace forkcast::model
