#include "model/forecast/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "model/forecast/trained_forecast.hpp"

namespace forkcast::model {
namespace {

/// Values of a key up to and with `origin`.
std::span<const double> History(const ForecastData& data, std::uint32_t key, std::int64_t origin) {
  const std::span<const double> values = data.Values(key);
  const std::int64_t known = origin - data.grid().FirstPeriod(key) + 1;
  return values.first(static_cast<std::size_t>(
      std::clamp<std::int64_t>(known, 0, static_cast<std::int64_t>(values.size()))));
}

/// Adds up what rows are worth.
class Judge {
 public:
  Judge(const ForecastData& data, const TrainingPlan& plan, Backtest& backtest)
      : data_(data), plan_(plan), backtest_(backtest) {
    backtest_.metric = plan.metric;
    backtest_.value_name = data.forecast().value;
    backtest_.min_judged = plan.min_judged;
    backtest_.by_fold.resize(backtest_.folds.size());
    backtest_.by_step.resize(data.horizon());
    backtest_.by_key.resize(data.key_count());
    for (const BaselineSpec& spec : plan.baselines) {
      backtest_.baselines.push_back({.spec = spec,
                                     .baseline = {},
                                     .model = {},
                                     .baseline_by_step = std::vector<ErrorSums>(data.horizon()),
                                     .left_out = {}});
    }
  }

  /// Precondition: the forecast is a number.
  void Add(std::size_t fold_number, const Forecast& forecast) {
    const Fold& fold = backtest_.folds[fold_number];
    const auto [key, period] = forecast.point;
    const double actual = data_.ValueIn(key, period);
    const double scale = ScaleOf(data_, plan_, key, fold);
    const auto add = [&](ErrorSums& sums, double value) { sums.Add(actual, value, scale); };
    add(backtest_.all, forecast.value);
    add(backtest_.by_fold[fold_number], forecast.value);
    add(backtest_.by_step[forecast.step - 1], forecast.value);
    add(backtest_.by_key[key], forecast.value);

    JudgedForecast row{
        .fold = fold_number, .forecast = forecast, .actual = actual, .baselines = {}};
    const std::span<const double> history = History(data_, key, fold.origin);
    for (BaselineResult& result : backtest_.baselines) {
      const BaselineForecast baseline = ForecastBaseline(result.spec, history, forecast.step);
      row.baselines.push_back(static_cast<float>(baseline.value));
      if (baseline.reason != NoForecast::kNone) {
        ++result.left_out[baseline.reason];
        continue;
      }
      add(result.baseline, baseline.value);
      add(result.baseline_by_step[forecast.step - 1], baseline.value);
      add(result.model, forecast.value);
    }
    backtest_.rows.push_back(std::move(row));
  }

  /// All rows of a fold: those that `model` forecast, and what it could not.
  void AddFold(std::size_t number, const ForecastModel& model, std::span<const std::uint32_t> keys,
               const std::vector<Forecast>& forecasts) {
    std::map<std::pair<std::uint32_t, std::int64_t>, bool> answered;  // whether with a number
    for (const Forecast& forecast : forecasts) {
      const bool is_number = !std::isnan(forecast.value);
      answered.emplace(std::pair(forecast.point.key, forecast.point.period), is_number);
      if (is_number) Add(number, forecast);
    }
    const Fold& fold = backtest_.folds[number];
    for (const std::uint32_t key : keys) {
      const auto first = std::max<std::int64_t>(fold.test.first, data_.grid().FirstPeriod(key));
      const auto last = std::min<std::int64_t>(fold.test.last, data_.grid().LastPeriod(key));
      for (std::int64_t period = first; period <= last; ++period) {
        const auto found = answered.find({key, period});
        if (found != answered.end() && found->second) continue;
        const auto step = static_cast<std::size_t>(period - fold.origin);
        const ForecastPoint point{.key = key, .period = period};
        backtest_.left_out.push_back(
            {.fold = number,
             .step = step,
             .point = point,
             .reason = WhyLeftOut(model, point, step, found != answered.end())});
      }
    }
  }

