#include "data_preprocessing/commands/ingest_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/file_lock.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/rules/checked_row_source.hpp"
#include "data_preprocessing/rules/constraints.hpp"
#include "data_preprocessing/source/ingest.hpp"

namespace forkcast::preprocessing {

ExitCode MeaningOfError(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kNotFound ? ExitCode::kIo : ExitCode::kNo;
}

const TableSpec& TableNamed(const PipelineSpec& spec, std::string_view flag,
                            const std::string& name) {
  const auto found = std::ranges::find(spec.tables, name, &TableSpec::name);
  if (found != spec.tables.end()) return *found;
  std::vector<std::string_view> names;
  for (const TableSpec& table : spec.tables) names.push_back(table.name);
  throw Failure(ExitCode::kUsage, fmt::format("{}: pipeline {} has no table \"{}\"; it has {}",
                                              flag, spec.name, name, fmt::join(names, ", ")));
}

std::vector<const TableSpec*> TablesAskedFor(const IngestOptions& options,
                                             const PipelineSpec& spec) {
  for (const std::string& name : options.tables) (void)TableNamed(spec, "--table", name);
  std::vector<const TableSpec*> tables;
  for (const TableSpec& table : spec.tables) {
    if (options.tables.empty() ||
        std::ranges::find(options.tables, table.name) != options.tables.end()) {
      tables.push_back(&table);
    }
  }
  return tables;
}

TableRules TableRules::Read(const IngestOptions& options, const PipelineSpec& spec) {
  TableRules all;
  if (options.constraints.empty()) return all;
  Constraints constraints;
  try {
    constraints = Constraints::Read(options.constraints, RuleAction::kReject);
  } catch (const SpecError& error) {
    throw Failure(ExitCode::kUsage, fmt::format("--constraints: {}", error.what()));
  }
  for (auto& [name, rules] : constraints.tables) {
    const TableSpec& table = TableNamed(spec, "--constraints", name);
    std::vector<RuleSubject> columns;
    for (const ColumnSpec& column : table.schema.columns) {
      columns.push_back({.name = column.name, .type = column.type});
    }
    Require(FitRules(rules, columns, "column"), ExitCode::kUsage);
    all.rules_.emplace(&table, std::move(rules));
  }
  return all;
}

std::unique_ptr<RowSource> TableRules::Check(const TableSpec& table,
                                             std::unique_ptr<RowSource> source) const {
  const auto rules = rules_.find(&table);
  if (rules == rules_.end()) return source;
  return std::make_unique<CheckedRowSource>(std::move(source), table.schema, rules->second);
}

Status EnsureTables(TableDao& dao, const PipelineSpec& spec,
                    std::span<const TableSpec* const> taken) {
  for (const TableSpec& table : spec.tables) {
    if (std::ranges::find(taken, &table) == taken.end()) {
      const Result<bool> is_foreign = dao.IsForeign(table.name);
      if (!is_foreign) return is_foreign.error();
      if (*is_foreign) continue;
    }
    Status done = CheckZone(dao, table, spec.zone);
    if (done) done = dao.EnsureTable(table);
    if (!done) return done;
  }
  return {};
}

Result<std::vector<PublishedSeries>> PublishAll(TableDao& dao, const PipelineSpec& spec,
                                                const std::filesystem::path& folder, Instant now) {
  std::error_code created;
  std::filesystem::create_directories(folder, created);
  if (created) {
    return Error{ErrorCode::kIo, fmt::format("{}: {}", folder.string(), created.message())};
  }
  const FileLock lock(folder / ".publishing");
  if (!lock.held()) {
    return Error{ErrorCode::kIo,
                 fmt::format("{}: {}", (folder / ".publishing").string(), std::strerror(errno))};
  }
  return PublishSnapshots(dao, spec, folder, now);
}

std::vector<PublishedSeries> RequirePublished(Result<std::vector<PublishedSeries>> published,
                                              std::ostream& err) {
  if (published) {
    for (const PublishedSeries& one : *published) {
      if (one.report.left_out.empty()) continue;
      err << fmt::format("warning: {}\n", LeftOutText(one.series, one.report.left_out));
    }
    return *std::move(published);
  }
  // Rows that the store took are of the declared types, so what is wrong here is the pipeline's.
  ExitCode code = ExitCode::kIo;
  if (published.error().code == ErrorCode::kInvalidArgument) code = ExitCode::kUsage;
  if (published.error().code == ErrorCode::kRefusedData) code = ExitCode::kUnfit;
  throw Failure(code, "the rows are stored, but their snapshots are not all published: " +
                          published.error().message);
}

}  // namespace forkcast::preprocessing
