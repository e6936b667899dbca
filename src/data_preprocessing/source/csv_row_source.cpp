#include "data_preprocessing/source/csv_row_source.hpp"

#include <system_error>
#include <utility>

namespace forkcast::preprocessing {

CsvRowSource::CsvRowSource(std::filesystem::path file, Schema schema, const TimeZone& zone)
    : file_(std::move(file)), schema_(std::move(schema)), zone_(zone) {}

Result<std::string> CsvRowSource::ContentHash() { return HashCsvContent(file_); }

Result<Fetched> CsvRowSource::Read(std::size_t max_rows, Table& batch) {
  if (!reader_) {
    Result<CsvTableReader> opened = CsvTableReader::Open(file_, schema_, zone_);
    if (!opened) return opened.error();
    reader_ = *std::move(opened);
  }
  const Result<bool> more = reader_->ReadBatch(max_rows, batch);
  if (!more) return more.error();
  return *more ? Fetched::kRows : Fetched::kEnd;
}

std::string CsvRowSource::PlaceOf(std::size_t row) const {
  return file_.string() + ": line " + std::to_string(reader_->line_of(row));
}

SourcePosition CsvRowSource::position() const noexcept {
  if (!reader_) return {};
  return {.done = reader_->bytes_read(), .total = reader_->bytes_total()};
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

Result<std::unique_ptr<RowSource>> OpenCsvFile(std::string_view place, const TableSpec& table,
                                               const TimeZone& zone) {
  Result<std::filesystem::path> file = FindTableFile(place, table.name);
  if (!file) return file.error();
  return std::unique_ptr<RowSource>(
      std::make_unique<CsvRowSource>(*std::move(file), table.schema, zone));
}

}  // namespace forkcast::preprocessing
