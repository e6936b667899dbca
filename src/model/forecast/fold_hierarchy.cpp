#include "model/forecast/fold_hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/forecast/metric_texts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

std::vector<double> Differences(std::span<const double> forecasts, std::span<const double> actual) {
  std::vector<double> differences(forecasts.begin(), forecasts.end());
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= actual[i];
  return differences;
}

Result<Hierarchy> HierarchyOf(const ForecastData& data, const TrainingPlan& plan) {
  return Hierarchy::Build(*plan.hierarchy, data.snapshots(), data.grid());
}

}  // namespace

Result<FoldHierarchy> FoldHierarchy::Make(const ForecastData& data, const TrainingPlan& plan) {
  FoldHierarchy made(data, plan);
  if (!plan.hierarchy) return made;
  Result<Hierarchy> hierarchy = HierarchyOf(data, plan);
  if (!hierarchy) return std::move(hierarchy).error();
  made.hierarchy_ = *std::move(hierarchy);
  made.histories_ = SumHistories(*made.hierarchy_, data.grid(), data.column());
  made.result_.is_mint = plan.hierarchy->history != nullptr;
  for (const Hierarchy::Level& level : made.hierarchy_->levels()) {
    made.result_.levels.push_back({.name = level.name, .groups = level.count});
  }
  made.result_.levels.push_back(
      {.name = fmt::format("{}", fmt::join(data.series().key, ",")), .groups = data.key_count()});
  return made;
}

std::vector<SummedErrors> FoldHierarchy::ErrorsUpTo(std::int64_t last) const {
  std::vector<SummedErrors> errors;
  const std::size_t count = std::min(off_.size(), plan_.folds.n_splits);
  for (const std::vector<Off>& fold : std::span(off_).last(count)) {
    for (const Off& off : fold) {
      if (off.period <= last) errors.push_back(off.errors);
    }
  }
  return errors;
}

void FoldHierarchy::Add(const Fold& fold, const std::vector<Forecast>& forecasts, bool is_judged) {
  if (!hierarchy_) return;
  const SummedLeaves& summed = hierarchy_->summed();
  const std::size_t steps = data_.horizon();
  std::vector<std::vector<double>> keys(steps, std::vector<double>(summed.leaves(), kNaN));
  for (const Forecast& one : forecasts) keys[one.step - 1][one.point.key] = one.value;
  if (result_.is_mint && learned_from_ != fold.train) {
    learned_from_ = fold.train;
    model_ = HierarchyModel::Learn(*plan_.hierarchy->history, histories_, fold.train);
  }
  if (result_.is_mint && is_judged) {
    model_.SetGains(MinTraceGains(summed, ErrorsUpTo(fold.origin)));
    result_.shrinkages.push_back(model_.shrinkage());
  }
  const auto sums = model_.ForecastSums(histories_, fold.origin, steps);
  std::vector<Off>& off = off_.emplace_back();
  for (std::size_t step = 0; step < steps; ++step) {
    const std::int64_t period = fold.origin + 1 + static_cast<std::int64_t>(step);
    std::vector<double> actual(summed.leaves());
    for (std::size_t key = 0; key < actual.size(); ++key) actual[key] = data_.ValueIn(key, period);
    if (is_judged) Judge(actual, keys[step], sums[step]);
    off.push_back({.period = period,
                   .errors = {.sums = Differences(sums[step], AddUp(summed, actual)),
                              .leaves = Differences(keys[step], actual)}});
  }
}

void FoldHierarchy::Judge(std::span<const double> actual, std::span<const double> keys,
                          std::span<const double> sums) {
  const SummedLeaves& summed = hierarchy_->summed();
  const std::vector<double> actual_sums = AddUp(summed, actual);
  const auto add = [&](ErrorSums LevelResult::*of, std::span<const double> of_sums,
                       std::span<const double> of_keys) {
    for (std::size_t i = 0; i < result_.levels.size(); ++i) {
      const bool is_keys = i + 1 == result_.levels.size();
      const std::size_t first = is_keys ? 0 : hierarchy_->levels()[i].first;
      for (std::size_t group = first; group < first + result_.levels[i].groups; ++group) {
        const std::span<const double> forecast = is_keys ? of_keys : of_sums;
        (result_.levels[i].*of).Add(is_keys ? actual[group] : actual_sums[group], forecast[group]);
      }
    }
  };
  add(&LevelResult::bottom_up, AddUp(summed, keys), keys);
  if (!result_.is_mint) return;
  add(&LevelResult::own, sums, keys);
  std::vector<double> reconciled(keys.begin(), keys.end());
  model_.ReconcileKeys(*hierarchy_, sums, reconciled);
  for (double& value : reconciled) value = plan_.output.Apply(value);
  add(&LevelResult::mint, AddUp(summed, reconciled), reconciled);
}

std::optional<HierarchyResult> FoldHierarchy::Finish() {
  if (!hierarchy_) return std::nullopt;
  result_.errors = ErrorsUpTo(std::numeric_limits<std::int64_t>::max());
  return std::move(result_);
}

ordered_json ToJson(const HierarchyResult& result) {
  ordered_json levels = ordered_json::array();
  for (const LevelResult& level : result.levels) {
    ordered_json one{{"level", level.name},
                     {"groups", level.groups},
                     {"bottom_up", MetricsJson(level.bottom_up)}};
    if (result.is_mint) {
      one["mint"] = MetricsJson(level.mint);
      one["own"] = MetricsJson(level.own);
    }
    levels.push_back(std::move(one));
  }
  ordered_json json{{"reconcile", result.is_mint ? "mint" : "bottom_up"},
                    {"levels", std::move(levels)}};
  if (result.is_mint) json["shrinkage_by_fold"] = result.shrinkages;
  return json;
}

Result<ordered_json> HierarchyJson(const ForecastData& data, const TrainingPlan& plan,
                                   PeriodRange periods, std::span<const SummedErrors> errors) {
  const Result<Hierarchy> hierarchy = HierarchyOf(data, plan);
  if (!hierarchy) return hierarchy.error();
  HierarchyModel model = HierarchyModel::Learn(
      *plan.hierarchy->history, SumHistories(*hierarchy, data.grid(), data.column()), periods);
  model.SetGains(MinTraceGains(hierarchy->summed(), errors));
  return model.ToJson(*hierarchy, data.grid());
}

Status CheckHierarchy(const ForecastData& data, const TrainingPlan& plan) {
  if (!plan.hierarchy) return {};
  const Result<Hierarchy> hierarchy = HierarchyOf(data, plan);
  if (!hierarchy) return hierarchy.error();
  const SummedLeaves& summed = hierarchy->summed();
  const bool is_too_large = summed.sums > kMostSums || summed.sums * summed.leaves() > kMostGains;
  if (!plan.hierarchy->history || !is_too_large) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("hierarchy: {} sums over {} keys are too many for \"mint\", which takes "
                           "{} sums and {} pairs of a sum and a key: leave fine levels out, or "
                           "\"reconcile\": \"bottom_up\"",
                           summed.sums, summed.leaves(), kMostSums, kMostGains),
               "hierarchy"};
}

}  // namespace forkcast::model
