#include "model/forecast/forecast_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "data_preprocessing/pipeline/json_node.hpp"

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
  // The validation rows say when to stop, so nothing else may have seen them.
  Result<FittedTransforms> transforms =
      FittedTransforms::Fit(examples.features, examples.actual,
                            std::span(rows).first(rows.size() - validation_rows), plan.transforms);
  if (!transforms) return transforms.error();
  const Result<std::vector<float>> values = transforms->Transform(examples.features, rows);
  if (!values) return values.error();
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
                                                .trees = std::move((*trained)->model)});
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

/// Calls work(i, is_caller) for 0 .. count - 1 from the caller's thread and others beside it, each
/// number once. After a failure no more are begun; of several errors that of the least number.
Status ForEach(std::size_t count, unsigned threads,
               const std::function<Status(std::size_t, bool is_caller)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> failed;
  const auto run = [&](bool is_caller) {
    for (std::size_t i = next++; i < count && !stopped; i = next++) {
      const Status done = work(i, is_caller);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!failed || i < failed->first) failed.emplace(i, done.error());
      stopped = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, count); ++i) {
      others.emplace_back(run, false);
    }
    run(true);
  }
  if (failed) return std::move(failed->second);
  return {};
}

/// Trains many models, each in one thread: threads that share a small model wait for each other
/// more than they work. False when cancelled; of several errors the first task's.
Result<bool> FitEach(const ForecastData& data, const TrainingPlan& plan,
                     const StepExamples& examples, std::span<ModelTask> tasks,
                     const OnStage& on_stage) {
  std::atomic<std::size_t> done{0};
  std::atomic<bool> cancelled{false};
  const auto fit = [&](std::size_t i, bool is_caller) -> Status {
    if (cancelled) return {};
    const auto tell = [&] {
      if (is_caller && !on_stage({.done = done, .total = tasks.size()})) cancelled = true;
      return !cancelled.load();
    };
    ModelTask& task = tasks[i];
    Result<std::optional<FittedModel>> model =
        Fit(plan, 1, examples.of_model(task.step), std::move(task.rows),
            [&tell](const TrainingProgress&) { return tell(); });
    if (!model) return InTask(model.error(), data, task);
    *task.model = *std::move(model);
    ++done;
    tell();
    return {};
  };
  Status finished = ForEach(tasks.size(), ThreadsOf(plan.trainer), fit);
  if (!finished) return std::move(finished).error();
  return !cancelled;
}

constexpr std::string_view kFolder = "model/";
constexpr const char* kKeysFile = "model/keys.json";
constexpr const char* kTrees = "ubj";
constexpr const char* kTransforms = "transforms.json";

/// `step` and `key` from 0.
std::string ModelFile(std::size_t step, std::optional<std::size_t> key, std::string_view ending) {
  return key ? fmt::format("{}{}/{}.{}", kFolder, step + 1, *key, ending)
             : fmt::format("{}{}.{}", kFolder, step + 1, ending);
}

Status AppendFiles(const FittedModel& model, std::size_t step, std::optional<std::size_t> key,
                   std::vector<ArtefactFile>& files) {
  Result<std::string> trees = model.trees.Save(ModelFormat::kUbj);
  if (!trees) return std::move(trees).error();
  files.push_back({ModelFile(step, key, kTrees), *std::move(trees)});
  const nlohmann::ordered_json around{{"transforms", model.transforms.ToJson()},
                                      {"target", model.target.ToJson()}};
  files.push_back({ModelFile(step, key, kTransforms), around.dump() + "\n"});
  return {};
}

Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files) {
  try {
    files.push_back({kKeysFile, keys.ToJson().dump() + "\n"});
    return {};
  } catch (const nlohmann::ordered_json::type_error&) {
    return Error{ErrorCode::kInvalidArgument, "a key is not UTF-8: its model cannot be published"};
  }
}

/// The files of an artefact, of which each is taken once.
class FilesByName {
 public:
  explicit FilesByName(std::span<const ArtefactFile> files) {
    for (const ArtefactFile& file : files) {
      if (file.path.starts_with(kFolder)) files_[file.path] = &file;
    }
  }

  /// Throws SpecError.
  const ArtefactFile& Take(const std::string& path) {
    const auto found = files_.find(path);
    if (found == files_.end()) throw preprocessing::SpecError(path + ": missing");
    const ArtefactFile& file = *found->second;
    files_.erase(found);
    return file;
  }
  /// Throws SpecError.
  void RequireAllTaken() const {
    if (files_.empty()) return;
    throw preprocessing::SpecError(files_.begin()->first + ": belongs to no step and key");
  }

 private:
  std::map<std::string, const ArtefactFile*> files_;
};

