#include "model/report/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/report/chart.hpp"

namespace forkcast::model {

std::string CalibrationSection(std::vector<std::pair<double, double>> rows,
                               const CalibrationWords& words) {
  constexpr std::size_t kMostGroups = 10;
  constexpr std::size_t kLeastRows = 20;  // of a group
  const std::size_t groups = std::min(kMostGroups, rows.size() / kLeastRows);
  if (groups < 2) return {};
  std::ranges::sort(rows);
  ChartLine came{.name = fmt::format("{} by {}", words.came, words.said), .points = {}};
  ChartLine level{.name = "equal", .ink = ChartLine::Ink::kLevel, .points = {}};
  std::string table =
      fmt::format("<table>\n<tr><th>group</th><th>rows</th><th>{}</th><th>{}</th></tr>\n",
                  words.said, words.came);
  for (std::size_t group = 0; group < groups; ++group) {
    const std::size_t first = rows.size() * group / groups;
    const std::size_t end = rows.size() * (group + 1) / groups;
    const auto count = static_cast<double>(end - first);
    ChartPoint mean;
    for (std::size_t i = first; i < end; ++i) {
      mean.x += rows[i].first / count;
      mean.y += rows[i].second / count;
    }
    came.points.push_back(mean);
    level.points.push_back({mean.x, mean.x});
    table += fmt::format("<tr><th>{}</th><td>{}</td><td>{:.5g}</td><td>{:.5g}</td></tr>\n",
                         group + 1, end - first, mean.x, mean.y);
  }
  const Chart chart{
      .title = "Calibration", .labels = {}, .lines = {std::move(level), std::move(came)}};
  return fmt::format(
      "<h2>Calibration</h2>\n<p>All judged rows in {} groups of about one size, by what was said "
      "of "
      "them. {}</p>\n{}<details><summary>The groups</summary>\n{}</table></details>\n",
      groups, words.reading, InteractiveChart(chart), table);
}

}  // namespace forkcast::model
