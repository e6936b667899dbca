#include "model/forecast/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "data_preprocessing/base/nan.hpp"
#include "model/forecast/ended_rule.hpp"
#include "model/forecast/fold_intervals.hpp"
#include "model/forecast/table_baselines.hpp"
#include "model/forecast/trained_forecast.hpp"

namespace forkcast::model {
namespace {

/// Adds up what rows are worth.
class Judge {
 public:
  /// `tables`: what makes baselines of examples; null: rows say what those were.
  Judge(const ForecastData& data, const TrainingPlan& plan, Backtest& backtest,
        TableBaselines* tables)
      : data_(data),
        plan_(plan),
        ended_(plan.ended_after, data.series(), data.grid(), data.forecast()),
        backtest_(backtest),
        tables_(tables) {
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
                                     .baseline_by_period = {},
                                     .left_out = {}});
    }
  }

  /// Precondition: the forecast is a number. `known`: what baselines were found to be before.
  void Add(std::size_t fold_number, const Forecast& forecast,
           std::vector<PredictionInterval> intervals, std::span<const float> known = {}) {
    const Fold& fold = backtest_.folds[fold_number];
    const auto [key, period] = forecast.point;
    const double actual = data_.ValueIn(key, period);
    const double scale = ScaleOf(data_, plan_, key, fold);
    const auto add = [&](ErrorSums& sums, double value) { sums.Add(actual, value, scale); };
    add(backtest_.all, forecast.value);
    add(backtest_.by_fold[fold_number], forecast.value);
    add(backtest_.by_step[forecast.step - 1], forecast.value);
    add(backtest_.by_key[key], forecast.value);
    add(backtest_.by_period[period], forecast.value);

    JudgedForecast row{.fold = fold_number,
                       .forecast = forecast,
                       .actual = actual,
                       .baselines = {},
                       .intervals = std::move(intervals)};
    const std::span<const double> history = data_.ValuesUpTo(key, fold.origin);
    for (std::size_t i = 0; i < backtest_.baselines.size(); ++i) {
      BaselineResult& result = backtest_.baselines[i];
      const BaselineForecast baseline = result.spec.kind == BaselineKind::kQuantileTable
                                            ? TableForecast(i, forecast.point, known)
                                            : ForecastBaseline(result.spec, history, forecast.step);
      row.baselines.push_back(static_cast<float>(baseline.value));
      if (baseline.reason != NoForecast::kNone) {
        ++result.left_out[baseline.reason];
        continue;
      }
      add(result.baseline, baseline.value);
      add(result.baseline_by_step[forecast.step - 1], baseline.value);
      add(result.baseline_by_period[period], baseline.value);
      add(result.model, forecast.value);
    }
    backtest_.rows.push_back(std::move(row));
  }

  /// All rows of a fold: those that `model` forecast, and what it could not.
  void AddFold(std::size_t number, const ForecastModel& model, std::span<const std::uint32_t> keys,
               const std::vector<Forecast>& forecasts, const FoldIntervals& intervals) {
    tables_->Begin(backtest_.folds[number]);
    std::map<std::pair<std::uint32_t, std::int64_t>, bool> answered;  // whether with a number
    for (const Forecast& forecast : forecasts) {
      const bool is_number = !std::isnan(forecast.value);
      answered.emplace(std::pair(forecast.point.key, forecast.point.period), is_number);
      if (is_number) Add(number, forecast, intervals.Around(forecast));
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

  /// All rows of a fold that a candidate has a forecast for; of how many keys they are.
  std::size_t AddBlended(std::size_t number, const std::vector<Forecast>& forecasts,
                         const FoldIntervals& intervals) {
    tables_->Begin(backtest_.folds[number]);
    std::set<std::uint32_t> keys;
    for (const Forecast& forecast : forecasts) {
      keys.insert(forecast.point.key);
      if (std::isnan(forecast.value)) {
        backtest_.left_out.push_back({.fold = number,
                                      .step = forecast.step,
                                      .point = forecast.point,
                                      .reason = LeftOut::kNoModel});
      } else {
        Add(number, forecast, intervals.Around(forecast));
      }
    }
    return keys.size();
  }

  /// Once all rows are there.
  void Finish() {
    if (!plan_.intervals.empty()) backtest_.intervals = JudgeIntervals(backtest_, data_, plan_);
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
  [[nodiscard]] BaselineForecast TableForecast(std::size_t baseline, const ForecastPoint& point,
                                               std::span<const float> known) const {
    if (tables_ != nullptr) return tables_->Forecast(baseline, point);
    const double value = known[baseline];
    return {.value = value,
            .reason = std::isnan(value) ? NoForecast::kValueMissing : NoForecast::kNone};
  }

  [[nodiscard]] LeftOut WhyLeftOut(const ForecastModel& model, const ForecastPoint& point,
                                   std::size_t step, bool was_asked) const {
    if (data_.IsCensored(point.key, point.period)) return LeftOut::kCensored;
    if (std::isnan(data_.ValueIn(point.key, point.period))) return LeftOut::kNoValue;
    if (ended_.HasEnded(point.key, point.period - static_cast<std::int64_t>(step))) {
      return LeftOut::kEnded;
    }
    const auto number = model.FindKey(data_.grid().KeyBytes(point.key));
    if (!number || model.ModelOf(step, *number) == nullptr) return LeftOut::kNoModel;
    return was_asked ? LeftOut::kNoReference : LeftOut::kRefused;
  }

  /// Whether a step, counted from 0, has rows with a value to judge by that were left out. One
  /// that falls on a closed day in every fold has none, and is no step that a model failed at.
  [[nodiscard]] std::vector<bool> StepsThatLostRows() const {
    std::vector<bool> lost(backtest_.by_step.size());
    for (const LeftOutRow& row : backtest_.left_out) {
      if (IsToBeJudged(row.reason)) lost[row.step - 1] = true;
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
  EndedRule ended_;
  Backtest& backtest_;
  TableBaselines* tables_;
};

void NoteCensored(const ForecastData& data, const StepExamples& examples, PeriodRange periods,
                  Backtest& backtest) {
  if (!data.may_be_censored()) return;
  backtest.censored = 0;
  for (const std::uint32_t key : examples.keys()) {
    const std::int64_t first = std::max(periods.first, data.grid().FirstPeriod(key));
    const std::int64_t last = std::min(periods.last, data.grid().LastPeriod(key));
    for (std::int64_t period = first; period <= last; ++period) {
      ++backtest.periods_of_keys;
      if (data.IsCensored(key, period)) ++*backtest.censored;
    }
  }
}

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

/// What is not of the folds' rows.
Status NoteTheRest(const ForecastData& data, const TrainingPlan& plan, const StepExamples& examples,
                   PeriodRange periods, Backtest& backtest) {
  NoteRefusals(examples, backtest);
  NoteCensored(data, examples, periods, backtest);
  if (plan.cold_starts.empty()) return {};
  Result<NewKeyTrial> trial = TryOnNewKeys(data, plan, examples.keys(), periods);
  if (!trial) return std::move(trial).error();
  backtest.new_keys = *std::move(trial);
  return {};
}

/// An error in the i-th fold of all, of which some calibrate.
Error InFold(Error error, std::size_t i, std::size_t first_judged) {
  const bool is_judged = i >= first_judged;
  error.message = fmt::format(
      "{} {}: {}{}", is_judged ? "fold" : "calibration fold",
      is_judged ? i - first_judged + 1 : i + 1,
      error.field.empty() ? "" : fmt::format("feature \"{}\": ", error.field), error.message);
  return error;
}

}  // namespace

std::string_view ToString(LeftOut reason) noexcept {
  switch (reason) {
    case LeftOut::kNoValue:
      return "no value";
    case LeftOut::kCensored:
      return "censored";
    case LeftOut::kEnded:
      return "ended";
    case LeftOut::kRefused:
      return "refused";
    case LeftOut::kNoModel:
      return "no model";
    case LeftOut::kNoReference:
      return "no reference";
  }
  return "";
}

bool IsToBeJudged(LeftOut reason) noexcept {
  return reason != LeftOut::kNoValue && reason != LeftOut::kCensored && reason != LeftOut::kEnded;
}

EndedKeys EndedOf(const Backtest& backtest, const ForecastData& data) {
  EndedKeys ended;
  std::set<std::uint32_t> keys;
  for (const LeftOutRow& row : backtest.left_out) {
    if (row.reason != LeftOut::kEnded) continue;
    keys.insert(row.point.key);
    ++ended.rows;
    const double value = data.ValueIn(row.point.key, row.point.period);
    if (value == 0) continue;
    ++ended.sold_again;
    ended.value += value;
  }
  ended.keys = keys.size();
  return ended;
}

std::size_t Backtest::rows_to_judge() const noexcept {
  const auto lost = std::ranges::count_if(
      left_out, [](const LeftOutRow& row) { return IsToBeJudged(row.reason); });
  return all.rows() + static_cast<std::size_t>(lost);
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

namespace {

/// What the candidates said of all rows of their folds, by fold, step and key.
std::vector<CandidateRow> RowsOf(const ForecastData& data, const TrainingPlan& plan,
                                 std::span<const Backtest> backtests) {
  std::map<std::tuple<std::size_t, std::size_t, std::uint32_t>, CandidateRow> rows;
  for (std::size_t i = 0; i < backtests.size(); ++i) {
    for (const JudgedForecast& judged : backtests[i].rows) {
      const ForecastPoint& point = judged.forecast.point;
      CandidateRow& row = rows[{judged.fold, judged.forecast.step, point.key}];
      if (row.forecasts.empty()) {
        row = {.fold = judged.fold,
               .step = judged.forecast.step,
               .point = point,
               .actual = judged.actual,
               .mase_scale = ScaleOf(data, plan, point.key, backtests[i].folds[judged.fold]),
               .forecasts = std::vector<double>(backtests.size(), kNaN)};
      }
      row.forecasts[i] = judged.forecast.value;
    }
  }
  std::vector<CandidateRow> all;
  for (auto& [place, row] : rows) all.push_back(std::move(row));
  return all;
}

/// The rows of the folds first .. first + count - 1; `rows` are sorted by fold.
std::span<const CandidateRow> RowsOfFolds(std::span<const CandidateRow> rows, std::size_t first,
                                          std::size_t count) {
  const auto begin = std::ranges::lower_bound(rows, first, {}, &CandidateRow::fold);
  const auto end = std::ranges::lower_bound(rows, first + count, {}, &CandidateRow::fold);
  return {begin, end};
}

/// Trains and judges each candidate in all folds, also in those by which is chosen.
Result<std::optional<std::vector<Backtest>>> JudgeCandidates(const ForecastData& data,
                                                             const TrainingPlan& plan,
                                                             const StepExamples& examples,
                                                             PeriodRange periods,
                                                             const OnBacktest& on_stage) {
  std::vector<Backtest> backtests;
  const std::size_t count = plan.candidates.size();
  for (std::size_t i = 0; i < count; ++i) {
    const TrainingPlan candidate = CandidateToJudge(plan, i);
    const auto on_candidate = [&](const BacktestStage& stage) {
      return on_stage({.fold = i * stage.folds + stage.fold,
                       .folds = count * stage.folds,
                       .training = stage.training});
    };
    Result<std::optional<Backtest>> backtest =
        RunBacktest(data, candidate, examples.of_candidate(i), periods, on_candidate);
    if (!backtest) {
      Error error = std::move(backtest).error();
      error.message = fmt::format("candidate {}: {}", candidate.name, error.message);
      return error;
    }
    if (!*backtest) return std::optional<std::vector<Backtest>>();
    backtests.push_back(**std::move(backtest));
  }
  return std::optional(std::move(backtests));
}

/// The rows that no candidate has a forecast for, each with the reason of the first.
void AddLeftOut(std::span<const Backtest> backtests, std::span<const CandidateRow> rows,
                std::size_t skipped, Backtest& backtest) {
  std::set<std::tuple<std::size_t, std::uint32_t, std::int64_t>> there;
  for (const CandidateRow& row : rows) there.emplace(row.fold, row.point.key, row.point.period);
  for (const LeftOutRow& row : backtests.front().left_out) {
    if (row.fold < skipped || there.contains({row.fold, row.point.key, row.point.period})) continue;
    backtest.left_out.push_back(row);
    backtest.left_out.back().fold -= skipped;
  }
}

/// Each candidate by itself, in the folds that are judged: those from `before` on.
CandidateReport ReportOf(const TrainingPlan& plan, std::span<const Backtest> alone,
                         std::size_t before) {
  CandidateReport report{.choice = plan.choice,
                         .choice_folds = plan.choice_folds,
                         .errors = std::vector<ErrorSums>(alone.size())};
  for (std::size_t i = 0; i < alone.size(); ++i) {
    report.names.push_back(plan.candidates[i].name);
    report.forms.push_back(alone[i].forms);
    for (std::size_t fold = before; fold < alone[i].by_fold.size(); ++fold) {
      report.errors[i].Merge(alone[i].by_fold[fold]);
    }
  }
  return report;
}

/// What was chosen says of a fold's rows.
std::vector<Forecast> BlendedOf(const TrainingPlan& plan, const ChosenCandidates& chosen,
                                std::span<const CandidateRow> rows) {
  std::vector<Forecast> forecasts;
  for (const CandidateRow& row : rows) {
    forecasts.push_back(
        {.point = row.point, .step = row.step, .value = plan.output.Apply(chosen.Blend(row))});
  }
  return forecasts;
}

Result<std::optional<Backtest>> RunCandidates(const ForecastData& data, const TrainingPlan& plan,
                                              const StepExamples& examples, PeriodRange periods,
                                              const OnBacktest& on_stage) {
  Result<std::optional<std::vector<Backtest>>> judged =
      JudgeCandidates(data, plan, examples, periods, on_stage);
  if (!judged) return std::move(judged).error();
  if (!*judged) return std::optional<Backtest>();
  const std::vector<Backtest>& alone = **judged;
  const Result<ValidationFolds> folds = FoldsOf(plan, periods);
  if (!folds) return folds.error();
  const std::vector<CandidateRow> rows = RowsOf(data, plan, alone);
  const std::size_t chosen_by = folds->choice.size();
  const std::size_t before = chosen_by + folds->calibration.size();
  const std::vector<Fold> all = folds->All();
  Backtest backtest;
  backtest.folds = folds->judged;
  TableBaselines tables(plan, examples);
  Judge judge(data, plan, backtest, &tables);
  FoldIntervals intervals(data, plan);
  Result<FoldHierarchy> hierarchy = FoldHierarchy::Make(data, plan);
  if (!hierarchy) return std::move(hierarchy).error();
  CandidateReport report = ReportOf(plan, alone, before);
  /// By the folds before `fold`, `apart` of them away.
  const auto choose = [&](std::size_t fold, std::size_t apart) {
    return ChooseCandidates(
        plan, RowsOfFolds(rows, fold - apart + 1 - plan.choice_folds, plan.choice_folds));
  };
  const Error nothing{ErrorCode::kInvalidArgument,
                      "no candidate could be judged in the folds by which is chosen"};
  for (std::size_t fold = chosen_by; fold < all.size(); ++fold) {
    const auto chosen = choose(fold, plan.FoldsApart());
    if (!chosen) return nothing;
    const std::vector<Forecast> forecasts = BlendedOf(plan, *chosen, RowsOfFolds(rows, fold, 1));
    intervals.Begin(all[fold]);
    if (fold >= before) {
      report.keys.push_back(judge.AddBlended(fold - before, forecasts, intervals));
      report.folds.push_back(*chosen);
    }
    intervals.Learn(forecasts);
    hierarchy->Add(all[fold], forecasts, fold >= before);
  }
  backtest.errors = intervals.Newest();
  backtest.hierarchy = hierarchy->Finish();
  AddLeftOut(alone, rows, before, backtest);
  const auto last = choose(all.size(), 1);
  if (!last) return nothing;
  report.last = *last;
  backtest.candidates = std::move(report);
  if (Status noted = NoteTheRest(data, plan, examples, periods, backtest); !noted) {
    return std::move(noted).error();
  }
  judge.Finish();
  return std::optional<Backtest>(std::move(backtest));
}

}  // namespace

Result<std::optional<Backtest>> RunBacktest(const ForecastData& data, const TrainingPlan& plan,
                                            const StepExamples& examples, PeriodRange periods,
                                            const OnBacktest& on_stage) {
  if (!plan.candidates.empty()) return RunCandidates(data, plan, examples, periods, on_stage);
  Result<ValidationFolds> folds = FoldsOf(plan, periods);
  if (!folds) return folds.error();
  const std::vector<Fold> all = folds->All();
  const std::size_t first_judged = folds->calibration.size();
  Backtest backtest;
  backtest.folds = std::move(folds->judged);
  TableBaselines tables(plan, examples);
  Judge judge(data, plan, backtest, &tables);
  FoldIntervals intervals(data, plan);
  Result<FoldHierarchy> hierarchy = FoldHierarchy::Make(data, plan);
  if (!hierarchy) return std::move(hierarchy).error();
  std::optional<TrainedForecast> trained;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Fold& fold = all[i];
    const auto on_training = [&](const TrainingStage& stage) {
      return on_stage({.fold = i, .folds = all.size(), .training = stage});
    };
    if (i == 0 || fold.train != all[i - 1].train) {
      Result<std::optional<TrainedForecast>> fitted =
          TrainedForecast::Train(data, plan, examples, fold.train, on_training);
      if (!fitted) return InFold(fitted.error(), i, first_judged);
      if (!*fitted) return std::optional<Backtest>();
      trained = *std::move(fitted);
    }
    const Result<std::vector<Forecast>> forecasts =
        trained->model().Predict(data, plan, examples, fold.origin);
    if (!forecasts) return InFold(forecasts.error(), i, first_judged);
    intervals.Begin(fold);
    if (i >= first_judged) {
      const std::size_t number = i - first_judged;
      judge.AddFold(number, trained->model(), examples.keys(), *forecasts, intervals);
      NoteKeysWithoutModel(data, trained->model(), examples, number, backtest);
    }
    intervals.Learn(*forecasts);
    hierarchy->Add(fold, *forecasts, i >= first_judged);
    if (i + 1 < all.size()) continue;
    backtest.importances = trained->Importances();
    backtest.forms = trained->Forms();
    Result<FoldContributions> contributions =
        ExplainFold(data, plan, trained->model(), examples, fold.test);
    if (!contributions) return InFold(contributions.error(), i, first_judged);
    backtest.contributions = *std::move(contributions);
  }
  backtest.errors = intervals.Newest();
  backtest.hierarchy = hierarchy->Finish();
  if (Status noted = NoteTheRest(data, plan, examples, periods, backtest); !noted) {
    return std::move(noted).error();
  }
  if (backtest.all.rows() == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("there is no period in the folds' tests that could be forecast{}{}",
                             backtest.left_out.empty() ? "" : ": ",
                             fmt::join(DescribeLeftOut(backtest, data), "; "))};
  }
  judge.Finish();
  return std::optional<Backtest>(std::move(backtest));
}

Result<std::vector<PeriodRange>> TrainingsOf(const TrainingPlan& plan, PeriodRange periods) {
  const Result<ValidationFolds> folds = FoldsOf(plan, periods);
  if (!folds) return folds.error();
  std::vector<PeriodRange> trainings;
  for (const Fold& fold : folds->All()) {
    if (trainings.empty() || trainings.back() != fold.train) trainings.push_back(fold.train);
  }
  return trainings;
}

TrainingPlan CandidateToJudge(const TrainingPlan& plan, std::size_t candidate) {
  TrainingPlan judged = plan.candidates[candidate];
  judged.folds = plan.CandidateFolds();
  judged.baselines.clear();  // what is chosen is compared with them
  return judged;
}

double ScaleOf(const ForecastData& data, const TrainingPlan& plan, std::uint32_t key,
               const Fold& fold) {
  return SeasonalScale(data.ValuesUpTo(key, fold.train.last), plan.mase_season);
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
  Judge judge(data, plan, one, nullptr);
  for (const JudgedForecast& row : backtest.rows) {
    if (row.forecast.point.key == key) {
      judge.Add(row.fold, row.forecast, row.intervals, row.baselines);
    }
  }
  std::ranges::copy_if(backtest.left_out, std::back_inserter(one.left_out),
                       [key](const LeftOutRow& row) { return row.point.key == key; });
  judge.Finish();
  return one;
}

}  // namespace forkcast::model
