// How often windows without drift alarm, and how soon drift is found: our default decision and, on
// rows of the same columns, Evidently's and deequ's by their formulas (model/drift/peers.hpp).

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "drift/simulated_windows.hpp"
#include "model/drift/drift_decision.hpp"
#include "model/drift/peers.hpp"

namespace {

using forkcast::bench::SimulatedColumn;
using forkcast::bench::SimulatedWindows;
using forkcast::bench::TwentyColumns;
using forkcast::model::BinCounter;
using forkcast::model::ColumnDrift;
using forkcast::model::DriftJudge;
using forkcast::model::DriftStatus;
using forkcast::model::NumberSamples;
using forkcast::model::PairedCounts;
using forkcast::model::PeerFinding;

struct Options {
  std::size_t windows = 10'000;
  std::size_t reference_rows = 10'000;
  std::size_t runs = 1'000;
  std::size_t peer_windows = 200;
  std::uint32_t seed = 1;
};

bool HasAlarm(const std::vector<ColumnDrift>& columns) {
  return std::ranges::any_of(
      columns, [](const ColumnDrift& one) { return one.status == DriftStatus::kAlarm; });
}

/// Share of windows that alarm though nothing changed. A reference serves for a hundred windows,
/// as a version does for many.
double FalseAlarms(const Options& options, std::size_t rows) {
  constexpr std::size_t kWindowsAReference = 100;
  std::size_t alarms = 0;
  for (std::size_t done = 0; done < options.windows; done += kWindowsAReference) {
    SimulatedWindows windows(TwentyColumns(), options.reference_rows,
                             options.seed + static_cast<std::uint32_t>(done));
    DriftJudge judge(windows.bins(), {});
    for (std::size_t i = 0; i < kWindowsAReference; ++i) {
      if (HasAlarm(judge.Judge(windows.Draw(rows)))) ++alarms;
    }
  }
  return static_cast<double>(alarms) / static_cast<double>(options.windows);
}

/// Share of runs in which the shift of one column of twenty is found within three windows.
double Found(const Options& options, std::size_t column, double shift) {
  constexpr std::size_t kRows = 5'000;
  std::size_t found = 0;
  for (std::size_t run = 0; run < options.runs; ++run) {
    std::vector<SimulatedColumn> columns = TwentyColumns();
    columns[column].shift = shift;
    SimulatedWindows windows(columns, options.reference_rows,
                             options.seed + static_cast<std::uint32_t>(run));
    DriftJudge judge(windows.bins(), {});
    bool alarm = false;
    for (int window = 0; window < 3; ++window) {
      alarm = judge.Judge(windows.Draw(kRows))[column].status == DriftStatus::kAlarm || alarm;
    }
    if (alarm) ++found;
  }
  return static_cast<double>(found) / static_cast<double>(options.runs);
}

PairedCounts Categories(const SimulatedColumn& column, const NumberSamples& samples) {
  PairedCounts counts{std::vector<double>(column.shares.size()),
                      std::vector<double>(column.shares.size())};
  for (const double value : samples.reference)
    counts.reference[static_cast<std::size_t>(value)] += 1;
  for (const double value : samples.current) counts.current[static_cast<std::size_t>(value)] += 1;
  return counts;
}

struct PeerAlarms {
  std::size_t evidently_column = 0;   // any column drifted
  std::size_t evidently_dataset = 0;  // half of them did
  std::size_t deequ = 0;
};

/// Counts the same rows in the reference's bins, as a server does.
std::vector<double> CountRows(const SimulatedWindows& windows,
                              const std::vector<std::vector<double>>& rows, std::size_t row_count) {
  std::vector<double> all;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const forkcast::model::ColumnBins& bins = windows.bins()[i];
    std::vector<std::uint32_t> counts(bins.reference.size());
    BinCounter counter(bins, counts);
    for (const double value : rows[i]) {
      if (bins.is_number) {
        counter.CountNumber(static_cast<float>(value));
      } else {
        counter.CountText(std::to_string(static_cast<int>(value)));
      }
    }
    for (std::size_t j = rows[i].size(); j < row_count; ++j) counter.CountMissing();
    all.insert(all.end(), counts.begin(), counts.end());
  }
  return all;
}

