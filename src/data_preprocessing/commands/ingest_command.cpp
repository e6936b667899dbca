#include "data_preprocessing/commands/ingest_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "data_preprocessing/base/progress.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/open_source.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

struct IngestOptions {
  std::string pipeline;
  std::string store;
  std::string from;
  std::vector<std::string> tables;  ///< Empty: all of the pipeline.
  std::filesystem::path snapshots;
  OnConflict on_conflict = OnConflict::kRefuse;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

/// An error with the exit code that it means.
struct Failure {
  IngestExit exit = IngestExit::kIo;
  std::string message;
};

struct IngestSummary {
  std::vector<IngestReport> tables;
  std::vector<PublishedSeries> series;
};

/// A table of the pipeline and where its rows come from.
struct TableRows {
  const TableSpec* table = nullptr;
  std::unique_ptr<RowSource> source;
};

constexpr std::string_view kPipelineVariable = "FORKCAST_PIPELINE";
constexpr std::string_view kStoreVariable = "FORKCAST_STORE";
constexpr std::string_view kSnapshotsVariable = "FORKCAST_SNAPSHOTS";

std::vector<Flag> IngestFlags() {
  using Kind = Flag::Kind;
  const auto with_variable = [](std::string_view meaning, std::string_view variable,
                                std::string_view fallback) {
    return fmt::format("{} Environment: {}. Default: {}.", meaning, variable, fallback);
  };
  return {
      {"pipeline", "FILE", Kind::kOneValue,
       with_variable("The pipeline whose tables are taken in.", kPipelineVariable,
                     "none; required")},
      {"store", "URL", Kind::kOneValue,
       with_variable("The store, sqlite:PATH. Created when absent (its folder must exist).",
                     kStoreVariable, "none; required")},
      {"from", "DIR", Kind::kOneValue,
       "Folder with TABLE.csv or TABLE.csv.gz for each table. Default: none; required."},
      {"table", "NAME", Kind::kManyValues,
       "Takes in this table only; may be given several times. Default: every table of the "
       "pipeline."},
      {"upsert", "", Kind::kSwitch,
       "A row whose key is stored with other values replaces the stored one. Default: that is an "
       "error."},
      {"snapshots", "DIR", Kind::kOneValue,
       with_variable("Folder for the snapshots, created when absent.", kSnapshotsVariable,
                     "beside the store, PATH.snapshots")},
      {"dry-run", "", Kind::kSwitch,
       "Reads and checks everything, then leaves store and snapshots as they were."},
      {"json", "", Kind::kSwitch, "Prints one line of JSON in place of the report."},
      {"quiet", "", Kind::kSwitch, "Prints errors only (and what --json asks for)."},
      {"help", "", Kind::kSwitch, "Prints this."},
  };
}

std::string IngestHelp() {
  return "usage: forkcast ingest --pipeline FILE --store URL --from DIR [flags]\n\n"
         "Takes CSV files into the store, all of them or none, and publishes a snapshot of every\n"
         "series for the server. What is stored already is left out: in a table with key every\n"
         "identical row, in a table without key every file whose content was taken in before.\n\n" +
         DescribeFlags(IngestFlags()) +
         "\nExit codes:\n"
         "  0  done\n"
         "  1  a CSV file is wrong or contradicts the store; the store is as before\n"
         "  2  wrong usage or pipeline file\n"
         "  3  the rows are stored, but a series cannot be made of them\n"
         "  4  the store or a file cannot be read or written\n";
}

/// The flag's value, else the variable's, else empty.
std::string ValueOf(const FlagValues& flags, std::string_view flag, std::string_view variable,
                    const Environment& environment) {
  if (const auto found = flags.find(flag); found != flags.end()) return found->second.front();
  if (variable.empty()) return {};
  return environment(std::string(variable).c_str()).value_or("");
}

Result<IngestOptions> ReadOptions(const std::vector<std::string>& arguments,
                                  const Environment& environment) {
  const Result<FlagValues> flags = ParseFlags(IngestFlags(), arguments);
  if (!flags) return flags.error();
  IngestOptions options;
  options.pipeline = ValueOf(*flags, "pipeline", kPipelineVariable, environment);
  options.store = ValueOf(*flags, "store", kStoreVariable, environment);
  options.from = ValueOf(*flags, "from", {}, environment);
  options.snapshots = ValueOf(*flags, "snapshots", kSnapshotsVariable, environment);
  if (const auto tables = flags->find("table"); tables != flags->end()) {
    options.tables = tables->second;
  }
  if (flags->contains("upsert")) options.on_conflict = OnConflict::kReplace;
  options.dry_run = flags->contains("dry-run");
  options.json = flags->contains("json");
  options.quiet = flags->contains("quiet");

  const auto missing = [](std::string_view what) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is missing (--help lists the flags)", what)};
  };
  if (options.pipeline.empty()) return missing("--pipeline (or FORKCAST_PIPELINE)");
  if (options.store.empty()) return missing("--store (or FORKCAST_STORE)");
  if (options.from.empty()) return missing("--from");
  const auto wrong_store = [](const Error& error) {
    return Error{ErrorCode::kInvalidArgument, "store: " + error.message};
  };
  const Status good_store = CheckStoreUrl(options.store);
  if (!good_store) return wrong_store(good_store.error());
  if (options.snapshots.empty()) {
    const Result<std::string> folder = DefaultSnapshotFolder(options.store);
    if (!folder) return wrong_store(folder.error());
    options.snapshots = *folder;
  }
  return options;
}

