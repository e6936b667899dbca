#include "data_preprocessing/profile/table_profile.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "data_preprocessing/table/csv_reader.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kBatchRows = 4096;
/// Hashes of different values that are kept, of all columns together.
constexpr std::size_t kMostDistinct = 2'000'000;

std::size_t HashOfRow(const Table& batch, std::size_t row) {
  std::size_t hash = 0;
  for (std::size_t i = 0; i < batch.column_count(); ++i) {
    const Column& column = batch.column(i);
    const std::size_t value =
        column.IsMissing(row) ? 1 : std::hash<std::string_view>()(column.Text(row));
    hash = CombineHashes(hash, value);
  }
  return hash;
}

}  // namespace

const ColumnProfile* TableProfile::Find(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(
      columns, [name](const ColumnProfile& one) { return one.spec.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

std::optional<std::size_t> RowHashes::CountRepeated() {
  if (rows_ > kMostHashedRows) return std::nullopt;
  std::ranges::sort(hashes_);
  const auto end = std::unique(hashes_.begin(), hashes_.end());
  const auto repeated = static_cast<std::size_t>(hashes_.end() - end);
  return repeated;
}

Result<TableProfile> ProfileTable(const std::filesystem::path& file, const TimeZone& zone) {
  Result<CsvTableReader> reader = CsvTableReader::OpenAsText(file);
  if (!reader) return std::move(reader).error();
  const Schema& schema = reader->schema();
  std::vector<ColumnProfiler> profilers;
  for (const ColumnSpec& column : schema.columns) {
    profilers.emplace_back(column.name, kMostDistinct / schema.columns.size(), zone);
  }
  TableProfile profile;
  RowHashes hashes;
  Table batch(schema);
  while (true) {
    const Result<bool> more = reader->ReadBatch(kBatchRows, batch);
    if (!more) return more.error();
    if (!*more) break;
    for (std::size_t i = 0; i < profilers.size(); ++i) {
      const Column& column = batch.column(i);
      for (std::size_t row = 0; row < column.size(); ++row) {
        if (column.IsMissing(row)) {
          profilers[i].AddMissing();
        } else {
          profilers[i].Add(column.Text(row));
        }
      }
    }
    for (std::size_t row = 0; row < batch.row_count(); ++row) hashes.Add(HashOfRow(batch, row));
    profile.rows += batch.row_count();
  }
  for (const ColumnProfiler& one : profilers) profile.columns.push_back(one.Profile());
  profile.repeated_rows = hashes.CountRepeated();
  return profile;
}

}  // namespace forkcast::preprocessing
