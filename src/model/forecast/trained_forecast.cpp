#include "model/forecast/trained_forecast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/forecast_files.hpp"
#include "model/learn/for_each.hpp"

namespace forkcast::model {
namespace {

/// Groups rows by key, each group in the order of `rows`.
std::vector<std::vector<std::uint32_t>> ByKey(const PointExamples& examples,
                                              std::span<const std::uint32_t> rows,
                                              std::size_t keys) {
  std::vector<std::vector<std::uint32_t>> groups(keys);
  for (const std::uint32_t row : rows) groups[examples.points[row].key].push_back(row);
  return groups;
}

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using TrainedByStepAndKey = std::vector<std::vector<std::optional<TrainedPredictor>>>;

bool HasModel(const TrainingPlan& plan, std::size_t step) noexcept {
  return plan.fits == nullptr || plan.fits->HasModel(step);
}
bool HasKey(const TrainingPlan& plan, std::uint32_t key) noexcept {
  return plan.fits == nullptr || plan.fits->HasKey(key);
}

/// What a model is called among those of shards (../learn/SHARDS.md); empty where there are none.
std::string FitName(const ForecastData& data, const TrainingPlan& plan, PeriodRange train,
                    std::size_t step, std::optional<std::uint32_t> key) {
  if (plan.fits == nullptr) return {};
  return fmt::format("{}/{} to {}/model {}{}", plan.fits_name, data.FirstDay(train.first),
                     data.FirstDay(train.last), step + 1,
                     key ? "/" + KeyToJson(data.grid().KeyValues(*key)).dump() : "");
}

/// What is to be trained, each with its place in `models`.
std::vector<ModelTask> PlanTasks(const ForecastData& data, const TrainingPlan& plan,
                                 const StepExamples& examples, PeriodRange train,
                                 TrainedByStepAndKey& models) {
  std::vector<ModelTask> tasks;
  for (std::size_t step = 0; step < examples.model_count(); ++step) {
    const PointExamples& known = examples.of_model(step);
    std::vector<std::uint32_t> rows = RowsIn(known, plan.Learned(train));
    auto& of_step = models[step];
    if (plan.scope == ModelScope::kGlobal) {
      of_step.resize(1);
      if (!HasModel(plan, step)) continue;
      tasks.push_back({.step = step,
                       .key = {},
                       .rows = std::move(rows),
                       .name = FitName(data, plan, train, step, std::nullopt),
                       .model = of_step.data()});
      continue;
    }
    of_step.resize(examples.keys().size());
    auto by_key = ByKey(known, rows, data.key_count());
    for (std::size_t i = 0; i < of_step.size(); ++i) {
      const std::uint32_t key = examples.keys()[i];
      if (!HasKey(plan, key) || !AreEnough(plan, known, by_key[key])) continue;
      tasks.push_back({.step = step,
                       .key = key,
                       .rows = std::move(by_key[key]),
                       .name = FitName(data, plan, train, step, key),
                       .model = &of_step[i]});
    }
  }
  return tasks;
}

/// The positions (as in `models`) that have a model of some step.
std::vector<std::size_t> WithModel(const TrainedByStepAndKey& models) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < models.front().size(); ++i) {
    const auto is_there = [i](const auto& of_step) { return of_step[i].has_value(); };
    if (std::ranges::any_of(models, is_there)) positions.push_back(i);
  }
  return positions;
}

ordered_json ToJson(const LearnedSeries& learned) {
  ordered_json json{{"form", learned.form}, {"parameters", learned.parameters}};
  if (!learned.remark.empty()) json["remark"] = learned.remark;
  return json;
}

/// What ToJson() wrote. Throws SpecError.
LearnedSeries LearnedFrom(const ordered_json& json) {
  const JsonNode node(json);
  LearnedSeries learned{.form = node.Get("form").String()};
  if (const auto remark = node.Find("remark")) learned.remark = remark->String();
  for (const JsonNode& number : node.Get("parameters").Elements()) {
    learned.parameters.push_back(
        number.Number(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()));
  }
  return learned;
}

/// What a history teaches, from wherever the plan has its models.
Result<LearnedSeries> LearnFrom(const TrainingPlan& plan, const std::string& name,
                                std::span<const double> history) {
  if (plan.fits == nullptr) return plan.history->Learn(history);
  const Result<ordered_json> learned =
      plan.fits->History(name, [&] { return ToJson(plan.history->Learn(history)); });
  if (!learned) return learned.error();
  try {
    return LearnedFrom(*learned);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("\"{}\": {}", name, error.what())};
  }
}

