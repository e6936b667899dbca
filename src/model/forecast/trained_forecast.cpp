#include "model/forecast/trained_forecast.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/forecast_files.hpp"

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

using TrainedByStepAndKey = std::vector<std::vector<std::optional<TrainedPredictor>>>;

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
      tasks.push_back({.step = step, .key = {}, .rows = std::move(rows), .model = of_step.data()});
      continue;
    }
    of_step.resize(examples.keys().size());
    auto by_key = ByKey(known, rows, data.key_count());
    for (std::size_t i = 0; i < of_step.size(); ++i) {
      const std::uint32_t key = examples.keys()[i];
      if (!AreEnough(plan, known, by_key[key])) continue;
      tasks.push_back(
          {.step = step, .key = key, .rows = std::move(by_key[key]), .model = &of_step[i]});
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

}  // namespace

Result<std::optional<TrainedForecast>> TrainedForecast::Train(const ForecastData& data,
                                                              const TrainingPlan& plan,
                                                              const StepExamples& examples,
                                                              PeriodRange train,
                                                              const OnStage& on_stage) {
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
