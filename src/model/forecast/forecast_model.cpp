#include "model/forecast/forecast_model.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/forecast/ended_rule.hpp"
#include "model/forecast/forecast_files.hpp"
#include "model/forecast/step_forecaster.hpp"
#include "model/learn/for_each.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ForecastStrategy;

}  // namespace

ForecastModel::ForecastModel(ModelScope scope, ModelKeys keys, Predictors predictors)
    : scope_(scope), keys_(std::move(keys)), predictors_(std::move(predictors)) {
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    std::vector<std::size_t> missing;
    for (std::size_t step = 0; step < predictors_.size(); ++step) {
      if (!predictors_[step][key]) missing.push_back(step + 1);
    }
    keys_.SetMissingSteps(key, std::move(missing));
  }
}

ForecastModel::ForecastModel(ModelScope scope, ModelKeys keys,
                             std::shared_ptr<const HistoryModel> history)
    : scope_(scope), keys_(std::move(keys)), predictors_(1), history_(std::move(history)) {
  predictors_.front().resize(history_->size());
}

ForecastModel::ForecastModel(std::vector<std::shared_ptr<const ForecastModel>> candidates,
                             CandidateWeights weights)
    : predictors_(1), candidates_(std::move(candidates)), weights_(std::move(weights)) {
  predictors_.front().resize(1);
}

Result<ForecastModel> ForecastModel::LoadHistory(std::span<const PublishedFile> files,
                                                 const preprocessing::PipelineSpec& spec,
                                                 const TrainingPlan& plan) {
  ModelFiles names(files);
  ModelKeys keys;
  if (plan.scope == ModelScope::kPerKey) keys = TakeKeys(names, spec);
  std::shared_ptr<const HistoryModel> history;
  ReadJson(LoadFile(names.Take(kHistoryFile)), [&](const preprocessing::JsonNode& node) {
    history = std::make_shared<const HistoryModel>(
        HistoryModel::FromJson(node, *plan.history, keys.size()));
  });
  names.RequireAllTaken("key");
  return ForecastModel(plan.scope, std::move(keys), std::move(history));
}

Result<ForecastModel> ForecastModel::LoadCandidates(std::span<const PublishedFile> files,
                                                    const preprocessing::PipelineSpec& spec,
                                                    const TrainingPlan& plan) {
  CandidateWeights weights;
  std::vector<std::shared_ptr<const ForecastModel>> candidates(plan.candidates.size());
  ModelFiles names(files);
  ReadJson(LoadFile(names.Take(kCandidatesFile)), [&](const preprocessing::JsonNode& node) {
    weights = CandidateWeights::FromJson(node, candidates.size(),
                                         spec.SeriesNamed(spec.forecast->series));
  });
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!weights.Uses(i)) continue;
    const std::vector<PublishedFile> own = TakeCandidate(names, files, i);
    Result<ForecastModel> model = Load(own, spec, plan.candidates[i]);
    if (!model) return InCandidate(std::move(model).error(), i);
    candidates[i] = std::make_shared<const ForecastModel>(*std::move(model));
  }
  names.RequireAllTaken("candidate");
  return ForecastModel(std::move(candidates), std::move(weights));
}

