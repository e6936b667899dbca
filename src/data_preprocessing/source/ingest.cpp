#include "data_preprocessing/source/ingest.hpp"

#include <system_error>

#include "data_preprocessing/table/csv_reader.hpp"

namespace forkcast::preprocessing {
namespace {

// Large enough to make a batch's own cost vanish, small enough to stay in the processor's cache.
constexpr std::size_t kBatchRows = 4096;

Status AppendFile(TableDao& dao, const TableSpec& spec, const std::filesystem::path& file,
                  const TimeZone& zone, OnConflict on_conflict, const IngestProgress& progress,
                  IngestReport& report) {
  Result<CsvTableReader> reader = CsvTableReader::Open(file, spec.schema, zone);
  if (!reader) return reader.error();
  Table batch(spec.schema);
  while (true) {
    const Result<bool> more = reader->ReadBatch(kBatchRows, batch);
    if (!more) return more.error();
    if (!*more) return {};
    std::size_t failed_row = 0;
    const Result<AppendCounts> counts = dao.Append(spec, batch, on_conflict, failed_row);
    if (!counts) {
      Error error = counts.error();
      if (error.code == ErrorCode::kConflict) {
        error.message.insert(
            0, file.string() + ": line " + std::to_string(reader->line_of(failed_row)) + ": ");
      }
      return error;
    }
    report.rows += batch.row_count();
    report.counts.added += counts->added;
    report.counts.identical += counts->identical;
    report.counts.replaced += counts->replaced;
    if (progress) progress(reader->bytes_read(), reader->bytes_total());
  }
}

}  // namespace

Result<IngestReport> IngestFile(TableDao& dao, const TableSpec& spec,
                                const std::filesystem::path& file, const TimeZone& zone,
                                OnConflict on_conflict, const IngestProgress& progress) {
  IngestReport report;
  report.table = spec.name;
  report.file = file.string();
  const Status ensured = dao.EnsureTable(spec);
  if (!ensured) return ensured.error();
  if (!spec.key.empty()) {
    const Status appended = AppendFile(dao, spec, file, zone, on_conflict, progress, report);
    if (!appended) return appended.error();
    return report;
  }

  const Result<std::string> hash = HashCsvContent(file);
  if (!hash) return hash.error();
  const Result<bool> known = dao.KnowsFile(spec.name, *hash);
  if (!known) return known.error();
  report.file_known = *known;
  if (*known) return report;
  const Status appended = AppendFile(dao, spec, file, zone, on_conflict, progress, report);
  if (!appended) return appended.error();
  const Status recorded = dao.RecordFile(spec.name, *hash, file.filename().string());
  if (!recorded) return recorded.error();
  return report;
}

Result<std::filesystem::path> FindTableFile(const std::filesystem::path& folder,
                                            const std::string& table) {
  const std::filesystem::path plain = folder / (table + ".csv");
  const std::filesystem::path gzip = folder / (table + ".csv.gz");
  std::error_code ignored;  // what cannot be looked at is not there
  const bool has_plain = std::filesystem::exists(plain, ignored);
  const bool has_gzip = std::filesystem::exists(gzip, ignored);
  if (has_plain && has_gzip) {
    return Error{ErrorCode::kInvalidArgument, "both " + plain.string() + " and " + gzip.string() +
                                                  " exist: which one holds the table?"};
  }
  if (!has_plain && !has_gzip) {
    return Error{ErrorCode::kNotFound,
                 "neither " + plain.string() + " nor " + gzip.string() + " exists"};
  }
  return has_plain ? plain : gzip;
}

}  // namespace forkcast::preprocessing
