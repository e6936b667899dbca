#include "data_preprocessing/source/ingest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data_preprocessing/source/csv_row_source.hpp"

namespace forkcast::preprocessing {
namespace {

// Large enough to make a batch's own cost vanish, small enough to stay in the processor's cache.
constexpr std::size_t kBatchRows = 4096;

Status AppendRows(TableDao& dao, const TableSpec& spec, RowSource& source, OnConflict on_conflict,
                  const IngestProgress& progress, IngestReport& report) {
  Table batch(spec.schema);
  while (true) {
    const Result<Fetched> fetched = source.Read(kBatchRows, batch);
    if (!fetched) return fetched.error();
    if (*fetched == Fetched::kEnd) return {};
    std::size_t failed_row = 0;
    const Result<AppendCounts> counts = dao.Append(spec, batch, on_conflict, failed_row);
    if (!counts) {
      Error error = counts.error();
      if (error.code == ErrorCode::kConflict) {
        error.message.insert(0, source.PlaceOf(failed_row) + ": ");
      }
      return error;
    }
    report.rows += batch.row_count();
    report.counts.added += counts->added;
    report.counts.identical += counts->identical;
    report.counts.replaced += counts->replaced;
    const SourcePosition position = source.position();
    if (progress) progress(position.done, position.total);
  }
}

bool HasTimes(const TableSpec& spec) {
  return std::ranges::find(spec.schema.columns, ColumnType::kTimestamp, &ColumnSpec::type) !=
         spec.schema.columns.end();
}

}  // namespace

Status CheckZone(TableDao& dao, const TableSpec& spec, const TimeZone& zone) {
  if (!HasTimes(spec)) return {};
  const Result<std::optional<std::string>> known = dao.ZoneOf(spec.name);
  if (!known) return known.error();
  if (!*known || **known == zone.name()) return {};
  return Error{
      ErrorCode::kConflict,
      fmt::format("table {} was ingested with zone {}, but the pipeline says \"timezone\": "
                  "\"{}\": its times would be others. Say \"timezone\": \"{}\", or ingest "
                  "everything into a new store",
                  spec.name, **known, zone.name(), **known),
      "timezone"};
}

Status KeepZone(TableDao& dao, const TableSpec& spec, const TimeZone& zone) {
  if (!HasTimes(spec)) return {};
  const Result<std::optional<std::string>> known = dao.ZoneOf(spec.name);
  if (!known) return known.error();
  return *known ? Status() : dao.RecordZone(spec.name, zone.name());
}

Result<IngestReport> Ingest(TableDao& dao, const TableSpec& spec, RowSource& source,
                            OnConflict on_conflict, const IngestProgress& progress) {
  IngestReport report;
  report.table = spec.name;
  report.source = source.name();
  const Status ensured = dao.EnsureTable(spec);
  if (!ensured) return ensured.error();
  if (!spec.key.empty()) {
    const Status appended = AppendRows(dao, spec, source, on_conflict, progress, report);
    if (!appended) return appended.error();
    return report;
  }

  const Result<std::string> hash = source.ContentHash();
  if (!hash) return hash.error();
  const Result<bool> known = dao.KnowsFile(spec.name, *hash);
  if (!known) return known.error();
  report.already_known = *known;
  if (*known) return report;
  const Status appended = AppendRows(dao, spec, source, on_conflict, progress, report);
  if (!appended) return appended.error();
  const std::string name = std::filesystem::path(source.name()).filename().string();
  const Status recorded = dao.RecordFile(spec.name, *hash, name);
  if (!recorded) return recorded.error();
  return report;
}

Result<IngestReport> IngestFile(TableDao& dao, const TableSpec& spec,
                                const std::filesystem::path& file, const TimeZone& zone,
                                OnConflict on_conflict, const IngestProgress& progress) {
  CsvRowSource source(file, spec.schema, zone);
  return Ingest(dao, spec, source, on_conflict, progress);
}

}  // namespace forkcast::preprocessing
