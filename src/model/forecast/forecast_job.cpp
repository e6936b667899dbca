#include "model/forecast/forecast_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/series/period.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/drift/reference_statistics.hpp"
#include "model/forecast/fold_intervals.hpp"
#include "model/forecast/forecast_files.hpp"
#include "model/forecast/forecast_rivalry.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/judged_rows.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/named_keys.hpp"
#include "model/forecast/report.hpp"
#include "model/learn/library_versions.hpp"
#include "model/learn/model_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::DayOf;
using preprocessing::ForecastSpec;
using preprocessing::GridReader;
using preprocessing::JsonNode;
using preprocessing::ParsePipelineSpec;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::RequireDeclaredEnds;
using preprocessing::SpecError;
using preprocessing::ToString;

/// One model needs at least so many.
constexpr std::size_t kLeastValues = 2;

/// Whether nothing that a plan learns is of several keys.
bool HasModelsOfKeys(const TrainingPlan& plan) noexcept {
  return plan.history != nullptr || plan.scope == ModelScope::kPerKey;
}

/// A training that a shard has a part in.
struct ShardTraining {
  FitUse use = FitUse::kJudged;
  std::size_t plan = 0;
  PeriodRange train;
};

std::string TellYoung(const YoungKey& young, const ForecastData& data) {
  return fmt::format(
      "{} ({} value{}; {})", data.KeyName(young.key), young.values, young.values == 1 ? "" : "s",
      young.is_in_version
          ? fmt::format("without a model in fold{} {}", young.folds.size() == 1 ? "" : "s",
                        fmt::join(young.folds, ", "))
          : "left out of the version");
}

/// The first few by name.
std::string TellYoung(const std::vector<YoungKey>& all, const ForecastData& data) {
  constexpr std::size_t kNamed = 10;
  std::vector<std::string> named;
  for (const YoungKey& young : all) {
    if (named.size() < kNamed) named.push_back(TellYoung(young, data));
  }
  return fmt::format("{}{}", fmt::join(named, ", "),
                     all.size() > kNamed ? fmt::format(" and {} more", all.size() - kNamed) : "");
}

}  // namespace

ordered_json ForecastValidation::ToJson() const { return model::ToJson(backtest_, data_); }

std::string ForecastValidation::Describe() const { return model::Describe(backtest_, data_); }

Result<std::string> ForecastValidation::ReportPage(const std::vector<std::string>& keys,
                                                   const std::string& more) const {
  return model::ReportPage(backtest_, data_, keys, more);
}

Result<std::string> ForecastValidation::JudgedRows() const {
  return JudgedRowsCsv(backtest_, data_);
}

Result<std::unique_ptr<TrainingJob>> ForecastJob::Load(const ordered_json& document,
                                                       const JobSources& sources) {
  Result<std::unique_ptr<ForecastJob>> job = Open(document, sources);
  if (!job) return std::move(job).error();
  return std::unique_ptr<TrainingJob>(*std::move(job));
}

