#include "model/classify/classifier_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {
namespace {

std::vector<std::uint32_t> RowNumbers(std::size_t first, std::size_t end) {
  std::vector<std::uint32_t> rows(end - first);
  std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
  return rows;
}

/// The classes of `labels`, ascending.
std::vector<std::uint32_t> ClassesOf(std::span<const std::uint32_t> labels) {
  std::vector<std::uint32_t> classes(labels.begin(), labels.end());
  std::ranges::sort(classes);
  classes.erase(std::ranges::unique(classes).begin(), classes.end());
  return classes;
}

}  // namespace

Result<std::optional<ClassifierModel>> ClassifierModel::Train(const ClassifierPlan& plan,
                                                              const LabelledExamples& examples,
                                                              std::size_t count,
                                                              std::span<const ClassLabel> classes,
                                                              const OnProgress& on_progress) {
  TrainerOptions options = plan.trainer;
  std::size_t validation_rows = 0;
  if (options.early_stopping) {
    std::vector<std::int64_t> times;
    for (const Instant time : std::span(examples.times).first(count)) {
      times.push_back(ToMicros(time));
    }
    validation_rows = ValidationTail(times, options.early_stopping->share);
  }
  const auto labels = std::span(examples.labels).first(count);
  // The trainer would refuse them too, but by number.
  const auto learned = labels.first(count - validation_rows);
  if (ClassesOf(learned).size() < 2) {
    return Error{ErrorCode::kInvalidArgument,
                 learned.empty() ? "there is no row to learn from"
                                 : fmt::format("all {} rows to learn from are of class \"{}\"",
                                               learned.size(), NameOf(classes[learned.front()]))};
  }
  std::vector<std::uint32_t> weighed;
  for (std::size_t i = 0; plan.weight && i < learned.size(); ++i) {
    if (examples.weights[i] > 0) weighed.push_back(learned[i]);
  }
  if (ClassesOf(weighed).size() == 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("only rows of class \"{}\" have a weight other than 0",
                             NameOf(classes[weighed.front()]))};
  }
  std::vector<std::uint32_t> known = ClassesOf(labels);
  std::vector<double> target(examples.size());  // read at the first `count` rows alone
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = static_cast<double>(std::ranges::lower_bound(known, labels[i]) - known.begin());
  }

  const std::vector<std::uint32_t> rows = RowNumbers(0, count);
  // The validation rows say when to stop, so nothing else may have seen them.
  Result<FittedTransforms> transforms =
      FittedTransforms::Fit(examples.features, target,
                            std::span(rows).first(count - validation_rows), plan.inputs.transforms);
  if (!transforms) return transforms.error();
  const Result<std::vector<float>> values = transforms->Transform(examples.features, rows);
  if (!values) return values.error();

  options.task = known.size() == 2 ? Task::kBinary : Task::kMultiClass;
  options.classes = known.size();
  Result<std::optional<TrainingResult>> trained = MakeTrainer(options)->Train(
      {.features = transforms->outputs(),
       .values = *values,
       .target = std::span(target).first(count),
       .weights = plan.weight ? std::span<const double>(examples.weights).first(count)
                              : std::span<const double>(),
       .validation_rows = validation_rows},
      [&](const TrainingProgress& progress) {
        return on_progress(progress.round, progress.rounds);
      });
  if (!trained) return trained.error();
  if (!*trained) return std::optional<ClassifierModel>();
  return std::optional(
      ClassifierModel(std::move(known), *std::move(transforms), std::move((*trained)->model)));
}

Result<std::vector<float>> ClassifierModel::Matrix(const LabelledExamples& examples,
                                                   std::size_t first, std::size_t end) const {
  return transforms_.Transform(examples.features, RowNumbers(first, end));
}

Result<std::vector<double>> ClassifierModel::Predict(std::span<const float> matrix) const {
  Result<std::vector<double>> scores = trees_.Predict(matrix);
  if (!scores) return scores;
  if (trees_.task() == Task::kMultiClass) {
    // A forest's shares of a row may all be 0, and their quotients NaN: then it knows nothing.
    std::ranges::replace_if(
        *scores, [](double share) { return std::isnan(share); },
        1 / static_cast<double>(classes_.size()));
    return scores;
  }
  std::vector<double> both;
  both.reserve(2 * scores->size());
  for (const double score : *scores) {
    const double probability = std::clamp(score, 0.0, 1.0);  // a forest's sum may be 1 + 1e-7
    both.push_back(1 - probability);
    both.push_back(probability);
  }
  return both;
}

Result<std::vector<ArtefactFile>> ClassifierModel::Files() const {
  Result<std::string> trees = trees_.Save(ModelFormat::kUbj);
  if (!trees) return trees.error();
  const nlohmann::ordered_json around{{"transforms", transforms_.ToJson()}};
  return std::vector<ArtefactFile>{{"model/1.ubj", *std::move(trees)},
                                   {"model/1.transforms.json", around.dump() + "\n"}};
}

}  // namespace forkcast::model