/// A source's name without its folder.
std::string FileNameOf(const std::string& source) {
  return std::filesystem::path(source).filename().string();
}

/// The exit code for an error of the data or of what keeps them.
IngestExit ExitOf(const Error& error) {
  return error.code == ErrorCode::kIo || error.code == ErrorCode::kNotFound
             ? IngestExit::kIo
             : IngestExit::kDataRefused;
}

/// One run, from the checked options to the summary. Throws Failure.
class IngestRun {
 public:
  IngestRun(const IngestOptions& options, const CommandContext& context) noexcept
      : options_(options), context_(context) {}

  IngestSummary Run() {
    const Result<PipelineSpec> spec = LoadPipelineSpec(options_.pipeline);
    if (!spec) throw Failure{IngestExit::kUsage, spec.error().message};
    const std::vector<TableRows> sources = FindSources(*spec);
    const Result<std::unique_ptr<TableDao>> dao =
        OpenStore(options_.store, StoreAccess::kReadWriteCreate);
    if (!dao) throw Failure{IngestExit::kIo, dao.error().message};

    IngestSummary summary;
    Require((*dao)->Begin());
    // Whatever ends this early, the store undoes with the connection.
    for (const TableRows& rows : sources) {
      summary.tables.push_back(IngestTable(**dao, *rows.table, *rows.source));
    }
    if (options_.dry_run) return summary;
    Require((*dao)->Commit());
    summary.series = Publish(**dao, *spec);
    return summary;
  }

 private:
  static void Require(const Status& status) {
    if (!status) throw Failure{ExitOf(status.error()), status.error().message};
  }

  /// The sources read times in the pipeline's zone, and so may not outlive it.
  [[nodiscard]] std::vector<TableRows> FindSources(const PipelineSpec& spec) const {
    for (const std::string& name : options_.tables) {
      if (std::ranges::find(spec.tables, name, &TableSpec::name) == spec.tables.end()) {
        throw Failure{IngestExit::kUsage,
                      fmt::format("--table: pipeline {} has no table \"{}\"", spec.name, name)};
      }
    }
    std::vector<TableRows> sources;
    for (const TableSpec& table : spec.tables) {
      const bool asked_for =
          options_.tables.empty() ||
          std::ranges::find(options_.tables, table.name) != options_.tables.end();
      if (!asked_for) continue;
      Result<std::unique_ptr<RowSource>> source = OpenSource(options_.from, table, spec.zone);
      if (!source) throw Failure{ExitOf(source.error()), source.error().message};
      sources.push_back({.table = &table, .source = *std::move(source)});
    }
    return sources;
  }

  [[nodiscard]] Progress::Style ProgressStyle() const noexcept {
    if (options_.quiet) return Progress::Style::kNone;
    return context_.err_is_terminal ? Progress::Style::kBar : Progress::Style::kLines;
  }

