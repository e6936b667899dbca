// feature-speed [--keys N] [--weeks N] [--seed N] [--csv FILE]: how many rows of 20 features one
// core computes a second, the way training does: one Select() a key, ComputeColumns() of its
// periods, into a FeatureTable; and the way a request does, one ComputeAt() a period.
//
// A panel of N keys by N weeks is made from random order lines and published like any series, by a
// child process, so that the peak of memory is that of computing features alone. --csv writes the
// grid for bench/feature_speed_peer. Prints one JSON object; see docs/performance.md.

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/snapshot_builder.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/inputs/feature_table.hpp"

namespace {

using namespace forkcast;
using namespace forkcast::preprocessing;
using forkcast::model::FeatureColumnOf;
using forkcast::model::FeatureColumnSpec;
using forkcast::model::FeatureTable;
using nlohmann::ordered_json;

constexpr int kUsage = 2;
constexpr int kFailed = 3;
constexpr int kRounds = 5;

struct Options {
  int keys = 5000;
  int weeks = 260;
  std::uint64_t seed = 1;
  std::filesystem::path csv;
};

template <typename T>
T OrThrow(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void OrThrow(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

/// A folder that is gone when the program ends.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "forkcast-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Twenty features that mlforecast has as well.
std::vector<std::string> CommonFeatures() {
  std::vector<std::string> features;
  for (const int periods : {1, 2, 3, 4, 8, 13, 26, 52}) {
    features.push_back(R"({"op": "lag", "periods": )" + std::to_string(periods) + "}");
  }
  const auto rolling = [&features](const std::string& statistic, std::vector<int> windows) {
    for (const int window : windows) {
      features.push_back(R"({"op": "rolling", "statistic": ")" + statistic + R"(", "window": )" +
                         std::to_string(window) + "}");
    }
  };
  rolling("mean", {4, 8, 13, 52});
  rolling("std", {4, 13});
  rolling("min", {4, 13});
  rolling("max", {4, 13});
  features.push_back(R"({"op": "calendar", "part": "iso_week", "at": "target"})");
  features.push_back(R"({"op": "calendar", "part": "month", "at": "target"})");
  return features;
}

/// Twenty of all the kinds that read periods.
std::vector<std::string> MixedFeatures() {
  return {R"({"op": "lag", "periods": 1})",
          R"({"op": "lag", "periods": 2})",
          R"({"op": "lag", "periods": 3})",
          R"({"op": "lag", "periods": 4})",
          R"({"op": "lag", "periods": 52})",
          R"({"op": "difference", "periods": 1})",
          R"({"op": "difference", "periods": 52})",
          R"({"op": "seasonal_lag", "season": 52})",
          R"({"op": "rolling", "statistic": "mean", "window": 4})",
          R"({"op": "rolling", "statistic": "mean", "window": 13})",
          R"({"op": "rolling", "statistic": "mean", "window": 52})",
          R"({"op": "rolling", "statistic": "std", "window": 13})",
          R"({"op": "rolling", "statistic": "max", "window": 8})",
          R"({"op": "rolling", "statistic": "median", "window": 8})",
          R"({"op": "rolling", "statistic": "mean", "window": 52, "match": ["quarter"]})",
          R"({"op": "nonzero_share", "window": 13})",
          R"({"op": "periods_since", "limit": 26})",
          R"({"op": "subtract", "left": "f0", "right": "f9"})",
          R"({"op": "divide", "left": "f0", "right": "f9"})",
          R"({"op": "calendar", "part": "iso_week", "at": "target"})"};
}

PipelineSpec MakePipeline(const std::vector<std::string>& features) {
  auto pipeline = ordered_json::parse(R"({
    "name": "feature_speed", "version": "1",
    "tables": {"lines": {"columns": {"product": "text", "at": "timestamp", "quantity": "double"}}},
    "series": {"weekly": {"table": "lines", "key": ["product"], "time": "at",
                          "max_staleness": "unlimited",
                          "aggregate": {"period": "week", "partial": "keep", "from": "all",
                                        "values": {"quantity": {"op": "sum", "column": "quantity",
                                                                "empty": 0}}}}},
    "request": {"fields": {"product": "text", "at": "timestamp"}, "time": "at"},
    "forecast": {"series": "weekly", "value": "quantity", "key": ["product"], "horizon": 1,
                 "strategy": "direct"},
    "features": []
  })");
  for (const std::string& text : features) {
    auto feature = ordered_json::parse(text);
    const bool is_calendar = feature["op"] == "calendar";
    feature["name"] = "f" + std::to_string(pipeline["features"].size());
    if (!is_calendar) feature["missing"] = "keep";
    if (!is_calendar && !feature.contains("left")) {
      feature["series"] = "weekly";
      feature["value"] = "quantity";
      feature["key"] = {"product"};
    }
    pipeline["features"].push_back(feature);
  }
  return OrThrow(ParsePipelineSpec(pipeline.dump(), "."));
}

/// Order lines: none to three a week, from the first Monday to the last.
void PublishPanel(const PipelineSpec& pipeline, const Options& options,
                  const std::filesystem::path& file) {
  const SeriesSpec& series = pipeline.series.front();
  SnapshotBuilder builder(series, pipeline.zone);
  std::mt19937_64 random(options.seed);
  const Instant first_monday = OrThrow(ParseTimestamp("2019-01-07", pipeline.zone));
  Table rows(series.ReadSchema());
  for (int key = 0; key < options.keys; ++key) {
    rows.Clear();
    const std::string product = "P" + std::to_string(key);
    for (int week = 0; week < options.weeks; ++week) {
      // A line in the first and the last week of every key, so that the panel is full.
      const bool at_the_edge = week == 0 || week == options.weeks - 1;
      for (std::uint64_t left = random() % 4 + (at_the_edge ? 1 : 0); left > 0; --left) {
        rows.column(0).AppendText(product);
        rows.column(1).AppendTimestamp(first_monday + std::chrono::weeks(week) +
                                       std::chrono::seconds(random() % 604'800));
        rows.column(2).AppendDouble(static_cast<double>(random() % 100));
      }
    }
    OrThrow(builder.Add(rows));
  }
  OrThrow(builder.Publish(file));
}

void PublishInChild(const PipelineSpec& pipeline, const Options& options,
                    const std::filesystem::path& file) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    try {
      PublishPanel(pipeline, options, file);
      ::_exit(0);
    } catch (const std::exception& error) {
      std::cerr << "feature-speed: " << error.what() << '\n';
      ::_exit(kFailed);
    }
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error("the panel could not be published");
  }
}

std::uint64_t PeakBytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

/// Of this process: what else runs on the machine does not count.
double ProcessorSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Measured {
  std::vector<double> seconds;  // of each round
  std::size_t rows = 0;
  std::size_t missing = 0;
};

/// How features are computed.
enum class Way {
  kByColumn,  ///< As training does.
  kByRow,     ///< As a request does.
};

/// Of one key, of so many of the moments from `first` on.
void ComputeByColumn(const FeatureMoments& moments, std::size_t first, std::size_t count,
                     FeatureComputer& computer, FeatureTable& table) {
  constexpr std::size_t kTogether = 256;
  FeatureColumns columns;
  std::vector<const FeatureColumn*> all(computer.feature_count());
  std::vector<std::uint32_t> rows;
  for (std::size_t done = 0; done < count; done += kTogether) {
    const std::size_t now = std::min(kTogether, count - done);
    computer.ComputeColumns(moments, first + done, now, columns);
    if (!columns.refused().empty()) OrThrow(Status(columns.refused().front().error));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = &columns.column(i);
    rows.resize(now);
    std::iota(rows.begin(), rows.end(), 0);
    OrThrow(table.Append(all, rows));
  }
}

/// All periods of all keys, each a target one step ahead of its origin.
void ComputeAll(const PipelineSpec& pipeline, std::span<const Snapshot> snapshots, Way way,
                FeatureTable& table) {
  const GridReader grid(pipeline.series.front(), snapshots.front(), pipeline.zone);
  FeatureComputer computer(pipeline.features, pipeline.series, pipeline.request, pipeline.zone,
                           &*pipeline.forecast);
  const GridReader::Range all = grid.AllPeriods().value();
  std::vector<Instant> starts;
  for (PeriodIndex period = all.first; period <= all.last; ++period) {
    starts.push_back(grid.StartOf(period));
  }
  std::vector<FeatureMoment> all_moments;
  for (const Instant start : starts) all_moments.push_back({.origin = start, .target = start});
  const FeatureMoments moments = computer.Prepare(std::move(all_moments));
  std::vector<Value> values(computer.feature_count());
  SeriesMask stale = 0;
  Table request(pipeline.request.fields);
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    request.Clear();
    request.column(0).AppendText(std::get<std::string_view>(grid.KeyValues(key).front()));
    request.column(1).AppendTimestamp(starts.front());
    computer.Select(snapshots, request, 0);
    const auto first = static_cast<std::size_t>(grid.FirstPeriod(key) - all.first);
    if (way == Way::kByColumn) {
      ComputeByColumn(moments, first, grid.PeriodCount(key), computer, table);
      continue;
    }
    for (std::size_t i = first; i < first + grid.PeriodCount(key); ++i) {
      OrThrow(computer.ComputeAt({.origin = starts[i], .target = starts[i]}, values, stale));
      OrThrow(table.Append(values));
    }
  }
}

Measured Measure(const PipelineSpec& pipeline, std::span<const Snapshot> snapshots, Way way) {
  std::vector<FeatureColumnSpec> columns;
  for (const FeatureSpec& feature : pipeline.features) {
    columns.push_back(OrThrow(FeatureColumnOf(feature.name, feature.type)));
  }
  Measured measured;
  for (int round = 0; round < kRounds; ++round) {
    FeatureTable table(columns);
    table.Reserve(snapshots.front().row_count());
    const double start = ProcessorSeconds();
    ComputeAll(pipeline, snapshots, way, table);
    measured.seconds.push_back(ProcessorSeconds() - start);
    measured.rows = table.row_count();
    measured.missing = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      measured.missing += static_cast<std::size_t>(
          std::ranges::count_if(table.column(i), [](float cell) { return cell != cell; }));
    }
  }
  std::ranges::sort(measured.seconds);
  return measured;
}

