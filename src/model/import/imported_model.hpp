#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/inputs/fitted_transforms.hpp"
#include "model/predict/predictor.hpp"
#include "model/tree/forest_source.hpp"
#include "model/tree/linear_forest.hpp"

namespace forkcast::model {

/// How an input of a model that was trained elsewhere becomes the float that its trees test.
struct ImportedInput {
  std::string name;
  /// Of a number: none where the trees test floats, and every number is rounded to one.
  std::optional<ExactReading> reading{};
  std::optional<double> fill{};  ///< What a missing number is; none: missing.
  /// Of a text: those that training knew, ascending; the position is the category. Empty: a number.
  std::vector<std::string> texts{};
  UnknownCategory unknown = UnknownCategory::kMissing;

  [[nodiscard]] bool is_text() const noexcept { return !texts.empty(); }
};

/// An output of a graph of operators, as its file calls it.
struct ImportedOutput {
  std::string name;
  bool is_integer = false;  ///< Of a label: a number in the file.
  bool is_map = false;      ///< Of probabilities: by the names of their classes.
};

/// A model as its file says it, whatever the format.
struct ImportedModel {
  std::string format;          ///< Of ModelFormats(): "xgboost".
  std::string format_version;  ///< What wrote the file: "2.1.4", "v4".
  std::string objective;       ///< As the file calls it; for people.
  ForestSource forest;         ///< Its features are called as the inputs.
  /// Of a model that is a graph of operators, and no forest: the file of it that is served, where
  /// columns are called as they were. `forest` has the inputs' names alone then.
  std::string graph{};
  /// Of one that computes with what its inputs are: trees whose leaves are linear functions.
  /// `forest` has the inputs' names alone then, too.
  std::optional<LinearForestSource> linear{};
  std::size_t tree_count = 0;  ///< Of the graph, or of `linear`.
  /// Of a file that is a graph, whatever becomes of it: a label, if there is one, and the numbers
  /// that are answered.
  std::vector<ImportedOutput> graph_outputs{};
  std::vector<ImportedInput> inputs;
  bool has_input_names = false;  ///< Else they were numbered.
  /// Classes are called "0", "1" and so on: whoever imports knows their names.
  TrainedAnswer answer = ValueAnswer{};
  /// Whether its answers can be explained: the file counts the rows of training, and contributions
  /// add up to what is answered, or to its logarithm.
  bool can_explain = false;
  std::vector<std::string> notes{};  ///< What whoever imports ought to know; sentences.
};

/// Tests of a feature's categories name `position_of[category]` from now on. kCorrupt when one asks
/// for a category that is none.
Status RenumberCategories(std::uint32_t feature, std::span<const std::uint32_t> position_of,
                          ForestSource& forest);

/// Of texts in any order: the input's, ascending, and the forest's categories numbered so. kCorrupt
/// for two that are equal, and as RenumberCategories().
Status TakeTexts(std::uint32_t feature, std::vector<std::string> texts, ImportedModel& model);

/// That it can be published: kCorrupt for a text that is not UTF-8, kInvalidArgument for sets of
/// categories that take too many words to be held as bits.
[[nodiscard]] Status CheckModel(const ImportedModel& model);

/// The member "transforms" of STEM.transforms.json (../artefact/FORMAT.md).
[[nodiscard]] nlohmann::ordered_json TransformsJson(std::span<const ImportedInput> inputs);

}  // namespace forkcast::model
