#include "model/forecast/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/forecast/trained_forecast.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr std::array kQuantiles{0.1, 0.25, 0.5, 0.75, 0.9};

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

  void AddFold(const Fold& fold, const std::vector<Forecast>& forecasts) {
    const std::size_t number = backtest_.by_fold.size();
    backtest_.by_fold.emplace_back();
    for (const Forecast& forecast : forecasts) Add(number, fold, forecast);
  }

  /// `fold_number` is that of backtest.by_fold.
  void Add(std::size_t fold_number, const Fold& fold, const Forecast& forecast) {
    const auto [key, period] = forecast.point;
    if (std::isnan(forecast.value)) {
      backtest_.without_forecast.push_back(forecast.point);
      return;
    }
    const double actual = data_.ValueIn(key, period);
    const double scale = SeasonalScale(History(data_, key, fold.train.last), plan_.mase_season);
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

 private:
  const ForecastData& data_;
  const TrainingPlan& plan_;
  Backtest& backtest_;
};

ordered_json MetricsOf(const ErrorSums& sums) {
  ordered_json metrics{{"rows", sums.rows()}};
  for (const Metric metric : Metric::All()) {
    metrics[std::string(metric->name)] = OrNull(sums.Value(metric));
  }
  return metrics;
}

ordered_json MetricsOf(const std::vector<ErrorSums>& parts, const char* number) {
  ordered_json all = ordered_json::array();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ordered_json one{{number, i + 1}};
    one.update(MetricsOf(parts[i]));
    all.push_back(std::move(one));
  }
  return all;
}

std::string Number(std::optional<double> value) {
  if (!value) return "-";
  return std::abs(*value) >= 1000 ? fmt::format("{:.1f}", *value) : fmt::format("{:.4f}", *value);
}

/// One line a row: a name, rows, and every metric; cells for LaidOut().
std::string TableLine(const std::string& name, const ErrorSums& sums) {
  std::string line = fmt::format("{}\t{}", name, sums.rows());
  for (const Metric metric : Metric::All()) line += "\t" + Number(sums.Value(metric));
  return line;
}

std::string TableHead(const std::string& title) {
  std::string line = title + "\trows";
  for (const Metric metric : Metric::All()) line += fmt::format("\t{}", metric->name);
  return line;
}

/// "2024-01-22..02-12"; the second year where it is another one.
std::string SpanOf(const PeriodRange& periods, const ForecastData& data) {
  constexpr std::size_t kYear = 5;  // "2024-"
  const std::string first = data.FirstDay(periods.first);
  const std::string last = data.FirstDay(periods.last);
  const bool is_one_year = first.substr(0, kYear) == last.substr(0, kYear);
  return fmt::format("{}..{}", first, is_one_year ? last.substr(kYear) : last);
}

std::string DescribeBaselines(const Backtest& backtest) {
  std::string text = TableHead("") + "\tskill\n" + TableLine("model", backtest.all) + "\n";
  std::string left_out;
  for (const BaselineResult& result : backtest.baselines) {
    const std::string name = NameOf(result.spec);
    const std::optional<double> skill = result.SkillOf(backtest.metric);
    text += fmt::format("{}\t{}\n", TableLine(name, result.baseline),
                        skill ? fmt::format("{:+.4f}", *skill) : "-");
    for (const auto& [reason, rows] : result.left_out) {
      left_out +=
          fmt::format("  {}: no forecast for {} rows: {}; there the model is not compared\n", name,
                      rows, ToString(reason));
    }
  }
  return text + left_out;
}

}  // namespace

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
  return best != nullptr && best->SkillOf(metric).value_or(0) > 0;
}

Result<std::optional<Backtest>> RunBacktest(const ForecastData& data, const TrainingPlan& plan,
                                            const StepExamples& examples, PeriodRange periods,
                                            const OnBacktest& on_stage) {
  Result<std::vector<Fold>> folds = WalkForwardFolds(plan.folds, periods);
  if (!folds) return folds.error();
  Backtest backtest;
  backtest.metric = plan.metric;
  backtest.folds = *std::move(folds);
  Judge judge(data, plan, backtest);
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
    const Result<std::optional<TrainedForecast>> trained =
        TrainedForecast::Train(data, plan, examples, fold.train, on_training);
    if (!trained) return in_fold(trained.error());
    if (!*trained) return std::optional<Backtest>();
    const Result<std::vector<Forecast>> forecasts =
        (*trained)->model().Predict(data, plan, examples, fold.origin);
    if (!forecasts) return in_fold(forecasts.error());
    judge.AddFold(fold, *forecasts);
    if (i + 1 == backtest.folds.size()) backtest.importances = (*trained)->Importances();
  }
  for (std::size_t model = 0; model < examples.model_count(); ++model) {
    if (backtest.first_refusal.empty()) {
      backtest.first_refusal = examples.of_model(model).first_refusal;
    }
  }
  if (backtest.all.rows() == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "there is no period in the folds' tests that could be forecast" +
                     (backtest.first_refusal.empty() ? "" : ": " + backtest.first_refusal)};
  }
  return std::optional<Backtest>(std::move(backtest));
}