/// Reads a file with `read`, which throws SpecError; names the file in errors.
template <typename Read>
auto ReadJson(const ArtefactFile& file, const Read& read) {
  try {
    const nlohmann::ordered_json json = preprocessing::ParseJson(file.bytes);
    return read(preprocessing::JsonNode(json));
  } catch (const preprocessing::SpecError& error) {
    throw preprocessing::SpecError(file.path + ": " + error.what());
  }
}

/// What the models of a pipeline have in common.
struct Expected {
  std::vector<preprocessing::FeatureColumnSpec> inputs;
  TargetTransform target;
};

/// One model and the files it is read from.
struct LoadTask {
  const ArtefactFile* trees = nullptr;
  const ArtefactFile* around = nullptr;
  std::optional<FittedModel>* model = nullptr;  // where it goes
};

/// Throws SpecError.
FittedModel Load(const LoadTask& task, const Expected& expected) {
  const auto fail = [](const ArtefactFile& file, const std::string& what) {
    throw preprocessing::SpecError(file.path + ": " + what);
  };
  Result<TreeModel> trees = TreeModel::Load(task.trees->bytes);
  if (!trees) fail(*task.trees, trees.error().message);
  if (trees->task() != Task::kRegression) fail(*task.trees, "a forecast's model is a regression");
  return ReadJson(*task.around, [&](const preprocessing::JsonNode& node) {
    node.RequireObject({"transforms", "target"});
    FittedTransforms transforms = FittedTransforms::FromJson(node.Get("transforms"));
    if (transforms.inputs() != expected.inputs) {
      node.Get("transforms").Fail("the features are not those of the pipeline");
    }
    if (transforms.outputs() != trees->features()) {
      node.Get("transforms").Fail("its columns are not those of " + task.trees->path);
    }
    const TargetTransform target = ReadTargetTransform(node.Get("target"));
    TargetTransform steps = target;
    steps.fallback_scale = expected.target.fallback_scale;
    if (steps != expected.target) node.Get("target").Fail("not the pipeline's");
    return FittedModel{
        .transforms = std::move(transforms), .target = target, .trees = *std::move(trees)};
  });
}

/// Models that a strategy trains for a key, or for all keys.
std::size_t ModelsOf(const preprocessing::ForecastSpec& forecast) {
  return forecast.strategy == ForecastStrategy::kDirect ? static_cast<std::size_t>(forecast.horizon)
                                                        : 1;
}

ModelKeys ReadKeys(const ArtefactFile& file, const preprocessing::PipelineSpec& spec) {
  return ReadJson(file, [&spec](const preprocessing::JsonNode& node) {
    return ModelKeys::FromJson(node, spec.SeriesNamed(spec.forecast->series),
                               ModelsOf(*spec.forecast));
  });
}

}  // namespace

