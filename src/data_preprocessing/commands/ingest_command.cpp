#include "data_preprocessing/commands/ingest_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
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

std::vector<Flag> IngestFlags() {
  using Kind = Flag::Kind;
  using Need = Flag::Need;
  return {
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "The pipeline whose tables are taken in.",
       .variable = "FORKCAST_PIPELINE",
       .need = Need::kRequired},
      {.name = "store",
       .argument = "URL",
       .meaning = "The store, sqlite:PATH. Created when absent (its folder must exist).",
       .variable = "FORKCAST_STORE",
       .need = Need::kRequired},
      {.name = "from",
       .argument = "DIR",
       .meaning = "Folder with TABLE.csv or TABLE.csv.gz for each table.",
       .need = Need::kRequired},
      {.name = "table",
       .argument = "NAME",
       .kind = Kind::kManyValues,
       .meaning = "Takes in this table only; may be given several times.",
       .when_absent = "every table of the pipeline"},
      {.name = "upsert",
       .kind = Kind::kSwitch,
       .meaning = "A row whose key is stored with other values replaces the stored one.",
       .when_absent = "that is an error"},
      {.name = "snapshots",
       .argument = "DIR",
       .meaning = "Folder for the snapshots, created when absent.",
       .variable = "FORKCAST_SNAPSHOTS",
       .when_absent = "beside the store, PATH.snapshots"},
      {.name = "dry-run",
       .kind = Kind::kSwitch,
       .meaning = "Reads and checks everything, then leaves store and snapshots as they were."},
      JsonFlag("Prints one line of JSON in place of the report."),
      QuietFlag(),
  };
}

IngestOptions ReadOptions(const Arguments& arguments) {
  IngestOptions options{
      .pipeline = arguments.Text("pipeline"),
      .store = arguments.Text("store"),
      .from = arguments.Text("from"),
      .tables = arguments.Texts("table"),
      .snapshots = arguments.Text("snapshots"),
      .on_conflict = arguments.Has("upsert") ? OnConflict::kReplace : OnConflict::kRefuse,
      .dry_run = arguments.Has("dry-run")};
  const auto wrong_store = [](const Error& error) {
    return Failure(ExitCode::kUsage, "store: " + error.message);
  };
  const Status good_store = CheckStoreUrl(options.store);
  if (!good_store) throw wrong_store(good_store.error());
  if (options.snapshots.empty()) {
    const Result<std::string> folder = DefaultSnapshotFolder(options.store);
    if (!folder) throw wrong_store(folder.error());
    options.snapshots = *folder;
  }
  return options;
}

/// A source's name without its folder.
std::string FileNameOf(const std::string& source) {
  return std::filesystem::path(source).filename().string();
}

/// The exit code for an error of the data or of what keeps them.
ExitCode MeaningOfError(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kNotFound ? ExitCode::kIo : ExitCode::kNo;
}

/// One run, from the checked options to the summary. Throws Failure.
class IngestRun {
 public:
  IngestRun(const IngestOptions& options, const CommandContext& context) noexcept
      : options_(options), context_(context) {}

  IngestSummary Run() {
    const PipelineSpec spec = Require(LoadPipelineSpec(options_.pipeline), ExitCode::kUsage);
    const std::vector<TableRows> sources = FindSources(spec);
    const std::unique_ptr<TableDao> dao =
        Require(OpenStore(options_.store, StoreAccess::kReadWriteCreate), ExitCode::kIo);

    IngestSummary summary;
    Require(dao->Begin(), MeaningOfError);
    // Whatever ends this early, the store undoes with the connection.
    for (const TableSpec& table : spec.tables) {
      Require(CheckZone(*dao, table, spec.zone), MeaningOfError);
    }
    for (const TableRows& rows : sources) {
      Require(KeepZone(*dao, *rows.table, spec.zone), MeaningOfError);
      summary.tables.push_back(IngestTable(*dao, *rows.table, *rows.source));
    }
    if (options_.dry_run) return summary;
    Require(dao->Commit(), MeaningOfError);
    summary.series = Publish(*dao, spec);
    return summary;
  }

