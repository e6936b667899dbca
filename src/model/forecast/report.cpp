#include "model/forecast/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "model/evaluate/intervals.hpp"
#include "model/forecast/interval_texts.hpp"
#include "model/forecast/named_keys.hpp"
#include "model/report/calibration.hpp"
#include "model/report/chart.hpp"
#include "model/report/report_parts.hpp"
#include "model/report/series_explorer.hpp"

namespace forkcast::model {
namespace {

/// What the numbers of the explorer may take of a page that should be below 2 MB.
constexpr std::size_t kMostExplorerBytes = 1'600'000;

std::string MetricsRow(const std::string& name, const ErrorSums& sums) {
  std::string row = fmt::format("<tr><th>{}</th><td>{}</td>", EscapeHtml(name), sums.rows());
  for (const Metric metric : Metric::All()) {
    const std::optional<double> value = sums.Value(metric);
    row += fmt::format("<td>{}</td>", value ? fmt::format("{:.5g}", *value) : "-");
  }
  return row + "</tr>\n";
}

std::string MetricsHead() {
  std::string head = "<table>\n<tr><th></th><th>rows</th>";
  for (const Metric metric : Metric::All()) head += fmt::format("<th>{}</th>", metric->name);
  return head + "</tr>\n";
}

using Ink = ChartLine::Ink;

/// A line through what each part of the rows is worth; one point alone is a dot.
ChartLine LineOf(std::string name, Ink ink, Metric metric, const std::vector<ErrorSums>& parts) {
  ChartLine line{.name = std::move(name), .ink = ink, .has_dots = parts.size() == 1, .points = {}};
  for (const ErrorSums& part : parts) {
    line.points.push_back(
        {static_cast<double>(line.points.size()), part.Value(metric).value_or(NAN)});
  }
  return line;
}

std::string ByStepSection(const Backtest& backtest) {
  const std::string_view metric = backtest.metric->name;
  Chart chart{.title = fmt::format("{} by step ahead", metric), .labels = {}, .lines = {}};
  std::string table = MetricsHead();
  for (std::size_t i = 0; i < backtest.by_step.size(); ++i) {
    chart.labels.push_back(fmt::format("step {}", i + 1));
    table += MetricsRow(chart.labels.back(), backtest.by_step[i]);
  }
  chart.lines.push_back(LineOf("model", Ink::kModel, backtest.metric, backtest.by_step));
  if (const BaselineResult* const best = backtest.best_baseline()) {
    chart.lines.push_back(
        LineOf(NameOf(best->spec), Ink::kBaseline, backtest.metric, best->baseline_by_step));
  }
  return fmt::format(
      "<h2>{}</h2>\n{}<details><summary>Every metric by step</summary>\n{}</table></details>\n",
      EscapeHtml(chart.title), InteractiveChart(chart), table);
}

/// Neighbouring periods put together, so that a chart has points enough to see.
class PeriodGroups {
 public:
  explicit PeriodGroups(const std::map<std::int64_t, ErrorSums>& by_period)
      : size_((std::ssize(by_period) + kMost - 1) / kMost) {
    for (const auto& [period, sums] : by_period) {
      if (std::ssize(numbers_) % size_ == 0) firsts_.push_back(period);
      numbers_.emplace(period, firsts_.size() - 1);
    }
  }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::vector<std::int64_t>& firsts() const noexcept { return firsts_; }
  [[nodiscard]] std::vector<ErrorSums> Merge(
      const std::map<std::int64_t, ErrorSums>& by_period) const {
    std::vector<ErrorSums> merged(firsts_.size());
    for (const auto& [period, sums] : by_period) merged[numbers_.at(period)].Merge(sums);
    return merged;
  }

 private:
  static constexpr std::int64_t kMost = 400;

