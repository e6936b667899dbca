#include "model/forecast/forecast_model.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/forecast_files.hpp"
#include "model/forecast/step_forecaster.hpp"
#include "model/learn/for_each.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ForecastStrategy;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The targets a model learns from at all.
PeriodRange Windowed(const TrainingPlan& plan, PeriodRange train) {
  if (plan.window) {
    train.first = std::max(train.first, train.last - static_cast<std::int64_t>(*plan.window) + 1);
  }
  return train;
}

/// Groups rows by key, each group in the order of `rows`.
std::vector<std::vector<std::uint32_t>> ByKey(const PointExamples& examples,
                                              std::span<const std::uint32_t> rows,
                                              std::size_t keys) {
  std::vector<std::vector<std::uint32_t>> groups(keys);
  for (const std::uint32_t row : rows) groups[examples.points[row].key].push_back(row);
  return groups;
}

}  // namespace

Result<std::optional<ForecastModel>> ForecastModel::Train(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const StepExamples& examples,
                                                          PeriodRange train,
                                                          const OnStage& on_stage) {
  ForecastModel model;
  model.scope_ = plan.scope;
  model.models_.resize(examples.model_count());
  if (plan.scope == ModelScope::kPerKey) {
    model.keys_ = ModelKeys(data.series());
    for (const std::uint32_t key : examples.keys()) model.keys_.Add(data.grid().KeyValues(key));
  }
  std::vector<ModelTask> tasks;
  for (std::size_t step = 0; step < examples.model_count(); ++step) {
    const PointExamples& known = examples.of_model(step);
    std::vector<std::uint32_t> rows = RowsIn(known, Windowed(plan, train));
    auto& models = model.models_[step];
    if (plan.scope == ModelScope::kGlobal) {
      models.resize(1);
      tasks.push_back({.step = step, .key = {}, .rows = std::move(rows), .model = models.data()});
      continue;
    }
    models.resize(model.keys_.size());
    auto by_key = ByKey(known, rows, data.key_count());
    for (std::size_t i = 0; i < models.size(); ++i) {
      const std::uint32_t key = examples.keys()[i];
      if (by_key[key].empty()) continue;
      tasks.push_back(
          {.step = step, .key = key, .rows = std::move(by_key[key]), .model = &models[i]});
    }
  }
  const Result<bool> finished = FitModels(data, plan, examples, tasks, on_stage);
  if (!finished) return finished.error();
  if (!*finished) return std::optional<ForecastModel>();
  model.NoteMissingSteps();
  return std::optional<ForecastModel>(std::move(model));
}

void ForecastModel::NoteMissingSteps() {
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    std::vector<std::size_t> missing;
    for (std::size_t step = 0; step < models_.size(); ++step) {
      if (!models_[step][key]) missing.push_back(step + 1);
    }
    keys_.SetMissingSteps(key, std::move(missing));
  }
}

