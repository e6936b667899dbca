#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/classify/classifier_plan.hpp"
#include "model/classify/labelled_examples.hpp"
#include "model/evaluate/class_metrics.hpp"
#include "model/learn/trainer.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// One block of test rows and the model that was judged on it.
struct JudgedFold {
  std::size_t train_rows = 0;
  Instant from;  ///< Of the first and the last test row.
  Instant to;
  std::vector<std::uint32_t> unknown;  ///< Classes of test rows that no row learned from has.
  ClassificationSums sums;
};

/// A part of the test rows, or a baseline on all of them.
struct NamedSums {
  std::string name;
  ClassificationSums sums;
};

/// What a judged row was taken for.
struct JudgedRow {
  std::size_t example = 0;
  std::uint32_t taken_for = 0;  ///< The most likely class, the first among equals.
  double probability = 0;       ///< Of it.
  double of_actual = 0;         ///< Probability of the class that it is.
};

/// How good a classifier is on rows behind those that it learned from, beside its baselines on the
/// same rows: `most_frequent`, the shares of classes among the training rows, and `stump`, the best
/// single question.
struct ClassifierJudgement {
  ClassMetric metric{"accuracy"};  ///< The one that decides.
  double min_judged = kLeastJudged;
  std::size_t rows_to_judge = 0;  ///< Those of the folds' tests, with features or without.
  ClassificationSums all;
  std::vector<JudgedFold> folds;
  std::vector<NamedSums> slices;     ///< As the plan's.
  std::vector<NamedSums> baselines;  ///< most_frequent, stump.
  std::string stump_question;        ///< Of the last fold, "inventory < 0.5"; empty: none helps.
  std::vector<JudgedRow> rows;       ///< In the order of time.
  std::vector<FeatureImportance> importances;  ///< Of the last fold's model.

  [[nodiscard]] std::optional<double> value() const noexcept { return ErrorBy(metric, all); }
  /// 1 - error / baseline's error; not there when the baseline makes none.
  [[nodiscard]] std::optional<double> SkillAgainst(const NamedSums& baseline) const noexcept;
  /// The baseline with the least error.
  [[nodiscard]] const NamedSums& best_baseline() const noexcept;
  /// By the metric that decides, on enough rows.
  [[nodiscard]] bool beats_baselines() const noexcept;
  [[nodiscard]] bool is_of_enough() const noexcept {
    return static_cast<double>(all.rows()) >= min_judged * static_cast<double>(rows_to_judge);
  }
};

/// Trains one model a fold and judges it. `folds`: of the labelled rows that `examples` are of.
/// Nothing when `on_progress` cancelled. kInvalidArgument: no row to judge, a fold that cannot be
/// trained, which is named.
[[nodiscard]] Result<std::optional<ClassifierJudgement>> JudgeClassifier(
    const ClassifierPlan& plan, const LabelledExamples& examples,
    std::span<const ClassLabel> classes, std::span<const TimeFold> folds,
    const OnProgress& on_progress);

}  // namespace forkcast::model