Backtest OfKey(const Backtest& backtest, std::uint32_t key, const ForecastData& data,
               const TrainingPlan& plan) {
  Backtest one;
  one.metric = backtest.metric;
  one.folds = backtest.folds;
  one.by_fold.resize(one.folds.size());
  Judge judge(data, plan, one);
  for (const JudgedForecast& row : backtest.rows) {
    if (row.forecast.point.key == key) judge.Add(row.fold, one.folds[row.fold], row.forecast);
  }
  std::ranges::copy_if(backtest.without_forecast, std::back_inserter(one.without_forecast),
                       [key](const ForecastPoint& point) { return point.key == key; });
  return one;
}

std::string VerdictOn(const Backtest& backtest) {
  const BaselineResult* const best = backtest.best_baseline();
  if (best == nullptr) return "No baseline has a forecast: the model is not judged against any.";
  const std::string name = NameOf(best->spec);
  const std::optional<double> skill = best->SkillOf(backtest.metric);
  const std::string_view metric = backtest.metric->name;
  if (backtest.beats_baselines()) {
    return fmt::format(
        "The model beats every baseline: its {} is {:.1f} % smaller than that of {}.", metric,
        100 * *skill, name);
  }
  return fmt::format(
      "The model does NOT beat the baselines: {}. Forecasting with {} is simpler and better.",
      skill ? fmt::format("its {} is {:.1f} % larger than that of {}", metric, -100 * *skill, name)
            : fmt::format("{} makes no error", name),
      name);
}

ordered_json BriefJson(const Backtest& backtest) {
  const BaselineResult* const best = backtest.best_baseline();
  return {{"metric", backtest.metric->name},
          {"value", OrNull(backtest.value())},
          {"beats_baselines", backtest.beats_baselines()},
          {"best_baseline", best == nullptr ? ordered_json() : ordered_json(NameOf(best->spec))},
          {"skill", best == nullptr ? ordered_json() : OrNull(best->SkillOf(backtest.metric))},
          {"metrics", MetricsOf(backtest.all)},
          {"rows_without_forecast", backtest.without_forecast.size()}};
}

ordered_json ToJson(const Backtest& backtest, const ForecastData& data) {
  ordered_json baselines = ordered_json::array();
  for (const BaselineResult& result : backtest.baselines) {
    ordered_json one{{"name", NameOf(result.spec)},
                     {"skill", OrNull(result.SkillOf(backtest.metric))},
                     {"metrics", MetricsOf(result.baseline)},
                     {"model_on_the_same_rows", MetricsOf(result.model)}};
    for (const auto& [reason, rows] : result.left_out) {
      one["left_out"][std::string(ToString(reason))] = rows;
    }
    baselines.push_back(std::move(one));
  }
  ordered_json folds = ordered_json::array();
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const Fold& fold = backtest.folds[i];
    ordered_json one{{"fold", i + 1},
                     {"train_from", data.FirstDay(fold.train.first)},
                     {"train_to", data.FirstDay(fold.train.last)},
                     {"test_from", data.FirstDay(fold.test.first)},
                     {"test_to", data.FirstDay(fold.test.last)}};
    one.update(MetricsOf(backtest.by_fold[i]));
    folds.push_back(std::move(one));
  }
  ordered_json over_keys;
  for (const Metric metric : Metric::All()) {
    const std::vector<double> values = QuantilesOverSeries(backtest.by_key, metric, kQuantiles);
    ordered_json& quantiles = over_keys[std::string(metric->name)];
    for (std::size_t i = 0; i < values.size(); ++i) {
      quantiles[fmt::format("p{:.0f}", 100 * kQuantiles[i])] = values[i];
    }
  }
  ordered_json importances = ordered_json::object();
  for (const FeatureImportance& one : backtest.importances) importances[one.feature] = one.share;
  ordered_json json = BriefJson(backtest);
  json.update({{"folds", folds},
               {"steps", MetricsOf(backtest.by_step, "step")},
               {"quantiles_over_keys", over_keys},
               {"baselines", baselines},
               {"importances", importances}});
  return json;
}

std::string Describe(const Backtest& backtest, const ForecastData& data) {
  std::string text = DescribeBaselines(backtest) + "\n" + TableHead("fold, tested") + "\n";
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    text += TableLine(fmt::format("{} {}", i + 1, SpanOf(backtest.folds[i].test, data)),
                      backtest.by_fold[i]) +
            "\n";
  }
  if (backtest.by_step.size() > 1) {
    text += "\n" + TableHead("step") + "\n";
    for (std::size_t i = 0; i < backtest.by_step.size(); ++i) {
      text += TableLine(std::to_string(i + 1), backtest.by_step[i]) + "\n";
    }
  }
  if (!backtest.without_forecast.empty()) {
    text += fmt::format("\n{} rows could not be forecast and are judged nowhere\n",
                        backtest.without_forecast.size());
  }
  if (!backtest.first_refusal.empty()) {
    text += "\nrows were left out, the first: " + backtest.first_refusal + "\n";
  }
  const TextColor color = backtest.beats_baselines() ? TextColor::kGreen : TextColor::kRed;
  return text + "\n" + Colored(VerdictOn(backtest), color, {.color = true}) + "\n";
}

}  // namespace forkcast::model
