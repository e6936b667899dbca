#include "model/classify/classifier_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "model/learn/model_files.hpp"

namespace forkcast::model {
namespace {

/// There is one model.
constexpr const char* kStem = "1";

/// The classes of `labels`, ascending.
std::vector<std::uint32_t> ClassesOf(std::span<const std::uint32_t> labels) {
  std::vector<std::uint32_t> classes(labels.begin(), labels.end());
  std::ranges::sort(classes);
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  return classes;
}

std::vector<std::int64_t> MicrosOf(std::span<const Instant> times) {
  std::vector<std::int64_t> micros;
  micros.reserve(times.size());
  for (const Instant time : times) micros.push_back(ToMicros(time));
  return micros;
}

/// That rows of two classes at least are learned from. The trainer would refuse one alone, too, but
/// by its number. `weights` may be empty.
Status CheckClasses(std::span<const std::uint32_t> learned, std::span<const double> weights,
                    std::span<const ClassLabel> classes) {
  if (learned.empty()) {
    return Error{ErrorCode::kInvalidArgument, "there is no row to learn from"};
  }
  if (ClassesOf(learned).size() < 2) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("all {} rows to learn from are of class \"{}\"", learned.size(),
                             NameOf(classes[learned.front()]))};
  }
  if (weights.empty()) return {};
  std::vector<std::uint32_t> weighed;
  for (std::size_t i = 0; i < learned.size(); ++i) {
    if (weights[i] > 0) weighed.push_back(learned[i]);
  }
  if (ClassesOf(weighed).size() == 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("only rows of class \"{}\" have a weight other than 0",
                             NameOf(classes[weighed.front()]))};
  }
  return {};
}

/// What a model is called among those of shards (../learn/SHARDS.md).
std::string FitName(const ClassifierPlan& plan, std::span<const std::uint32_t> rows) {
  const std::string_view bytes(reinterpret_cast<const char*>(rows.data()), rows.size_bytes());
  return fmt::format("{}/{} rows {}", plan.fits_name, rows.size(),
                     preprocessing::ContentHash(bytes));
}

/// What the label's classes of these positions are called.
std::vector<std::string> NamesOf(std::span<const std::uint32_t> positions,
                                 std::span<const ClassLabel> classes) {
  std::vector<std::string> names;
  for (const std::uint32_t position : positions) names.push_back(NameOf(classes[position]));
  return names;
}

/// Those of `values` at `rows`.
template <typename T>
std::vector<T> At(std::span<const T> values, std::span<const std::uint32_t> rows) {
  std::vector<T> picked;
  picked.reserve(rows.size());
  for (const std::uint32_t row : rows) picked.push_back(values[row]);
  return picked;
}

}  // namespace

std::vector<std::uint32_t> RowNumbers(std::size_t first, std::size_t end) {
  std::vector<std::uint32_t> rows(end - first);
  std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
  return rows;
}

Result<ClassifierModel> ClassifierModel::Load(std::span<const PublishedFile> files,
                                              const ClassifierPlan& plan,
                                              std::span<const ClassLabel> classes) {
  std::vector<std::uint32_t> all = RowNumbers(0, classes.size());
  try {
    ModelFiles names(files);
    const StoredModel stored = names.TakeModel(kStem);
    names.RequireAllTaken("model");
    PredictorReader reader(plan.inputs, ClassAnswer{NamesOf(all, classes)});
    return ClassifierModel(std::move(all), reader.Read(stored));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

Result<std::vector<float>> ClassifierModel::Matrix(const LabelledExamples& examples,
                                                   std::span<const std::uint32_t> rows) const {
  return predictor_.Encode(examples.features, rows);
}

std::vector<double> ClassifierModel::Predict(std::span<const float> matrix) const {
  std::vector<double> answers(matrix.size() / predictor_.input_count() *
                              predictor_.outputs().size());
  predictor_.Predict(matrix, {}, answers);
  return answers;
}

Result<std::optional<TrainedClassifier>> TrainedClassifier::Train(
    const ClassifierPlan& plan, const LabelledExamples& examples,
    std::span<const std::uint32_t> rows, std::span<const ClassLabel> classes,
    const OnProgress& on_progress) {
  const std::size_t validation_rows =
      ValidationRowsOf(*plan.trainer, MicrosOf(At(std::span(examples.times), rows)));
  const std::vector<std::uint32_t> labels = At(std::span(examples.labels), rows);
  std::vector<double> weights;
  if (!examples.weights.empty()) weights = At(std::span(examples.weights), rows);
  Status learnable =
      CheckClasses(std::span(labels).first(rows.size() - validation_rows), weights, classes);
  if (!learnable) return std::move(learnable).error();

  std::vector<std::uint32_t> known = ClassesOf(labels);
  std::vector<double> target;
  std::vector<double> encoded(examples.size());  // read at `rows` alone
  for (std::size_t i = 0; i < rows.size(); ++i) {
    target.push_back(
        static_cast<double>(std::ranges::lower_bound(known, labels[i]) - known.begin()));
    encoded[rows[i]] = target.back();
  }
  LearningSetting setting = plan.setting;
  setting.task = known.size() == 2 ? Task::kBinary : Task::kMultiClass;
  setting.classes = known.size();
  const ClassAnswer answer{NamesOf(known, classes)};
  const auto train = [&] {
    return FitModel(*plan.trainer, setting, plan.inputs,
                    {.features = examples.features,
                     .rows = rows,
                     .target = target,
                     .weights = weights,
                     .encoded = encoded,
                     .validation_rows = validation_rows},
                    answer, [&](const TrainingProgress& progress) {
                      return on_progress(progress.round, progress.rounds);
                    });
  };
  Result<std::optional<TrainedPredictor>> fit =
      plan.fits == nullptr ? train()
                           : plan.fits->Fit(FitName(plan, rows), plan.inputs, answer, train);
  if (!fit) return std::move(fit).error();
  if (!*fit) return std::optional<TrainedClassifier>();
  return std::optional(TrainedClassifier(
      ClassifierModel(std::move(known), std::move((*fit)->predictor)), std::move((*fit)->parts)));
}

std::vector<ArtefactFile> TrainedClassifier::Files() const {
  std::vector<ArtefactFile> files;
  AppendFiles(model_.predictor(), parts_, kStem, files);
  return files;
}

}  // namespace forkcast::model