  /// Once all rows are there.
  void Finish() {
    backtest_.shortfalls.clear();
    if (!backtest_.value()) {
      backtest_.shortfalls.push_back(
          backtest_.all.WhyUndefined(backtest_.metric, backtest_.value_name));
    }
    TellEmpty("fold", backtest_.by_fold, std::vector<bool>(backtest_.by_fold.size(), true));
    TellEmpty("step", backtest_.by_step, StepsThatLostRows());
    const auto judged = static_cast<double>(backtest_.all.rows());
    const auto all = static_cast<double>(backtest_.rows_to_judge());
    if (judged < backtest_.min_judged * all) {
      backtest_.shortfalls.push_back(
          fmt::format("only {} of {} rows could be judged, {:.0f} %, and \"min_judged\" is {:g}",
                      judged, all, 100 * judged / all, backtest_.min_judged));
    }
    for (const BaselineResult& result : backtest_.baselines) {
      const std::string name = NameOf(result.spec);
      if (result.baseline.rows() == 0) {
        backtest_.shortfalls.push_back(
            fmt::format("{} has no forecast for any row to compare with", name));
      } else if (backtest_.value() && !result.baseline.Value(backtest_.metric)) {
        backtest_.shortfalls.push_back(
            fmt::format("on the rows that {} has a forecast for {}", name,
                        result.baseline.WhyUndefined(backtest_.metric, backtest_.value_name)));
      }
    }
  }

 private:
  [[nodiscard]] LeftOut WhyLeftOut(const ForecastModel& model, const ForecastPoint& point,
                                   std::size_t step, bool was_asked) const {
    if (std::isnan(data_.ValueIn(point.key, point.period))) return LeftOut::kNoValue;
    const auto number = model.FindKey(data_.grid().KeyBytes(point.key));
    if (!number || model.ModelOf(step, *number) == nullptr) return LeftOut::kNoModel;
    return was_asked ? LeftOut::kNoReference : LeftOut::kRefused;
  }

  /// Whether a step, counted from 0, has rows with a value to judge by that were left out. One
  /// that falls on a closed day in every fold has none, and is no step that a model failed at.
  [[nodiscard]] std::vector<bool> StepsThatLostRows() const {
    std::vector<bool> lost(backtest_.by_step.size());
    for (const LeftOutRow& row : backtest_.left_out) {
      if (row.reason != LeftOut::kNoValue) lost[row.step - 1] = true;
    }
    return lost;
  }

  /// Names the parts without any row; `counts`: those that could have some.
  void TellEmpty(std::string_view part, const std::vector<ErrorSums>& sums,
                 const std::vector<bool>& counts) {
    std::vector<std::size_t> empty;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (sums[i].rows() == 0 && counts[i]) empty.push_back(i + 1);
    }
    if (empty.empty()) return;
    backtest_.shortfalls.push_back(fmt::format("no row of {}{} {} could be judged", part,
                                               empty.size() == 1 ? "" : "s",
                                               fmt::join(empty, ", ")));
  }

  const ForecastData& data_;
  const TrainingPlan& plan_;
  Backtest& backtest_;
};

/// The keys that a fold's model has nothing for.
void NoteKeysWithoutModel(const ForecastData& data, const ForecastModel& model,
                          const StepExamples& examples, std::size_t fold, Backtest& backtest) {
  for (const std::uint32_t key : examples.keys()) {
    if (model.FindKey(data.grid().KeyBytes(key))) continue;
    backtest.without_model[key].push_back(fold + 1);
  }
}

void NoteRefusals(const StepExamples& examples, Backtest& backtest) {
  for (std::size_t model = 0; model < examples.model_count(); ++model) {
    const PointExamples& known = examples.of_model(model);
    backtest.refused += known.refused;
    if (backtest.first_refusal.empty()) backtest.first_refusal = known.first_refusal;
  }
}

}  // namespace

std::string_view ToString(LeftOut reason) noexcept {
  switch (reason) {
    case LeftOut::kNoValue:
      return "no value";
    case LeftOut::kRefused:
      return "refused";
    case LeftOut::kNoModel:
      return "no model";
    case LeftOut::kNoReference:
      return "no reference";
  }
  return "";
}

std::size_t Backtest::rows_to_judge() const noexcept {
  const auto without_value = std::ranges::count(left_out, LeftOut::kNoValue, &LeftOutRow::reason);
  return all.rows() + left_out.size() - static_cast<std::size_t>(without_value);
}

std::map<LeftOut, std::size_t> Backtest::CountLeftOut() const {
  std::map<LeftOut, std::size_t> counts;
  for (const LeftOutRow& row : left_out) ++counts[row.reason];
  return counts;
}

