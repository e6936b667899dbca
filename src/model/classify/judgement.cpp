#include "model/classify/judgement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/classify/classifier_model.hpp"
#include "model/classify/stump.hpp"

namespace forkcast::model {
namespace {

/// Probabilities of the classes that a model knows, among all of the label's: it gives the others
/// none.
class Spread {
 public:
  Spread(std::span<const std::uint32_t> known, std::size_t classes)
      : known_(known), all_(classes) {}

  /// Valid until the next call.
  std::span<const double> operator()(std::span<const double> probabilities) noexcept {
    for (std::size_t i = 0; i < known_.size(); ++i) all_[known_[i]] = probabilities[i];
    return all_;
  }

 private:
  std::span<const std::uint32_t> known_;
  std::vector<double> all_;
};

/// Labels as positions among the classes that a model knows.
std::vector<std::uint32_t> Among(std::span<const std::uint32_t> known,
                                 std::span<const std::uint32_t> labels) {
  std::vector<std::uint32_t> positions;
  positions.reserve(labels.size());
  for (const std::uint32_t label : labels) {
    positions.push_back(
        static_cast<std::uint32_t>(std::ranges::lower_bound(known, label) - known.begin()));
  }
  return positions;
}

/// Rows of each class.
std::vector<std::size_t> CountsOf(std::span<const std::uint32_t> labels, std::size_t classes) {
  std::vector<std::size_t> counts(classes);
  for (const std::uint32_t label : labels) ++counts[label];
  return counts;
}

std::vector<double> SharesOf(std::span<const std::uint32_t> labels, std::size_t classes) {
  const std::vector<std::size_t> counts = CountsOf(labels, classes);
  std::vector<double> shares(counts.begin(), counts.end());
  for (double& share : shares) share /= static_cast<double>(labels.size());
  return shares;
}

/// One fold: a trained model, its baselines, and the rows that they are judged on.
class FoldJudge {
 public:
  FoldJudge(const LabelledExamples& examples, std::size_t train_rows, std::size_t first,
            std::size_t end)
      : examples_(examples), train_rows_(train_rows), first_(first), end_(end) {}

  Status Judge(const ClassifierModel& model, ClassifierJudgement& judgement) const {
    const std::size_t columns = model.columns().size();
    const std::size_t classes = judgement.all.classes();
    const std::span<const std::uint32_t> known = model.classes();
    const Result<std::vector<float>> train = model.Matrix(examples_, RowNumbers(0, train_rows_));
    if (!train) return train.error();
    const auto learned = std::span(examples_.labels).first(train_rows_);
    const Stump stump = Stump::Fit(*train, columns, Among(known, learned), known.size());
    const std::vector<double> shares = SharesOf(learned, classes);
    const Result<std::vector<float>> matrix = model.Matrix(examples_, RowNumbers(first_, end_));
    if (!matrix) return matrix.error();
    const std::vector<double> answers = model.Predict(*matrix);
    const std::size_t width = model.predictor().outputs().size();

    ClassificationSums sums(classes);
    Spread of_model(known, classes);
    Spread of_stump(known, classes);
    for (std::size_t i = first_; i < end_; ++i) {
      const std::size_t row = i - first_;
      const std::uint32_t actual = examples_.labels[i];
      const auto answer = std::span(answers).subspan(row * width, width);
      const auto probabilities = of_model(answer.subspan(1));
      sums.Add(actual, probabilities);
      for (std::size_t slice = 0; slice < judgement.slices.size(); ++slice) {
        if ((examples_.slices[i] >> slice & 1) != 0) {
          judgement.slices[slice].sums.Add(actual, probabilities);
        }
      }
      const std::uint32_t taken_for = known[static_cast<std::size_t>(answer.front())];
      judgement.rows.push_back({.example = i,
                                .taken_for = taken_for,
                                .probability = probabilities[taken_for],
                                .of_actual = probabilities[actual]});
      judgement.baselines[0].sums.Add(actual, shares);
      judgement.baselines[1].sums.Add(
          actual, of_stump(stump.Predict(std::span(*matrix).subspan(row * columns, columns))));
    }
    judgement.all.Merge(sums);
    const std::vector<std::size_t> learned_of = CountsOf(learned, classes);
    const std::vector<std::size_t> judged_of =
        CountsOf(std::span(examples_.labels).subspan(first_, end_ - first_), classes);
    std::vector<std::uint32_t> unknown;
    for (std::uint32_t label = 0; label < classes; ++label) {
      if (learned_of[label] == 0 && judged_of[label] > 0) unknown.push_back(label);
    }
    judgement.folds.push_back({.train_rows = train_rows_,
                               .from = examples_.times[first_],
                               .to = examples_.times[end_ - 1],
                               .unknown = std::move(unknown),
                               .sums = std::move(sums)});
    judgement.stump_question.clear();
    if (!stump.splits()) return {};
    const std::string& column = model.columns()[stump.column()];
    judgement.stump_question = std::isinf(stump.threshold())
                                   ? fmt::format("{} is missing", column)
                                   : fmt::format("{} < {:g}", column, stump.threshold());
    return {};
  }

