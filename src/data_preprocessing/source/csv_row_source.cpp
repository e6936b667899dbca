#include "data_preprocessing/source/csv_row_source.hpp"

#include <fmt/format.h>

#include <memory>
#include <system_error>
#include <utility>

#include "data_preprocessing/source/table_files.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kStandardInput = "-";

FoundRows OpenFiles(TableFiles files, const TableSpec& table, const TimeZone& zone) {
  FoundRows found{.sources = {}, .skipped = std::move(files.skipped)};
  for (const std::filesystem::path& file : files.files) {
    found.sources.push_back(std::make_unique<CsvRowSource>(file, table, zone));
  }
  return found;
}

}  // namespace

CsvRowSource::CsvRowSource(const std::filesystem::path& file, const TableSpec& table,
                           const TimeZone& zone)
    : name_(file == kStandardInput ? "standard input" : file.string()),
      file_(file == kStandardInput ? "/dev/stdin" : file),
      schema_(table.schema),
      options_{.dialect = table.csv, .name = name_},
      zone_(zone) {}

Status CsvRowSource::Open() {
  if (spooled_) return {};
  std::error_code not_there;  // which opening it will say
  const auto status = std::filesystem::status(file_, not_there);
  const bool read_once = std::filesystem::is_fifo(status) || std::filesystem::is_socket(status) ||
                         std::filesystem::is_character_file(status) || file_ == "/dev/stdin";
  if (not_there || !read_once) return {};
  Result<SpooledFile> spooled = SpooledFile::Copy(file_, name_);
  if (!spooled) return std::move(spooled).error();
  spooled_ = *std::move(spooled);
  file_ = spooled_->path();
  return {};
}

Result<std::string> CsvRowSource::ContentHash() {
  Status open = Open();
  if (!open) return std::move(open).error();
  return HashCsvContent(file_, name_);
}

Result<Fetched> CsvRowSource::Read(std::size_t max_rows, Table& batch) {
  if (!reader_) {
    Status open = Open();
    if (!open) return std::move(open).error();
    Result<CsvTableReader> opened = CsvTableReader::Open(file_, schema_, zone_, options_);
    if (!opened) return opened.error();
    reader_ = *std::move(opened);
  }
  const Result<bool> more = reader_->ReadBatch(max_rows, batch);
  if (!more) return more.error();
  return *more ? Fetched::kRows : Fetched::kEnd;
}

std::string CsvRowSource::PlaceOf(std::size_t row) const {
  return fmt::format("{}: line {}", name_, reader_->line_of(row));
}

Status CsvRowSource::Reject(std::size_t row, std::string_view reason) {
  return options_.reject(
      {.line = reader_->line_of(row), .reason = reason, .text = reader_->text_of(row)});
}

SourcePosition CsvRowSource::position() const noexcept {
  if (!reader_) return {};
  return {.done = reader_->bytes_read(), .total = reader_->bytes_total()};
}

Result<FoundRows> FindCsvFiles(std::string_view place, const TableSpec& table,
                               std::span<const TableSpec> tables, const TimeZone& zone) {
  Result<TableFiles> files = FindTableFiles(place, table.name, tables);
  if (!files) return std::move(files).error();
  return OpenFiles(*std::move(files), table, zone);
}

Result<FoundRows> OpenCsvPath(const std::filesystem::path& path, const TableSpec& table,
                              const TimeZone& zone) {
  std::error_code not_there;  // which reading it will say
  if (!std::filesystem::is_directory(path, not_there)) {
    return OpenFiles({.files = {path}, .skipped = {}}, table, zone);
  }
  Result<TableFiles> files = FilesOfFolder(path);
  if (!files) return std::move(files).error();
  return OpenFiles(*std::move(files), table, zone);
}

}  // namespace forkcast::preprocessing
