#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/grid_revisions.hpp"
#include "data_preprocessing/series/grid_tail.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// What a hash map needs to be asked for a text by a view of it.
struct KeyBytesHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view bytes) const noexcept;
};

/// The periods of all keys: those of one key stand together, ascending and without gaps.
struct Grid {
  std::vector<snapshot_format::KeyEntry> keys;  ///< In order of first appearance.
  std::string key_bytes;
  std::vector<std::int64_t> times;           ///< Start of each period, microseconds.
  std::vector<std::int64_t> visible_from;    ///< Its end and the series' delay.
  std::vector<std::vector<double>> columns;  ///< One a value, NaN where missing.
  GridRevisions revisions;                   ///< By key, where a column says when rows were known.
  /// Which rows are not in it, and why; empty: all are that lie in periods that count.
  std::string left_out;
};

/// Puts the rows of a series, in the order in which they were ingested, on the grid that
/// `spec.aggregate` declares. Equal rows in equal order give equal grids, bit for bit.
/// Keeps of each row its key's number, its period and the numbers to aggregate.
class GridAggregator {
 public:
  /// A grid of more periods than this is refused: one wrong date would fill the memory.
  static constexpr std::int64_t kMaxGridRows = 100'000'000;

  /// Precondition: spec.aggregate. Both outlive the object. `now`: what lies behind it is left out
  /// where the declaration does not say otherwise; unset: nothing does.
  GridAggregator(const SeriesSpec& spec, const TimeZone& zone, std::optional<Instant> now);

  /// Takes rows whose schema is spec.ReadSchema(). kRefusedData, naming the key and day, for a
  /// number that is not finite, a time outside the years 1 to 9999, and more than 2^32 - 2 rows.
  Status Add(const Table& batch);

  /// kRefusedData for a grid that is mostly one hole or has more than kMaxGridRows, two rows where
  /// one was declared, and a sum beyond the range of double. O(rows + periods of the grid).
  [[nodiscard]] Result<Grid> Finish() const;

 private:
  struct KeyRange {
    PeriodIndex first = std::numeric_limits<PeriodIndex>::max();
    PeriodIndex last = std::numeric_limits<PeriodIndex>::min();
  };

  /// Rows that do not count, since their time lies behind the end of the data.
  struct RowsBehind {
    std::size_t count = 0;
    Instant first = Instant::max();
    Instant last = Instant::min();
    std::string first_key;  // as KeyText() has it
  };
  /// The periods that the grid is made of.
  struct Extent {
    PeriodIndex first = 0;
    PeriodIndex last = -1;
    std::optional<PeriodIndex> thin_from{};  // the first period behind that is of too few keys,
    std::size_t thin_keys = 0;               // and of how many
  };

  std::uint32_t NumberOf(std::string_view key);
  void LeaveOut(Instant time);
  /// Periods with rows, ascending.
  [[nodiscard]] std::vector<FilledPeriod> FilledPeriods() const;
  [[nodiscard]] Result<Extent> ExtentOf() const;
  /// Whether a last period counts only when it is not thin.
  [[nodiscard]] bool JudgesEnd() const noexcept;
  [[nodiscard]] std::chrono::sys_days LastDayIn(PeriodIndex period) const;
  [[nodiscard]] Error MostlyHole(std::span<const FilledPeriod> filled, const GridHole& hole) const;
  [[nodiscard]] std::string LeftOutText(const Extent& extent, const Grid& grid) const;
  Status AddNumbers(const Table& batch, std::size_t row);
  [[nodiscard]] Result<Grid> LayOut(const Extent& extent) const;
  void AddRevisions(Grid& grid) const;
  /// The value at `position` in the declaration, in all periods.
  Status Fill(std::size_t position, const Grid& grid, std::vector<double>& cells) const;
  [[nodiscard]] std::string KeyName(std::string_view key) const;
  [[nodiscard]] std::string Describe(std::string_view key, PeriodIndex period) const;
  [[nodiscard]] std::string TextOf(PeriodIndex period) const;
  /// From the first period with a row of any key to the last.
  [[nodiscard]] KeyRange RangeOfAll() const;

  const SeriesSpec& spec_;
  const AggregateSpec& aggregate_;
  const TimeZone& zone_;
  std::optional<Instant> end_;  // rows from here on do not count
  RowsBehind behind_;
  std::vector<ColumnType> key_types_;
  std::vector<std::size_t> key_columns_;      // of the read schema
  std::vector<std::size_t> source_columns_;   // of the read schema, distinct
  std::vector<std::size_t> source_of_value_;  // position in source_columns_; unused for kCount
  std::size_t time_column_ = 0;
  std::optional<std::size_t> known_column_;
  bool keeps_times_ = false;  // whether a value asks which row was first or last

  std::unordered_map<std::string, std::uint32_t, KeyBytesHash, std::equal_to<>> numbers_;
  std::vector<std::string_view> keys_;  // views of the map's keys, which do not move
  std::vector<KeyRange> ranges_;        // by key number
  std::chrono::sys_days first_day_ = std::chrono::sys_days::max();
  std::chrono::sys_days last_day_ = std::chrono::sys_days::min();
  // The last day with a row, by period; of days there is no other.
  std::unordered_map<PeriodIndex, std::chrono::sys_days> last_day_in_;
  // By row.
  std::vector<std::uint32_t> key_of_row_;
  std::vector<std::int32_t> period_of_row_;
  std::vector<std::int64_t> time_of_row_;               // empty unless keeps_times_
  std::vector<std::int64_t> known_of_row_;              // empty without `known_at`
  std::vector<std::vector<double>> numbers_of_source_;  // NaN where missing
  // Scratch of Add().
  std::vector<Value> key_values_;
  std::string key_scratch_;
};

}  // namespace forkcast::preprocessing