void WriteCsv(const PipelineSpec& pipeline, const Snapshot& snapshot,
              const std::filesystem::path& file) {
  const GridReader grid(pipeline.series.front(), snapshot, pipeline.zone);
  std::ofstream out(file);
  out << "unique_id,ds,y\n";
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    PeriodIndex period = grid.FirstPeriod(key);
    for (const double value : grid.Values(key, 0)) {
      std::string start;
      AppendIsoTimestamp(grid.StartOf(period++), start);
      out << std::get<std::string_view>(grid.KeyValues(key).front()) << ',' << start.substr(0, 10)
          << ',' << value << '\n';
    }
  }
  if (!out.flush()) throw std::runtime_error(file.string() + ": cannot be written");
}

/// Of `measured`, which is of `features` features; the peak is that of the program so far.
ordered_json Report(const Measured& measured, std::size_t features) {
  const std::uint64_t peak = PeakBytes();
  const double middle = measured.seconds[measured.seconds.size() / 2];
  const auto rows = static_cast<double>(measured.rows);
  const std::uint64_t matrix = measured.rows * features * sizeof(float);
  return {{"rows", measured.rows},
          {"features", features},
          {"missing", measured.missing},
          {"seconds", middle},
          {"rows_per_second", rows / middle},
          {"rows_per_second_worst", rows / measured.seconds.back()},
          {"rows_per_second_best", rows / measured.seconds.front()},
          {"matrix_bytes", matrix},
          {"peak_bytes", peak},
          {"peak_to_matrix", static_cast<double>(peak) / static_cast<double>(matrix)}};
}

