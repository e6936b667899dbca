#include "data_preprocessing/commands/ingest_summary.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/source/describe_report.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

std::string NewestText(const SnapshotReport& report) {
  return report.watermark ? IsoTimestamp(*report.watermark) : "";
}

/// What was read of the store; nothing where all was, as at the first time.
std::string HowText(const PublishedSeries& series) {
  if (series.is_whole) {
    return series.why_whole.empty() ? "" : fmt::format("; all rows read: {}", series.why_whole);
  }
  std::string text = fmt::format("; {} added", CountOf(series.new_rows, "new row"));
  if (series.runs > 0) text += fmt::format(", {} on the base", CountOf(series.runs, "run"));
  return text;
}

std::string Describe(const PublishedSeries& series) {
  const SnapshotReport& report = series.report;
  return fmt::format("series {}: {}, {}, {}{}{}", series.series, CountOf(report.keys, "key"),
                     CountOf(report.rows, "row"), CountOf(report.bytes, "byte"),
                     report.watermark ? ", newest " + NewestText(report) : "", HowText(series));
}

}  // namespace

std::string TextSummary(const IngestSummary& summary, const IngestOptions& options) {
  std::string text;
  for (const IngestReport& report : summary.tables) text += DescribeReport(report) + "\n";
  for (const std::string& skipped : summary.skipped) {
    text += fmt::format("skipped {}\n", skipped);
  }
  if (summary.rejected > 0) {
    text += fmt::format("rejected rows are in {}\n", options.rejects.string());
  }
  for (const PublishedSeries& series : summary.series) text += Describe(series) + "\n";
  if (options.dry_run) return text + "dry run: store and snapshots are as before\n";
  return text + "snapshots are in " + options.snapshots.string() + "\n";
}

std::string JsonSummary(const IngestSummary& summary, const IngestOptions& options) {
  using nlohmann::ordered_json;
  ordered_json tables = ordered_json::array();
  for (const IngestReport& report : summary.tables) {
    tables.push_back({{"table", report.table},
                      {"file", report.source},
                      {"rows", report.rows},
                      {"added", report.counts.added},
                      {"identical", report.counts.identical},
                      {"replaced", report.counts.replaced},
                      {"removed", report.removed},
                      {"rejected", report.rejected},
                      {"already_ingested", report.already_known}});
  }
  ordered_json series = ordered_json::array();
  for (const PublishedSeries& one : summary.series) {
    const ordered_json newest =
        one.report.watermark ? ordered_json(NewestText(one.report)) : ordered_json(nullptr);
    series.push_back({{"series", one.series},
                      {"keys", one.report.keys},
                      {"rows", one.report.rows},
                      {"bytes", one.report.bytes},
                      {"newest", newest},
                      {"whole", one.is_whole},
                      {"why_whole", one.why_whole},
                      {"new_rows", one.new_rows},
                      {"runs", one.runs},
                      {"left_out", one.report.left_out}});
  }
  const ordered_json all{{"tables", tables},
                         {"series", series},
                         {"skipped", summary.skipped},
                         {"rejected", summary.rejected},
                         {"snapshots", options.snapshots.string()},
                         {"dry_run", options.dry_run}};
  // File names need not be UTF-8.
  return DumpText(all) + "\n";
}

}  // namespace forkcast::preprocessing
