#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/classifier_plan.hpp"
#include "model/classify/labelled_examples.hpp"
#include "model/learn/fit.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// Trees and what belongs before and behind them. It knows the classes that it has learned from,
/// and no others: those of later rows would be knowledge of the future.
class ClassifierModel {
 public:
  /// Learns from the first `count` examples: binary for two classes among them, multiclass for
  /// more. `classes`: of the label, for messages. Nothing when `on_progress` cancelled.
  /// kInvalidArgument for one class alone, and as Trainer::Train and FittedTransforms::Fit.
  static Result<std::optional<ClassifierModel>> Train(const ClassifierPlan& plan,
                                                      const LabelledExamples& examples,
                                                      std::size_t count,
                                                      std::span<const ClassLabel> classes,
                                                      const OnProgress& on_progress);

  /// Reads back what Files() wrote, of a model that knows `classes` classes, and of a pipeline with
  /// the plan that it was trained with. `files` may hold others beside those under `model/`.
  /// kCorrupt with the file's name: one that is missing, cannot be read, does not fit to the
  /// pipeline or to the file beside it, or belongs to no model.
  static Result<ClassifierModel> Load(std::span<const ArtefactFile> files,
                                      const ClassifierPlan& plan, std::size_t classes);

  /// Learned from, ascending: positions among the label's.
  [[nodiscard]] std::span<const std::uint32_t> classes() const noexcept { return classes_; }
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept {
    return fit_.transforms.outputs();
  }
  /// The matrix that the trees read of examples first .. end - 1.
  [[nodiscard]] Result<std::vector<float>> Matrix(const LabelledExamples& examples,
                                                  std::size_t first, std::size_t end) const;
  /// Probabilities of classes(), row-major, one row of them for each of `matrix`.
  [[nodiscard]] Result<std::vector<double>> Predict(std::span<const float> matrix) const {
    return fit_.Predict(matrix);
  }

  [[nodiscard]] Result<std::vector<FeatureImportance>> Importances() const {
    return fit_.trees.Importances();
  }
  /// `model/1.ubj` and `model/1.transforms.json`.
  [[nodiscard]] Result<std::vector<ArtefactFile>> Files() const;

 private:
  ClassifierModel(std::vector<std::uint32_t> classes, Fit fit)
      : classes_(std::move(classes)), fit_(std::move(fit)) {}

  std::vector<std::uint32_t> classes_;
  Fit fit_;
};

}  // namespace forkcast::model
