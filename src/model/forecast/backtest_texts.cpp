// What a backtest found, as programs (JSON) and people (tables, sentences) read it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/interval_texts.hpp"
#include "model/forecast/metric_texts.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr std::array kQuantiles{0.1, 0.25, 0.5, 0.75, 0.9};

std::string QuantileName(double quantile) { return fmt::format("p{:.0f}", 100 * quantile); }

ordered_json MetricsOf(const std::vector<ErrorSums>& parts, const char* number) {
  ordered_json all = ordered_json::array();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ordered_json one{{number, i + 1}};
    one.update(MetricsJson(parts[i]));
    all.push_back(std::move(one));
  }
  return all;
}

std::string Number(std::optional<double> value) {
  if (!value) return "-";
  return std::abs(*value) >= 1000 ? fmt::format("{:.1f}", *value) : fmt::format("{:.4f}", *value);
}

/// One line a row: a name, a number, and every metric; cells for LaidOut().
std::string TableLine(const std::string& name, std::uint64_t number,
                      const std::function<std::optional<double>(Metric)>& value) {
  std::string line = fmt::format("{}\t{}", name, number);
  for (const Metric metric : Metric::All()) line += fmt::format("\t{}", Number(value(metric)));
  return line;
}

std::string TableLine(const std::string& name, const ErrorSums& sums) {
  return TableLine(name, sums.rows(), [&sums](Metric metric) { return sums.Value(metric); });
}

