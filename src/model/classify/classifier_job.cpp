#include "model/classify/classifier_job.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data_preprocessing/dao/retry.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/classify/class_files.hpp"
#include "model/classify/classifier_rivalry.hpp"
#include "model/classify/classifier_version.hpp"
#include "model/drift/reference_statistics.hpp"
#include "model/learn/library_versions.hpp"
#include "model/learn/model_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::IsoTimestamp;
using preprocessing::JsonNode;
using preprocessing::OpenSnapshots;
using preprocessing::ParsePipelineSpec;
using preprocessing::PipelineSpec;
using preprocessing::RequireDeclaredEnds;
using preprocessing::Snapshot;
using preprocessing::SpecError;
using preprocessing::TableDao;

/// A label of more values is more likely a number or an identifier.
constexpr std::size_t kMostClasses = 1000;

/// Rows of each class, in the order of the classes.
std::vector<std::size_t> CountClasses(std::span<const std::uint32_t> labels, std::size_t classes) {
  std::vector<std::size_t> counts(classes);
  for (const std::uint32_t label : labels) ++counts[label];
  return counts;
}

}  // namespace

Result<std::unique_ptr<ClassifierJob>> ClassifierJob::Plan(const ordered_json& document,
                                                           const JobSources& sources) {
  Result<PipelineSpec> spec = ParsePipelineSpec(document.dump(), sources.folder);
  if (!spec) return spec.error();
  try {
    ClassifierPlan plan = ReadClassifierPlan(JsonNode(document), *spec, sources.trainers);
    Override(plan, sources, NameOfPlan(document));
    return std::unique_ptr<ClassifierJob>(
        new ClassifierJob(document, *std::move(spec), std::move(plan), sources));
  } catch (const SpecError& error) {
    return Invalid(error.what());
  }
}

Result<std::unique_ptr<TrainingJob>> ClassifierJob::Load(const ordered_json& document,
                                                         const JobSources& sources) {
  Result<std::unique_ptr<ClassifierJob>> job = Plan(document, sources);
  if (!job) return std::move(job).error();
  const PipelineSpec& spec = (*job)->spec_;
  if (sources.store.empty()) {
    return Invalid(
        fmt::format("--store (or FORKCAST_STORE) is missing: the rows of table \"{}\" "
                    "are in the store, not in its snapshots",
                    spec.training->table));
  }
  Result<std::vector<Snapshot>> snapshots = OpenSnapshots(spec, sources.snapshots);
  if (!snapshots) return snapshots.error();
  Status ends = RequireDeclaredEnds(spec, *snapshots);
  if (!ends) return ends.error();
  std::optional<LabelledRows> rows;
  Status read = ReadRetrying(preprocessing::ReadingOf(sources.store), [&](TableDao& dao) -> Status {
    Result<LabelledRows> all =
        LabelledRows::Read(dao, spec, sources.window, (*job)->plan_.split.label_delay);
    if (!all) return std::move(all).error();
    rows = *std::move(all);
    return {};
  });
  if (!read) return std::move(read).error();
  (*job)->data_ = std::make_shared<const Data>(
      Data{.rows = *std::move(rows), .snapshots = *std::move(snapshots)});
  return std::unique_ptr<TrainingJob>(*std::move(job));
}

Result<std::unique_ptr<TrainingJob>> ClassifierJob::With(const ordered_json& document) const {
  Result<std::unique_ptr<ClassifierJob>> job = Plan(document, sources_);
  if (!job) return std::move(job).error();
  (*job)->data_ = data_;
  return std::unique_ptr<TrainingJob>(*std::move(job));
}

JobSummary ClassifierJob::Summary() const {
  const std::vector<std::size_t> counts = CountClasses(rows().labels(), rows().classes().size());
  const std::vector<TimeFold> folds = *Folds();  // Check() saw that there are some
  const TimeFold& first = folds.front();
  const std::string test_from = IsoTimestamp(rows().times()[first.test_first]);
  ordered_json classes = ordered_json::object();
  std::string listed;
  for (std::size_t label = 0; label < counts.size(); ++label) {
    const std::string name = NameOf(rows().classes()[label]);
    classes[name] = counts[label];
    listed += fmt::format("{}{} ({})", listed.empty() ? "" : ", ", name, counts[label]);
  }
  std::string remarks;
  for (const std::string& remark : rows().Remarks()) remarks += fmt::format("; {}", remark);
  return {
      .json = {{"rows", rows().size()},
               {"rows_without_label", rows().without_label()},
               {"classes", classes},
               {"train_rows", first.train_end},
               {"test_rows", rows().size() - first.test_first},
               {"test_from", test_from},
               {"folds", folds.size()},
               {"remarks", rows().Remarks()}},
      .text = fmt::format("{} rows of the classes {}; {} to learn from, {} to judge, from {} "
                          "on, in {} fold{}{}",
                          rows().size(), listed, first.train_end, rows().size() - first.test_first,
                          test_from, folds.size(), folds.size() == 1 ? "" : "s", remarks)};
}

