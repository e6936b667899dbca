#include "model/learn/xgboost/tree_model.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "model/learn/xgboost/booster.hpp"

namespace forkcast::model {
namespace {

constexpr std::array<std::pair<Task, std::string_view>, 3> kTasks{
    {{Task::kRegression, "regression"},
     {Task::kBinary, "binary"},
     {Task::kMultiClass, "multiclass"}}};
}  // namespace

std::string_view ToString(Task task) noexcept {
  return std::ranges::find(kTasks, task, &std::pair<Task, std::string_view>::first)->second;
}

std::optional<Task> TaskFromString(std::string_view name) noexcept {
  const auto* const found =
      std::ranges::find(kTasks, name, &std::pair<Task, std::string_view>::second);
  return found == kTasks.end() ? std::nullopt : std::optional(found->first);
}

TreeModel::TreeModel(std::unique_ptr<Booster> booster) : booster_(std::move(booster)) {}
TreeModel::TreeModel(TreeModel&&) noexcept = default;
TreeModel& TreeModel::operator=(TreeModel&&) noexcept = default;
TreeModel::~TreeModel() = default;

Result<TreeModel> TreeModel::Load(std::string_view bytes, unsigned threads) {
  Result<std::unique_ptr<Booster>> booster = Booster::Load(bytes, threads);
  if (!booster) return std::move(booster).error();
  return Make(*std::move(booster));
}

Result<TreeModel> TreeModel::Make(std::unique_ptr<Booster> booster) {
  const Result<std::optional<std::string>> task = booster->Attribute("forkcast_task");
  if (!task) return task.error();
  const Result<std::optional<std::string>> algorithm = booster->Attribute("forkcast_algorithm");
  if (!algorithm) return algorithm.error();
  const std::optional<Task> known_task = TaskFromString(task->value_or(""));
  const std::optional<Algorithm> known_algorithm = AlgorithmFromString(algorithm->value_or(""));
  Result<std::vector<std::string>> features = booster->Features();
  if (!features) return std::move(features).error();
  const Result<std::size_t> rounds = booster->RoundCount();
  if (!rounds) return rounds.error();
  if (!known_task || !known_algorithm || features->empty()) {
    return Error{ErrorCode::kCorrupt, "the model was not written by this program's trainer"};
  }
  TreeModel model(std::move(booster));
  model.task_ = *known_task;
  model.divides_by_sum_ =
      *known_task == Task::kMultiClass && *known_algorithm == Algorithm::kRandomForest;
  model.features_ = *std::move(features);
  model.rounds_ = *rounds;
  // The library does not tell the number of outputs, but for a row.
  const std::vector<float> any_row(model.features_.size());
  const Result<Booster::Scores> scores = model.booster_->Predict(any_row, any_row.size());
  if (!scores) return scores.error();
  model.outputs_ = scores->columns;
  return model;
}

Result<std::vector<double>> TreeModel::Predict(std::span<const float> rows) const {
  if (rows.size() % features_.size() != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "expected rows of " + std::to_string(features_.size()) + " values"};
  }
  if (rows.empty()) return std::vector<double>{};
  Result<Booster::Scores> scores = booster_->Predict(rows, features_.size());
  if (!scores) return std::move(scores).error();
  std::vector<double> values = std::move(scores->values);
  if (divides_by_sum_) {
    for (auto row = values.begin(); row != values.end(); row += static_cast<long>(outputs_)) {
      const auto end = row + static_cast<long>(outputs_);
      const double sum = std::accumulate(row, end, 0.0);
      std::for_each(row, end, [sum](double& share) { share /= sum; });
    }
  }
  return values;
}

Result<std::string> TreeModel::Save(ModelFormat format) const {
  return booster_->Save(format == ModelFormat::kJson ? "json" : "ubj");
}

Result<std::vector<FeatureImportance>> TreeModel::Importances() const {
  const Result<std::vector<Booster::Gain>> gains = booster_->TotalGains();
  if (!gains) return gains.error();
  double sum = 0;
  for (const Booster::Gain& gain : *gains) sum += gain.total;
  std::vector<FeatureImportance> importances;
  for (const std::string& feature : features_) {
    const auto found = std::ranges::find(*gains, feature, &Booster::Gain::feature);
    const double total = found == gains->end() ? 0 : found->total;
    importances.push_back({feature, sum > 0 ? total / sum : 0});
  }
  std::ranges::stable_sort(importances, std::ranges::greater{}, &FeatureImportance::share);
  return importances;
}

}  // namespace forkcast::model
