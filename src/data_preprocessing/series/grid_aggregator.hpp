#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/grid_cells.hpp"
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
/// `spec.aggregate` declares. Equal rows in equal order give equal grids, bit for bit, whether they
/// come at once or behind what earlier ones amounted to (GoOnFrom).
/// Keeps of each row its key's number, its period and the numbers to aggregate.
class GridAggregator {
 public:
  /// A grid of more periods than this is refused: one wrong date would fill the memory.
  static constexpr std::int64_t kMaxGridRows = 100'000'000;

  /// Precondition: spec.aggregate. Both outlive the object. `now`: what lies behind it is left out
  /// where the declaration does not say otherwise; unset: nothing does.
  GridAggregator(const SeriesSpec& spec, const TimeZone& zone, std::optional<Instant> now);

  /// Begins with the rows that `cells` were made of. Before any Add().
  void GoOnFrom(GridCells cells);

  /// Takes rows whose schema is spec.ReadSchema(). kRefusedData, naming the key and day, for a
  /// number that is not finite, a time outside the years 1 to 9999, and more than 2^32 - 2 rows.
  Status Add(const Table& batch);

  /// kRefusedData for a grid that is mostly one hole or has more than kMaxGridRows, two rows where
  /// one was declared, and a sum beyond the range of double. O(rows + periods of the grid). Once.
  [[nodiscard]] Result<Grid> Finish();
  /// What the next rows can be added to; none where a row was left out that may count later and
  /// that no cell can hold. Behind Finish(), once.
  [[nodiscard]] std::optional<GridCells> TakeCells();

 private:
  /// The periods that the grid is made of.
  struct Extent {
    PeriodIndex first = 0;
    PeriodIndex last = -1;
    std::optional<PeriodIndex> thin_from{};  // the first period behind that is of too few keys,
    std::size_t thin_keys = 0;               // and of how many
  };
  /// The cells of a key whose rows count.
  struct CountedKey {
    std::uint32_t number = 0;
    std::uint32_t first_row = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  std::uint32_t NumberOf(std::string_view key);
  /// The number in `row` that is not finite, as a position in sources_; none: all are.
  [[nodiscard]] std::optional<std::size_t> FindNotFinite(const Table& batch, std::size_t row) const;
  void LeaveOut(Instant time);
  [[nodiscard]] Error NoSuchTime(Instant time) const;
  [[nodiscard]] Error NotFinite(PeriodIndex period, const std::string& column) const;
  void Take(const Table& batch, std::size_t row, Instant time, const CivilTime& civil,
            PeriodIndex period);
  void Tally(Instant time, std::chrono::sys_days day, PeriodIndex period, std::uint32_t key);
  /// Makes cells_ of what there was before and the rows.
  void MergeRows();
  [[nodiscard]] bool Counts(PeriodIndex period) const noexcept {
    return !end_period_ || period < *end_period_;
  }
  [[nodiscard]] std::span<const PeriodRows> CountedTallies() const;
  /// In the order of their first rows that count.
  [[nodiscard]] std::vector<CountedKey> CountedKeys() const;
  [[nodiscard]] Result<Extent> ExtentOf() const;
  /// Whether a last period counts only when it is not thin.
  [[nodiscard]] bool JudgesEnd() const noexcept;
  [[nodiscard]] Error MostlyHole(std::span<const FilledPeriod> filled, const GridHole& hole) const;
  [[nodiscard]] std::string LeftOutText(const Extent& extent, const Grid& grid) const;
  /// Of the rows that count; there is one.
  [[nodiscard]] std::chrono::sys_days FirstDay() const;
  [[nodiscard]] std::chrono::sys_days LastDay() const;
  [[nodiscard]] std::string BehindText() const;
  [[nodiscard]] std::string ThinText(const Extent& extent) const;
  [[nodiscard]] Result<Grid> LayOut(const Extent& extent) const;
  /// The cells of a counted key that lie in its periods in the grid.
  [[nodiscard]] RevisedCells CellsOf(const CountedKey& counted,
                                     const snapshot_format::KeyEntry& entry) const noexcept;
  /// Once all columns are filled.
  void HideCensored(Grid& grid) const;
  void AddRevisions(Grid& grid) const;
  /// The value at `position` in the declaration, in all periods.
  Status Fill(std::size_t position, const Grid& grid, std::vector<double>& cells) const;
  [[nodiscard]] Status CheckCell(std::size_t position, std::size_t cell,
                                 std::string_view key) const;
  [[nodiscard]] std::string KeyName(std::string_view key) const;
  [[nodiscard]] std::string Describe(std::string_view key, PeriodIndex period) const;
  [[nodiscard]] std::string TextOf(PeriodIndex period) const;

  const SeriesSpec& spec_;
  const AggregateSpec& aggregate_;
  const TimeZone& zone_;
  const AggregateSources sources_;
  // Rows do not count from here on. An end that moves on with the time is that of a period, so that
  // what lies behind it waits in cells until it counts.
  std::optional<Instant> fixed_end_;
  std::optional<PeriodIndex> end_period_;
  bool can_go_on_ = true;
  std::vector<ColumnType> key_types_;
  std::vector<std::size_t> key_columns_;  // of the read schema
  std::size_t time_column_ = 0;
  std::optional<std::size_t> known_column_;
  bool keeps_times_ = false;

  std::unordered_map<std::string, std::uint32_t, KeyBytesHash, std::equal_to<>> numbers_;
  std::vector<std::string_view> keys_;  // views of the map's keys, which do not move
  std::unordered_map<PeriodIndex, PeriodRows> tallies_;
  GridCells cells_;  // of what came before the rows, from Finish() on of all
  GridRows rows_;
  std::vector<CountedKey> counted_keys_;  // from Finish() on
  // Scratch of Add().
  std::vector<Value> key_values_;
  std::string key_scratch_;
};

}  // namespace forkcast::preprocessing