  [[nodiscard]] IngestReport IngestTable(TableDao& dao, const TableSpec& table,
                                         RowSource& source) const {
    constexpr std::size_t kBytesAUnit = 1000;
    const MonotonicTime start = context_.clock.Monotonic();
    Progress progress(ProgressStyle(), context_.err, FileNameOf(source.name()), "kB");
    const auto update = [&](std::size_t bytes, std::size_t total) {
      progress.SetTotal(total / kBytesAUnit);
      progress.Update(bytes / kBytesAUnit, context_.clock.Monotonic() - start);
    };
    Result<IngestReport> report = Ingest(dao, table, source, options_.on_conflict, update);
    if (!report) throw Failure{ExitOf(report.error()), report.error().message};
    return *std::move(report);
  }

  [[nodiscard]] std::vector<PublishedSeries> Publish(TableDao& dao,
                                                     const PipelineSpec& spec) const {
    Result<std::vector<PublishedSeries>> published =
        PublishSnapshots(dao, spec, options_.snapshots);
    if (published) return *std::move(published);
    IngestExit exit = IngestExit::kIo;
    // Rows that the store took are of the declared types, so what is wrong here is the pipeline's.
    if (published.error().code == ErrorCode::kInvalidArgument) exit = IngestExit::kUsage;
    if (published.error().code == ErrorCode::kRefusedData) exit = IngestExit::kSeriesRefused;
    throw Failure{exit, "the rows are stored, but their snapshots are not all published: " +
                            published.error().message};
  }

  const IngestOptions& options_;
  const CommandContext& context_;
};

std::string Count(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string Describe(const IngestReport& report) {
  const std::string file = FileNameOf(report.source);
  const AppendCounts& counts = report.counts;
  if (report.already_known) return file + ": already ingested (same content), nothing added";
  if (report.rows == 0) return file + ": no rows";
  if (counts.identical == report.rows) {
    return fmt::format("{}: nothing new, {} identical", file, Count(counts.identical, "row"));
  }
  std::string text = fmt::format("{}: {} added", file, Count(counts.added, "row"));
  if (counts.replaced > 0) text += fmt::format(", {} replaced", counts.replaced);
  if (counts.identical > 0) text += fmt::format(", {} identical", counts.identical);
  return text;
}

std::string NewestText(const SnapshotReport& report) {
  return report.watermark ? IsoTimestamp(*report.watermark) : "";
}

std::string Describe(const PublishedSeries& series) {
  const SnapshotReport& report = series.report;
  return fmt::format("series {}: {}, {}, {}{}", series.series, Count(report.keys, "key"),
                     Count(report.rows, "row"), Count(report.bytes, "byte"),
                     report.watermark ? ", newest " + NewestText(report) : "");
}

std::string TextSummary(const IngestSummary& summary, const IngestOptions& options) {
  std::string text;
  for (const IngestReport& report : summary.tables) text += Describe(report) + "\n";
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
                      {"newest", newest}});
  }
  const ordered_json all{{"tables", tables},
                         {"series", series},
                         {"snapshots", options.snapshots.string()},
                         {"dry_run", options.dry_run}};
  // File names need not be UTF-8.
  return all.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

int RunIngestCommand(const std::vector<std::string>& arguments, const CommandContext& context) {
  if (AsksForHelp(arguments)) {
    context.out << IngestHelp();
    return static_cast<int>(IngestExit::kDone);
  }
  const Result<IngestOptions> options = ReadOptions(arguments, context.environment);
  try {
    if (!options) throw Failure{IngestExit::kUsage, options.error().message};
    const IngestSummary summary = IngestRun(*options, context).Run();
    if (options->json) {
      context.out << JsonSummary(summary, *options);
    } else if (!options->quiet) {
      context.out << TextSummary(summary, *options);
    }
    context.out.flush();
    return static_cast<int>(IngestExit::kDone);
  } catch (const Failure& failure) {
    context.err << "forkcast ingest: " << failure.message << '\n';
    return static_cast<int>(failure.exit);
  }
}

}  // namespace forkcast::preprocessing