Result<std::unique_ptr<ForecastJob>> ForecastJob::Plan(const ordered_json& document,
                                                       const JobSources& sources) {
  Result<PipelineSpec> spec = ParsePipelineSpec(document.dump(), sources.folder);
  if (!spec) return spec.error();
  try {
    TrainingPlan plan = ReadTrainingPlan(JsonNode(document), *spec, sources.trainers);
    const std::string fits_name = NameOfPlan(document);
    Override(plan, sources, fits_name);
    for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
      Override(plan.candidates[i], sources, fmt::format("{}/candidate {}", fits_name, i + 1));
    }
    return std::unique_ptr<ForecastJob>(
        new ForecastJob(document, *std::move(spec), std::move(plan), sources));
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Result<std::unique_ptr<ForecastJob>> ForecastJob::Open(const ordered_json& document,
                                                       const JobSources& sources) {
  Result<std::unique_ptr<ForecastJob>> planned = Plan(document, sources);
  if (!planned) return planned;
  ForecastJob& job = **planned;
  Result<std::unique_ptr<ForecastData>> data = ForecastData::Open(job.spec_, sources.snapshots);
  if (!data) return data.error();
  Status ends = RequireDeclaredEnds(job.spec_, (*data)->snapshots());
  if (!ends) return ends.error();
  job.data_ = *std::move(data);
  job.keys_ = job.data_->AllKeys();
  Status cut = job.CutWindow(sources.window);
  if (!cut) return cut.error();
  return planned;
}

Result<std::unique_ptr<TrainingJob>> ForecastJob::With(const ordered_json& document) const {
  Result<std::unique_ptr<ForecastJob>> job = Plan(document, sources_);
  if (!job) return std::move(job).error();
  (*job)->data_ = data_->For((*job)->spec_);
  (*job)->keys_ = keys_;
  (*job)->periods_ = periods_;
  return std::unique_ptr<TrainingJob>(*std::move(job));
}

JobSummary ForecastJob::Summary() const {
  JobSummary summary{
      .json = {{"keys", keys_.size()}, {"periods", periods_.size()}, {"horizon", data_->horizon()}},
      .text = fmt::format("{} keys, {} periods, horizon {}", keys_.size(), periods_.size(),
                          data_->horizon())};
  if (plan_.scope != ModelScope::kPerKey) return summary;
  const std::vector<YoungKey> young = YoungKeys();
  if (young.empty()) return summary;
  summary.text += fmt::format("; too young for a model of their own: {}", TellYoung(young, *data_));
  ordered_json& keys = summary.json["young_keys"] = ordered_json::array();
  for (const YoungKey& one : young) {
    keys.push_back({{"key", KeyToJson(data_->grid().KeyValues(one.key))},
                    {"values", one.values},
                    {"folds_without_model", one.folds},
                    {"in_version", one.is_in_version}});
  }
  return summary;
}

std::vector<YoungKey> ForecastJob::YoungKeys() const {
  const Result<std::vector<Fold>> folds = WalkForwardFolds(plan_.folds, periods_);
  std::vector<YoungKey> all;
  for (const std::uint32_t key : keys_) {
    YoungKey young{.key = key, .values = ValuesOf(key, periods_), .folds = {}};
    young.is_in_version = young.values >= kLeastValues;
    for (std::size_t i = 0; i < folds->size(); ++i) {
      if (ValuesOf(key, (*folds)[i].train) < kLeastValues) young.folds.push_back(i + 1);
    }
    if (!young.folds.empty() || !young.is_in_version) all.push_back(std::move(young));
  }
  return all;
}

Status ForecastJob::CheckYoungKeys() const {
  std::vector<YoungKey> without = YoungKeys();
  std::erase_if(without, [](const YoungKey& young) { return young.is_in_version; });
  if (without.empty() || (!are_keys_chosen_ && without.size() < keys_.size())) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("one model a key needs at least {} periods with a value each: {}",
                           kLeastValues, TellYoung(without, *data_))};
}

Status ForecastJob::CutWindow(const DataWindow& window) {
  const GridReader& grid = data_->grid();
  const auto all = grid.AllPeriods();
  if (!all) return {};  // Check() says so
  periods_ = {.first = all->first, .last = all->last};
  if (!window.until.empty()) {
    const Result<Instant> until = ParseWindowTime("until", window.until, spec_.zone);
    if (!until) return until.error();
    periods_.last = std::min(periods_.last, grid.PeriodOf(*until) - 1);
  }
  const auto begin_at = [&](Instant since) {
    const PeriodIndex period = grid.PeriodOf(since);
    periods_.first = std::max(periods_.first, grid.StartOf(period) < since ? period + 1 : period);
  };
  if (!window.since.empty()) {
    const Result<Instant> since = ParseWindowTime("since", window.since, spec_.zone);
    if (!since) return since.error();
    begin_at(*since);
  }
  if (!window.last.empty()) {
    const auto end = DayOf(spec_.zone.ToCivil(grid.StartOf(periods_.last + 1)));
    const Result<std::chrono::sys_days> since = DaysBefore(end, window.last);
    if (!since) return since.error();
    begin_at(spec_.zone.StartOfDay(*since));
  }
  if (periods_.first > periods_.last) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("no period is left: the data are from {} to {}",
                             data_->FirstDay(all->first), data_->FirstDay(all->last))};
  }
  return {};
}

