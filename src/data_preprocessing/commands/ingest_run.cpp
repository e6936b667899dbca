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
#include "data_preprocessing/commands/ingest_steps.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
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

/// One run, from the checked options to the summary. Throws Failure.
class IngestRun {
 public:
  IngestRun(const IngestOptions& options, const CommandContext& context) noexcept
      : options_(options), context_(context) {}

  IngestSummary Run() {
    const PipelineSpec spec = Require(LoadPipelineSpec(options_.pipeline), ExitCode::kUsage);
    IngestSummary summary;
    std::vector<TableRows> sources = FindSources(spec, summary.skipped);
    const TableRules rules = TableRules::Read(options_, spec);
    for (TableRows& rows : sources) {
      rows.source = rules.Check(*rows.table, std::move(rows.source));
    }
    KeepInputs(sources);
    std::optional<Rejects> rejects = OpenRejects();
    const std::unique_ptr<TableDao> dao =
        Require(OpenStore(options_.store, StoreAccess::kReadWriteCreate), ExitCode::kIo);

    Require(dao->Begin(), MeaningOfError);
    // Whatever ends this early, the store undoes with the connection.
    std::vector<const TableSpec*> taken;
    for (const TableRows& rows : sources) taken.push_back(rows.table);
    Require(EnsureTables(*dao, spec, taken), MeaningOfError);
    for (const TableRows& rows : sources) {
      Require(KeepZone(*dao, *rows.table, spec.zone), MeaningOfError);
      summary.tables.push_back(
          IngestTable(*dao, *rows.table, *rows.source, rejects ? &*rejects : nullptr));
    }
    if (rejects) Finish(*rejects, summary);
    if (options_.dry_run) return summary;
    Require(dao->Commit(), MeaningOfError);
    summary.series = RequirePublished(
        PublishAll(*dao, spec, options_.snapshots, context_.clock.Now()), context_.err);
    return summary;
  }

 private:
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
    const std::vector<const TableSpec*> asked_for = TablesAskedFor(options_, spec);
    for (const GivenFile& file : options_.files) (void)TableNamed(spec, "--file", file.table);
    for (const TableSpec& table : spec.tables) {
      bool given = false;
      for (const GivenFile& file : options_.files) {
        if (file.table != table.name) continue;
        given = true;
        add(table, OpenCsvPath(file.path, table, spec.zone));
      }
      const bool is_asked_for = std::ranges::find(asked_for, &table) != asked_for.end();
      if (given || options_.from.empty() || !is_asked_for) continue;
      add(table, OpenSources(options_.from, table, spec.tables, spec.zone));
    }
    return sources;
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

  const IngestOptions& options_;
  const CommandContext& context_;
};

}  // namespace

IngestSummary RunIngest(const IngestOptions& options, const CommandContext& context) {
  return IngestRun(options, context).Run();
}

}  // namespace forkcast::preprocessing
