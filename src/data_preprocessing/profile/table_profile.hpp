#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/profile/column_profile.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What a CSV file holds.
struct TableProfile {
  CsvDialect dialect;
  std::size_t rows = 0;
  std::vector<ColumnProfile> columns;
  /// Rows that stand in the file before, value for value; not counted in a very long file.
  std::optional<std::size_t> repeated_rows;

  [[nodiscard]] const ColumnProfile* Find(std::string_view name) const noexcept;
  /// Takes numbers that are days (20240131) or seconds since 1970 for times: the column of that
  /// name, or, when no column holds times otherwise, all that can be.
  void TakeNumbersForTimes(std::string_view name);
  /// Leaves the words of the column of that name what they are: those of a class are its name.
  void TakeWordsForText(std::string_view name);
};

/// Reads the whole file, or the gzip of one, once. Memory is bounded: some hashes of values, and of
/// kMostHashedRows rows. The dialect is guessed by its beginning. Errors as CsvTableReader::Open
/// and ReadBatch; kInvalidArgument as well for a file without a header.
[[nodiscard]] Result<TableProfile> ProfileTable(const std::filesystem::path& file,
                                                const TimeZone& zone);

/// Rows of which more than this many are not looked at for repetitions: 8 bytes each.
inline constexpr std::size_t kMostHashedRows = 10'000'000;

/// Hashes of rows, of which it says whether two are equal.
class RowHashes {
 public:
  void Add(std::size_t hash) {
    if (rows_++ < kMostHashedRows) hashes_.push_back(hash);
  }
  /// How many stand there a second time; nothing when there were too many rows.
  [[nodiscard]] std::optional<std::size_t> CountRepeated();

 private:
  std::size_t rows_ = 0;
  std::vector<std::size_t> hashes_;
};

/// Of the values of several columns: `hash` of those before, and the next one's.
[[nodiscard]] constexpr std::size_t CombineHashes(std::size_t hash, std::size_t next) noexcept {
  return (hash ^ next) * 0x9E3779B97F4A7C15ULL + (hash >> 29U);
}

}  // namespace forkcast::preprocessing