std::string TableHead(std::string_view title, std::string_view counted = "rows") {
  std::string line = fmt::format("{}\t{}", title, counted);
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

/// Model and baselines; where a baseline lacks forecasts, the model on the rows that it has.
std::string DescribeBaselines(const Backtest& backtest) {
  std::string text =
      fmt::format("{}\tskill\n{}\n", TableHead(""), TableLine("model", backtest.all));
  std::string left_out;
  for (const BaselineResult& result : backtest.baselines) {
    const std::string name = NameOf(result.spec);
    const std::optional<double> skill = result.SkillOf(backtest.metric);
    text += fmt::format("{}\t{}\n", TableLine(name, result.baseline),
                        skill ? fmt::format("{:+.4f}", *skill) : "-");
    if (result.left_out.empty()) continue;
    text += TableLine("  model on these rows", result.model) + "\n";
    for (const auto& [reason, rows] : result.left_out) {
      left_out +=
          fmt::format("  {}: no forecast for {} rows: {}; there the model is not compared\n", name,
                      rows, ToString(reason));
    }
  }
  return text + left_out;
}

/// How metrics are spread over keys; nothing for one key.
std::string DescribeKeys(const Backtest& backtest) {
  const auto keys = static_cast<std::uint64_t>(std::ranges::count_if(
      backtest.by_key, [](const ErrorSums& sums) { return sums.rows() > 0; }));
  if (keys < 2) return {};
  std::string text = fmt::format("\n{}\n", TableHead("of each key alone", "keys"));
  for (const double quantile : kQuantiles) {
    text += TableLine(
                QuantileName(quantile), keys,
                [&](Metric metric) -> std::optional<double> {
                  const auto values = QuantilesOverSeries(backtest.by_key, metric, {&quantile, 1});
                  if (values.empty()) return std::nullopt;
                  return values.front();
                }) +
            "\n";
  }
  return text;
}

/// "c (folds 1, 2), d (fold 1)" of the first few.
std::string NamesWithFolds(const Backtest& backtest, const ForecastData& data) {
  constexpr std::size_t kNamed = 10;
  std::string text;
  std::size_t named = 0;
  for (const auto& [key, folds] : backtest.without_model) {
    if (named++ == kNamed) {
      return fmt::format("{} and {} more", text, backtest.without_model.size() - kNamed);
    }
    text += fmt::format("{}{} (fold{} {})", text.empty() ? "" : ", ", data.KeyName(key),
                        folds.size() == 1 ? "" : "s", fmt::join(folds, ", "));
  }
  return text;
}

/// "rmse (20.9, that of naive 13.9)": the metrics by which a baseline is better than the model,
/// each with the baseline that is better by most.
std::vector<std::string> WorseBy(const Backtest& backtest) {
  std::vector<std::string> worse;
  for (const Metric metric : Metric::All()) {
    if (metric == backtest.metric || metric->best != MetricRow::Best::kLeast) continue;
    const BaselineResult* better = nullptr;
    for (const BaselineResult& result : backtest.baselines) {
      const double skill = result.SkillOf(metric).value_or(0);
      if (skill < 0 && (better == nullptr || skill < *better->SkillOf(metric))) better = &result;
    }
    if (better == nullptr) continue;
    worse.push_back(fmt::format("{} ({:.3g}, that of {} is {:.3g})", metric->name,
                                *better->model.Value(metric), NameOf(better->spec),
                                *better->baseline.Value(metric)));
  }
  return worse;
}

/// The other metrics by which the model is better than every baseline.
std::vector<std::string_view> BetterBy(const Backtest& backtest) {
  std::vector<std::string_view> better;
  for (const Metric metric : Metric::All()) {
    if (metric == backtest.metric || metric->best != MetricRow::Best::kLeast) continue;
    if (std::ranges::all_of(backtest.baselines, [metric](const BaselineResult& result) {
          return result.SkillOf(metric).value_or(0) > 0;
        })) {
      better.push_back(metric->name);
    }
  }
  return better;
}

/// How far off forecasts are on average, where that is worth a word.
std::string TellBias(const Backtest& backtest) {
  constexpr double kWorthAWord = 0.05;
  constexpr double kWorthAWarning = 0.2;
  const double bias = backtest.all.RelativeBias().value_or(0);
  if (std::abs(bias) < kWorthAWord) return {};
  const bool warns = std::abs(bias) >= kWorthAWarning;
  return fmt::format(" On average it forecasts {:.0f} % too {}{}.", 100 * std::abs(bias),
                     bias < 0 ? "little" : "much",
                     warns
                         ? ": what adds forecasts up (stock, budgets) will be as far off. It aims "
                           "at the mean with the objective \"squared_error\" and without "
                           "\"log1p\""
                         : "");
}

/// "its wape is 12.0 % smaller than that of naive".
std::string Compare(const Backtest& backtest, const BaselineResult& baseline) {
  const std::string name = NameOf(baseline.spec);
  const std::optional<double> skill = baseline.SkillOf(backtest.metric);
  if (!skill) return fmt::format("{} makes no error", name);
  if (*skill == 0) return fmt::format("its {} is that of {}", backtest.metric->name, name);
  return fmt::format("its {} is {:.1f} % {} than that of {}", backtest.metric->name,
                     100 * std::abs(*skill), *skill > 0 ? "smaller" : "larger", name);
}

/// Each level's forecasts, as they are made and reconciled.
std::string DescribeHierarchy(const HierarchyResult& hierarchy) {
  std::string text = fmt::format("\n{}\n", TableHead("sums of keys"));
  for (const LevelResult& level : hierarchy.levels) {
    const std::string name = fmt::format("{} ({})", level.name, level.groups);
    text += TableLine(name + ", bottom-up", level.bottom_up) + "\n";
    if (!hierarchy.is_mint) continue;
    text += TableLine("  by MinT", level.mint) + "\n";
    if (level.name != hierarchy.levels.back().name) {
      text += TableLine("  by their own past", level.own) + "\n";
    }
  }
  return text;
}

/// What stands in for a model of new keys.
std::string DescribeNewKeys(const NewKeyTrial& trial) {
  std::string text =
      fmt::format("\n{}\n", TableHead(fmt::format("{} keys that were new", trial.keys)));
  for (const NewKeyTrial::Rule& rule : trial.rules) {
    text += TableLine(rule.name + ", without a past", rule.before) + "\n" +
            TableLine("  with some", rule.after) + "\n";
  }
  return text;
}

/// What became of the keys' histories.
std::string DescribeForms(const std::map<std::string, std::size_t>& forms) {
  std::string text = "\nlearned of each key, in the last fold\tkeys\n";
  for (const auto& [form, keys] : forms) text += fmt::format("{}\t{}\n", form, keys);
  return text;
}

/// What hides the value that is forecast. Precondition: something may.
const std::string& CensoredBy(const ForecastData& data) {
  return data.series().aggregate->values[data.column()].censored;
}

/// What a backtest only has by its data or its plan.
void AddWhatIsNotInAll(const Backtest& backtest, const ForecastData& data, ordered_json& json) {
  if (backtest.censored) {
    json["censored"] = {{"by", CensoredBy(data)},
                        {"periods", *backtest.censored},
                        {"of_periods", backtest.periods_of_keys}};
  }
  if (json["left_out"].contains(ToString(LeftOut::kEnded))) {
    const EndedKeys ended = EndedOf(backtest, data);
    json["ended"] = {{"keys", ended.keys},
                     {"rows", ended.rows},
                     {"rows_sold_again", ended.sold_again},
                     {"value_sold_again", ended.value}};
  }
  for (const auto& [form, keys] : backtest.forms) json["forms"][form] = keys;
  if (backtest.candidates) json["candidates"] = ToJson(*backtest.candidates);
  if (backtest.hierarchy) json["hierarchy"] = ToJson(*backtest.hierarchy);
  if (backtest.new_keys) json["new_keys"] = ToJson(*backtest.new_keys);
  for (const auto& [key, means] : backtest.contributions.by_key) {
    ordered_json one{{"key", KeyToJson(data.grid().KeyValues(key))}};
    one.update(ToJson(means));
    json["contributions"]["keys"].push_back(std::move(one));
  }
}

}  // namespace

