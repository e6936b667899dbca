#include "model/classify/classifier_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "model/learn/model_files.hpp"

namespace forkcast::model {
namespace {

/// There is one model.
constexpr const char* kStem = "1";

std::vector<std::uint32_t> RowNumbers(std::size_t first, std::size_t end) {
  std::vector<std::uint32_t> rows(end - first);
  std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
  return rows;
}

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

}  // namespace

Result<std::optional<ClassifierModel>> ClassifierModel::Train(const ClassifierPlan& plan,
                                                              const LabelledExamples& examples,
                                                              std::size_t count,
                                                              std::span<const ClassLabel> classes,
                                                              const OnProgress& on_progress) {
  TrainerOptions options = plan.trainer;
  const std::size_t validation_rows =
      ValidationRowsOf(options, MicrosOf(std::span(examples.times).first(count)));
  const auto labels = std::span(examples.labels).first(count);
  std::span<const double> weights = examples.weights;
  if (!weights.empty()) weights = weights.first(count);
  Status learnable = CheckClasses(labels.first(count - validation_rows), weights, classes);
  if (!learnable) return std::move(learnable).error();

  std::vector<std::uint32_t> known = ClassesOf(labels);
  std::vector<double> target(examples.size());  // read at the first `count` rows alone
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = static_cast<double>(std::ranges::lower_bound(known, labels[i]) - known.begin());
  }
  options.task = known.size() == 2 ? Task::kBinary : Task::kMultiClass;
  options.classes = known.size();
  const std::vector<std::uint32_t> rows = RowNumbers(0, count);
  Result<std::optional<Fit>> fit = FitModel(options, plan.inputs.transforms,
                                            {.features = examples.features,
                                             .rows = rows,
                                             .target = std::span(target).first(count),
                                             .weights = weights,
                                             .encoded = target,
                                             .validation_rows = validation_rows},
                                            [&](const TrainingProgress& progress) {
                                              return on_progress(progress.round, progress.rounds);
                                            });
  if (!fit) return std::move(fit).error();
  if (!*fit) return std::optional<ClassifierModel>();
  return std::optional(ClassifierModel(std::move(known), **std::move(fit)));
}

Result<ClassifierModel> ClassifierModel::Load(std::span<const ArtefactFile> files,
                                              const ClassifierPlan& plan, std::size_t classes) {
  const bool is_binary = classes == 2;
  try {
    ModelFiles names(files);
    const FilePair pair = names.TakePair(kStem);
    names.RequireAllTaken("model");
    std::vector<std::uint32_t> all(classes);
    std::iota(all.begin(), all.end(), 0);
    return ClassifierModel(std::move(all),
                           ReadFit(pair, {.inputs = plan.inputs.columns,
                                          .task = is_binary ? Task::kBinary : Task::kMultiClass,
                                          .outputs = is_binary ? 1 : classes}));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

Result<std::vector<float>> ClassifierModel::Matrix(const LabelledExamples& examples,
                                                   std::size_t first, std::size_t end) const {
  return fit_.Matrix(examples.features, RowNumbers(first, end));
}

Result<std::vector<ArtefactFile>> ClassifierModel::Files() const {
  std::vector<ArtefactFile> files;
  Status appended = AppendFiles(fit_, kStem, files);
  if (!appended) return std::move(appended).error();
  return files;
}

}  // namespace forkcast::model
