#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/classify/classifier_model.hpp"
#include "model/classify/classifier_plan.hpp"
#include "model/classify/classifier_validation.hpp"
#include "model/classify/cross_fit.hpp"
#include "model/classify/labelled_examples.hpp"
#include "model/classify/labelled_rows.hpp"
#include "model/drift/reference.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// A pipeline with a label: its document, the labelled rows in a window, read from the store, and
/// the snapshots that their features read.
class ClassifierJob final : public TrainingJob {
 public:
  /// kInvalidArgument names the path in the document, the flag (the store is needed), or what
  /// LabelledRows::Read refuses; otherwise as OpenStore and OpenSnapshots.
  static Result<std::unique_ptr<TrainingJob>> Load(const nlohmann::ordered_json& document,
                                                   const JobSources& sources);
  ClassifierJob(const ClassifierJob&) = delete;
  ClassifierJob& operator=(const ClassifierJob&) = delete;

  [[nodiscard]] const std::string& name() const noexcept override { return spec_.name; }
  [[nodiscard]] const SearchSpec* search() const noexcept override {
    return plan_.search ? &*plan_.search : nullptr;
  }
  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> With(
      const nlohmann::ordered_json& document) const override;
  [[nodiscard]] JobSummary Summary() const override;
  [[nodiscard]] Status CheckReportKeys(const std::vector<std::string>& keys) const override;
  /// That there are rows with a label, of more than one class, that the split leaves rows of two
  /// classes to learn from in each fold, and that transforms fit the number of classes.
  [[nodiscard]] Status Check() const override;
  [[nodiscard]] nlohmann::ordered_json Origin() const override;
  Result<bool> TrainShard(std::size_t point, const OnProgress& on_progress) override;
  Status ComputeExamples() override;
  Result<const Validation*> Validate(const OnProgress& on_progress) override;
  /// One of the same pipeline alone.
  [[nodiscard]] Status CheckRival(const VersionInfo& champion) const override;
  [[nodiscard]] Result<Rivalry> CompareWith(const VersionInfo& champion) const override;
  [[nodiscard]] Result<std::optional<Artefact>> TrainOnAll(
      const OnProgress& on_progress) const override;

 private:
  /// What was read, which jobs of several documents share.
  struct Data {
    LabelledRows rows;
    std::vector<preprocessing::Snapshot> snapshots;
  };

  ClassifierJob(nlohmann::ordered_json document, preprocessing::PipelineSpec spec,
                ClassifierPlan plan, JobSources sources)
      : document_(std::move(document)),
        spec_(std::move(spec)),
        plan_(std::move(plan)),
        sources_(std::move(sources)) {}
  /// A job without data yet.
  static Result<std::unique_ptr<ClassifierJob>> Plan(const nlohmann::ordered_json& document,
                                                     const JobSources& sources);
  [[nodiscard]] const LabelledRows& rows() const noexcept { return data_->rows; }
  [[nodiscard]] Result<std::vector<TimeFold>> Folds() const {
    return SplitByTime(rows().times(), plan_.split);
  }
  /// The pipeline document, the model, its classes, reference statistics.
  [[nodiscard]] std::vector<ArtefactFile> Files(const TrainedClassifier& trained,
                                                const Reference& reference) const;
  /// What a version says of itself.
  [[nodiscard]] nlohmann::ordered_json Manifest(const ClassifierModel& model) const;
  /// Those that a model knows, in the order of its answers.
  [[nodiscard]] std::vector<ClassLabel> ClassesOf(const ClassifierModel& model) const;
  /// Of all examples, and of answers.
  [[nodiscard]] Reference ReferenceTo(const HeldOutAnswers& answers) const;

  nlohmann::ordered_json document_;
  preprocessing::PipelineSpec spec_;
  ClassifierPlan plan_;
  JobSources sources_;
  std::shared_ptr<const Data> data_;
  std::optional<LabelledExamples> examples_;
  std::optional<ClassifierValidation> validation_;
};

}  // namespace forkcast::model
