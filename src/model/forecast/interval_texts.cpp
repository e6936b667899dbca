#include "model/forecast/interval_texts.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> kSizes{"small keys", "middle keys", "large keys"};

/// Rows of a table: the first has the titles.
using Cells = std::vector<std::vector<std::string>>;

std::string Shown(std::optional<double> value) {
  return value ? fmt::format("{:.4g}", *value) : "-";
}

std::vector<std::string> Titles(std::span<const double> levels) {
  std::vector<std::string> titles{"intervals", "rows"};
  for (const double level : levels) {
    const std::string name = fmt::format("{:.6g}", 100 * level);
    titles.push_back(fmt::format("% in {}", name));
    titles.push_back(fmt::format("width {}", name));
    titles.push_back(fmt::format("pinball {}", name));
  }
  titles.insert(titles.end(), {"wis", "wql", "sql"});
  return titles;
}

std::vector<std::string> CellsOf(std::string name, const IntervalSums& sums, std::size_t levels) {
  std::vector<std::string> cells{std::move(name), std::to_string(sums.rows())};
  const bool has_rows = sums.rows() > 0;
  for (std::size_t level = 0; level < levels; ++level) {
    cells.push_back(has_rows ? fmt::format("{:.1f}", 100 * sums.coverage(level)) : "-");
    cells.push_back(has_rows ? Shown(sums.width(level)) : "-");
    cells.push_back(has_rows ? Shown(sums.pinball(level)) : "-");
  }
  cells.insert(cells.end(), {Shown(sums.wis()), Shown(sums.wql()), Shown(sums.sql())});
  return cells;
}

Cells TableOf(const Backtest& backtest, const ForecastData& data) {
  const IntervalResult& intervals = *backtest.intervals;
  const std::size_t levels = intervals.levels.size();
  Cells table{Titles(intervals.levels), CellsOf("all", intervals.all, levels)};
  for (std::size_t i = 0; i < intervals.by_size.size(); ++i) {
    table.push_back(CellsOf(std::string(kSizes[i]), intervals.by_size[i], levels));
  }
  for (std::size_t i = 0; i < intervals.by_fold.size(); ++i) {
    table.push_back(
        CellsOf(fmt::format("fold {} {}", i + 1, data.FirstDay(backtest.folds[i].test.first)),
                intervals.by_fold[i], levels));
  }
  if (intervals.by_step.size() == 1) return table;
  for (std::size_t i = 0; i < intervals.by_step.size(); ++i) {
    table.push_back(CellsOf(fmt::format("step {}", i + 1), intervals.by_step[i], levels));
  }
  return table;
}

/// A sentence of the rows that have none, if there are some.
std::string TellRowsWithout(const IntervalResult& intervals) {
  if (intervals.rows_without == 0) return {};
  return fmt::format(
      "{} of {} judged rows have no intervals: before their folds too few forecasts had been "
      "judged",
      intervals.rows_without, intervals.rows_without + intervals.all.rows());
}

}  // namespace

void AddIntervalMetrics(const IntervalSums& sums, std::span<const double> levels,
                        ordered_json& json) {
  const bool has_rows = sums.rows() > 0;
  json["interval_rows"] = sums.rows();
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const auto add = [&](std::string_view what, double value) {
      json[fmt::format("{}_{}", what, LevelName(levels[level]))] =
          has_rows ? OrNull(value) : ordered_json();
    };
    json[CoverageName(levels[level])] = has_rows ? OrNull(sums.coverage(level)) : ordered_json();
    add("below", sums.below(level));
    add("above", sums.above(level));
    add("width", sums.width(level));
    add("pinball", sums.pinball(level));
  }
  json["wis"] = OrNull(sums.wis());
  json["wql"] = OrNull(sums.wql());
  json["sql"] = OrNull(sums.sql());
}

ordered_json IntervalsJson(const IntervalResult& intervals) {
  ordered_json json{{"levels", intervals.levels}, {"rows_without", intervals.rows_without}};
  AddIntervalMetrics(intervals.all, intervals.levels, json);
  ordered_json& sizes = json["key_sizes"] = ordered_json::array();
  for (std::size_t i = 0; i < intervals.by_size.size(); ++i) {
    ordered_json one{{"keys", kSizes[i]}};
    AddIntervalMetrics(intervals.by_size[i], intervals.levels, one);
    sizes.push_back(std::move(one));
  }
  return json;
}

std::string DescribeIntervals(const Backtest& backtest, const ForecastData& data) {
  if (!backtest.intervals) return {};
  std::string text = "\n";
  for (const std::vector<std::string>& row : TableOf(backtest, data)) {
    text += fmt::format("{}\n", fmt::join(row, "\t"));
  }
  const std::string without = TellRowsWithout(*backtest.intervals);
  return without.empty() ? text : fmt::format("{}{}\n", text, without);
}

std::string IntervalsSection(const Backtest& backtest, const ForecastData& data) {
  if (!backtest.intervals) return {};
  std::string html = "<h2>Intervals</h2>\n<table>\n";
  std::string_view cell = "th";
  for (const std::vector<std::string>& row : TableOf(backtest, data)) {
    html += "<tr>";
    for (const std::string& text : row) {
      html += fmt::format("<{0}>{1}</{0}>", cell, EscapeHtml(text));
    }
    html += "</tr>\n";
    cell = "td";
  }
  const std::string without = TellRowsWithout(*backtest.intervals);
  return fmt::format("{}</table>\n{}", html,
                     without.empty() ? "" : fmt::format("<p>{}.</p>\n", without));
}

}  // namespace forkcast::model