Result<StepExamples> StepExamples::Compute(const ForecastData& data, const TrainingPlan& plan,
                                           PeriodRange periods, std::vector<std::uint32_t> keys) {
  std::vector<std::uint32_t> sorted = keys;
  std::ranges::sort(sorted);
  const std::size_t models = ModelsOf(data.forecast());
  const unsigned threads = ThreadsOf(plan.trainer);
  const std::size_t shares = std::clamp<std::size_t>(sorted.size(), 1, threads);
  std::vector<std::optional<Examples>> parts(models * shares);
  const auto compute = [&](std::size_t i, bool) -> Status {
    const std::size_t share = i % shares;
    const std::size_t first = sorted.size() * share / shares;
    const std::size_t last = sorted.size() * (share + 1) / shares;
    const std::vector<ForecastPoint> points =
        KnownPoints(data, periods, std::span(sorted).subspan(first, last - first));
    const bool is_shared = data.forecast().strategy == ForecastStrategy::kShared;
    Result<Examples> examples =
        ComputeExamples(data, plan, points, is_shared ? data.horizon() : i / shares + 1);
    if (!examples) return std::move(examples).error();
    parts[i] = *std::move(examples);
    return {};
  };
  Status computed = ForEach(parts.size(), threads, compute);
  if (!computed) return std::move(computed).error();
  StepExamples all;
  all.keys_ = std::move(keys);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % shares == 0) {
      all.by_model_.push_back(*std::move(parts[i]));
    } else {
      all.by_model_.back().Append(*std::move(parts[i]));
    }
    parts[i].reset();
  }
  for (const Examples& examples : all.by_model_) {
    if (examples.bad_weight) return *examples.bad_weight;
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
  if (plan.scope == ModelScope::kPerKey) {
    model.keys_ = ModelKeys(data.series());
    for (const std::uint32_t key : examples.keys()) model.keys_.Add(data.grid().KeyValues(key));
  }
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
    models.resize(model.keys_.size());
    auto by_key = ByKey(known, rows, data.key_count());
    for (std::size_t i = 0; i < models.size(); ++i) {
      const std::uint32_t key = examples.keys()[i];
      if (by_key[key].empty()) continue;
      tasks.push_back(
          {.step = step, .key = key, .rows = std::move(by_key[key]), .model = &models[i]});
    }
  }
  // Alone, too, a key's model is trained by one thread: several took 20 times as much CPU time,
  // waiting for each other, where other processes were at work.
  if (tasks.size() != 1 || plan.scope == ModelScope::kPerKey) {
    const Result<bool> finished = FitEach(data, plan, examples, tasks, on_stage);
    if (!finished) return finished.error();
    if (!*finished) return std::optional<ForecastModel>();
    model.NoteMissingSteps();
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
  const auto inputs = ModelInputs(spec, plan);
  if (!inputs) return inputs.error();
  const Expected expected{.inputs = *inputs, .target = plan.target};
  ForecastModel model;
  model.scope_ = plan.scope;
  model.models_.resize(ModelsOf(*spec.forecast));
  try {
    FilesByName names(files);
    const bool per_key = plan.scope == ModelScope::kPerKey;
    if (per_key) model.keys_ = ReadKeys(names.Take(kKeysFile), spec);
    std::vector<LoadTask> tasks;
    for (std::size_t step = 0; step < model.models_.size(); ++step) {
      auto& models = model.models_[step];
      models.resize(per_key ? model.keys_.size() : 1);
      for (std::size_t key = 0; key < models.size(); ++key) {
        if (per_key && std::ranges::binary_search(model.keys_.missing_steps(key), step + 1)) {
          continue;
        }
        const auto number = per_key ? std::optional(key) : std::nullopt;
        tasks.push_back({.trees = &names.Take(ModelFile(step, number, kTrees)),
                         .around = &names.Take(ModelFile(step, number, kTransforms)),
                         .model = &models[key]});
      }
    }
    names.RequireAllTaken();
    const auto load = [&](std::size_t i, bool) -> Status {
      try {
        *tasks[i].model = model::Load(tasks[i], expected);
        return {};
      } catch (const preprocessing::SpecError& error) {
        return Error{ErrorCode::kCorrupt, error.what()};
      }
    };
    Status loaded = ForEach(tasks.size(), ThreadsOf(plan.trainer), load);
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
    return ReadKeys(FilesByName(files).Take(kKeysFile), spec);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

Result<std::vector<Forecast>> ForecastModel::PredictRows(const ForecastData& data,
                                                         const TrainingPlan& plan,
                                                         const Examples& examples,
                                                         std::span<const StepRow> rows) const {
  /// Rows that one model answers in one call: the library takes its time for each.
  struct Group {
    const FittedModel* model = nullptr;
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
      const auto& models = models_[ModelOfStep(step)];
      const auto number =
          per_key ? keys_.Find(data.grid().KeyValues(point.key)) : std::optional<std::size_t>(0);
      const bool has_model = number && models[*number];
      groups.push_back(
          {.model = has_model ? &*models[*number] : nullptr, .rows = {}, .forecasts = {}});
    }
    Group& group = groups[known->second];
    group.rows.push_back(row);
    group.forecasts.push_back({.point = point, .step = step, .value = kNaN});
  }
  const auto predict = [&](std::size_t i, bool) -> Status {
    Group& group = groups[i];
    if (group.model == nullptr) return {};
    const Result<std::vector<float>> values =
        group.model->transforms.Transform(examples.features, group.rows);
    if (!values) return values.error();
    const Result<std::vector<double>> predicted = group.model->trees.Predict(*values);
    if (!predicted) return predicted.error();
    for (std::size_t row = 0; row < group.rows.size(); ++row) {
      const double value =
          group.model->target.Invert((*predicted)[row], examples.references[group.rows[row]]);
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
    std::vector<StepRow> rows;
    for (std::uint32_t row = 0; row < examples->points.size(); ++row) rows.push_back({step, row});
    const Result<std::vector<Forecast>> step_forecasts = PredictRows(data, plan, *examples, rows);
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
  // Steps that have the same examples have the same model.
  std::vector<Forecast> forecasts;
  const auto horizon = static_cast<std::int64_t>(data.horizon());
  const auto models = static_cast<std::int64_t>(examples.model_count());
  for (std::int64_t model = 1; model <= models; ++model) {
    const Examples& known = examples.of_model(static_cast<std::size_t>(model) - 1);
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
    Status appended = AppendFiles(*models_[step].front(), step, std::nullopt, files);
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
  FilesByName others(base);
  std::vector<ArtefactFile> files;
  try {
    for (std::size_t step = 0; step < models_.size(); ++step) {
      for (std::size_t key = 0; key < all.size(); ++key) {
        if (std::ranges::binary_search(all.missing_steps(key), step + 1)) continue;
        if (own[key]) {
          Status appended = AppendFiles(*models_[step][*own[key]], step, key, files);
          if (!appended) return std::move(appended).error();
          continue;
        }
        files.push_back(others.Take(ModelFile(step, key, kTrees)));
        files.push_back(others.Take(ModelFile(step, key, kTransforms)));
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