Status ClassifierJob::CheckReportKeys(const std::vector<std::string>& keys) const {
  if (keys.empty()) return {};
  return Error{ErrorCode::kInvalidArgument, "--report-key: a classifier has no keys", "report-key"};
}

Status ClassifierJob::Check() const {
  const std::string& table = spec_.training->table;
  const std::string& label = spec_.training->label;
  const std::vector<ClassLabel>& classes = rows().classes();
  if (rows().table_rows() == 0) return Invalid(fmt::format("table \"{}\" has no rows", table));
  if (classes.empty()) {
    return Invalid(
        fmt::format("no row of table \"{}\" has both a label \"{}\" and a time ({} have "
                    "no label, {} no time)",
                    table, label, rows().without_label(), rows().without_time()));
  }
  if (classes.size() == 1) {
    return Invalid(fmt::format("\"{}\" is {} in all {} rows: there is nothing to tell apart", label,
                               NameOf(classes.front()), rows().size()));
  }
  if (classes.size() > kMostClasses) {
    return Invalid(fmt::format("\"{}\" has {} values, at most {} classes are told apart", label,
                               classes.size(), kMostClasses));
  }
  for (const TransformSpec& transform : plan_.inputs.transforms) {
    if (transform.encoding != CategoryEncoding::kTargetMean || classes.size() == 2) continue;
    return Invalid(fmt::format(
        "$.training.transforms.{}.encode: target_mean is for two classes, and there are {}",
        transform.feature, classes.size()));
  }
  const Result<std::vector<TimeFold>> folds = Folds();
  if (!folds) return folds.error();
  for (std::size_t i = 0; i < folds->size(); ++i) {
    const auto learned = rows().labels().first((*folds)[i].train_end);
    if (std::ranges::count(learned, learned.front()) == std::ssize(learned)) {
      return Invalid(fmt::format("fold {}: all {} rows to learn from are of class \"{}\"", i + 1,
                                 learned.size(), NameOf(classes[learned.front()])));
    }
  }
  return {};
}

ordered_json ClassifierJob::Origin() const {
  return {
      {"pipeline", PipelineIdentity(spec_, document_)},
      {"data", {{"hash", rows().Hash()}, {"snapshots", SnapshotHashes(spec_, data_->snapshots)}}},
      {"seed", plan_.setting.seed},
      {"libraries", LibraryVersions(plan_.trainer.get())}};
}

Result<bool> ClassifierJob::TrainShard(std::size_t point, const OnProgress& on_progress) {
  ModelFits& fits = *sources_.fits;
  const Result<std::vector<TimeFold>> folds = Folds();
  if (!folds) return folds.error();
  if (Status computed = ComputeExamples(); !computed) return std::move(computed).error();
  struct Training {
    FitUse use = FitUse::kJudged;
    std::vector<std::uint32_t> rows;
    bool may_fail = false;  // as one of AnswerHeldOut()
  };
  std::vector<Training> trainings;
  for (const TimeFold& fold : *folds) {
    trainings.push_back({.rows = RowNumbers(0, examples_->CountBefore(fold.train_end))});
  }
  trainings.back().use = FitUse::kExplained;
  for (std::vector<std::uint32_t>& rows : RowsOfParts(*examples_)) {
    trainings.push_back({.rows = std::move(rows), .may_fail = true});
  }
  trainings.push_back({.use = FitUse::kPublished, .rows = RowNumbers(0, examples_->size())});
  for (std::size_t number = 0; number < trainings.size(); ++number) {
    const Training& training = trainings[number];
    fits.Begin({.use = training.use, .number = point + number});
    if (!fits.HasModel(0)) continue;
    const Result<std::optional<TrainedClassifier>> trained = TrainedClassifier::Train(
        plan_, *examples_, training.rows, rows().classes(),
        [&](std::size_t done, std::size_t total) {
          return on_progress(number * total + done, trainings.size() * total);
        });
    if (!trained && training.may_fail && trained.error().code == ErrorCode::kInvalidArgument) {
      continue;
    }
    if (!trained) return trained.error();
    if (!*trained) return false;
  }
  return true;
}

Status ClassifierJob::ComputeExamples() {
  Result<LabelledExamples> examples =
      LabelledExamples::Compute(spec_, data_->snapshots, rows(), plan_);
  if (!examples) return examples.error();
  if (examples->size() == 0) {
    return Invalid(fmt::format("the features of none of {} rows could be computed; the first: {}",
                               rows().size(), examples->first_refusal));
  }
  examples_ = *std::move(examples);
  return {};
}