  std::int64_t size_;  ///< Periods of a group.
  std::vector<std::int64_t> firsts_;
  std::map<std::int64_t, std::size_t> numbers_;
};

std::string OverTimeSection(const Backtest& backtest, const ForecastData& data) {
  const PeriodGroups groups(backtest.by_period);
  Chart chart{
      .title = fmt::format("{} over time", backtest.metric->name), .labels = {}, .lines = {}};
  for (const std::int64_t first : groups.firsts()) chart.labels.push_back(data.FirstDay(first));
  chart.lines.push_back(
      LineOf("model", Ink::kModel, backtest.metric, groups.Merge(backtest.by_period)));
  if (const BaselineResult* const best = backtest.best_baseline()) {
    chart.lines.push_back(LineOf(NameOf(best->spec), Ink::kBaseline, backtest.metric,
                                 groups.Merge(best->baseline_by_period)));
  }
  return fmt::format(
      "<h2>{}</h2>\n<p>Of all keys' rows of a period{}.</p>\n{}", EscapeHtml(chart.title),
      groups.size() > 1 ? fmt::format("; a point is of {} periods that were judged", groups.size())
                        : "",
      InteractiveChart(chart));
}

/// A key with judged rows.
struct JudgedKey {
  std::uint32_t key = 0;
  double size = 0;  ///< Mean of |actual|.
  double sum = 0;   ///< Of actual values.
};

/// By the number of the key.
std::vector<JudgedKey> JudgedKeys(const Backtest& backtest) {
  std::vector<JudgedKey> keys(backtest.by_key.size());
  for (const JudgedForecast& row : backtest.rows) {
    JudgedKey& one = keys[row.forecast.point.key];
    one.sum += row.actual;
    one.size += std::abs(row.actual);
  }
  for (std::uint32_t key = 0; key < keys.size(); ++key) {
    keys[key].key = key;
    keys[key].size /= static_cast<double>(backtest.by_key[key].rows());
  }
  std::erase_if(keys, [&](const JudgedKey& one) { return backtest.by_key[one.key].rows() == 0; });
  return keys;
}

std::string BySizeSection(const Backtest& backtest, std::vector<JudgedKey> keys) {
  constexpr std::size_t kParts = 3;
  if (keys.size() < kParts) return {};
  std::ranges::stable_sort(keys, {}, &JudgedKey::size);
  std::string table = MetricsHead();
  for (std::size_t part = 0; part < kParts; ++part) {
    const std::size_t first = keys.size() * part / kParts;
    const std::size_t end = keys.size() * (part + 1) / kParts;
    ErrorSums sums;
    for (std::size_t i = first; i < end; ++i) sums.Merge(backtest.by_key[keys[i].key]);
    table += MetricsRow(fmt::format("{} keys of {:.4g} to {:.4g}", end - first, keys[first].size,
                                    keys[end - 1].size),
                        sums);
  }
  return "<h2>By size of the key</h2>\n<p>Three parts of the keys, the smallest first; the size is "
         "the mean of |actual|.</p>\n" +
         table + "</table>\n";
}

/// The sum of |forecast - actual|.
double WeightOf(const ErrorSums& sums) {
  return sums.Value(Metric("mae")).value_or(0) * static_cast<double>(sums.rows());
}

std::string HeaviestSection(const Backtest& backtest, const ForecastData& data,
                            std::vector<JudgedKey> keys) {
  if (keys.size() < 2) return {};
  const auto weight = [&](const JudgedKey& one) { return WeightOf(backtest.by_key[one.key]); };
  std::ranges::stable_sort(keys, std::ranges::greater{}, weight);
  constexpr std::size_t kShownKeys = 20;
  if (keys.size() > kShownKeys) keys.resize(kShownKeys);
  const double all = WeightOf(backtest.all);
  std::string section =
      "<h2>Keys whose errors weigh most</h2>\n<p>In brackets each one's share of all absolute "
      "errors.</p>\n" +
      MetricsHead();
  for (const JudgedKey& one : keys) {
    section += MetricsRow(
        fmt::format("{} ({:.1f} %)", data.KeyName(one.key), all == 0 ? 0 : 100 * weight(one) / all),
        backtest.by_key[one.key]);
  }
  return section + "</table>\n";
}

std::string CalibrationOf(const Backtest& backtest) {
  std::vector<std::pair<double, double>> rows;
  for (const JudgedForecast& row : backtest.rows) rows.emplace_back(row.forecast.value, row.actual);
  return CalibrationSection(std::move(rows), {.said = "mean forecast",
                                              .came = "mean actual",
                                              .reading = "Below the line too much was forecast."});
}

/// The key's values, and what was forecast for them in the folds.
std::string KeyPicture(const Backtest& backtest, const ForecastData& data, std::uint32_t key) {
  const std::int64_t last = backtest.folds.back().test.last;
  constexpr std::int64_t kShownBefore = 60;
  const std::int64_t first =
      std::max(data.grid().FirstPeriod(key), backtest.folds.front().test.first - kShownBefore);
  const std::string name = data.KeyName(key);
  Chart chart{.title = "Actual and forecast of " + name, .labels = {}, .lines = {}};
  ChartLine actual{.name = "actual", .points = {}};
  for (std::int64_t period = first; period <= last; ++period) {
    chart.labels.push_back(data.FirstDay(period));
    actual.points.push_back({static_cast<double>(period - first), data.ValueIn(key, period)});
  }
  ChartLine model{.name = "forecast", .ink = Ink::kModel, .has_dots = true, .points = {}};
  for (const JudgedForecast& row : backtest.rows) {
    if (row.forecast.point.key != key) continue;
    model.points.push_back(
        {static_cast<double>(row.forecast.point.period - first), row.forecast.value});
  }
  chart.lines = {std::move(actual), std::move(model)};
  return fmt::format("<h3>{}</h3>\n", EscapeHtml(name)) + Picture(chart);
}

/// Every judged key, those of `first` in front, then by the sum of their values.
/// A forecast and its intervals, put into what the explorer shows of a fold of `periods` periods.
void Show(const JudgedForecast& row, std::size_t at, std::size_t periods, ExploredFold& fold) {
  if (fold.forecast.empty()) fold.forecast.assign(periods, NAN);
  fold.forecast[at] = row.forecast.value;
  if (row.intervals.empty()) return;
  for (auto* bounds : {&fold.lower, &fold.upper}) {
    if (bounds->empty()) bounds->assign(row.intervals.size(), std::vector<double>(periods, NAN));
  }
  for (std::size_t level = 0; level < row.intervals.size(); ++level) {
    fold.lower[level][at] = row.intervals[level].lower;
    fold.upper[level][at] = row.intervals[level].upper;
  }
}

SeriesExplorer ExplorerOf(const Backtest& backtest, const ForecastData& data,
                          const std::vector<std::uint32_t>& first, std::vector<JudgedKey> keys) {
  SeriesExplorer explorer{
      .value_name = backtest.value_name,
      .metric = backtest.metric->name,
      .folds = {},
      .levels = {},
      .period_name = [&data](std::int64_t period) { return data.FirstDay(period); },
      .keys = {}};
  if (backtest.intervals) {
    for (const double level : backtest.intervals->levels) {
      explorer.levels.push_back(LevelName(level));
    }
  }
  for (const Fold& fold : backtest.folds) explorer.folds.push_back(fold.test);
  std::ranges::stable_sort(keys, std::ranges::greater{}, &JudgedKey::sum);
  std::ranges::stable_sort(keys, {}, [&first](const JudgedKey& one) {
    return std::ranges::find(first, one.key) - first.begin();
  });
  std::map<std::uint32_t, std::size_t> numbers;
  for (const JudgedKey& one : keys) {
    const ErrorSums& sums = backtest.by_key[one.key];
    numbers.emplace(one.key, explorer.keys.size());
    explorer.keys.push_back({.name = data.KeyName(one.key),
                             .rows = sums.rows(),
                             .size = one.size,
                             .error = sums.Value(backtest.metric),
                             .bias = sums.RelativeBias(),
                             .first_period = data.grid().FirstPeriod(one.key),
                             .actual = data.Values(one.key),
                             .folds = std::vector<ExploredFold>(backtest.folds.size())});
  }
  for (const JudgedForecast& row : backtest.rows) {
    const PeriodRange& test = backtest.folds[row.fold].test;
    Show(row, static_cast<std::size_t>(row.forecast.point.period - test.first),
         static_cast<std::size_t>(test.size()),
         explorer.keys[numbers.at(row.forecast.point.key)].folds[row.fold]);
  }
  return explorer;
}

Result<std::vector<std::uint32_t>> ChooseKeys(const Backtest& backtest, const ForecastData& data,
                                              const std::vector<std::string>& names,
                                              std::vector<JudgedKey> judged) {
  Result<std::vector<std::uint32_t>> named = FindKeys(data, names, "report-key");
  if (!named) return named;
  for (const std::uint32_t key : *named) {
    if (backtest.by_key[key].rows() > 0) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("--report-key: no forecast of key {} was judged", data.KeyName(key)),
                 "report-key"};
  }
  if (!names.empty()) return named;
  std::ranges::stable_sort(judged, std::ranges::greater{}, &JudgedKey::sum);
  constexpr std::size_t kShownKeys = 4;
  if (judged.size() > kShownKeys) judged.resize(kShownKeys);
  std::vector<std::uint32_t> chosen;
  for (const JudgedKey& one : judged) chosen.push_back(one.key);
  return chosen;
}

/// The sums of keys; nothing without any.
std::string HierarchySection(const Backtest& backtest) {
  if (!backtest.hierarchy) return {};
  std::string section = "<h2>Sums of keys</h2>\n" + MetricsHead();
  for (const LevelResult& level : backtest.hierarchy->levels) {
    const std::string name = fmt::format("{} ({})", level.name, level.groups);
    section += MetricsRow(name + ", bottom-up", level.bottom_up);
    if (backtest.hierarchy->is_mint) section += MetricsRow(name + ", by MinT", level.mint);
  }
  return section + "</table>\n";
}

}  // namespace

