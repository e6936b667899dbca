#include "model/forecast/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "model/forecast/named_keys.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

constexpr double kWidth = 860;
constexpr double kHeight = 260;
constexpr double kMargin = 56;
constexpr std::string_view kActualColor = "#1f2937";
constexpr std::string_view kModelColor = "#c2410c";
constexpr std::string_view kBaselineColor = "#2563eb";

/// A point of a line; NaN leaves a gap.
struct Point {
  double x = 0;
  double y = 0;
};
struct Line {
  std::string name;
  std::string_view color;
  std::vector<Point> points;
  bool dots = false;  ///< Points alone, not joined.
};
struct Axis {
  double least = 0;
  double greatest = 1;
  [[nodiscard]] double At(double value, double from, double to) const {
    return from + (value - least) / (greatest - least) * (to - from);
  }
};

std::string Shown(double value) {
  const double size = std::abs(value);
  if (size >= 10000) return fmt::format("{:.3g}k", value / 1000);
  return fmt::format("{:.3g}", value);
}

/// Lines over a common grid; y begins at 0 unless values are below it. `x_label` names an x.
std::string Plot(const std::vector<Line>& lines,
                 const std::function<std::string(double)>& x_label) {
  Axis x{.least = HUGE_VAL, .greatest = -HUGE_VAL};
  Axis y{.least = 0, .greatest = 0};
  for (const Line& line : lines) {
    for (const Point& point : line.points) {
      if (!std::isfinite(point.y)) continue;
      x = {std::min(x.least, point.x), std::max(x.greatest, point.x)};
      y = {std::min(y.least, point.y), std::max(y.greatest, point.y)};
    }
  }
  if (x.least > x.greatest) return "<p>Nothing to show.</p>\n";
  if (x.least == x.greatest) x = {x.least - 1, x.greatest + 1};
  if (y.least == y.greatest) y.greatest = y.least + 1;
  const auto left = [&](double value) { return x.At(value, kMargin, kWidth - 8); };
  const auto top = [&](double value) { return y.At(value, kHeight - 28, 12); };

  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\">\n", kWidth,
                                kHeight, kWidth);
  constexpr int kGridLines = 4;
  for (int i = 0; i <= kGridLines; ++i) {
    const double value = y.least + (y.greatest - y.least) * i / kGridLines;
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#e5e7eb\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        kMargin, kWidth - 8, top(value), kMargin - 6, top(value) + 4, Shown(value));
  }
  for (const double value : {x.least, (x.least + x.greatest) / 2, x.greatest}) {
    const char* const anchor = value == x.least ? "start" : value == x.greatest ? "end" : "middle";
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", left(value),
                       kHeight - 8, anchor, EscapeHtml(x_label(value)));
  }
  for (const Line& line : lines) {
    std::string path;
    bool pen_down = false;
    for (const Point& point : line.points) {
      if (!std::isfinite(point.y)) {
        pen_down = false;
        continue;
      }
      if (line.dots) {
        svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"{}\"/>\n",
                           left(point.x), top(point.y), line.color);
      } else {
        path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", left(point.x), top(point.y));
        pen_down = true;
      }
    }
    if (!path.empty()) {
      svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>\n",
                         path, line.color);
    }
  }
  svg += "</svg>\n<p class=\"legend\">";
  for (const Line& line : lines) {
    svg += fmt::format("<span style=\"color:{}\">&#9632;</span> {} &nbsp; ", line.color,
                       EscapeHtml(line.name));
  }
  return svg + "</p>\n";
}

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

std::string ErrorByStep(const Backtest& backtest) {
  const auto line = [&](std::string name, std::string_view color,
                        const std::vector<ErrorSums>& steps) {
    Line drawn{.name = std::move(name), .color = color, .points = {}, .dots = steps.size() == 1};
    for (std::size_t i = 0; i < steps.size(); ++i) {
      drawn.points.push_back(
          {static_cast<double>(i + 1), steps[i].Value(backtest.metric).value_or(NAN)});
    }
    return drawn;
  };
  std::vector<Line> lines{line("model", kModelColor, backtest.by_step)};
  if (const BaselineResult* const best = backtest.best_baseline()) {
    lines.push_back(line(NameOf(best->spec), kBaselineColor, best->baseline_by_step));
  }
  return Plot(lines, [](double step) { return fmt::format("step {:.0f}", step); });
}

