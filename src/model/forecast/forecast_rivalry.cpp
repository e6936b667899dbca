#include "model/forecast/forecast_rivalry.hpp"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/evaluate/swap_test.hpp"

namespace forkcast::model {
namespace {

using Pair = PairedSums<ErrorSums>;
using FoldAndKey = std::pair<std::size_t, std::uint32_t>;

/// The champion's forecasts of one fold, by key and period.
Result<std::map<std::pair<std::uint32_t, std::int64_t>, double>> ForecastFold(
    const ForecastModel& model, const ForecastData& data, const TrainingPlan& plan,
    const StepExamples& examples, const Fold& fold) {
  const Result<std::vector<Forecast>> forecasts = model.Predict(data, plan, examples, fold.origin);
  if (!forecasts) return forecasts.error();
  std::map<std::pair<std::uint32_t, std::int64_t>, double> values;
  for (const Forecast& forecast : *forecasts) {
    values.emplace(std::pair(forecast.point.key, forecast.point.period), forecast.value);
  }
  return values;
}

}  // namespace

Result<Rivalry> CompareForecasts(const Backtest& backtest, const ForecastData& data,
                                 const TrainingPlan& plan, const StepExamples& examples,
                                 const ForecastVersion& champion) {
  const Result<ForecastModel> model = champion.Model();
  if (!model) return model.error();
  const std::string learned_up_to = LearnedUpTo(champion);
  Rivalry rivalry{.champion = champion.info().number, .metric = std::string(plan.metric->name)};
  std::map<FoldAndKey, Pair> pairs;
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const auto own = ForecastFold(*model, data, plan, examples, backtest.folds[i]);
    if (!own) return own.error();
    for (const JudgedForecast& row : backtest.rows) {
      const ForecastPoint& point = row.forecast.point;
      const auto found = own->find({point.key, point.period});
      if (row.fold != i || found == own->end() || std::isnan(found->second)) continue;
      Pair& pair = pairs[{i, point.key}];
      const double scale = ScaleOf(data, plan, point.key, backtest.folds[i]);
      pair.one.Add(row.actual, row.forecast.value, scale);
      pair.other.Add(row.actual, found->second, scale);
      ++rivalry.rows;
      if (data.FirstDay(point.period) <= learned_up_to) ++rivalry.seen_rows;
    }
  }
  std::vector<Pair> groups;
  Pair all;
  for (auto& [place, pair] : pairs) {
    all.one.Merge(pair.one);
    all.other.Merge(pair.other);
    groups.push_back(pair);
  }
  const auto error = [&plan](const ErrorSums& sums) { return sums.Value(plan.metric); };
  rivalry.groups = groups.size();
  rivalry.challenger_error = error(all.one);
  rivalry.champion_error = error(all.other);
  rivalry.chance = ChanceOfLead(std::span<const Pair>(groups), ErrorSums(), error);
  return rivalry;
}

}  // namespace forkcast::model
