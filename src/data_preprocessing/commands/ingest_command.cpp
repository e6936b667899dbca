#include "data_preprocessing/commands/ingest_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/rules/checked_row_source.hpp"
#include "data_preprocessing/rules/constraints.hpp"
#include "data_preprocessing/source/csv_row_source.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/open_source.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

/// `--file TABLE=PATH`.
struct GivenFile {
  std::string table;
  std::filesystem::path path;
};

struct IngestOptions {
  std::string pipeline;
  std::string store;
  std::string from;
  std::vector<GivenFile> files;     ///< Instead of what `from` has of their tables.
  std::vector<std::string> tables;  ///< Of `from`; empty: all of the pipeline.
  std::filesystem::path rejects;    ///< Empty: a wrong row is the end.
  RejectLimit max_rejects;
  std::filesystem::path constraints;  ///< Empty: none but the declared types.
  std::filesystem::path snapshots;
  IngestRules rules;
  Publishing publishing = Publishing::kNewRows;
  bool dry_run = false;
};

struct IngestSummary {
  std::vector<IngestReport> tables;
  std::vector<PublishedSeries> series;
  std::vector<std::string> skipped;
  std::size_t rejected = 0;
};

/// A table of the pipeline and where its rows come from.
struct TableRows {
  const TableSpec* table = nullptr;
  std::unique_ptr<RowSource> source;
};

/// What is taken in, and into what.
std::vector<Flag> RowFlags() {
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
       .meaning = "The store: sqlite:PATH, created when absent (its folder must exist), or "
                  "postgresql://HOST/DATABASE.",
       .variable = "FORKCAST_STORE",
       .need = Need::kRequired},
      {.name = "from",
       .argument = "DIR",
       .meaning =
           "Folder with the files of each table: TABLE.csv, TABLE-2024-01.csv and so on (a "
           "digit behind the -), also with .gz behind, or a folder TABLE of such files. They "
           "are taken in the order of their names.",
       .when_absent = "what --file names alone",
       .need = Need::kUsual},
      {.name = "file",
       .argument = "TABLE=PATH",
       .kind = Kind::kManyValues,
       .meaning =
           "A file, a pipe or a folder of the table, in place of those in --from; - is standard "
           "input. May be given several times, also for one table.",
       .when_absent = "what is in --from"},
      {.name = "table",
       .argument = "NAME",
       .kind = Kind::kManyValues,
       .meaning = "Takes in this table only; may be given several times.",
       .when_absent = "every table of the pipeline"},
  };
}

/// What happens to rows that are there already, or wrong.
std::vector<Flag> RuleFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "upsert",
       .kind = Kind::kSwitch,
       .meaning = "A row whose key is stored with other values replaces the stored one.",
       .when_absent = "that is an error"},
      {.name = "replace",
       .kind = Kind::kSwitch,
       .meaning =
           "The rows of a file of the same name that was taken in before with other contents "
           "are removed: the file has grown or was mended. For tables without key.",
       .when_absent = "that is an error"},
      {.name = "again",
       .kind = Kind::kSwitch,
       .meaning = "They stay, and all rows are added: the file has other rows each time.",
       .when_absent = "that is an error"},
      {.name = "constraints",
       .argument = "FILE",
       .meaning = "A row with a value that the rules of its table do not allow is wrong, too: a "
                  "constraints file, as baseline writes it.",
       .when_absent = "values need only be of their types"},
      {.name = "rejects",
       .argument = "FILE",
       .meaning =
           "Writes rows that are wrong or contradict the store into this CSV, with file, line, "
           "reason and their text, and takes the others.",
       .when_absent = "one wrong row, and nothing is taken"},
      {.name = "max-rejects",
       .argument = "N|P%",
       .meaning = "With more rejected rows than this, or than this share of all rows, nothing is "
                  "taken.",
       .when_absent = "1%"},
  };
}

/// What comes of it, and what is shown.
std::vector<Flag> ResultFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "snapshots",
       .argument = "DIR",
       .meaning = "Folder for the snapshots, created when absent.",
       .variable = "FORKCAST_SNAPSHOTS",
       .when_absent = "beside the store, PATH.snapshots"},
      {.name = "full",
       .kind = Kind::kSwitch,
       .meaning = "Makes the snapshots of all rows of the store: after rows were changed there by "
                  "other means than ingest.",
       .when_absent = "what came since is added to them, where that gives the same"},
      {.name = "dry-run",
       .kind = Kind::kSwitch,
       .meaning = "Reads and checks everything, then leaves store and snapshots as they were."},
      JsonFlag("Prints one line of JSON in place of the report."),
      QuietFlag(),
  };
}

