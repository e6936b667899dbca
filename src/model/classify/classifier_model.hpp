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
#include "model/predict/predictor.hpp"

namespace forkcast::model {

/// first .. end - 1.
[[nodiscard]] std::vector<std::uint32_t> RowNumbers(std::size_t first, std::size_t end);

/// A predictor that tells classes apart. It knows the classes that it has learned from, and no
/// others: those of later rows would be knowledge of the future.
class ClassifierModel {
 public:
  /// `classes`: learned from, ascending: positions among the label's. Precondition: `predictor`
  /// answers with as many.
  ClassifierModel(std::vector<std::uint32_t> classes, Predictor predictor)
      : classes_(std::move(classes)), predictor_(std::move(predictor)) {}

  /// Reads back what TrainedClassifier::Files() wrote, of a model that knows all of `classes`, the
  /// label's, and of a pipeline with the plan that it was trained with. `files` may hold others
  /// beside those under `model/`. kCorrupt with the file's name: one that is missing, cannot be
  /// read, does not fit to the pipeline or to the file beside it, or belongs to no model.
  static Result<ClassifierModel> Load(std::span<const PublishedFile> files,
                                      const ClassifierPlan& plan,
                                      std::span<const ClassLabel> classes);

  [[nodiscard]] std::span<const std::uint32_t> classes() const noexcept { return classes_; }
  /// Answers "class", a position among classes(), and the probability of each.
  [[nodiscard]] const Predictor& predictor() const noexcept { return predictor_; }
  /// The names of what the model reads.
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept {
    return predictor_.encoder()->transforms().outputs();
  }
  /// What the model reads of these examples, row-major.
  [[nodiscard]] Result<std::vector<float>> Matrix(const LabelledExamples& examples,
                                                  std::span<const std::uint32_t> rows) const;
  /// Its answers to rows of such a matrix, row-major.
  [[nodiscard]] std::vector<double> Predict(std::span<const float> matrix) const;

 private:
  std::vector<std::uint32_t> classes_;
  Predictor predictor_;
};

/// A classifier as training leaves it: what is judged, which is what will serve, and what is
/// published of it.
class TrainedClassifier {
 public:
  /// Learns from the examples `rows`, ascending: binary for two classes among them, multiclass for
  /// more. `classes`: of the label. Nothing when `on_progress` cancelled. kInvalidArgument for one
  /// class alone, and as Trainer::Train and FittedTransforms::Fit. Precondition: plan.trainer.
  static Result<std::optional<TrainedClassifier>> Train(const ClassifierPlan& plan,
                                                        const LabelledExamples& examples,
                                                        std::span<const std::uint32_t> rows,
                                                        std::span<const ClassLabel> classes,
                                                        const OnProgress& on_progress);

  [[nodiscard]] const ClassifierModel& model() const noexcept { return model_; }
  [[nodiscard]] const std::vector<FeatureImportance>& importances() const noexcept {
    return parts_.importances;
  }
  /// Those under `model/` (FORMAT.md).
  [[nodiscard]] std::vector<ArtefactFile> Files() const;

 private:
  TrainedClassifier(ClassifierModel model, TrainedParts parts)
      : model_(std::move(model)), parts_(std::move(parts)) {}

  ClassifierModel model_;
  TrainedParts parts_;
};

}  // namespace forkcast::model