Result<ForecastModel> ForecastModel::Load(std::span<const ArtefactFile> files,
                                          const preprocessing::PipelineSpec& spec,
                                          const TrainingPlan& plan) {
  const ExpectedModel expected{.inputs = plan.inputs.columns, .target = plan.target};
  ForecastModel model;
  model.scope_ = plan.scope;
  model.models_.resize(ModelsOf(*spec.forecast));
  try {
    ModelFiles names(files);
    const bool per_key = plan.scope == ModelScope::kPerKey;
    if (per_key) model.keys_ = TakeKeys(names, spec);
    /// One model, and the files it is read from.
    struct Reading {
      FilePair files;
      std::optional<Fit>* model = nullptr;  // where it goes
    };
    std::vector<Reading> readings;
    for (std::size_t step = 0; step < model.models_.size(); ++step) {
      auto& models = model.models_[step];
      models.resize(per_key ? model.keys_.size() : 1);
      for (std::size_t key = 0; key < models.size(); ++key) {
        if (per_key && std::ranges::binary_search(model.keys_.missing_steps(key), step + 1)) {
          continue;
        }
        const auto number = per_key ? std::optional(key) : std::nullopt;
        readings.push_back({.files = names.TakePair(StemOf(step, number)), .model = &models[key]});
      }
    }
    names.RequireAllTaken("step and key");
    const auto load = [&](std::size_t i, bool) -> Status {
      try {
        *readings[i].model = ReadFit(readings[i].files, expected);
        return {};
      } catch (const preprocessing::SpecError& error) {
        return Error{ErrorCode::kCorrupt, error.what()};
      }
    };
    Status loaded = ForEach(readings.size(), ThreadsOf(plan.trainer), load);
    if (!loaded) return std::move(loaded).error();
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
  return model;
}

Result<ModelKeys> ForecastModel::LoadKeys(std::span<const ArtefactFile> files,
                                          const preprocessing::PipelineSpec& spec,
                                          const TrainingPlan& plan) {
  if (plan.scope != ModelScope::kPerKey) return ModelKeys();
  try {
    ModelFiles names(files);
    return TakeKeys(names, spec);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

Result<std::vector<Forecast>> ForecastModel::PredictRows(const ForecastData& data,
                                                         const TrainingPlan& plan,
                                                         const PointExamples& examples,
                                                         std::span<const StepRow> rows) const {
  /// Rows that one model answers in one call: the library takes its time for each.
  struct Group {
    const Fit* model = nullptr;
    std::vector<std::uint32_t> rows;
    std::vector<Forecast> forecasts;
  };
  std::vector<Group> groups;
  std::map<std::uint32_t, std::size_t> group_of;  // by the key whose model is used
  for (const auto& [step, row] : rows) {
    const ForecastPoint& point = examples.points[row];
    const bool per_key = scope_ == ModelScope::kPerKey;
    const auto [known, is_new] = group_of.emplace(per_key ? point.key : 0, groups.size());
    if (is_new) {
      const auto number =
          per_key ? keys_.Find(data.grid().KeyValues(point.key)) : std::optional<std::size_t>(0);
      groups.push_back(
          {.model = number ? ModelOf(step, *number) : nullptr, .rows = {}, .forecasts = {}});
    }
    Group& group = groups[known->second];
    group.rows.push_back(row);
    group.forecasts.push_back({.point = point, .step = step, .value = kNaN});
  }
  const auto predict = [&](std::size_t i, bool) -> Status {
    Group& group = groups[i];
    if (group.model == nullptr) return {};
    const Result<std::vector<float>> values = group.model->Matrix(examples.features, group.rows);
    if (!values) return values.error();
    std::vector<TargetReference> references;
    for (const std::uint32_t row : group.rows) references.push_back(examples.references[row]);
    const Result<std::vector<double>> predicted = group.model->Predict(*values, references);
    if (!predicted) return predicted.error();
    for (std::size_t row = 0; row < group.rows.size(); ++row) {
      const double value = (*predicted)[row];
      group.forecasts[row].value = plan.not_negative ? std::max(value, 0.0) : value;
    }
    return {};
  };
  Status done = ForEach(groups.size(), ThreadsOf(plan.trainer), predict);
  if (!done) return std::move(done).error();
  std::vector<Forecast> forecasts;
  for (const Group& group : groups) {
    forecasts.insert(forecasts.end(), group.forecasts.begin(), group.forecasts.end());
  }
  std::ranges::sort(forecasts, {}, [](const Forecast& forecast) {
    return std::pair(forecast.step, forecast.point.key);
  });
  return forecasts;
}

Result<std::vector<Forecast>> ForecastModel::PredictRecursively(const ForecastData& data,
                                                                const TrainingPlan& plan,
                                                                const PointExamples& known,
                                                                std::int64_t origin) const {
  const std::size_t horizon = data.horizon();
  std::vector<std::uint32_t> rows =
      RowsIn(known, {origin + 1, origin + static_cast<std::int64_t>(horizon)});
  std::ranges::stable_sort(rows, {}, [&](std::uint32_t row) { return known.points[row].key; });
  const std::size_t shares = ThreadsOf(plan.trainer);
  std::vector<std::vector<Forecast>> parts(shares);
  const auto forecast = [&](std::size_t share, bool) -> Status {
    StepForecaster steps({.spec = data.spec(),
                          .plan = plan,
                          .model = *this,
                          .snapshots = data.snapshots(),
                          .grid = data.grid()});
    std::vector<StepResult> results(horizon);
    std::optional<std::uint32_t> selected;
    const std::size_t end = rows.size() * (share + 1) / shares;
    for (std::size_t i = rows.size() * share / shares; i < end; ++i) {
      const ForecastPoint& point = known.points[rows[i]];
      if (point.key != selected) {
        selected = point.key;
        steps.Select(data.requests(), point.key);
        Status done = steps.Forecast({.period = origin}, 1, results);
        if (!done) return done;
      }
      const auto step = static_cast<std::size_t>(point.period - origin);
      const StepResult& result = results[step - 1];
      if (result.outcome == StepOutcome::kRefused) continue;
      parts[share].push_back({.point = point, .step = step, .value = result.value});
    }
    return {};
  };
  Status done = ForEach(shares, ThreadsOf(plan.trainer), forecast);
  if (!done) return std::move(done).error();
  std::vector<Forecast> forecasts;
  for (const std::vector<Forecast>& part : parts) {
    forecasts.insert(forecasts.end(), part.begin(), part.end());
  }
  std::ranges::sort(forecasts, {},
                    [](const Forecast& one) { return std::pair(one.step, one.point.key); });
  return forecasts;
}

Result<std::vector<Forecast>> ForecastModel::Predict(const ForecastData& data,
                                                     const TrainingPlan& plan,
                                                     const StepExamples& examples,
                                                     std::int64_t origin) const {
  const ForecastStrategy strategy = data.forecast().strategy;
  if (strategy == ForecastStrategy::kRecursive) {
    return PredictRecursively(data, plan, examples.of_model(0), origin);
  }
  // Steps that have the same examples have the same model.
  std::vector<Forecast> forecasts;
  const auto horizon = static_cast<std::int64_t>(data.horizon());
  const auto models = static_cast<std::int64_t>(examples.model_count());
  for (std::int64_t model = 1; model <= models; ++model) {
    const PointExamples& known = examples.of_model(static_cast<std::size_t>(model) - 1);
    const std::int64_t last = model == models ? horizon : model;
    std::vector<StepRow> rows;
    for (const std::uint32_t row : RowsIn(known, {origin + model, origin + last})) {
      rows.push_back({static_cast<std::size_t>(known.points[row].period - origin), row});
    }
    const Result<std::vector<Forecast>> of_model = PredictRows(data, plan, known, rows);
    if (!of_model) return of_model.error();
    forecasts.insert(forecasts.end(), of_model->begin(), of_model->end());
  }
  return forecasts;
}

std::optional<std::size_t> ForecastModel::FindKey(std::string_view key) const noexcept {
  return scope_ == ModelScope::kGlobal ? 0 : keys_.FindBytes(key);
}

const Fit* ForecastModel::ModelOf(std::size_t step, std::size_t key) const noexcept {
  const std::optional<Fit>& model = models_[std::min(step, models_.size()) - 1][key];
  return model ? &*model : nullptr;
}

std::size_t ForecastModel::model_count() const noexcept {
  std::size_t count = 0;
  for (const auto& models : models_) {
    count += static_cast<std::size_t>(
        std::ranges::count_if(models, [](const auto& model) { return model.has_value(); }));
  }
  return count;
}

Result<std::vector<FeatureImportance>> ForecastModel::Importances() const {
  std::map<std::string, double> sums;
  for (const auto& models : models_) {
    for (const auto& model : models) {
      if (!model) continue;
      const Result<std::vector<FeatureImportance>> shares = model->trees.Importances();
      if (!shares) return shares.error();
      for (const FeatureImportance& one : *shares) sums[one.feature] += one.share;
    }
  }
  std::vector<FeatureImportance> mean;
  for (const auto& [feature, sum] : sums) {
    mean.push_back({.feature = feature, .share = sum / static_cast<double>(model_count())});
  }
  std::ranges::stable_sort(mean, std::greater<>(), &FeatureImportance::share);
  return mean;
}

Result<std::vector<ArtefactFile>> ForecastModel::Files() const {
  if (scope_ == ModelScope::kPerKey) return FilesOver(ModelKeys(), {});
  std::vector<ArtefactFile> files;
  for (std::size_t step = 0; step < models_.size(); ++step) {
    Status appended = AppendFiles(*models_[step].front(), StemOf(step, std::nullopt), files);
    if (!appended) return std::move(appended).error();
  }
  return files;
}

Result<std::vector<ArtefactFile>> ForecastModel::FilesOver(
    const ModelKeys& base_keys, std::span<const ArtefactFile> base) const {
  ModelKeys all = base_keys.size() > 0 ? base_keys : keys_;
  std::vector<std::optional<std::size_t>> own(all.size());  // which of keys_, by number in `all`
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    const std::size_t number = all.Add(keys_.Values(key));
    all.SetMissingSteps(number, keys_.missing_steps(key));
    own.resize(all.size());
    own[number] = key;
  }
  ModelFiles others(base);
  std::vector<ArtefactFile> files;
  try {
    for (std::size_t step = 0; step < models_.size(); ++step) {
      for (std::size_t key = 0; key < all.size(); ++key) {
        if (std::ranges::binary_search(all.missing_steps(key), step + 1)) continue;
        if (own[key]) {
          Status appended = AppendFiles(*models_[step][*own[key]], StemOf(step, key), files);
          if (!appended) return std::move(appended).error();
          continue;
        }
        const FilePair pair = others.TakePair(StemOf(step, key));
        files.push_back(*pair.trees);
        files.push_back(*pair.around);
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