std::vector<std::string> DescribeLeftOut(const Backtest& backtest, const ForecastData& data) {
  std::vector<std::string> lines;
  const std::map<LeftOut, std::size_t> counts = backtest.CountLeftOut();
  const auto tell = [&](LeftOut reason, std::string_view why) {
    const auto found = counts.find(reason);
    if (found == counts.end()) return;
    lines.push_back(fmt::format("{} of {} rows to judge were left out: {}: {}", found->second,
                                backtest.rows_to_judge(), ToString(reason), why));
  };
  tell(LeftOut::kRefused, "a feature that may not be missing cannot be computed");
  tell(LeftOut::kNoModel, "the key had too few rows to learn from for a model of its own");
  tell(LeftOut::kNoReference, "what the target is measured from is missing");
  if (const auto found = counts.find(LeftOut::kNoValue); found != counts.end()) {
    lines.push_back(
        fmt::format("{} periods of the folds' tests have no value to judge by", found->second));
  }
  if (backtest.censored) {
    const auto found = counts.find(LeftOut::kCensored);
    lines.push_back(fmt::format(
        "{} of the {} periods of all keys are censored by \"{}\", {} of them in the folds' tests: "
        "neither learned from nor judged, and no baseline sees them",
        *backtest.censored, backtest.periods_of_keys, CensoredBy(data),
        found == counts.end() ? 0 : found->second));
  }
  if (counts.contains(LeftOut::kEnded)) {
    const EndedKeys ended = EndedOf(backtest, data);
    lines.push_back(fmt::format(
        "{} rows of {} keys are not forecast, since these had ended by the fold's origin "
        "(\"ended_after\"); in {} of them something was sold all the same, {:.6g} in all",
        ended.rows, ended.keys, ended.sold_again, ended.value));
  }
  if (!backtest.without_model.empty()) {
    lines.push_back(
        fmt::format("keys too young for a model of their own: {}", NamesWithFolds(backtest, data)));
  }
  if (backtest.refused > 0) {
    lines.push_back(fmt::format(
        "{} rows of all periods and models were neither learned from nor judged, the first: {}",
        backtest.refused, backtest.first_refusal));
  }
  return lines;
}