void JudgeByPeers(const SimulatedWindows& windows, const std::vector<std::vector<double>>& rows,
                  PeerAlarms& alarms) {
  std::size_t drifted = 0;
  bool by_deequ = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const NumberSamples samples{windows.reference_values(i), rows[i]};
    const SimulatedColumn& column = windows.columns()[i];
    PeerFinding evidently;
    PeerFinding deequ;
    if (column.shares.empty()) {
      evidently = ByEvidently(samples);
      deequ = ByDeequ(samples);
    } else {
      const PairedCounts counts = Categories(column, samples);
      evidently = ByEvidently(counts);
      deequ = ByDeequ(counts);
    }
    if (evidently.drifted) ++drifted;
    by_deequ = by_deequ || deequ.drifted;
  }
  if (drifted > 0) ++alarms.evidently_column;
  if (2 * drifted >= rows.size()) ++alarms.evidently_dataset;
  if (by_deequ) ++alarms.deequ;
}

void ComparePeers(const Options& options, std::size_t rows, const std::string& what,
                  std::vector<SimulatedColumn> columns) {
  SimulatedWindows windows(std::move(columns), options.reference_rows, options.seed);
  DriftJudge judge(windows.bins(), {});
  PeerAlarms alarms;
  std::size_t ours = 0;
  // Large windows take long, and say the same after fewer.
  const std::size_t count =
      std::max<std::size_t>(options.peer_windows * 1'000 / std::max<std::size_t>(rows, 1'000), 5);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::vector<double>> values;
    for (std::size_t column = 0; column < windows.columns().size(); ++column) {
      values.push_back(windows.DrawValues(column, rows));
    }
    JudgeByPeers(windows, values, alarms);
    if (HasAlarm(judge.Judge(CountRows(windows, values, rows)))) ++ours;
  }
  const auto percent = [count](std::size_t part) {
    return 100 * static_cast<double>(part) / static_cast<double>(count);
  };
  std::cout << fmt::format("{:<28} {:>7} {:>7} {:>7.1f} % {:>12.1f} % {:>12.1f} % {:>7.1f} %\n",
                           what, rows, count, percent(ours), percent(alarms.evidently_column),
                           percent(alarms.evidently_dataset), percent(alarms.deequ));
}

void Run(const Options& options) {
  constexpr std::size_t kNumber = 3;
  constexpr std::size_t kFlag = 12;  // 10 % of its rows are in category 0
  std::cout << fmt::format("20 columns, reference of {} rows\n\nNo drift: windows that alarm\n",
                           options.reference_rows);
  for (const std::size_t rows : {100U, 1'000U, 10'000U, 100'000U}) {
    std::cout << fmt::format("{:>7} rows: {:.4f} % of {}\n", rows, 100 * FalseAlarms(options, rows),
                             options.windows);
  }
  std::cout << fmt::format("\nFound within three windows of 5000 rows, of {} runs\n", options.runs);
  std::cout << fmt::format("numbers greater by 0.2 standard deviations: {:.2f} %\n",
                           100 * Found(options, kNumber, 0.2));
  std::cout << fmt::format("a category's share from 10 % to 15 %: {:.2f} %\n",
                           100 * Found(options, kFlag, 0.05));
  std::cout << "\nThe same rows judged by others' defaults: windows that alarm\n";
  std::cout << fmt::format("{:<28} {:>7} {:>7} {:>9} {:>14} {:>14} {:>9}\n", "", "rows", "windows",
                           "ours", "Evidently, a", "Evidently, half", "deequ");
  for (const std::size_t rows : {100U, 1'000U, 10'000U, 100'000U}) {
    ComparePeers(options, rows, "no drift", TwentyColumns());
  }
  std::vector<SimulatedColumn> columns = TwentyColumns();
  columns[kNumber].shift = 0.2;
  ComparePeers(options, 5'000, "one by 0.2 deviations", columns);
  columns = TwentyColumns();
  columns[kFlag].shift = 0.05;
  ComparePeers(options, 5'000, "one from 10 % to 15 %", columns);
}

}  // namespace

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  Options options;
  po::options_description description("drift-simulation");
  description.add_options()("help", "show this")(
      "windows", po::value(&options.windows)->default_value(options.windows),
      "without drift, of each size")(
      "reference-rows", po::value(&options.reference_rows)->default_value(options.reference_rows),
      "rows of the reference")("runs", po::value(&options.runs)->default_value(options.runs),
                               "with drift")(
      "peer-windows", po::value(&options.peer_windows)->default_value(options.peer_windows),
      "that others judge, too, of up to 1,000 rows; fewer of more")(
      "seed", po::value(&options.seed)->default_value(options.seed), "of chance");
  po::variables_map variables;
  po::store(po::parse_command_line(argc, argv, description), variables);
  po::notify(variables);
  if (variables.contains("help")) {
    std::cout << description << '\n';
    return 0;
  }
  Run(options);
}