Status ForecastJob::CheckReportKeys(const std::vector<std::string>& keys) const {
  const Result<std::vector<std::uint32_t>> found = FindKeys(*data_, keys, "report-key");
  return found ? Status() : Status(found.error());
}

Status ForecastJob::Check() const {
  if (!data_->grid().AllPeriods()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("series \"{}\" has no period: the tables that it reads have no rows "
                             "yet, or none with a time",
                             spec_.forecast->series)};
  }
  const Result<ValidationFolds> folds = FoldsOf(plan_, periods_);
  if (!folds) return folds.error();
  const std::vector<ForecastPoint> points = KnownPoints(*data_, periods_, keys_);
  if (points.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("series \"{}\" has no value of \"{}\" in the window",
                             spec_.forecast->series, spec_.forecast->value)};
  }
  if (plan_.scope == ModelScope::kPerKey) {
    if (Status ok = CheckYoungKeys(); !ok) return ok;
  }
  const auto value_of = [this](const ForecastPoint& point) {
    return data_->ValueIn(point.key, point.period);
  };
  const auto [least, greatest] = std::ranges::minmax_element(points, {}, value_of);
  if (value_of(*least) == value_of(*greatest)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("every value of \"{}\" is {}: there is nothing to learn",
                             spec_.forecast->value, value_of(*least))};
  }
  if (Status enough = CheckIntervals(*folds); !enough) return enough;
  if (Status built = CheckHierarchy(*data_, plan_); !built) return built;
  return CheckMetric(*data_, plan_, folds->judged, keys_);
}

Status ForecastJob::CheckIntervals(const ValidationFolds& folds) const {
  // Keys that are trained anew take the intervals of their version.
  if (plan_.intervals.empty() || are_keys_chosen_) return {};
  std::vector<Fold> all = folds.calibration;
  all.insert(all.end(), folds.judged.begin(), folds.judged.end());
  const std::size_t count = std::min(IntervalFolds(plan_), all.size());
  std::size_t forecasts = 0;
  for (const Fold& fold : std::span(all).last(count)) {
    forecasts += KnownPoints(*data_, fold.test, keys_).size();
  }
  return CheckEnoughErrors(plan_.intervals.back(), forecasts);
}

ordered_json ForecastJob::Origin() const {
  return {{"pipeline", PipelineIdentity(spec_, document_)},
          {"data",
           {{"from", data_->FirstDay(periods_.first)},
            {"to", data_->FirstDay(periods_.last)},
            {"periods", periods_.size()},
            {"snapshots", SnapshotHashes(spec_, data_->snapshots())}}},
          {"seed", plan_.setting.seed},
          {"libraries", Libraries()}};
}

Result<bool> ForecastJob::TrainShard(std::size_t point, const OnProgress& on_progress) {
  if (are_keys_chosen_) return TrainingJob::TrainShard(point, on_progress);
  ModelFits& fits = *sources_.fits;
  std::vector<TrainingPlan> plans;
  for (std::size_t i = 0; i < plan_.candidates.size(); ++i) {
    plans.push_back(CandidateToJudge(plan_, i));
  }
  if (plans.empty()) plans.push_back(plan_);
  // Features of other keys are nobody's business here.
  if (std::ranges::all_of(plans, &HasModelsOfKeys)) {
    std::erase_if(keys_, [&fits](std::uint32_t key) { return !fits.HasKey(key); });
  }
  if (keys_.empty()) return true;
  if (Status computed = ComputeExamples(); !computed) return std::move(computed).error();
  std::vector<ShardTraining> trainings;
  const auto add = [&trainings](FitUse use, std::size_t plan, PeriodRange train) {
    trainings.push_back({.use = use, .plan = plan, .train = train});
  };
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Result<std::vector<PeriodRange>> judged = TrainingsOf(plans[i], periods_);
    if (!judged) return judged.error();
    for (const PeriodRange& train : *judged) add(FitUse::kJudged, i, train);
    trainings.back().use = FitUse::kExplained;
  }
  for (std::size_t i = 0; i < plans.size(); ++i) add(FitUse::kPublished, i, periods_);
  for (std::size_t number = 0; number < trainings.size(); ++number) {
    const ShardTraining& training = trainings[number];
    fits.Begin({.use = training.use, .number = point + number});
    const auto on_stage = [&](const TrainingStage& stage) {
      const std::size_t total = std::max<std::size_t>(stage.total, 1);
      return on_progress(number * total + stage.done, trainings.size() * total);
    };
    const StepExamples& examples =
        plan_.candidates.empty() ? examples_ : examples_.of_candidate(training.plan);
    const Result<std::optional<TrainedForecast>> trained =
        TrainedForecast::Train(*data_, plans[training.plan], examples, training.train, on_stage);
    if (!trained) return trained.error();
    if (!*trained) return false;
  }
  return true;
}

