#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/accumulator.hpp"
#include "data_preprocessing/series/series_spec.hpp"

namespace forkcast::preprocessing {

/// The columns that a series with `aggregate` reads numbers of.
struct AggregateSources {
  std::vector<std::size_t> columns;   ///< Of the read schema, distinct.
  std::vector<std::size_t> of_value;  ///< By value: position in `columns`; kNone of kCount.
  static constexpr std::size_t kNone = SIZE_MAX;
};
[[nodiscard]] AggregateSources SourcesOf(const SeriesSpec& spec);
/// Whether a value asks which of two rows was earlier.
[[nodiscard]] bool KeepsTimes(const AggregateSpec& aggregate) noexcept;

/// The rows of all keys in one period.
struct PeriodRows {
  std::int64_t period = 0;
  std::uint64_t rows = 0;
  std::int64_t first_day = 0;  ///< Days since 1970 of the pipeline's calendar.
  std::int64_t last_day = 0;
  std::int64_t first_time = 0;  ///< Microseconds since 1970.
  std::int64_t last_time = 0;
  std::int64_t visible_from = 0;  ///< Its end and the series' delay.
  std::uint32_t keys = 0;         ///< That have rows in it.
  std::uint32_t first_key = 0;    ///< The key of the row that was ingested first.
  std::uint32_t first_row = 0;    ///< The number of that row in the order of ingestion.
  std::uint32_t unused = 0;
};

/// Rows that never count, since the declaration ends the data before them.
struct RowsBehind {
  std::uint64_t count = 0;
  std::int64_t first_time = INT64_MAX;
  std::int64_t last_time = INT64_MIN;
  std::uint64_t first_row = 0;  ///< Of the row that was ingested first.
};

/// A series with `aggregate` as it stands between two publications: what the rows so far amount to,
/// key by key and period by period. Rows that come later are taken into it as if all had come at
/// once. Of a cell (a key's period) it is what its rows add up to. Only where a row became known
/// after its period was visible (`known_at`) its later rows are kept as well, since what a period
/// was as of an instant depends on which of them were known.
struct GridCells {
  explicit GridCells(const SeriesSpec& spec);

  /// Keys, in the order of their first rows.
  std::string key_bytes;
  std::vector<std::uint64_t> key_ends;
  std::vector<std::uint64_t> cell_ends;  ///< By key: behind its last cell.

  /// By cell: those of a key stand together, ascending in period.
  std::vector<std::int32_t> periods;
  std::vector<std::uint32_t> first_rows;  ///< The number of its first row, as ingested.
  std::vector<Accumulator> values;        ///< By value: of all rows of each cell.

  /// By cell that has a late row, ascending: what the rows before the first such row amount to ...
  std::vector<std::uint32_t> late_cells;
  std::vector<Accumulator> before_late;
  /// ... and that row and all behind it.
  std::vector<std::uint64_t> late_ends;
  std::vector<std::int64_t> late_known;
  std::vector<std::int64_t> late_times;           ///< Empty unless a value asks for times.
  std::vector<std::vector<double>> late_numbers;  ///< By source; NaN: missing.

  std::vector<PeriodRows> tallies;  ///< By period that has rows, ascending.
  RowsBehind behind;
  std::string behind_key;       ///< Of the first row in `behind`, as KeyText() has it.
  std::uint64_t row_count = 0;  ///< Of the source, wherever they are.

  [[nodiscard]] std::size_t key_count() const noexcept { return key_ends.size(); }
  [[nodiscard]] std::string_view KeyAt(std::size_t key) const noexcept {
    const std::size_t begin = key == 0 ? 0 : key_ends[key - 1];
    return std::string_view(key_bytes).substr(begin, key_ends[key] - begin);
  }
  /// Its cells are from here to cell_ends[key].
  [[nodiscard]] std::size_t CellsBegin(std::size_t key) const noexcept {
    return key == 0 ? 0 : cell_ends[key - 1];
  }
  /// Rows of the late cell at a position, likewise.
  [[nodiscard]] std::size_t LateBegin(std::size_t late) const noexcept {
    return late == 0 ? 0 : late_ends[late - 1];
  }
  /// Position of the first late cell that is not before `cell`.
  [[nodiscard]] std::size_t FindLate(std::size_t cell) const noexcept;

  /// Whether all arrays have the lengths that they have together, and every number that leads from
  /// one to another leads into it.
  [[nodiscard]] bool IsConsistent() const noexcept;

  /// All arrays, in the order of the file.
  template <typename Cells, typename Visit>
  static void VisitArrays(Cells& cells, const Visit& visit) {
    visit(cells.key_bytes);
    visit(cells.key_ends);
    visit(cells.cell_ends);
    visit(cells.periods);
    visit(cells.first_rows);
    for (auto& value : cells.values) value.VisitArrays(visit);
    visit(cells.late_cells);
    visit(cells.late_ends);
    for (auto& value : cells.before_late) value.VisitArrays(visit);
    visit(cells.late_known);
    visit(cells.late_times);
    for (auto& numbers : cells.late_numbers) visit(numbers);
    visit(cells.tallies);
    visit(cells.behind_key);
  }
};

/// The rows that are taken into cells, in the order in which they were ingested.
struct GridRows {
  std::vector<std::uint32_t> keys;  ///< Number of its key: of a cell's, or behind those.
  std::vector<std::int32_t> periods;
  std::vector<std::uint32_t> numbers_in_source;  ///< Its number, of all rows of the source.
  std::vector<std::int64_t> times;               ///< Empty unless a value asks for them.
  std::vector<std::int64_t> known;               ///< Empty without `known_at`.
  std::vector<std::vector<double>> numbers;      ///< By source; NaN where missing.
};

}  // namespace forkcast::preprocessing
