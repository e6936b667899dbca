#pragma once

#include <map>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/command/exit_code.hpp"
#include "data_preprocessing/commands/ingest_options.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/rules/column_rule.hpp"
#include "data_preprocessing/source/row_source.hpp"

/// What an ingest that ends and one that follows have in common.
namespace forkcast::preprocessing {

/// The exit code for an error of the data or of what keeps them.
[[nodiscard]] ExitCode MeaningOfError(ErrorCode code);

/// The pipeline's table of this name; a Failure that names `flag` when there is none.
[[nodiscard]] const TableSpec& TableNamed(const PipelineSpec& spec, std::string_view flag,
                                          const std::string& name);
/// Those that --table names, else all.
[[nodiscard]] std::vector<const TableSpec*> TablesAskedFor(const IngestOptions& options,
                                                           const PipelineSpec& spec);

/// What the rows of tables have to keep besides their types. The pipeline outlives it.
class TableRules {
 public:
  /// Of the file that --constraints names, if it does. Whatever a rule says is to be done in a
  /// server, a row that breaks it is not taken. Throws Failure.
  static TableRules Read(const IngestOptions& options, const PipelineSpec& spec);

  /// The rows of `source` that keep them.
  [[nodiscard]] std::unique_ptr<RowSource> Check(const TableSpec& table,
                                                 std::unique_ptr<RowSource> source) const;

 private:
  std::map<const TableSpec*, std::vector<ColumnRule>> rules_;
};

/// Creates the pipeline's tables where they are absent, since a series reads an empty table, but
/// not none. One that somebody else keeps is read as it is, unless it is one of `taken`, into which
/// rows are to come.
[[nodiscard]] Status EnsureTables(TableDao& dao, const PipelineSpec& spec,
                                  std::span<const TableSpec* const> taken);

/// PublishSnapshots() by one process at a time: of two, the one that has read the store first would
/// else be able to publish last.
[[nodiscard]] Result<std::vector<PublishedSeries>> PublishAll(TableDao& dao,
                                                              const PipelineSpec& spec,
                                                              const std::filesystem::path& folder,
                                                              Instant now);

/// What was published, with a warning of series that left rows out; or a Failure.
[[nodiscard]] std::vector<PublishedSeries> RequirePublished(
    Result<std::vector<PublishedSeries>> published, std::ostream& err);

}  // namespace forkcast::preprocessing
