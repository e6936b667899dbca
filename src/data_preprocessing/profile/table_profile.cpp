#include "data_preprocessing/profile/table_profile.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/guess_dialect.hpp"

namespace forkcast::preprocessing {
namespace {

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

/// The first bytes, decompressed; none of what cannot be read, which who reads all of it will say.
std::string BeginningOf(const std::filesystem::path& path) {
  constexpr std::size_t kBytes = std::size_t{1} << 18;
  const std::unique_ptr<gzFile_s, decltype(&::gzclose)> file(::gzopen(path.c_str(), "rbe"),
                                                             &::gzclose);
  std::string bytes(file == nullptr ? 0 : kBytes, '\0');
  const int count = bytes.empty() ? 0 : ::gzread(file.get(), bytes.data(), kBytes);
  bytes.resize(static_cast<std::size_t>(std::max(count, 0)));
  return bytes;
}

bool HasOneTwice(std::vector<std::string> names) {
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

/// All columns as text, in the dialect that it is written in.
Result<CsvTableReader> OpenWhateverDialect(const std::filesystem::path& file, CsvDialect& dialect) {
  const GuessedCsv guessed = GuessDialect(BeginningOf(file));
  dialect = guessed.dialect;
  // Of names that are there twice the reader says so.
  if (!guessed.has_header && !HasOneTwice(guessed.fields)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: the first line looks like a row: expected the names of the "
                             "columns above it",
                             file.string())};
  }
  return CsvTableReader::OpenAsText(file, {.dialect = dialect});
}

void AddBatch(const Table& batch, std::vector<ColumnProfiler>& profilers, TypeProbe& probe) {
  for (std::size_t i = 0; i < profilers.size(); ++i) {
    const Column& column = batch.column(i);
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column.IsMissing(row)) {
        profilers[i].AddMissing();
      } else {
        profilers[i].Add(column.Text(row), probe);
      }
    }
  }
}

}  // namespace

void TableProfile::TakeNumbersForTimes(std::string_view name) {
  const bool has_times = std::ranges::any_of(
      columns, [](const ColumnProfile& one) { return one.spec.type == ColumnType::kTimestamp; });
  for (ColumnProfile& one : columns) {
    const bool can_be = one.is_number() && !one.time_formats.empty();
    if (can_be && (one.spec.name == name || (name.empty() && !has_times))) one.BecomeTime();
  }
}

void TableProfile::TakeWordsForText(std::string_view name) {
  for (ColumnProfile& one : columns) {
    if (one.spec.name == name) one.BecomeText();
  }
}

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
  TableProfile profile;
  Result<CsvTableReader> reader = OpenWhateverDialect(file, profile.dialect);
  if (!reader) return std::move(reader).error();
  const Schema& schema = reader->schema();
  std::vector<ColumnProfiler> profilers;
  for (const ColumnSpec& column : schema.columns) {
    profilers.emplace_back(column.name, kMostDistinct / schema.columns.size());
  }
  TypeProbe probe(profile.dialect, zone);
  RowHashes hashes;
  Table batch(schema);
  while (true) {
    const Result<bool> more = reader->ReadBatch(kProfiledAtOnce, batch);
    if (!more) return more.error();
    if (!*more) break;
    AddBatch(batch, profilers, probe);
    for (std::size_t row = 0; row < batch.row_count(); ++row) hashes.Add(HashOfRow(batch, row));
    profile.rows += batch.row_count();
  }
  for (ColumnProfiler& one : profilers) profile.columns.push_back(one.Finish(probe));
  profile.repeated_rows = hashes.CountRepeated();
  return profile;
}

}  // namespace forkcast::preprocessing