/// Of one key's values in `periods`; none without a value there.
Result<std::optional<HistoryModel::Part>> LearnHistory(const ForecastData& data,
                                                       const TrainingPlan& plan, std::uint32_t key,
                                                       PeriodRange train) {
  const PeriodRange periods = plan.Learned(train);
  const std::int64_t first = data.grid().FirstPeriod(key);
  const std::int64_t from = std::max(periods.first, first);
  const std::int64_t last = std::min(periods.last, data.grid().LastPeriod(key));
  if (last < from) return std::optional<HistoryModel::Part>();
  const std::span<const double> history = data.Values(key).subspan(
      static_cast<std::size_t>(from - first), static_cast<std::size_t>(last - from + 1));
  if (std::ranges::all_of(history, [](double value) { return std::isnan(value); })) {
    return std::optional<HistoryModel::Part>();
  }
  Result<LearnedSeries> learned = LearnFrom(plan, FitName(data, plan, train, 0, key), history);
  if (!learned) return std::move(learned).error();
  HistoryModel::Part part{.from = from, .learned = *std::move(learned)};
  auto forecaster = plan.history->Make(part.learned);
  if (!forecaster) return std::move(forecaster).error();
  part.forecaster = *std::move(forecaster);
  return std::optional(std::move(part));
}

}  // namespace

Result<std::optional<TrainedForecast>> TrainedForecast::Train(const ForecastData& data,
                                                              const TrainingPlan& plan,
                                                              const StepExamples& examples,
                                                              PeriodRange train,
                                                              const OnStage& on_stage) {
  if (plan.history) return LearnHistories(data, plan, examples, train, on_stage);
  TrainedByStepAndKey trained(examples.model_count());
  std::vector<ModelTask> tasks = PlanTasks(data, plan, examples, train, trained);
  const Result<bool> finished = FitModels(data, plan, examples, tasks, on_stage);
  if (!finished) return finished.error();
  if (!*finished) return std::optional<TrainedForecast>();

  ForecastModel::Predictors predictors(trained.size());
  ByStepAndKey parts(trained.size());
  const std::vector<std::size_t> positions = WithModel(trained);
  for (std::size_t step = 0; step < trained.size(); ++step) {
    predictors[step].resize(positions.size());
    parts[step].resize(positions.size());
    for (std::size_t key = 0; key < positions.size(); ++key) {
      std::optional<TrainedPredictor>& one = trained[step][positions[key]];
      if (!one) continue;
      predictors[step][key] = std::move(one->predictor);
      parts[step][key] = std::move(one->parts);
    }
  }
  ModelKeys keys;
  if (plan.scope == ModelScope::kPerKey) {
    keys = ModelKeys(data.series());
    for (const std::size_t position : positions) {
      keys.Add(data.grid().KeyValues(examples.keys()[position]));
    }
  }
  return std::optional(TrainedForecast(
      ForecastModel(plan.scope, std::move(keys), std::move(predictors)), std::move(parts)));
}

Result<std::optional<TrainedForecast>> TrainedForecast::LearnHistories(const ForecastData& data,
                                                                       const TrainingPlan& plan,
                                                                       const StepExamples& examples,
                                                                       PeriodRange train,
                                                                       const OnStage& on_stage) {
  const HistoryMethod& method = *plan.history;
  const std::vector<std::uint32_t>& all = examples.keys();
  if (!method.learns()) {
    std::vector<HistoryModel::Part> parts;
    LearnedSeries learned = method.Learn({});
    auto forecaster = method.Make(learned);
    parts.push_back({.learned = std::move(learned), .forecaster = *std::move(forecaster)});
    return std::optional(TrainedForecast(
        ForecastModel(plan.scope, {}, std::make_shared<const HistoryModel>(std::move(parts))), {}));
  }
  std::vector<std::optional<HistoryModel::Part>> learned(all.size());
  std::atomic<std::size_t> done{0};
  std::atomic<bool> cancelled{false};
  const auto learn = [&](std::size_t i, bool is_caller) -> Status {
    if (cancelled || !HasKey(plan, all[i])) return {};
    Result<std::optional<HistoryModel::Part>> part = LearnHistory(data, plan, all[i], train);
    if (!part) return std::move(part).error();
    learned[i] = *std::move(part);
    ++done;
    if (is_caller && !on_stage({.done = done, .total = all.size()})) cancelled = true;
    return {};
  };
  Status finished = ForEach(all.size(), ThreadsOf(plan.setting), learn);
  if (!finished) return std::move(finished).error();
  if (cancelled) return std::optional<TrainedForecast>();
  ModelKeys keys(data.series());
  std::vector<HistoryModel::Part> parts;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!learned[i]) continue;
    keys.Add(data.grid().KeyValues(all[i]));
    parts.push_back(*std::move(learned[i]));
  }
  return std::optional(
      TrainedForecast(ForecastModel(plan.scope, std::move(keys),
                                    std::make_shared<const HistoryModel>(std::move(parts))),
                      {}));
}