Status ForecastJob::ComputeExamples() {
  const Result<ValidationFolds> folds = FoldsOf(plan_, periods_);
  if (!folds) return folds.error();
  Result<StepExamples> examples =
      StepExamples::Compute(*data_, plan_, plan_.Needed(periods_, folds->All()), keys_);
  if (!examples) return examples.error();
  examples_ = *std::move(examples);
  return {};
}

Result<const Validation*> ForecastJob::Validate(const OnProgress& on_progress) {
  Result<std::optional<Backtest>> backtest =
      RunBacktest(*data_, plan_, examples_, periods_, [&](const BacktestStage& stage) {
        return on_progress(stage.fold * stage.training.total + stage.training.done,
                           stage.folds * stage.training.total);
      });
  if (!backtest) return backtest.error();
  if (!*backtest) return nullptr;
  return &validation_.emplace(**std::move(backtest), *data_);
}

Result<std::unique_ptr<ForecastData>> ForecastJob::DataOf(const ForecastVersion& version) const {
  if (version.document() == document_) return data_->For(version.spec());
  if (Status same = CheckSameForecast(*data_, version); !same) return std::move(same).error();
  Result<std::unique_ptr<ForecastData>> own =
      ForecastData::Open(version.spec(), sources_.snapshots);
  if (!own) return own;
  // Keys and periods are called by their numbers.
  if ((*own)->forecast_snapshot().checksum() == data_->forecast_snapshot().checksum()) return own;
  return Error{ErrorCode::kIo, "newer snapshots were published meanwhile: try again"};
}

Status ForecastJob::CheckRival(const VersionInfo& champion) const {
  const Result<ForecastVersion> version = ForecastVersion::Read(champion);
  if (!version) return version.error();
  const Result<std::unique_ptr<ForecastData>> own = DataOf(*version);
  return own ? Status() : Status(own.error());
}

Result<Rivalry> ForecastJob::CompareWith(const VersionInfo& champion) const {
  const Result<ForecastVersion> version = ForecastVersion::Read(champion);
  if (!version) return version.error();
  const Result<std::unique_ptr<ForecastData>> own = DataOf(*version);
  if (!own) return own.error();
  TrainingPlan plan = version->plan();
  plan.setting.threads = plan_.setting.threads;
  for (TrainingPlan& candidate : plan.candidates) candidate.setting.threads = plan.setting.threads;
  return CompareForecasts(validation_->backtest(), *data_, plan_, keys_,
                          {.version = *version, .data = **own, .plan = plan});
}

Result<std::optional<TrainedForecast>> ForecastJob::Train(const OnProgress& on_progress) const {
  const auto on_stage = [&](const TrainingStage& stage) {
    return on_progress(stage.done, stage.total);
  };
  if (plan_.candidates.empty()) {
    return TrainedForecast::Train(*data_, plan_, examples_, periods_, on_stage);
  }
  return TrainedForecast::TrainCandidates(*data_, plan_, examples_, periods_,
                                          validation_->backtest().candidates->last, on_stage);
}

Result<std::optional<Artefact>> ForecastJob::TrainOnAll(const OnProgress& on_progress) const {
  const Result<std::optional<TrainedForecast>> trained = Train(on_progress);
  if (!trained) return trained.error();
  if (!*trained) return std::optional<Artefact>();
  Result<std::vector<ArtefactFile>> files = Files(**trained);
  if (!files) return files.error();
  Artefact artefact{.manifest = Manifest((*trained)->model()), .files = *std::move(files)};
  const ordered_json without = KeysWithout((*trained)->model());
  if (!without.empty()) {
    artefact.remarks = {
        .json = {{"keys_left_out", without}},
        .text = fmt::format("{} of {} keys are too young for a model of their own and not in the "
                            "version",
                            without.size(), keys_.size())};
  }
  return std::optional(std::move(artefact));
}

