#include "model/forecast/fitted_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "model/learn/for_each.hpp"

namespace forkcast::model {
namespace {

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
  Result<FittedTransforms> transforms = FittedTransforms::Fit(
      examples.features, examples.actual, std::span(rows).first(rows.size() - validation_rows),
      plan.inputs.transforms);
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

Error InTask(Error error, const ForecastData& data, const ModelTask& task) {
  error.message = fmt::format("step {}{}: {}", task.step + 1,
                              task.key ? ", key " + data.KeyName(*task.key) : "", error.message);
  return error;
}

/// Each model in one thread: threads that share a small one wait for each other more than they
/// work.
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

/// One model in all threads.
Result<bool> FitAlone(const ForecastData& data, const TrainingPlan& plan,
                      const StepExamples& examples, ModelTask& task, const OnStage& on_stage) {
  Result<std::optional<FittedModel>> fitted =
      Fit(plan, ThreadsOf(plan.trainer), examples.of_model(task.step), std::move(task.rows),
          [&](const TrainingProgress& progress) {
            return on_stage({.done = progress.round, .total = progress.rounds});
          });
  if (!fitted) return InTask(fitted.error(), data, task);
  *task.model = *std::move(fitted);
  return task.model->has_value();
}

}  // namespace

Result<bool> FitModels(const ForecastData& data, const TrainingPlan& plan,
                       const StepExamples& examples, std::span<ModelTask> tasks,
                       const OnStage& on_stage) {
  // Alone, too, a key's model is trained by one thread: several took 20 times as much CPU time,
  // waiting for each other, where other processes were at work.
  if (tasks.size() == 1 && !tasks.front().key) {
    return FitAlone(data, plan, examples, tasks.front(), on_stage);
  }
  return FitEach(data, plan, examples, tasks, on_stage);
}

}  // namespace forkcast::model
