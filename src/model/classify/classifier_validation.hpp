#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/classify/judgement.hpp"
#include "model/classify/labelled_rows.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// A judgement as it is told to programs and to people.
class ClassifierValidation final : public Validation {
 public:
  /// `name`: the pipeline's. `rows` and `examples` were judged, and outlive the object.
  ClassifierValidation(ClassifierJudgement judgement, std::string name, const LabelledRows& rows,
                       const LabelledExamples& examples)
      : judgement_(std::move(judgement)),
        name_(std::move(name)),
        rows_(rows),
        examples_(examples) {}

  [[nodiscard]] std::optional<double> value() const noexcept override { return judgement_.value(); }
  [[nodiscard]] bool beats_baselines() const noexcept override {
    return judgement_.beats_baselines();
  }
  [[nodiscard]] bool is_of_enough() const noexcept override { return judgement_.is_of_enough(); }
  [[nodiscard]] nlohmann::ordered_json ToJson() const override;
  [[nodiscard]] std::string Describe() const override;
  /// The verdict, model and baselines, skill, slices, folds, classes, the confusion matrix,
  /// calibration, importance of features, and the rows of which the model was surest and wrong.
  /// There are no keys.
  [[nodiscard]] Result<std::string> ReportPage(const std::vector<std::string>& keys,
                                               const std::string& more) const override;
  [[nodiscard]] Result<std::string> JudgedRows() const override;

  [[nodiscard]] const ClassifierJudgement& judgement() const noexcept { return judgement_; }
  /// Whether the model is worth having, in a sentence or two.
  [[nodiscard]] std::string Verdict() const;

 private:
  [[nodiscard]] std::string ClassName(std::size_t label) const {
    return NameOf(rows_.classes()[label]);
  }
  /// Of rows that are neither learned from nor judged, and of labels that look wrong; a line each.
  [[nodiscard]] std::vector<std::string> Remarks() const;
  [[nodiscard]] std::string Shortfall() const;
  // Parts of the page.
  [[nodiscard]] std::string ClassesTable() const;
  [[nodiscard]] std::string ConfusionTable() const;
  [[nodiscard]] std::string Calibration() const;
  [[nodiscard]] std::string MistakesTable() const;

  ClassifierJudgement judgement_;
  std::string name_;
  const LabelledRows& rows_;
  const LabelledExamples& examples_;
};

}  // namespace forkcast::model