const BaselineResult* Backtest::best_baseline() const noexcept {
  const BaselineResult* best = nullptr;
  double least = 0;
  for (const BaselineResult& result : baselines) {
    if (result.baseline.Value(metric) == 0.0) return &result;  // nothing is better than no error
    const std::optional<double> skill = result.SkillOf(metric);
    if (!skill || (best != nullptr && *skill >= least)) continue;
    best = &result;
    least = *skill;
  }
  return best;
}

bool Backtest::beats_baselines() const noexcept {
  const BaselineResult* const best = best_baseline();
  return shortfalls.empty() && best != nullptr && best->SkillOf(metric).value_or(0) > 0;
}

Result<std::optional<Backtest>> RunBacktest(const ForecastData& data, const TrainingPlan& plan,
                                            const StepExamples& examples, PeriodRange periods,
                                            const OnBacktest& on_stage) {
  Result<std::vector<Fold>> folds = WalkForwardFolds(plan.folds, periods);
  if (!folds) return folds.error();
  Backtest backtest;
  backtest.folds = *std::move(folds);
  Judge judge(data, plan, backtest);
  std::optional<TrainedForecast> trained;
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const Fold& fold = backtest.folds[i];
    const auto on_training = [&](const TrainingStage& stage) {
      return on_stage({.fold = i, .folds = backtest.folds.size(), .training = stage});
    };
    const auto in_fold = [i](Error error) {
      error.message = fmt::format(
          "fold {}: {}{}", i + 1,
          error.field.empty() ? "" : fmt::format("feature \"{}\": ", error.field), error.message);
      return error;
    };
    if (i == 0 || fold.train != backtest.folds[i - 1].train) {
      Result<std::optional<TrainedForecast>> fitted =
          TrainedForecast::Train(data, plan, examples, fold.train, on_training);
      if (!fitted) return in_fold(fitted.error());
      if (!*fitted) return std::optional<Backtest>();
      trained = *std::move(fitted);
    }
    const Result<std::vector<Forecast>> forecasts =
        trained->model().Predict(data, plan, examples, fold.origin);
    if (!forecasts) return in_fold(forecasts.error());
    judge.AddFold(i, trained->model(), examples.keys(), *forecasts);
    NoteKeysWithoutModel(data, trained->model(), examples, i, backtest);
    if (i + 1 < backtest.folds.size()) continue;
    backtest.importances = trained->Importances();
    Result<FoldContributions> contributions =
        ExplainFold(data, plan, trained->model(), examples, fold.test);
    if (!contributions) return in_fold(contributions.error());
    backtest.contributions = *std::move(contributions);
  }
  NoteRefusals(examples, backtest);
  if (backtest.all.rows() == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("there is no period in the folds' tests that could be forecast{}{}",
                             backtest.left_out.empty() ? "" : ": ",
                             fmt::join(DescribeLeftOut(backtest, data), "; "))};
  }
  judge.Finish();
  return std::optional<Backtest>(std::move(backtest));
}

double ScaleOf(const ForecastData& data, const TrainingPlan& plan, std::uint32_t key,
               const Fold& fold) {
  return SeasonalScale(History(data, key, fold.train.last), plan.mase_season);
}

Status CheckMetric(const ForecastData& data, const TrainingPlan& plan, std::span<const Fold> folds,
                   std::span<const std::uint32_t> keys) {
  ErrorSums sums;  // of forecasts without an error
  for (const Fold& fold : folds) {
    for (const std::uint32_t key : keys) {
      const double scale = ScaleOf(data, plan, key, fold);
      for (const ForecastPoint& point : KnownPoints(data, fold.test, {&key, 1})) {
        const double actual = data.ValueIn(point.key, point.period);
        sums.Add(actual, actual, scale);
      }
    }
  }
  // Without a row, what is missing is told with its reason once features have been computed.
  if (sums.rows() == 0 || sums.Value(plan.metric)) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} to judge: choose another \"metric\"",
                           sums.WhyUndefined(plan.metric, data.forecast().value))};
}

Backtest OfKey(const Backtest& backtest, std::uint32_t key, const ForecastData& data,
               const TrainingPlan& plan) {
  Backtest one;
  one.folds = backtest.folds;
  Judge judge(data, plan, one);
  for (const JudgedForecast& row : backtest.rows) {
    if (row.forecast.point.key == key) judge.Add(row.fold, row.forecast);
  }
  std::ranges::copy_if(backtest.left_out, std::back_inserter(one.left_out),
                       [key](const LeftOutRow& row) { return row.point.key == key; });
  judge.Finish();
  return one;
}

}  // namespace forkcast::model
