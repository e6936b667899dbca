#include "model/forecast/forecast_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>
#include <utility>

namespace forkcast::model {
namespace {

using preprocessing::FittedTransforms;
using preprocessing::ForecastStrategy;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

unsigned ThreadsOf(const TrainerOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

/// The targets a model learns from at all.
PeriodRange Windowed(const TrainingPlan& plan, PeriodRange train) {
  if (plan.window) {
    train.first = std::max(train.first, train.last - static_cast<std::int64_t>(*plan.window) + 1);
  }
  return train;
}

/// The mean of the scales that can be used, for rows without one.
double MeanScale(const Examples& examples, std::span<const std::uint32_t> rows) {
  double sum = 0;
  std::size_t count = 0;
  for (const std::uint32_t row : rows) {
    const double scale = examples.references[row].scale;
    if (!std::isfinite(scale) || scale <= 0) continue;
    sum += scale;
    ++count;
  }
  return count == 0 ? 1 : sum / static_cast<double>(count);
}

/// Rows, sorted by period, become one model.
Result<std::optional<FittedModel>> Fit(const TrainingPlan& plan, unsigned threads,
                                       const Examples& examples, std::vector<std::uint32_t> rows,
                                       const OnRound& on_round) {
  TargetTransform transform = plan.target;
  if (transform.needs_scale()) transform.fallback_scale = MeanScale(examples, rows);
  std::erase_if(rows, [&](std::uint32_t row) {
    return std::isnan(transform.Apply(examples.actual[row], examples.references[row]));
  });
  if (rows.empty()) return Error{ErrorCode::kInvalidArgument, "there is no row to learn from"};

  Result<FittedTransforms> transforms =
      FittedTransforms::Fit(examples.features, examples.actual, rows, plan.transforms);
  if (!transforms) return transforms.error();
  const Result<std::vector<float>> values = transforms->Transform(examples.features, rows);
  if (!values) return values.error();
  std::vector<double> target;
  std::vector<double> weights;
  std::vector<std::int64_t> periods;
  const std::int64_t last = examples.points[rows.back()].period;
  for (const std::uint32_t row : rows) {
    periods.push_back(examples.points[row].period);
    target.push_back(transform.Apply(examples.actual[row], examples.references[row]));
    if (!plan.half_life && examples.weights.empty()) continue;
    double weight = examples.weights.empty() ? 1 : examples.weights[row];
    if (plan.half_life) {
      weight *= std::exp2(-static_cast<double>(last - periods.back()) / *plan.half_life);
    }
    weights.push_back(weight);
  }

  TrainerOptions options = plan.trainer;
  options.threads = threads;
  const std::size_t validation_rows =
      options.early_stopping ? ValidationTail(periods, options.early_stopping->share) : 0;
  Result<std::optional<TrainingResult>> trained =
      MakeTrainer(options)->Train({.features = transforms->outputs(),
                                   .values = *values,
                                   .target = target,
                                   .weights = weights,
                                   .validation_rows = validation_rows},
                                  on_round);
  if (!trained) return trained.error();
  if (!*trained) return std::optional<FittedModel>();
  return std::optional<FittedModel>(FittedModel{.transforms = *std::move(transforms),
                                                .target = transform,
                                                .trees = std::move((*trained)->model),
                                                .rows = rows.size()});
}

/// Groups rows by key, each group in the order of `rows`.
std::vector<std::vector<std::uint32_t>> ByKey(const Examples& examples,
                                              std::span<const std::uint32_t> rows,
                                              std::size_t keys) {
  std::vector<std::vector<std::uint32_t>> groups(keys);
  for (const std::uint32_t row : rows) groups[examples.points[row].key].push_back(row);
  return groups;
}

/// One model to train.
struct ModelTask {
  std::size_t step = 0;
  std::optional<std::size_t> key;
  std::vector<std::uint32_t> rows;
  std::optional<FittedModel>* model = nullptr;  // where it goes
};

Error InTask(Error error, const ForecastData& data, const ModelTask& task) {
  error.message = fmt::format("step {}{}: {}", task.step + 1,
                              task.key ? ", key " + data.KeyName(*task.key) : "", error.message);
  return error;
}

/// Trains many models, each in one thread: threads that share a small model wait for each other
/// more than they work. False when cancelled; of several errors the first task's.
Result<bool> FitEach(const ForecastData& data, const TrainingPlan& plan,
                     const StepExamples& examples, std::span<ModelTask> tasks,
                     const OnStage& on_stage) {
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> done{0};
  std::atomic<bool> cancelled{false};
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> failed;
  const auto work = [&](bool tells) {
    const auto tell = [&] {
      if (tells && !on_stage({.done = done, .total = tasks.size()})) cancelled = true;
      return !cancelled.load();
    };
    for (std::size_t i = next++; i < tasks.size() && !cancelled; i = next++) {
      ModelTask& task = tasks[i];
      Result<std::optional<FittedModel>> model =
          Fit(plan, 1, examples.of_model(task.step), std::move(task.rows),
              [&tell](const TrainingProgress&) { return tell(); });
      if (model) {
        *task.model = *std::move(model);
      } else {
        const std::lock_guard lock(mutex);
        if (!failed || i < failed->first) failed.emplace(i, model.error());
        cancelled = true;
      }
      ++done;
      tell();
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < ThreadsOf(plan.trainer); ++i) others.emplace_back(work, false);
    work(true);
  }
  if (failed) return InTask(std::move(failed->second), data, tasks[failed->first]);
  return !cancelled;
}

std::string StepFile(std::size_t step, std::optional<std::size_t> key, std::string_view ending) {
  return key ? fmt::format("model/{}/{}.{}", step + 1, *key, ending)
             : fmt::format("model/{}.{}", step + 1, ending);
}

}  // namespace

Result<StepExamples> StepExamples::Compute(const ForecastData& data, const TrainingPlan& plan,
                                           PeriodRange periods) {
  const std::vector<ForecastPoint> points = KnownPoints(data, periods);
  const ForecastStrategy strategy = data.forecast().strategy;
  StepExamples all;
  const std::size_t models = strategy == ForecastStrategy::kDirect ? data.horizon() : 1;
  for (std::size_t model = 0; model < models; ++model) {
    const std::size_t distance = strategy == ForecastStrategy::kShared ? data.horizon() : model + 1;
    Result<Examples> examples = ComputeExamples(data, plan, points, distance);
    if (!examples) return examples.error();
    if (examples->bad_weight) return *examples->bad_weight;
    all.by_model_.push_back(*std::move(examples));
  }
  return all;
}

std::vector<std::uint32_t> RowsIn(const Examples& examples, PeriodRange periods) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < examples.points.size(); ++row) {
    if (periods.Contains(examples.points[row].period)) rows.push_back(row);
  }
  std::ranges::stable_sort(rows, {},
                           [&](std::uint32_t row) { return examples.points[row].period; });
  return rows;
}