Options ParseOptions(int argc, char** argv) {
  namespace po = boost::program_options;
  Options options;
  std::string csv;
  po::options_description described;
  described.add_options()("keys", po::value(&options.keys))("weeks", po::value(&options.weeks))(
      "seed", po::value(&options.seed))("csv", po::value(&csv));
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, described), given);
  po::notify(given);
  if (options.keys < 1 || options.weeks < 1) throw po::error("--keys and --weeks begin at 1");
  options.csv = csv;
  return options;
}

void Run(const Options& options) {
  const Folder folder;
  const std::filesystem::path file = folder.path() / "weekly.snapshot";
  const PipelineSpec common = MakePipeline(CommonFeatures());
  const PipelineSpec mixed = MakePipeline(MixedFeatures());
  PublishInChild(common, options, file);
  std::vector<Snapshot> snapshots;
  const SeriesSpec& series = common.series.front();
  snapshots.push_back(OrThrow(
      Snapshot::Open(file, DefinitionOf(series, common.zone.name()), series.ValueSchema())));
  ordered_json report;
  for (const auto& [name, way] :
       {std::pair("by_column", Way::kByColumn), std::pair("by_row", Way::kByRow)}) {
    report[name]["common"] = Report(Measure(common, snapshots, way), common.features.size());
    report[name]["mixed"] = Report(Measure(mixed, snapshots, way), mixed.features.size());
  }
  if (!options.csv.empty()) WriteCsv(common, snapshots.front(), options.csv);
  std::cout << report.dump(2) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Run(ParseOptions(argc, argv));
    return 0;
  } catch (const boost::program_options::error& error) {
    std::cerr << "feature-speed: " << error.what()
              << "\nusage: feature-speed [--keys N] [--weeks N] [--seed N] [--csv FILE]\n";
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "feature-speed: " << error.what() << '\n';
    return kFailed;
  }
}