std::vector<Flag> IngestFlags() {
  std::vector<Flag> flags = RowFlags();
  std::ranges::move(RuleFlags(), std::back_inserter(flags));
  std::ranges::move(ResultFlags(), std::back_inserter(flags));
  return flags;
}

Failure WrongUse(const Error& error) { return {ExitCode::kUsage, error.message}; }

GivenFile ReadFile(const Arguments& arguments, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    throw WrongUse(arguments.Refuse("file", fmt::format("expected TABLE=PATH, got \"{}\"", text)));
  }
  return {.table = text.substr(0, equals), .path = text.substr(equals + 1)};
}

RejectLimit ReadLimit(const Arguments& arguments) {
  constexpr RejectLimit kUsual{.share = 0.01};
  if (!arguments.Has("max-rejects")) return kUsual;
  if (!arguments.Has("rejects")) {
    throw WrongUse(arguments.Refuse("max-rejects", "rows are only rejected with --rejects FILE"));
  }
  const Result<RejectLimit> limit = RejectLimit::Parse(arguments.Text("max-rejects"));
  if (!limit) throw WrongUse(arguments.Refuse("max-rejects", limit.error().message));
  return *limit;
}

IngestRules ReadRules(const Arguments& arguments) {
  IngestRules rules;
  if (arguments.Has("upsert")) rules.on_conflict = OnConflict::kReplace;
  if (arguments.Has("again")) rules.on_other_contents = OnOtherContents::kAppend;
  if (!arguments.Has("replace")) return rules;
  if (arguments.Has("again")) {
    throw WrongUse(arguments.Refuse("replace", "not beside --again, which keeps the old rows"));
  }
  rules.on_other_contents = OnOtherContents::kReplace;
  return rules;
}