 private:
  /// The sources read times in the pipeline's zone, and so may not outlive it.
  [[nodiscard]] std::vector<TableRows> FindSources(const PipelineSpec& spec) const {
    for (const std::string& name : options_.tables) {
      if (std::ranges::find(spec.tables, name, &TableSpec::name) == spec.tables.end()) {
        throw Failure(ExitCode::kUsage,
                      fmt::format("--table: pipeline {} has no table \"{}\"", spec.name, name));
      }
    }
    std::vector<TableRows> sources;
    for (const TableSpec& table : spec.tables) {
      const bool asked_for =
          options_.tables.empty() ||
          std::ranges::find(options_.tables, table.name) != options_.tables.end();
      if (!asked_for) continue;
      sources.push_back(
          {.table = &table,
           .source = Require(OpenSource(options_.from, table, spec.zone), MeaningOfError)});
    }
    return sources;
  }

  [[nodiscard]] IngestReport IngestTable(TableDao& dao, const TableSpec& table,
                                         RowSource& source) const {
    StageProgress progress(context_,
                           {.label = FileNameOf(source.name()), .unit = "kB", .per_unit = 1000});
    const auto update = [&progress](std::size_t bytes, std::size_t total) {
      progress.Update(bytes, total);
    };
    return Require(Ingest(dao, table, source, options_.on_conflict, update), MeaningOfError);
  }

  [[nodiscard]] std::vector<PublishedSeries> Publish(TableDao& dao,
                                                     const PipelineSpec& spec) const {
    Result<std::vector<PublishedSeries>> published =
        PublishSnapshots(dao, spec, options_.snapshots, context_.clock.Now());
    if (published) {
      WarnOfLeftOut(*published);
      return *std::move(published);
    }
    // Rows that the store took are of the declared types, so what is wrong here is the pipeline's.
    ExitCode code = ExitCode::kIo;
    if (published.error().code == ErrorCode::kInvalidArgument) code = ExitCode::kUsage;
    if (published.error().code == ErrorCode::kRefusedData) code = ExitCode::kUnfit;
    throw Failure(code, "the rows are stored, but their snapshots are not all published: " +
                            published.error().message);
  }

  void WarnOfLeftOut(const std::vector<PublishedSeries>& published) const {
    for (const PublishedSeries& one : published) {
      if (one.report.left_out.empty()) continue;
      context_.err << fmt::format("warning: {}\n", LeftOutText(one.series, one.report.left_out));
    }
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
                      {"newest", newest},
                      {"left_out", one.report.left_out}});
  }
  const ordered_json all{{"tables", tables},
                         {"series", series},
                         {"snapshots", options.snapshots.string()},
                         {"dry_run", options.dry_run}};
  // File names need not be UTF-8.
  return all.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ExitCode RunIngest(const Arguments& arguments, const CommandContext& context) {
  const IngestOptions options = ReadOptions(arguments);
  const IngestSummary summary = IngestRun(options, context).Run();
  if (arguments.Has("json")) {
    context.out << JsonSummary(summary, options);
  } else if (!context.quiet) {
    context.out << TextSummary(summary, options);
  }
  return ExitCode::kDone;
}

}  // namespace

Command IngestCommand() {
  return {
      .name = "ingest",
      .meaning = "takes CSV files into the store and publishes snapshots",
      .description =
          "Takes CSV files into the store, all of them or none, and publishes a snapshot of every\n"
          "series for the server. What is stored already is left out: in a table with key every\n"
          "identical row, in a table without key every file whose content was taken in before.\n",
      .flags = IngestFlags(),
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kNo,
                   .when = "a CSV file is wrong or contradicts the store; the store is as before"},
                  {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
                  {.code = ExitCode::kUnfit,
                   .when = "the rows are stored, but a series cannot be made of them"},
                  {.code = ExitCode::kIo, .when = "the store or a file cannot be read or written"}},
      .run = RunIngest};
}

}  // namespace forkcast::preprocessing