Result<ForecastModel> ForecastModel::Load(std::span<const PublishedFile> files,
                                          const preprocessing::PipelineSpec& spec,
                                          const TrainingPlan& plan) {
  try {
    if (!plan.candidates.empty()) return LoadCandidates(files, spec, plan);
    if (plan.history) return LoadHistory(files, spec, plan);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
  PredictorReader reader(plan.inputs, ValueAnswer{plan.target});
  try {
    ModelFiles names(files);
    const bool per_key = plan.scope == ModelScope::kPerKey;
    ModelKeys keys;
    if (per_key) keys = TakeKeys(names, spec);
    Predictors predictors(ModelsOf(*spec.forecast));
    /// One model, and the files it is read from.
    struct Reading {
      StoredModel stored;
      std::optional<Predictor>* predictor = nullptr;  // where it goes
    };
    std::vector<Reading> readings;
    for (std::size_t step = 0; step < predictors.size(); ++step) {
      auto& of_step = predictors[step];
      of_step.resize(per_key ? keys.size() : 1);
      for (std::size_t key = 0; key < of_step.size(); ++key) {
        if (per_key && std::ranges::binary_search(keys.missing_steps(key), step + 1)) continue;
        const auto number = per_key ? std::optional(key) : std::nullopt;
        readings.push_back(
            {.stored = names.TakeModel(StemOf(step, number)), .predictor = &of_step[key]});
      }
    }
    names.RequireAllTaken("step and key");
    const auto load = [&](std::size_t i, bool) -> Status {
      try {
        *readings[i].predictor = reader.Read(readings[i].stored);
        return {};
      } catch (const preprocessing::SpecError& error) {
        return Error{ErrorCode::kCorrupt, error.what()};
      }
    };
    Status loaded = ForEach(readings.size(), ThreadsOf(plan.setting), load);
    if (!loaded) return std::move(loaded).error();
    return ForecastModel(plan.scope, std::move(keys), std::move(predictors));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

Result<ModelKeys> ForecastModel::LoadKeys(std::span<const PublishedFile> files,
                                          const preprocessing::PipelineSpec& spec,
                                          const TrainingPlan& plan) {
  if (plan.scope != ModelScope::kPerKey || !plan.candidates.empty()) return ModelKeys();
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
  /// Rows that one model answers in one call.
  struct Group {
    const Predictor* model = nullptr;
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
      const auto number = FindKey(data.grid().KeyBytes(point.key));
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
    const Result<std::vector<float>> inputs = group.model->Encode(examples.features, group.rows);
    if (!inputs) return inputs.error();
    std::vector<TargetReference> references;
    for (const std::uint32_t row : group.rows) references.push_back(examples.references[row]);
    std::vector<double> predicted(group.rows.size());
    group.model->Predict(*inputs, references, predicted);
    for (std::size_t row = 0; row < group.rows.size(); ++row) {
      group.forecasts[row].value = plan.output.Apply(predicted[row]);
    }
    return {};
  };
  Status done = ForEach(groups.size(), ThreadsOf(plan.setting), predict);
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

Result<std::vector<Forecast>> ForecastModel::PredictByKey(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const PointExamples& known,
                                                          std::int64_t origin) const {
  const std::size_t horizon = data.horizon();
  std::vector<std::uint32_t> rows =
      RowsIn(known, {origin + 1, origin + static_cast<std::int64_t>(horizon)});
  std::ranges::stable_sort(rows, {}, [&](std::uint32_t row) { return known.points[row].key; });
  const std::size_t shares = ThreadsOf(plan.setting);
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
  Status done = ForEach(shares, ThreadsOf(plan.setting), forecast);
  if (!done) return std::move(done).error();
  std::vector<Forecast> forecasts;
  for (const std::vector<Forecast>& part : parts) {
    forecasts.insert(forecasts.end(), part.begin(), part.end());
  }
  std::ranges::sort(forecasts, {},
                    [](const Forecast& one) { return std::pair(one.step, one.point.key); });
  return forecasts;
}

Result<std::vector<Forecast>> ForecastModel::PredictBlended(const ForecastData& data,
                                                            const TrainingPlan& plan,
                                                            const StepExamples& examples,
                                                            std::int64_t origin) const {
  /// What the candidates say of a row, by step and key.
  struct Row {
    ForecastPoint point;
    std::vector<double> values;
  };
  std::map<std::pair<std::size_t, std::uint32_t>, Row> rows;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!candidates_[i]) continue;
    const Result<std::vector<Forecast>> forecasts =
        candidates_[i]->Predict(data, plan.candidates[i], examples.of_candidate(i), origin);
    if (!forecasts) return forecasts.error();
    for (const Forecast& forecast : *forecasts) {
      Row& row = rows[{forecast.step, forecast.point.key}];
      row.point = forecast.point;
      row.values.resize(candidates_.size(), kNaN);
      row.values[i] = forecast.value;
    }
  }
  std::vector<Forecast> blended;
  for (const auto& [place, row] : rows) {
    const std::span<const double> weights = weights_.Of(data.grid().KeyBytes(row.point.key));
    blended.push_back({.point = row.point,
                       .step = place.first,
                       .value = plan.output.Apply(Blend(weights, row.values))});
  }
  return blended;
}

Result<std::vector<Forecast>> ForecastModel::Predict(const ForecastData& data,
                                                     const TrainingPlan& plan,
                                                     const StepExamples& examples,
                                                     std::int64_t origin) const {
  Result<std::vector<Forecast>> forecasts = PredictAll(data, plan, examples, origin);
  if (!forecasts || !plan.ended_after) return forecasts;
  const EndedRule rule(plan.ended_after, data.series(), data.grid(), data.forecast());
  std::erase_if(*forecasts, [&](const Forecast& forecast) {
    return rule.HasEnded(forecast.point.key, origin);
  });
  return forecasts;
}

Result<std::vector<Forecast>> ForecastModel::PredictAll(const ForecastData& data,
                                                        const TrainingPlan& plan,
                                                        const StepExamples& examples,
                                                        std::int64_t origin) const {
  if (!candidates_.empty()) return PredictBlended(data, plan, examples, origin);
  const ForecastStrategy strategy = data.forecast().strategy;
  // Those whose examples are of other origins than what is asked.
  if (strategy == ForecastStrategy::kRecursive || strategy == ForecastStrategy::kPooled ||
      history_) {
    return PredictByKey(data, plan, examples.of_model(0), origin);
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
  if (!candidates_.empty()) {
    const std::span<const double> weights = weights_.Of(key);
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (weights[i] > 0 && candidates_[i]->FindKey(key)) return 0;
    }
    return std::nullopt;
  }
  return scope_ == ModelScope::kGlobal ? 0 : keys_.FindBytes(key);
}

const Predictor* ForecastModel::ModelOf(std::size_t step, std::size_t key) const noexcept {
  const std::optional<Predictor>& model = predictors_[std::min(step, predictors_.size()) - 1][key];
  return model ? &*model : nullptr;
}

bool ForecastModel::reads_histories() const noexcept {
  return history_ || std::ranges::any_of(candidates_, [](const auto& candidate) {
           return candidate && candidate->reads_histories();
         });
}

Explained ForecastModel::explained() const {
  if (history_) return Explained::kFromHistory;
  for (const auto& candidate : candidates_) {
    const Explained one = candidate ? candidate->explained() : Explained::kYes;
    if (one != Explained::kYes) return one;
  }
  // A mean of values is the mean of what they are made of; one of their logarithms is not.
  std::optional<ContributionScale> scale;
  for (const auto& candidate : candidates_) {
    if (!candidate) continue;
    if (scale && *scale != candidate->contribution_scale()) return Explained::kNotOfOneAnswer;
    scale = candidate->contribution_scale();
  }
  if (scale && weights_.Blends() && scale->name != kValueScale) return Explained::kNotOfOneAnswer;
  const auto has_explainer = [](const std::optional<Predictor>& model) {
    return !model || model->explainer() != nullptr;
  };
  const bool all = std::ranges::all_of(predictors_, [&](const auto& of_step) {
    return std::ranges::all_of(of_step, has_explainer);
  });
  return all ? Explained::kYes : Explained::kNotPublished;
}

ContributionScale ForecastModel::contribution_scale() const {
  for (const auto& candidate : candidates_) {
    if (candidate) return candidate->contribution_scale();
  }
  for (const auto& of_step : predictors_) {
    for (const std::optional<Predictor>& model : of_step) {
      if (model) return model->contribution_scale();
    }
  }
  return {.name = std::string(kValueScale)};
}

std::size_t ForecastModel::model_count() const noexcept {
  if (history_) return history_->size();
  std::size_t count = 0;
  for (const auto& candidate : candidates_) count += candidate ? candidate->model_count() : 0;
  for (const auto& of_step : predictors_) {
    count += static_cast<std::size_t>(
        std::ranges::count_if(of_step, [](const auto& model) { return model.has_value(); }));
  }
  return count;
}

}  // namespace forkcast::model
