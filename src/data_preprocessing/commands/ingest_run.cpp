#include "data_preprocessing/commands/ingest_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/commands/ingest_steps.hpp"
#include "data_preprocessing/dao/retry.hpp"
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

/// The store could not do it now, and perhaps can when all of it is done again (retry.hpp).
class PassingFailure final : public Failure {
 public:
  explicit PassingFailure(const std::string& message) : Failure(ExitCode::kIo, message) {}
};

/// What the store gave, or a failure in the meaning of its error.
template <typename T>
T FromStore(Result<T> result) {
  if (!result && result.error().code == ErrorCode::kNotReady) {
    throw PassingFailure(result.error().message);
  }
  return Require(std::move(result), MeaningOfError);
}

/// One run, from the checked options to the summary. Throws Failure.
class IngestRun {
 public:
  IngestRun(const IngestOptions& options, const CommandContext& context) noexcept
      : options_(options), context_(context) {}

  IngestSummary Run() {
    const PipelineSpec spec = Require(LoadPipelineSpec(options_.pipeline), ExitCode::kUsage);
    const TableRules rules = TableRules::Read(options_, spec);
    // What may have been committed, though its answer was lost, is known the second time: rows by
    // their keys, and files by their contents.
    IngestSummary summary = Retrying([&] { return TakeIn(spec, rules); });
    if (options_.dry_run) return summary;
    can_be_repeated_ = true;
    summary.series = Retrying([&] { return Publish(spec); });
    return summary;
  }

 private:
  /// Does the work, and again from the opening of the store on while it fails of what may pass.
  template <typename Work>
  auto Retrying(const Work& work) -> decltype(work()) {
    for (int failures = 1;; ++failures) {
      try {
        return work();
      } catch (const PassingFailure& failure) {
        dao_.reset();
        const auto pause = PauseAfter(failures);
        if (!pause || !can_be_repeated_) throw;
        context_.err << fmt::format("warning: {}; trying again in {} ms\n", failure.what(),
                                    pause->count());
        std::this_thread::sleep_for(*pause);
      }
    }
  }

  /// One that has never been reached is not tried again: its URL may be wrong.
  TableDao& Store() {
    if (dao_) return *dao_;
    Result<std::unique_ptr<TableDao>> opened =
        OpenStore(options_.store, StoreAccess::kReadWriteCreate);
    if (!opened && was_reached_) throw PassingFailure(opened.error().message);
    dao_ = Require(std::move(opened), ExitCode::kIo);
    was_reached_ = true;
    return *dao_;
  }

  /// All rows in one transaction.
  IngestSummary TakeIn(const PipelineSpec& spec, const TableRules& rules) {
    IngestSummary summary;
    std::vector<TableRows> sources = FindSources(spec, summary.skipped);
    // What a pipe gave is gone.
    can_be_repeated_ = std::ranges::all_of(sources, [](const TableRows& rows) {
      std::error_code unknown;
      return std::filesystem::is_regular_file(rows.source->name(), unknown);
    });
    for (TableRows& rows : sources) {
      rows.source = rules.Check(*rows.table, std::move(rows.source));
    }
    KeepInputs(sources);
    std::optional<Rejects> rejects = OpenRejects();
    TableDao& dao = Store();

    FromStore(dao.Begin());
    // Whatever ends this early, the store undoes with the connection.
    std::vector<const TableSpec*> taken;
    for (const TableRows& rows : sources) taken.push_back(rows.table);
    FromStore(EnsureTables(dao, spec, taken));
    for (const TableRows& rows : sources) {
      FromStore(KeepZone(dao, *rows.table, spec.zone));
      summary.tables.push_back(
          IngestTable(dao, *rows.table, *rows.source, rejects ? &*rejects : nullptr));
    }
    if (rejects) Finish(*rejects, summary);
    if (!options_.dry_run) FromStore(dao.Commit());
    return summary;
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
    return FromStore(Ingest(dao, table, source, options_.rules, update, rejects));
  }

  [[nodiscard]] std::vector<PublishedSeries> Publish(const PipelineSpec& spec) {
    Result<std::vector<PublishedSeries>> published = PublishAll(
        Store(), spec, options_.snapshots, context_.clock.Now(), {.what = options_.publishing});
    if (!published && published.error().code == ErrorCode::kNotReady) {
      throw PassingFailure(UnpublishedText(published.error()));
    }
    return RequirePublished(std::move(published), context_.err);
  }

  const IngestOptions& options_;
  const CommandContext& context_;
  std::unique_ptr<TableDao> dao_;
  bool was_reached_ = false;
  bool can_be_repeated_ = false;
};

}  // namespace

IngestSummary RunIngest(const IngestOptions& options, const CommandContext& context) {
  return IngestRun(options, context).Run();
}

}  // namespace forkcast::preprocessing