std::string VerdictOn(const Backtest& backtest) {
  const BaselineResult* const best = backtest.best_baseline();
  if (!backtest.shortfalls.empty()) {
    return fmt::format(
        "The model is NOT judged well enough to be promoted: {}.{}",
        fmt::join(backtest.shortfalls, "; "),
        best == nullptr ? "" : fmt::format(" On what was judged, {}.", Compare(backtest, *best)));
  }
  if (best == nullptr) return "There is no baseline: the model is not judged against any.";
  const std::string_view metric = backtest.metric->name;
  if (backtest.beats_baselines()) {
    const std::vector<std::string> worse = WorseBy(backtest);
    return fmt::format(
        "The model beats every baseline by {}: {}.{}{}", metric, Compare(backtest, *best),
        worse.empty() ? "" : fmt::format(" It is worse by {}.", fmt::join(worse, ", ")),
        TellBias(backtest));
  }
  const std::vector<std::string_view> better = BetterBy(backtest);
  return fmt::format(
      "The model does NOT beat the baselines by {}: {}. Forecasting with {} is simpler and {}.{}{}",
      metric, Compare(backtest, *best), NameOf(best->spec),
      best->SkillOf(backtest.metric) == 0.0 ? "as good" : "better",
      better.empty()
          ? ""
          : fmt::format(" It is better than all of them by {}.", fmt::join(better, ", ")),
      TellBias(backtest));
}

ordered_json BriefJson(const Backtest& backtest) {
  const BaselineResult* const best = backtest.best_baseline();
  const std::map<LeftOut, std::size_t> counts = backtest.CountLeftOut();
  const auto count = [&counts](LeftOut reason) {
    const auto found = counts.find(reason);
    return found == counts.end() ? 0 : found->second;
  };
  ordered_json left_out = ordered_json::object();
  for (const auto& [reason, rows] : counts) left_out[std::string(ToString(reason))] = rows;
  ordered_json json{
      {"metric", backtest.metric->name},
      {"value", OrNull(backtest.value())},
      {"beats_baselines", backtest.beats_baselines()},
      {"best_baseline", best == nullptr ? ordered_json() : ordered_json(NameOf(best->spec))},
      {"skill", best == nullptr ? ordered_json() : OrNull(best->SkillOf(backtest.metric))},
      {"metrics", MetricsJson(backtest.all)},
      {"rows_to_judge", backtest.rows_to_judge()},
      {"rows_without_forecast", count(LeftOut::kNoModel) + count(LeftOut::kNoReference)},
      {"left_out", std::move(left_out)},
      {"shortfalls", backtest.shortfalls}};
  if (backtest.intervals) json["intervals"] = IntervalsJson(*backtest.intervals);
  return json;
}

namespace {

ordered_json FoldsJson(const Backtest& backtest, const ForecastData& data) {
  const std::optional<IntervalResult>& intervals = backtest.intervals;
  ordered_json folds = ordered_json::array();
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const Fold& fold = backtest.folds[i];
    ordered_json one{{"fold", i + 1},
                     {"train_from", data.FirstDay(fold.train.first)},
                     {"train_to", data.FirstDay(fold.train.last)},
                     {"test_from", data.FirstDay(fold.test.first)},
                     {"test_to", data.FirstDay(fold.test.last)}};
    one.update(MetricsJson(backtest.by_fold[i]));
    if (intervals) AddIntervalMetrics(intervals->by_fold[i], intervals->levels, one);
    folds.push_back(std::move(one));
  }
  return folds;
}