Result<std::string> ReportPage(const Backtest& backtest, const ForecastData& data,
                               const std::vector<std::string>& keys, const std::string& more) {
  const std::vector<JudgedKey> judged = JudgedKeys(backtest);
  const Result<std::vector<std::uint32_t>> shown = ChooseKeys(backtest, data, keys, judged);
  if (!shown) return shown.error();
  std::string page = BeginPage(data.spec().name);
  page += Verdict(backtest.beats_baselines(), VerdictOn(backtest));
  page += "<h2>Model and baselines</h2>\n" + MetricsHead() + MetricsRow("model", backtest.all);
  for (const BaselineResult& result : backtest.baselines) {
    page += MetricsRow(NameOf(result.spec), result.baseline);
    if (!result.left_out.empty()) page += MetricsRow("model on these rows", result.model);
  }
  page += "</table>\n";
  Bars skills;
  for (const BaselineResult& result : backtest.baselines) {
    skills.emplace_back(NameOf(result.spec), result.SkillOf(backtest.metric));
  }
  page += SkillSection(backtest.metric->name, skills);

  std::string pictures;
  for (const std::uint32_t key : *shown) pictures += KeyPicture(backtest, data, key);
  page += "<h2>Actual and forecast</h2>\n";
  page += ExplorerSection(ExplorerOf(backtest, data, *shown, judged), pictures, kMostExplorerBytes);
  page += ByStepSection(backtest) + IntervalsSection(backtest, data) + HierarchySection(backtest) +
          OverTimeSection(backtest, data) + BySizeSection(backtest, judged) +
          HeaviestSection(backtest, data, judged) + CalibrationOf(backtest);

  page += "<h2>Folds</h2>\n" + MetricsHead();
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const Fold& fold = backtest.folds[i];
    page += MetricsRow(data.FirstDay(fold.test.first) + " to " + data.FirstDay(fold.test.last),
                       backtest.by_fold[i]);
  }
  Bars importances;
  for (const FeatureImportance& one : backtest.importances) {
    importances.emplace_back(one.feature, one.share);
  }
  page += "</table>\n" + ImportanceSection(std::move(importances)) +
          ContributionSection(backtest.contributions.all);
  return page + LeftOutSection(DescribeLeftOut(backtest, data)) + more + EndPage(true);
}

}  // namespace forkcast::model
