#include "model/forecast/judged_rows.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

namespace forkcast::model {
namespace {

void AppendText(std::string_view text, std::string& csv) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    csv += text;
    return;
  }
  csv += '"';
  for (const char letter : text) {
    if (letter == '"') csv += '"';
    csv += letter;
  }
  csv += '"';
}

/// So that it reads as the same number.
template <typename T>
void AppendNumber(T number, std::string& csv) {
  csv += ',';
  if (!std::isnan(number)) fmt::format_to(std::back_inserter(csv), "{}", number);
}

void AppendHead(const Backtest& backtest, std::span<const double> levels, std::string& csv) {
  csv += "key,fold,step,period,actual,forecast";
  for (const double level : levels) {
    fmt::format_to(std::back_inserter(csv), ",{},{}", LowerName(level), UpperName(level));
  }
  for (const BaselineResult& baseline : backtest.baselines) {
    csv += ',';
    AppendText(NameOf(baseline.spec), csv);
  }
  csv += '\n';
}

}  // namespace

std::string JudgedRowsCsv(const Backtest& backtest, const ForecastData& data) {
  const std::vector<double> levels =
      backtest.intervals ? backtest.intervals->levels : std::vector<double>();
  std::string csv;
  AppendHead(backtest, levels, csv);
  for (const JudgedForecast& row : backtest.rows) {
    const auto& [point, step, value] = row.forecast;
    AppendText(data.KeyName(point.key), csv);
    fmt::format_to(std::back_inserter(csv), ",{},{},{}", row.fold + 1, step,
                   data.FirstDay(point.period));
    AppendNumber(row.actual, csv);
    AppendNumber(value, csv);
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const PredictionInterval interval =
          row.intervals.empty() ? PredictionInterval() : row.intervals[i];
      AppendNumber(interval.lower, csv);
      AppendNumber(interval.upper, csv);
    }
    for (const float baseline : row.baselines) AppendNumber(baseline, csv);
    csv += '\n';
  }
  return csv;
}

}  // namespace forkcast::model