Result<const Validation*> ClassifierJob::Validate(const OnProgress& on_progress) {
  const Result<std::vector<TimeFold>> folds = Folds();
  if (!folds) return folds.error();
  Result<std::optional<ClassifierJudgement>> judgement =
      JudgeClassifier(plan_, *examples_, rows().classes(), *folds, on_progress);
  if (!judgement) return judgement.error();
  if (!*judgement) return nullptr;
  return &validation_.emplace(**std::move(judgement), spec_.name, rows(), *examples_);
}

Status ClassifierJob::CheckRival(const VersionInfo& champion) const {
  const Result<ClassifierVersion> version = ClassifierVersion::Read(champion);
  if (!version) return version.error();
  if (version->document() == document_) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("version {} of {} was trained by another pipeline: only classifiers of "
                           "one pipeline are compared",
                           champion.number, champion.model)};
}

Result<Rivalry> ClassifierJob::CompareWith(const VersionInfo& champion) const {
  const Result<ClassifierVersion> version = ClassifierVersion::Read(champion);
  if (!version) return version.error();
  return CompareClassifiers(validation_->judgement(), *examples_, rows().classes(), *version);
}

Result<std::optional<Artefact>> ClassifierJob::TrainOnAll(const OnProgress& on_progress) const {
  const Result<std::optional<HeldOutAnswers>> held_out = AnswerHeldOut(
      plan_, *examples_, rows().classes(),
      [&](std::size_t done, std::size_t total) { return on_progress(done, 2 * total); });
  if (!held_out) return held_out.error();
  if (!*held_out) return std::optional<Artefact>();
  const Result<std::optional<TrainedClassifier>> trained = TrainedClassifier::Train(
      plan_, *examples_, RowNumbers(0, examples_->size()), rows().classes(),
      [&](std::size_t done, std::size_t total) { return on_progress(total + done, 2 * total); });
  if (!trained) return trained.error();
  if (!*trained) return std::optional<Artefact>();
  return std::optional(Artefact{.manifest = Manifest((*trained)->model()),
                                .files = Files(**trained, ReferenceTo(**held_out))});
}

std::vector<ClassLabel> ClassifierJob::ClassesOf(const ClassifierModel& model) const {
  std::vector<ClassLabel> classes;
  for (const std::uint32_t label : model.classes()) classes.push_back(rows().classes()[label]);
  return classes;
}

std::vector<ArtefactFile> ClassifierJob::Files(const TrainedClassifier& trained,
                                               const Reference& reference) const {
  std::vector<ArtefactFile> files = trained.Files();
  files.push_back(ClassesFile(ClassesOf(trained.model()), spec_));
  files.push_back(PipelineFile(document_));
  files.push_back(ReferenceFile(reference));
  files.push_back(ConstraintsFile(reference));
  return files;
}

Reference ClassifierJob::ReferenceTo(const HeldOutAnswers& answers) const {
  std::vector<std::string> names;
  for (const ClassLabel& label : rows().classes()) names.push_back(NameOf(label));
  Reference reference{.features = ReferenceOf(examples_->features),
                      .outputs = {{"class", ReferenceOf(names, answers.taken_for, 0)}}};
  const auto share_of = [this](std::size_t label) {
    return static_cast<double>(std::ranges::count(examples_->labels, label)) /
           static_cast<double>(examples_->size());
  };
  for (std::size_t label = 0; label < names.size(); ++label) {
    reference.outputs[fmt::format("probability.{}", names[label])] =
        ReferenceOfProbability(answers.probabilities[label], share_of(label));
  }
  return reference;
}

ordered_json ClassifierJob::Manifest(const ClassifierModel& model) const {
  ordered_json classes = ordered_json::array();
  for (const ClassLabel& label : ClassesOf(model)) classes.push_back(ToJson(label));
  const ordered_json origin = Origin();
  return {{"format", 1},
          {"kind", "classifier"},
          {"pipeline", origin["pipeline"]},
          {"classifier",
           {{"table", spec_.training->table},
            {"label", spec_.training->label},
            {"classes", std::move(classes)}}},
          {"data",
           {{"from", IsoTimestamp(examples_->times.front())},
            {"to", IsoTimestamp(examples_->times.back())},
            {"rows", examples_->size()},
            {"rows_without_label", rows().without_label()},
            {"rows_without_time", rows().without_time()},
            {"rows_left_out", examples_->refused},
            {"hash", origin["data"]["hash"]},
            {"snapshots", origin["data"]["snapshots"]}}},
          {"seed", origin["seed"]},
          {"libraries", origin["libraries"]},
          {"evaluation", validation_->ToJson()}};
}

}  // namespace forkcast::model