 private:
  const LabelledExamples& examples_;
  std::size_t train_rows_;
  std::size_t first_;
  std::size_t end_;
};

}  // namespace

std::optional<double> ClassifierJudgement::SkillAgainst(const NamedSums& baseline) const noexcept {
  const std::optional<double> error = value();
  const std::optional<double> other = ErrorBy(metric, baseline.sums);
  if (!error || !other || *other <= 0) return std::nullopt;
  return 1 - *error / *other;
}

const NamedSums& ClassifierJudgement::best_baseline() const noexcept {
  return *std::ranges::min_element(baselines, {}, [this](const NamedSums& baseline) {
    return ErrorBy(metric, baseline.sums).value_or(0);
  });
}

bool ClassifierJudgement::beats_baselines() const noexcept {
  return is_of_enough() && SkillAgainst(best_baseline()).value_or(0) > 0;
}

Result<std::optional<ClassifierJudgement>> JudgeClassifier(const ClassifierPlan& plan,
                                                           const LabelledExamples& examples,
                                                           std::span<const ClassLabel> classes,
                                                           std::span<const TimeFold> folds,
                                                           const OnProgress& on_progress) {
  const ClassificationSums none(classes.size());
  ClassifierJudgement judgement{.metric = plan.metric,
                                .min_judged = plan.min_judged,
                                .all = none,
                                .folds = {},
                                .slices = {},
                                .baselines = {{"most_frequent", none}, {"stump", none}},
                                .stump_question = {},
                                .rows = {},
                                .importances = {}};
  for (const SliceSpec& slice : plan.slices) judgement.slices.push_back({slice.name, none});
  for (std::size_t i = 0; i < folds.size(); ++i) {
    const auto in_fold = [i](Error error) {
      error.message = fmt::format(
          "fold {}: {}{}", i + 1,
          error.field.empty() ? "" : fmt::format("feature \"{}\": ", error.field), error.message);
      return error;
    };
    judgement.rows_to_judge += folds[i].test_end - folds[i].test_first;
    const std::size_t train_rows = examples.CountBefore(folds[i].train_end);
    const std::size_t first = examples.CountBefore(folds[i].test_first);
    const std::size_t end = examples.CountBefore(folds[i].test_end);
    if (first == end) {
      return in_fold(
          {ErrorCode::kInvalidArgument,
           fmt::format("the features of none of its {} test rows could be computed; "
                       "the first that was left out: {}",
                       folds[i].test_end - folds[i].test_first, examples.first_refusal)});
    }
    const Result<std::optional<TrainedClassifier>> trained =
        TrainedClassifier::Train(plan, examples, RowNumbers(0, train_rows), classes,
                                 [&](std::size_t done, std::size_t total) {
                                   return on_progress(i * total + done, folds.size() * total);
                                 });
    if (!trained) return in_fold(trained.error());
    if (!*trained) return std::optional<ClassifierJudgement>();
    const Status judged =
        FoldJudge(examples, train_rows, first, end).Judge((*trained)->model(), judgement);
    if (!judged) return in_fold(judged.error());
    if (i + 1 == folds.size()) judgement.importances = (*trained)->importances();
  }
  return std::optional(std::move(judgement));
}

}  // namespace forkcast::model
