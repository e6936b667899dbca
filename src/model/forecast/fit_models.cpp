#include "model/forecast/fit_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "model/learn/for_each.hpp"

namespace forkcast::model {
namespace {

/// The mean of the scales that can be used, for rows without one.
double MeanScale(const PointExamples& examples, std::span<const std::uint32_t> rows) {
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

/// Of rows to learn from, those whose target can be learned, with the transform fitted to them.
struct UsableRows {
  TargetTransform transform;
  std::vector<std::uint32_t> rows;
};

UsableRows UsableOf(const TrainingPlan& plan, const PointExamples& examples,
                    std::vector<std::uint32_t> rows) {
  TargetTransform transform = plan.target;
  if (transform.needs_scale()) transform.fallback_scale = MeanScale(examples, rows);
  std::erase_if(rows, [&](std::uint32_t row) {
    return std::isnan(transform.Apply(examples.actual[row], examples.references[row]));
  });
  return {.transform = transform, .rows = std::move(rows)};
}

/// What one model learns of its rows, one number a row.
struct Learned {
  std::vector<double> target;
  std::vector<double> weights;  ///< Empty: all count alike.
  std::vector<std::int64_t> periods;
};

Learned LearnedFrom(const TrainingPlan& plan, const TargetTransform& transform,
                    const PointExamples& examples, std::span<const std::uint32_t> rows) {
  Learned learned;
  const std::int64_t last = examples.points[rows.back()].period;
  for (const std::uint32_t row : rows) {
    learned.periods.push_back(examples.points[row].period);
    learned.target.push_back(transform.Apply(examples.actual[row], examples.references[row]));
    if (!plan.half_life && examples.weights.empty()) continue;
    double weight = examples.weights.empty() ? 1 : examples.weights[row];
    if (plan.half_life) {
      weight *= std::exp2(-static_cast<double>(last - learned.periods.back()) / *plan.half_life);
    }
    learned.weights.push_back(weight);
  }
  return learned;
}

/// Rows, sorted by period, become one model.
Result<std::optional<TrainedPredictor>> FitRows(const TrainingPlan& plan, unsigned threads,
                                                const PointExamples& examples,
                                                std::vector<std::uint32_t> rows,
                                                const OnRound& on_round) {
  auto [transform, usable] = UsableOf(plan, examples, std::move(rows));
  if (usable.empty()) return Error{ErrorCode::kInvalidArgument, "there is no row to learn from"};
  LearningSetting setting = plan.setting;
  setting.threads = threads;
  const Learned learned = LearnedFrom(plan, transform, examples, usable);
  return FitModel(*plan.trainer, setting, plan.inputs,
                  {.features = examples.features,
                   .rows = usable,
                   .target = learned.target,
                   .weights = learned.weights,
                   .encoded = examples.actual,
                   .validation_rows = ValidationRowsOf(*plan.trainer, learned.periods)},
                  ValueAnswer{transform}, on_round);
}

/// The model of a task, whose rows it takes, from wherever the plan has its models.
Result<std::optional<TrainedPredictor>> FitTask(const TrainingPlan& plan, unsigned threads,
                                                const StepExamples& examples, ModelTask& task,
                                                const OnRound& on_round) {
  const auto train = [&] {
    return FitRows(plan, threads, examples.of_model(task.step), std::move(task.rows), on_round);
  };
  if (plan.fits == nullptr) return train();
  return plan.fits->Fit(task.name, plan.inputs, ValueAnswer{plan.target}, train);
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
    Result<std::optional<TrainedPredictor>> model =
        FitTask(plan, 1, examples, task, [&tell](const TrainingProgress&) { return tell(); });
    if (!model) return InTask(model.error(), data, task);
    *task.model = *std::move(model);
    ++done;
    tell();
    return {};
  };
  Status finished = ForEach(tasks.size(), ThreadsOf(plan.setting), fit);
  if (!finished) return std::move(finished).error();
  return !cancelled;
}

/// One model in all threads.
Result<bool> FitAlone(const ForecastData& data, const TrainingPlan& plan,
                      const StepExamples& examples, ModelTask& task, const OnStage& on_stage) {
  Result<std::optional<TrainedPredictor>> fitted =
      FitTask(plan, ThreadsOf(plan.setting), examples, task, [&](const TrainingProgress& progress) {
        return on_stage({.done = progress.round, .total = progress.rounds});
      });
  if (!fitted) return InTask(fitted.error(), data, task);
  *task.model = *std::move(fitted);
  return task.model->has_value();
}

}  // namespace

bool AreEnough(const TrainingPlan& plan, const PointExamples& examples,
               std::span<const std::uint32_t> rows) {
  constexpr std::size_t kLeastRows = 2;  // as CheckRows()
  const std::vector<std::uint32_t> usable =
      UsableOf(plan, examples, {rows.begin(), rows.end()}).rows;
  std::vector<std::int64_t> periods;
  for (const std::uint32_t row : usable) periods.push_back(examples.points[row].period);
  const std::size_t validation = ValidationRowsOf(*plan.trainer, periods);
  if (plan.trainer->validation_share() && validation == 0) return false;
  return usable.size() >= kLeastRows + validation;
}

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