ordered_json StepsJson(const Backtest& backtest) {
  const std::optional<IntervalResult>& intervals = backtest.intervals;
  ordered_json steps = MetricsOf(backtest.by_step, "step");
  for (std::size_t i = 0; intervals && i < steps.size(); ++i) {
    AddIntervalMetrics(intervals->by_step[i], intervals->levels, steps[i]);
  }
  return steps;
}

}  // namespace

ordered_json ToJson(const Backtest& backtest, const ForecastData& data) {
  ordered_json baselines = ordered_json::array();
  for (const BaselineResult& result : backtest.baselines) {
    ordered_json one{{"name", NameOf(result.spec)},
                     {"skill", OrNull(result.SkillOf(backtest.metric))},
                     {"metrics", MetricsJson(result.baseline)},
                     {"model_on_the_same_rows", MetricsJson(result.model)}};
    for (const auto& [reason, rows] : result.left_out) {
      one["left_out"][std::string(ToString(reason))] = rows;
    }
    baselines.push_back(std::move(one));
  }
  ordered_json over_keys;
  for (const Metric metric : Metric::All()) {
    const std::vector<double> values = QuantilesOverSeries(backtest.by_key, metric, kQuantiles);
    ordered_json& quantiles = over_keys[std::string(metric->name)];
    for (std::size_t i = 0; i < values.size(); ++i) {
      quantiles[QuantileName(kQuantiles[i])] = values[i];
    }
  }
  ordered_json without_model = ordered_json::array();
  for (const auto& [key, numbers] : backtest.without_model) {
    without_model.push_back({{"key", KeyToJson(data.grid().KeyValues(key))}, {"folds", numbers}});
  }
  ordered_json importances = ordered_json::object();
  for (const FeatureImportance& one : backtest.importances) importances[one.feature] = one.share;
  ordered_json json = BriefJson(backtest);
  json.update({{"rows_refused", backtest.refused},
               {"first_refusal", backtest.first_refusal},
               {"keys_without_model", std::move(without_model)},
               {"folds", FoldsJson(backtest, data)},
               {"steps", StepsJson(backtest)},
               {"quantiles_over_keys", over_keys},
               {"baselines", baselines},
               {"importances", importances},
               {"contributions", ToJson(backtest.contributions.all)}});
  AddWhatIsNotInAll(backtest, data, json);
  return json;
}

std::string Describe(const Backtest& backtest, const ForecastData& data) {
  std::string text =
      fmt::format("{}\n{}\n", DescribeBaselines(backtest), TableHead("fold, tested"));
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    text += TableLine(fmt::format("{} {}", i + 1, SpanOf(backtest.folds[i].test, data)),
                      backtest.by_fold[i]) +
            "\n";
  }
  if (backtest.by_step.size() > 1) {
    text += fmt::format("\n{}\n", TableHead("step"));
    for (std::size_t i = 0; i < backtest.by_step.size(); ++i) {
      text += TableLine(std::to_string(i + 1), backtest.by_step[i]) + "\n";
    }
  }
  text += DescribeKeys(backtest) + DescribeIntervals(backtest, data);
  if (!backtest.forms.empty()) text += DescribeForms(backtest.forms);
  if (backtest.candidates) text += fmt::format("\n{}", Describe(*backtest.candidates));
  if (backtest.hierarchy) text += DescribeHierarchy(*backtest.hierarchy);
  if (backtest.new_keys) text += DescribeNewKeys(*backtest.new_keys);
  if (backtest.contributions.all.rows > 0) text += "\n" + Describe(backtest.contributions.all);
  const std::vector<std::string> left_out = DescribeLeftOut(backtest, data);
  if (!left_out.empty()) text += fmt::format("\n{}\n", fmt::join(left_out, "\n"));
  const TextColor color = backtest.beats_baselines() ? TextColor::kGreen : TextColor::kRed;
  return text + "\n" + Colored(VerdictOn(backtest), color, {.color = true}) + "\n";
}

}  // namespace forkcast::model