Result<std::vector<ArtefactFile>> ForecastJob::Files(const TrainedForecast& trained) const {
  Result<std::vector<ArtefactFile>> files = trained.Files();
  if (!files) return files.error();
  std::vector<float> forecasts;
  for (const JudgedForecast& row : validation_->backtest().rows) {
    forecasts.push_back(static_cast<float>(row.forecast.value));
  }
  files->push_back(PipelineFile());
  const Reference reference{.features = ReferenceOf(examples_.of_model(0).features),
                            .outputs = {{"value", ReferenceOf(forecasts)}}};
  files->push_back(ReferenceFile(reference));
  files->push_back(ConstraintsFile(reference));
  if (!plan_.intervals.empty()) {
    const Result<ConformalIntervals> intervals =
        FitIntervals(*data_, plan_, validation_->backtest().errors, periods_.last);
    if (!intervals) return intervals.error();
    files->push_back(IntervalsFile(*intervals));
  }
  if (!plan_.hierarchy || !plan_.hierarchy->history) return files;
  const Result<ordered_json> hierarchy =
      HierarchyJson(*data_, plan_, periods_, validation_->backtest().hierarchy->errors);
  if (!hierarchy) return hierarchy.error();
  Result<ArtefactFile> file = HierarchyFile(*hierarchy);
  if (!file) return std::move(file).error();
  files->push_back(*std::move(file));
  return files;
}

ordered_json ForecastJob::KeysWithout(const ForecastModel& model) const {
  ordered_json without = ordered_json::array();
  for (const std::uint32_t key : keys_) {
    if (model.FindKey(data_->grid().KeyBytes(key))) continue;
    without.push_back(
        {{"key", KeyToJson(data_->grid().KeyValues(key))}, {"values", ValuesOf(key, periods_)}});
  }
  return without;
}

std::size_t ForecastJob::RowsOf(std::uint32_t key) const {
  std::size_t rows = 0;
  for (std::size_t i = 0; i < examples_.model_count(); ++i) {
    rows += static_cast<std::size_t>(
        std::ranges::count(examples_.of_model(i).points, key, &ForecastPoint::key));
  }
  return rows;
}

ordered_json ForecastJob::VerdictOn(std::uint32_t key) const {
  return BriefJson(OfKey(validation_->backtest(), key, *data_, plan_));
}

ordered_json ForecastJob::Libraries() const {
  ordered_json libraries = LibraryVersions(plan_.trainer.get());
  for (const TrainingPlan& candidate : plan_.candidates) {
    libraries.update(LibraryVersions(candidate.trainer.get()));
  }
  return libraries;
}

ordered_json ForecastJob::Manifest(const ForecastModel& model) const {
  const ForecastSpec& forecast = *spec_.forecast;
  const ordered_json without = KeysWithout(model);
  std::size_t rows = 0;
  for (std::size_t i = 0; i < examples_.model_count(); ++i) {
    rows += examples_.of_model(i).points.size();
  }
  const ordered_json origin = Origin();
  const ordered_json& data = origin["data"];
  ordered_json manifest{{"format", 1},
                        {"kind", "forecast"},
                        {"pipeline", origin["pipeline"]},
                        {"forecast",
                         {{"series", forecast.series},
                          {"value", forecast.value},
                          {"key", forecast.key},
                          {"horizon", forecast.horizon},
                          {"strategy", ToString(forecast.strategy)}}},
                        {"data",
                         {{"from", data["from"]},
                          {"to", data["to"]},
                          {"periods", data["periods"]},
                          {"keys", keys_.size() - without.size()},
                          {"rows", rows},
                          {"snapshots", data["snapshots"]}}},
                        {"seed", origin["seed"]},
                        {"models", model.model_count()},
                        {"libraries", origin["libraries"]},
                        {"evaluation", validation_->ToJson()}};
  if (!without.empty()) manifest["data"]["keys_left_out"] = without;
  return manifest;
}

}  // namespace forkcast::model
