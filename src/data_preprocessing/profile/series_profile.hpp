#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// Of fewer days with rows there is little to learn.
inline constexpr std::size_t kFewDays = 8;

/// How the rows of one key lie in the periods of one kind.
struct PeriodFill {
  Period period = Period::kDay;
  std::size_t periods = 0;  ///< From the first row of all to the last.
  /// Of the periods from a key's first row to its last, the share that has rows; of all keys that
  /// were looked at together.
  double share = 0;
  bool has_one_row_each = false;  ///< Of a key: no period has two.
};

/// How a file's rows are spread over keys and time.
struct SeriesProfile {
  std::size_t rows = 0;  ///< With key and time.
  std::size_t keys = 0;  ///< About as many, where a file has very many.
  std::chrono::sys_days first{};
  std::chrono::sys_days last{};
  std::array<PeriodFill, 3> fills{};  ///< Day, week, month.
  /// Rows whose key and time stand there before; unknown in a very long file.
  std::optional<std::size_t> repeated;
  std::size_t later_rows = 0;   ///< Whose time is after now.
  std::size_t median_days = 0;  ///< Half of the keys have rows on no more different days.
  std::size_t short_keys = 0;   ///< Keys with rows on fewer than kFewDays different days.

  [[nodiscard]] const PeriodFill& Of(Period period) const noexcept {
    return fills[static_cast<std::size_t>(period)];
  }
};

/// Reads the whole file once and says how its rows would be spread, by `time`, over each of `keys`:
/// columns with the types of the file's profile, none of them for one series alone. Rows without
/// time or key are left out. Memory is bounded: of very many keys some are looked at, which the
/// figures stand for. `now`: what is later is in the future. Errors as CsvTableReader::Open and
/// ReadBatch.
[[nodiscard]] Result<std::vector<SeriesProfile>> ProfileSeries(
    const std::filesystem::path& file, const CsvDialect& dialect, const ColumnSpec& time,
    const std::vector<std::vector<ColumnSpec>>& keys, const TimeZone& zone, Instant now);

}  // namespace forkcast::preprocessing