Result<std::optional<ForecastModel>> ForecastModel::Train(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const StepExamples& examples,
                                                          PeriodRange train,
                                                          const OnStage& on_stage) {
  ForecastModel model;
  model.scope_ = plan.scope;
  model.models_.resize(examples.model_count());
  std::vector<ModelTask> tasks;
  for (std::size_t step = 0; step < examples.model_count(); ++step) {
    const Examples& known = examples.of_model(step);
    std::vector<std::uint32_t> rows = RowsIn(known, Windowed(plan, train));
    auto& models = model.models_[step];
    if (plan.scope == ModelScope::kGlobal) {
      models.resize(1);
      tasks.push_back({.step = step, .key = {}, .rows = std::move(rows), .model = models.data()});
      continue;
    }
    models.resize(data.key_count());
    auto by_key = ByKey(known, rows, data.key_count());
    for (std::size_t key = 0; key < by_key.size(); ++key) {
      if (by_key[key].empty()) continue;
      tasks.push_back(
          {.step = step, .key = key, .rows = std::move(by_key[key]), .model = &models[key]});
    }
  }
  if (tasks.size() != 1) {
    const Result<bool> finished = FitEach(data, plan, examples, tasks, on_stage);
    if (!finished) return finished.error();
    if (!*finished) return std::optional<ForecastModel>();
    return std::optional<ForecastModel>(std::move(model));
  }
  ModelTask& only = tasks.front();
  const auto on_round = [&](const TrainingProgress& progress) {
    return on_stage({.done = progress.round, .total = progress.rounds});
  };
  Result<std::optional<FittedModel>> fitted = Fit(
      plan, ThreadsOf(plan.trainer), examples.of_model(only.step), std::move(only.rows), on_round);
  if (!fitted) return InTask(fitted.error(), data, only);
  if (!*fitted) return std::optional<ForecastModel>();
  *only.model = *std::move(fitted);
  return std::optional<ForecastModel>(std::move(model));
}

const FittedModel* ForecastModel::Of(std::size_t step, std::uint32_t key) const noexcept {
  const auto& models = models_[std::min(step - 1, models_.size() - 1)];
  const std::optional<FittedModel>& model = models[scope_ == ModelScope::kPerKey ? key : 0];
  return model ? &*model : nullptr;
}

