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
    : CsvRowSource(file, file == kStandardInput ? "standard input" : file.string(), table, zone) {}

CsvRowSource::CsvRowSource(const std::filesystem::path& file, std::string name,
                           const TableSpec& table, const TimeZone& zone)
    : name_(std::move(name)),
      file_(file == kStandardInput ? "/dev/stdin" : file),
      schema_(table.schema),
      dialect_(table.csv),
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

Status CsvRowSource::OpenReader() {
  Status open = Open();
  if (!open) return open;
  CsvReadOptions options{.dialect = dialect_, .name = name_};
  if (sets_aside_) {
    options.reject = [this](const RejectedRecord& row) {
      set_aside_.push_back(
          {.place = row.line, .reason = std::string(row.reason), .text = std::string(row.text)});
      return Status();
    };
  }
  Result<CsvTableReader> opened = CsvTableReader::Open(file_, schema_, zone_, options);
  if (!opened) return std::move(opened).error();
  reader_ = *std::move(opened);
  return {};
}

Result<Fetched> CsvRowSource::Read(std::size_t max_rows, RowBatch& batch) {
  batch.places.clear();
  batch.texts.Clear();
  batch.set_aside.clear();
  if (!reader_) {
    Status open = OpenReader();
    if (!open) return std::move(open).error();
  }
  const Result<bool> more = reader_->ReadBatch(max_rows, batch.rows);
  if (!more) return more.error();
  for (std::size_t row = 0; row < batch.rows.row_count(); ++row) {
    batch.places.push_back(reader_->line_of(row));
    if (sets_aside_) batch.texts.AppendText(reader_->text_of(row));
  }
  batch.set_aside.swap(set_aside_);
  batch.position = {.done = reader_->bytes_read(), .total = reader_->bytes_total()};
  return *more ? Fetched::kRows : Fetched::kEnd;
}

std::string CsvRowSource::PlaceOf(std::size_t line) const {
  return fmt::format("{}: line {}", name_, line);
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