IngestOptions ReadOptions(const Arguments& arguments) {
  IngestOptions options{
      .pipeline = arguments.Text("pipeline"),
      .store = arguments.Text("store"),
      .from = arguments.Text("from"),
      .files = {},
      .tables = arguments.Texts("table"),
      .rejects = arguments.Text("rejects"),
      .max_rejects = ReadLimit(arguments),
      .constraints = arguments.Text("constraints"),
      .snapshots = arguments.Text("snapshots"),
      .rules = ReadRules(arguments),
      .publishing = arguments.Has("full") ? Publishing::kWhole : Publishing::kNewRows,
      .dry_run = arguments.Has("dry-run")};
  for (const std::string& text : arguments.Texts("file")) {
    options.files.push_back(ReadFile(arguments, text));
  }
  if (options.from.empty() && options.files.empty()) {
    throw Failure(ExitCode::kUsage, "where are the rows? Give --from DIR or --file TABLE=PATH");
  }
  if (options.rejects == "-") {
    throw WrongUse(arguments.Refuse("rejects", "expected a file: standard output has the report"));
  }
  const auto wrong_store = [](const Error& error) {
    return Failure(ExitCode::kUsage, fmt::format("store: {}", error.message));
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
    IngestSummary summary;
    std::vector<TableRows> sources = FindSources(spec, summary.skipped);
    if (!options_.constraints.empty()) AddRules(spec, sources);
    KeepInputs(sources);
    std::optional<Rejects> rejects = OpenRejects();
    const std::unique_ptr<TableDao> dao =
        Require(OpenStore(options_.store, StoreAccess::kReadWriteCreate), ExitCode::kIo);

    Require(dao->Begin(), MeaningOfError);
    // Whatever ends this early, the store undoes with the connection.
    // Those without rows are there, too: a series reads an empty table, but not none.
    for (const TableSpec& table : spec.tables) {
      const auto is_its = [&table](const TableRows& rows) { return rows.table == &table; };
      // One that somebody else keeps is read as it is.
      if (std::ranges::none_of(sources, is_its) &&
          Require(dao->IsForeign(table.name), MeaningOfError)) {
        continue;
      }
      Require(CheckZone(*dao, table, spec.zone), MeaningOfError);
      Require(dao->EnsureTable(table), MeaningOfError);
    }
    for (const TableRows& rows : sources) {
      Require(KeepZone(*dao, *rows.table, spec.zone), MeaningOfError);
      summary.tables.push_back(
          IngestTable(*dao, *rows.table, *rows.source, rejects ? &*rejects : nullptr));
    }
    if (rejects) Finish(*rejects, summary);
    if (options_.dry_run) return summary;
    Require(dao->Commit(), MeaningOfError);
    summary.series = Publish(*dao, spec);
    return summary;
  }

 private:
  [[nodiscard]] static const TableSpec& TableNamed(const PipelineSpec& spec, std::string_view flag,
                                                   const std::string& name) {
    const auto found = std::ranges::find(spec.tables, name, &TableSpec::name);
    if (found != spec.tables.end()) return *found;
    std::vector<std::string_view> names;
    for (const TableSpec& table : spec.tables) names.push_back(table.name);
    throw Failure(ExitCode::kUsage, fmt::format("{}: pipeline {} has no table \"{}\"; it has {}",
                                                flag, spec.name, name, fmt::join(names, ", ")));
  }

  /// The sources read times in the pipeline's zone, and so may not outlive it.
  [[nodiscard]] std::vector<TableRows> FindSources(const PipelineSpec& spec,
                                                   std::vector<std::string>& skipped) const {
    std::vector<TableRows> sources;
    const auto add = [&](const TableSpec& table, Result<FoundRows> found) {
      FoundRows rows = Require(std::move(found), MeaningOfError);
      for (auto& source : rows.sources) {
        sources.push_back({.table = &table, .source = std::move(source)});
      }
      skipped.insert(skipped.end(), rows.skipped.begin(), rows.skipped.end());
    };
    for (const std::string& name : options_.tables) (void)TableNamed(spec, "--table", name);
    for (const GivenFile& file : options_.files) (void)TableNamed(spec, "--file", file.table);
    for (const TableSpec& table : spec.tables) {
      bool given = false;
      for (const GivenFile& file : options_.files) {
        if (file.table != table.name) continue;
        given = true;
        add(table, OpenCsvPath(file.path, table, spec.zone));
      }
      const bool asked_for =
          options_.tables.empty() ||
          std::ranges::find(options_.tables, table.name) != options_.tables.end();
      if (given || options_.from.empty() || !asked_for) continue;
      add(table, OpenSources(options_.from, table, spec.tables, spec.zone));
    }
    return sources;
  }

  /// Whatever a rule says is to be done in a server, a row that breaks it is not taken.
  void AddRules(const PipelineSpec& spec, std::vector<TableRows>& sources) const {
    Constraints constraints;
    try {
      constraints = Constraints::Read(options_.constraints, RuleAction::kReject);
    } catch (const SpecError& error) {
      throw Failure(ExitCode::kUsage, fmt::format("--constraints: {}", error.what()));
    }
    for (const auto& [name, rules] : constraints.tables) {
      const TableSpec& table = TableNamed(spec, "--constraints", name);
      std::vector<RuleSubject> columns;
      for (const ColumnSpec& column : table.schema.columns) {
        columns.push_back({.name = column.name, .type = column.type});
      }
      Require(FitRules(rules, columns, "column"), ExitCode::kUsage);
      for (TableRows& rows : sources) {
        if (rows.table != &table) continue;
        rows.source =
            std::make_unique<CheckedRowSource>(std::move(rows.source), table.schema, rules);
      }
    }
  }

  /// Rejects that took the place of what is read would be the end of it.
  void KeepInputs(const std::vector<TableRows>& sources) const {
    const auto keep = [this](const std::filesystem::path& input) {
      if (!OutputFile::WouldReplace(options_.rejects, input)) return;
      throw Failure(ExitCode::kUsage,
                    fmt::format("--rejects: would overwrite {}, which is read", input.string()));
    };
    keep(options_.pipeline);
    keep(options_.constraints);
    for (const TableRows& rows : sources) keep(rows.source->name());
  }

  [[nodiscard]] std::optional<Rejects> OpenRejects() const {
    if (options_.rejects.empty()) return std::nullopt;
    const auto meaning = [](ErrorCode code) {
      return code == ErrorCode::kIo ? ExitCode::kIo : ExitCode::kUsage;
    };
    return Require(Rejects::Open(options_.rejects, options_.max_rejects), meaning);
  }

  /// Before the store commits: that the rejected rows are lost is worse than that they are written
  /// though nothing was taken.
  static void Finish(Rejects& rejects, IngestSummary& summary) {
    summary.rejected = rejects.count();
    std::size_t rows = rejects.count();
    for (const IngestReport& report : summary.tables) rows += report.rows;
    Require(rejects.CheckShare(rows), MeaningOfError);
    Require(rejects.Commit(), MeaningOfError);
  }

  [[nodiscard]] IngestReport IngestTable(TableDao& dao, const TableSpec& table, RowSource& source,
                                         Rejects* rejects) const {
    StageProgress progress(context_,
                           {.label = FileNameOf(source.name()), .unit = "kB", .per_unit = 1000});
    const auto update = [&progress](std::size_t bytes, std::size_t total) {
      progress.Update(bytes, total);
    };
    return Require(Ingest(dao, table, source, options_.rules, update, rejects), MeaningOfError);
  }

  [[nodiscard]] std::vector<PublishedSeries> Publish(TableDao& dao,
                                                     const PipelineSpec& spec) const {
    Result<std::vector<PublishedSeries>> published = PublishSnapshots(
        dao, spec, options_.snapshots, context_.clock.Now(), {.what = options_.publishing});
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
  const auto with_rejected = [](std::string text, std::size_t rejected) {
    return rejected == 0 ? text : fmt::format("{}, {} rejected", text, rejected);
  };
  if (report.already_known) {
    return with_rejected(fmt::format("{}: already ingested (same content), nothing added", file),
                         report.rejected_then);
  }
  if (report.rows == 0) return with_rejected(fmt::format("{}: no rows", file), report.rejected);
  if (counts.identical == report.rows) {
    return with_rejected(
        fmt::format("{}: nothing new, {} identical", file, Count(counts.identical, "row")),
        report.rejected);
  }
  std::string text = fmt::format("{}: {} added", file, Count(counts.added, "row"));
  if (counts.replaced > 0) text += fmt::format(", {} replaced", counts.replaced);
  if (counts.identical > 0) text += fmt::format(", {} identical", counts.identical);
  if (report.removed > 0) text += fmt::format(", {} of before removed", report.removed);
  return with_rejected(std::move(text), report.rejected);
}

std::string NewestText(const SnapshotReport& report) {
  return report.watermark ? IsoTimestamp(*report.watermark) : "";
}

/// What was read of the store; nothing where all was, as at the first time.
std::string HowText(const PublishedSeries& series) {
  if (series.is_whole) {
    return series.why_whole.empty() ? "" : fmt::format("; all rows read: {}", series.why_whole);
  }
  std::string text = fmt::format("; {} added", Count(series.new_rows, "new row"));
  if (series.runs > 0) text += fmt::format(", {} on the base", Count(series.runs, "run"));
  return text;
}

std::string Describe(const PublishedSeries& series) {
  const SnapshotReport& report = series.report;
  return fmt::format("series {}: {}, {}, {}{}{}", series.series, Count(report.keys, "key"),
                     Count(report.rows, "row"), Count(report.bytes, "byte"),
                     report.watermark ? ", newest " + NewestText(report) : "", HowText(series));
}

std::string TextSummary(const IngestSummary& summary, const IngestOptions& options) {
  std::string text;
  for (const IngestReport& report : summary.tables) text += Describe(report) + "\n";
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
          "identical row, in a table without key every file whose content was taken in before. "
          "How\n"
          "files are written (delimiter, decimal comma, encoding ...) is declared in the "
          "pipeline.\n",
      .flags = IngestFlags(),
      .endings =
          {{.code = ExitCode::kDone},
           {.code = ExitCode::kNo,
            .when = "a CSV file is wrong or contradicts the store, or more rows were rejected than "
                    "allowed; the store is as before"},
           {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
           {.code = ExitCode::kUnfit,
            .when = "the rows are stored, but a series cannot be made of them"},
           {.code = ExitCode::kIo, .when = "the store or a file cannot be read or written"}},
      .run = RunIngest};
}

}  // namespace forkcast::preprocessing