/// The key's values, and what was forecast for them in the folds.
std::string KeyPlot(const Backtest& backtest, const ForecastData& data, std::uint32_t key) {
  Line model{.name = "forecast", .color = kModelColor, .points = {}, .dots = true};
  for (const JudgedForecast& row : backtest.rows) {
    if (row.forecast.point.key != key) continue;
    model.points.push_back({static_cast<double>(row.forecast.point.period), row.forecast.value});
  }
  Line actual{.name = "actual", .color = kActualColor, .points = {}, .dots = false};
  const std::int64_t last = backtest.folds.back().test.last;
  constexpr std::int64_t kShownBefore = 60;
  const std::int64_t first =
      std::max(data.grid().FirstPeriod(key), backtest.folds.front().test.first - kShownBefore);
  for (std::int64_t period = first; period <= last; ++period) {
    actual.points.push_back({static_cast<double>(period), data.ValueIn(key, period)});
  }
  return fmt::format("<h3>{}</h3>\n", EscapeHtml(data.KeyName(key))) +
         Plot({actual, model},
              [&data](double period) { return data.FirstDay(std::llround(period)); });
}

Result<std::vector<std::uint32_t>> ChooseKeys(const Backtest& backtest, const ForecastData& data,
                                              const std::vector<std::string>& names) {
  std::map<std::uint32_t, double> sums;
  for (const JudgedForecast& row : backtest.rows) sums[row.forecast.point.key] += row.actual;
  Result<std::vector<std::uint32_t>> named = FindKeys(data, names, "report-key");
  if (!named) return named;
  for (const std::uint32_t key : *named) {
    if (sums.contains(key)) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("--report-key: no forecast of key {} was judged", data.KeyName(key)),
                 "report-key"};
  }
  if (!names.empty()) return named;
  std::vector<std::uint32_t> chosen;
  std::vector<std::pair<double, std::uint32_t>> by_size;
  for (const auto& [key, sum] : sums) by_size.emplace_back(-sum, key);
  std::ranges::sort(by_size);
  constexpr std::size_t kShownKeys = 4;
  for (const auto& [size, key] : by_size) {
    if (chosen.size() < kShownKeys) chosen.push_back(key);
  }
  return chosen;
}

}  // namespace

Result<std::string> ReportPage(const Backtest& backtest, const ForecastData& data,
                               const std::vector<std::string>& keys, const std::string& more) {
  const Result<std::vector<std::uint32_t>> shown = ChooseKeys(backtest, data, keys);
  if (!shown) return shown.error();
  std::string page = BeginPage(data.spec().name, backtest.beats_baselines(), VerdictOn(backtest));
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

  page += "<h2>Folds</h2>\n" + MetricsHead();
  for (std::size_t i = 0; i < backtest.folds.size(); ++i) {
    const Fold& fold = backtest.folds[i];
    page += MetricsRow(data.FirstDay(fold.test.first) + " to " + data.FirstDay(fold.test.last),
                       backtest.by_fold[i]);
  }
  page += fmt::format("</table>\n<h2>{} by step ahead</h2>\n", backtest.metric->name) +
          ErrorByStep(backtest);

  Bars importances;
  for (const FeatureImportance& one : backtest.importances) {
    importances.emplace_back(one.feature, one.share);
  }
  page += ImportanceSection(std::move(importances)) +
          ContributionSection(backtest.contributions.all) + "<h2>Actual and forecast</h2>\n";
  for (const std::uint32_t key : *shown) page += KeyPlot(backtest, data, key);
  return page + LeftOutSection(DescribeLeftOut(backtest, data)) + more + EndPage();
}

}  // namespace forkcast::model
