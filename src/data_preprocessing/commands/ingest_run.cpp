#include "data_preprocessing/commands/ingest_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/rules/checked_row_source.hpp"
#include "data_preprocessing/rules/constraints.hpp"
#include "data_preprocessing/source/csv_row_source.hpp"
#include "data_preprocessing/source/describe_report.hpp"
#include "data_preprocessing/source/open_source.hpp"

namespace forkcast::preprocessing {
namespace {

/// A table of the pipeline and where its rows come from.
struct TableRows {
  const TableSpec* table = nullptr;
  std::unique_ptr<RowSource> source;
};

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

}  // namespace

IngestSummary RunIngest(const IngestOptions& options, const CommandContext& context) {
  return IngestRun(options, context).Run();
}

}  // namespace forkcast::preprocessing