Result<std::vector<Forecast>> ForecastModel::PredictRows(const TrainingPlan& plan,
                                                         const Examples& examples,
                                                         std::span<const std::uint32_t> rows,
                                                         std::size_t step) const {
  std::map<std::uint32_t, std::vector<std::uint32_t>> groups;  // by the key whose model is used
  for (const std::uint32_t row : rows) {
    groups[scope_ == ModelScope::kPerKey ? examples.points[row].key : 0].push_back(row);
  }
  std::vector<Forecast> forecasts;
  for (const auto& [key, group] : groups) {
    const FittedModel* const model = Of(step, key);
    std::vector<double> answers(group.size(), kNaN);
    if (model != nullptr) {
      const Result<std::vector<float>> values =
          model->transforms.Transform(examples.features, group);
      if (!values) return values.error();
      const Result<std::vector<double>> predicted = model->trees.Predict(*values);
      if (!predicted) return predicted.error();
      for (std::size_t i = 0; i < group.size(); ++i) {
        const double value = model->target.Invert((*predicted)[i], examples.references[group[i]]);
        answers[i] = plan.not_negative ? std::max(value, 0.0) : value;
      }
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      forecasts.push_back({.point = examples.points[group[i]], .step = step, .value = answers[i]});
    }
  }
  std::ranges::sort(forecasts, {}, [](const Forecast& forecast) { return forecast.point.key; });
  return forecasts;
}

Result<std::vector<Forecast>> ForecastModel::PredictRecursively(const ForecastData& data,
                                                                const TrainingPlan& plan,
                                                                const Examples& known,
                                                                std::int64_t origin) const {
  const auto horizon = static_cast<std::int64_t>(data.horizon());
  std::map<std::uint32_t, std::vector<double>> assumed;  // of the keys with a point to forecast
  std::map<std::pair<std::uint32_t, std::int64_t>, bool> wanted;
  for (const std::uint32_t row : RowsIn(known, {origin + 1, origin + horizon})) {
    assumed[known.points[row].key];
    wanted[{known.points[row].key, known.points[row].period}] = true;
  }
  std::vector<Forecast> forecasts;
  for (std::size_t step = 1; step <= data.horizon(); ++step) {
    const std::int64_t period = origin + static_cast<std::int64_t>(step);
    std::vector<ForecastPoint> points;
    std::vector<AssumedValues> before;
    for (auto& [key, values] : assumed) {
      values.resize(step - 1, kNaN);  // a forecast that could not be made is missing
      points.push_back({.key = key, .period = period});
      before.push_back(values);
    }
    const Result<Examples> examples = ComputeExamples(data, plan, points, step, before);
    if (!examples) return examples.error();
    std::vector<std::uint32_t> rows(examples->points.size());
    std::iota(rows.begin(), rows.end(), 0);
    Result<std::vector<Forecast>> step_forecasts = PredictRows(plan, *examples, rows, step);
    if (!step_forecasts) return step_forecasts.error();
    for (const Forecast& forecast : *step_forecasts) {
      assumed[forecast.point.key].push_back(forecast.value);
      if (wanted.contains({forecast.point.key, period})) forecasts.push_back(forecast);
    }
  }
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
  std::vector<Forecast> forecasts;
  for (std::size_t step = 1; step <= data.horizon(); ++step) {
    const Examples& known = examples.of_model(std::min(step, examples.model_count()) - 1);
    const std::int64_t period = origin + static_cast<std::int64_t>(step);
    const std::vector<std::uint32_t> rows = RowsIn(known, {period, period});
    Result<std::vector<Forecast>> of_step = PredictRows(plan, known, rows, step);
    if (!of_step) return of_step.error();
    forecasts.insert(forecasts.end(), of_step->begin(), of_step->end());
  }
  return forecasts;
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

Result<std::vector<ArtefactFile>> ForecastModel::Files(const ForecastData& data) const {
  std::vector<ArtefactFile> files;
  const bool per_key = scope_ == ModelScope::kPerKey;
  for (std::size_t step = 0; step < models_.size(); ++step) {
    for (std::size_t key = 0; key < models_[step].size(); ++key) {
      const std::optional<FittedModel>& model = models_[step][key];
      if (!model) continue;
      const std::optional<std::size_t> number = per_key ? std::optional(key) : std::nullopt;
      Result<std::string> trees = model->trees.Save(ModelFormat::kUbj);
      if (!trees) return trees.error();
      files.push_back({StepFile(step, number, "ubj"), *std::move(trees)});
      const nlohmann::ordered_json around{{"transforms", model->transforms.ToJson()},
                                          {"target", model->target.ToJson()}};
      files.push_back({StepFile(step, number, "transforms.json"), around.dump() + "\n"});
    }
  }
  if (per_key) {
    nlohmann::ordered_json keys = nlohmann::ordered_json::array();
    for (std::size_t key = 0; key < data.key_count(); ++key) keys.push_back(data.KeyName(key));
    files.push_back({"model/keys.json", keys.dump() + "\n"});
  }
  return files;
}

}  // namespace forkcast::model
