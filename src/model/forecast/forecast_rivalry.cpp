#include "model/forecast/forecast_rivalry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/series/series_spec.hpp"
#include "model/evaluate/swap_test.hpp"
#include "model/forecast/step_examples.hpp"

namespace forkcast::model {
namespace {

using preprocessing::DefinitionOf;

using Pair = PairedSums<ErrorSums>;
using FoldAndKey = std::pair<std::size_t, std::uint32_t>;

/// A model's forecasts of one fold, by key and period.
Result<std::map<std::pair<std::uint32_t, std::int64_t>, double>> ForecastFold(
    const ForecastModel& model, const Champion& champion, const StepExamples& examples,
    const Fold& fold) {
  const Result<std::vector<Forecast>> forecasts =
      model.Predict(champion.data, champion.plan, examples, fold.origin);
  if (!forecasts) return forecasts.error();
  std::map<std::pair<std::uint32_t, std::int64_t>, double> values;
  for (const Forecast& forecast : *forecasts) {
    values.emplace(std::pair(forecast.point.key, forecast.point.period), forecast.value);
  }
  return values;
}

/// From the first to the last period that is tested.
PeriodRange TestsOf(const std::vector<Fold>& folds) {
  PeriodRange tests = folds.front().test;
  for (const Fold& fold : folds) {
    tests.first = std::min(tests.first, fold.test.first);
    tests.last = std::max(tests.last, fold.test.last);
  }
  return tests;
}

}  // namespace

Status CheckSameForecast(const ForecastData& data, const ForecastVersion& version) {
  const preprocessing::PipelineSpec& other = version.spec();
  const auto refuse = [&version](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("version {} of {} forecasts something else, and so is no rival: {}",
                             version.info().number, version.info().model, what)};
  };
  if (other.forecast->value != data.forecast().value) {
    return refuse(
        fmt::format("the value \"{}\", not \"{}\"", other.forecast->value, data.forecast().value));
  }
  if (other.forecast->horizon != data.forecast().horizon) {
    return refuse(
        fmt::format("{} periods, not {}", other.forecast->horizon, data.forecast().horizon));
  }
  const preprocessing::SeriesSpec& series = other.SeriesNamed(other.forecast->series);
  if (DefinitionOf(series, other.zone.name()) ==
      DefinitionOf(data.series(), data.spec().zone.name())) {
    return {};
  }
  return refuse(fmt::format("series \"{}\" is declared otherwise", series.name));
}

Result<Rivalry> CompareForecasts(const Backtest& backtest, const ForecastData& data,
                                 const TrainingPlan& plan, const std::vector<std::uint32_t>& keys,
                                 const Champion& champion) {
  const Result<ForecastModel> model = champion.version.Model();
  if (!model) return model.error();
  const Result<StepExamples> examples =
      StepExamples::Compute(champion.data, champion.plan, TestsOf(backtest.folds), keys);
  if (!examples) return examples.error();
  const std::string learned_up_to = LearnedUpTo(champion.version);
  Rivalry rivalry{.champion = champion.version.info().number,
                  .metric = std::string(plan.metric->name)};
  std::map<FoldAndKey, Pair> pairs;
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const auto own = ForecastFold(*model, champion, *examples, backtest.folds[i]);
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