Result<std::optional<TrainedForecast>> TrainedForecast::TrainCandidates(
    const ForecastData& data, const TrainingPlan& plan, const StepExamples& examples,
    PeriodRange train, const ChosenCandidates& chosen, const OnStage& on_stage) {
  CandidateWeights weights = chosen.Weights(data);
  std::vector<std::shared_ptr<const ForecastModel>> models(plan.candidates.size());
  std::vector<ArtefactFile> files;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (!weights.Uses(i)) continue;
    Result<std::optional<TrainedForecast>> trained =
        Train(data, plan.candidates[i], examples.of_candidate(i), train, on_stage);
    if (!trained) return InCandidate(std::move(trained).error(), i);
    if (!*trained) return std::optional<TrainedForecast>();
    TrainedForecast& one = **trained;
    Result<std::vector<ArtefactFile>> own = one.Files();
    if (!own) return std::move(own).error();
    AppendCandidate(i, *std::move(own), files);
    models[i] = std::make_shared<const ForecastModel>(std::move(one.model_));
  }
  Result<ArtefactFile> shares = CandidatesFile(weights);
  if (!shares) return std::move(shares).error();
  files.push_back(*std::move(shares));
  TrainedForecast all(ForecastModel(std::move(models), std::move(weights)), {});
  all.candidate_files_ = std::move(files);
  return std::optional(std::move(all));
}

std::map<std::string, std::size_t> TrainedForecast::Forms() const {
  std::map<std::string, std::size_t> forms;
  const HistoryModel* const history = model_.history();
  for (std::size_t part = 0; history != nullptr && part < history->size(); ++part) {
    const LearnedSeries& learned = history->learned(part);
    ++forms[learned.remark.empty() ? learned.form
                                   : fmt::format("{} ({})", learned.form, learned.remark)];
  }
  return forms;
}

Result<std::vector<ArtefactFile>> TrainedForecast::HistoryFiles() const {
  std::vector<ArtefactFile> files{
      {ModelPath(kHistoryFile), model_.history()->ToJson().dump() + "\n"}};
  if (model_.scope() == ModelScope::kGlobal) return files;
  Status appended = AppendKeys(model_.keys(), files);
  if (!appended) return std::move(appended).error();
  return files;
}

std::vector<FeatureImportance> TrainedForecast::Importances() const {
  std::map<std::string, double> sums;
  for (const auto& of_step : parts_) {
    for (const std::optional<TrainedParts>& one : of_step) {
      if (!one) continue;
      for (const FeatureImportance& share : one->importances) sums[share.feature] += share.share;
    }
  }
  std::vector<FeatureImportance> mean;
  for (const auto& [feature, sum] : sums) {
    mean.push_back({.feature = feature, .share = sum / static_cast<double>(model_.model_count())});
  }
  std::ranges::stable_sort(mean, std::greater<>(), &FeatureImportance::share);
  return mean;
}

void TrainedForecast::Append(std::size_t step, std::size_t key, const std::string& stem,
                             std::vector<ArtefactFile>& files) const {
  AppendFiles(*model_.predictors()[step][key], *parts_[step][key], stem, files);
}

Result<std::vector<ArtefactFile>> TrainedForecast::Files() const {
  if (!candidate_files_.empty()) return candidate_files_;
  if (model_.history() != nullptr) return HistoryFiles();
  if (model_.scope() == ModelScope::kPerKey) return FilesByKey(ModelKeys(), {});
  std::vector<ArtefactFile> files;
  for (std::size_t step = 0; step < parts_.size(); ++step) {
    Append(step, 0, StemOf(step, std::nullopt), files);
  }
  return files;
}

Result<std::vector<ArtefactFile>> TrainedForecast::FilesOver(const ModelKeys& base_keys,
                                                             const ForecastVersion& base) const {
  Result<std::vector<ArtefactFile>> files = FilesByKey(base_keys, base.files());
  if (!files) return base.InFolder(std::move(files).error());
  return files;
}

Result<std::vector<ArtefactFile>> TrainedForecast::FilesByKey(
    const ModelKeys& base_keys, std::span<const PublishedFile> base) const {
  const ModelKeys& own_keys = model_.keys();
  ModelKeys all = base_keys.size() > 0 ? base_keys : own_keys;
  std::vector<std::optional<std::size_t>> own(all.size());  // which of own_keys, by number in `all`
  for (std::size_t key = 0; key < own_keys.size(); ++key) {
    const std::size_t number = all.Add(own_keys.Values(key));
    all.SetMissingSteps(number, own_keys.missing_steps(key));
    own.resize(all.size());
    own[number] = key;
  }
  ModelFiles others(base);
  std::vector<ArtefactFile> files;
  try {
    for (std::size_t step = 0; step < parts_.size(); ++step) {
      for (std::size_t key = 0; key < all.size(); ++key) {
        if (std::ranges::binary_search(all.missing_steps(key), step + 1)) continue;
        const std::string stem = StemOf(step, key);
        if (own[key]) {
          Append(step, *own[key], stem, files);
          continue;
        }
        for (const PublishedFile* const file : others.TakeModel(stem).files()) {
          files.push_back(LoadFile(*file));
        }
      }
    }
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
  Status appended = AppendKeys(all, files);
  if (!appended) return std::move(appended).error();
  return files;
}

}  // namespace forkcast::model
