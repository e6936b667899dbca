#include "data_preprocessing/series/merge_cells.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

namespace forkcast::preprocessing {
namespace {

class Merger {
 public:
  Merger(const GridCells& before, const GridRows& rows, const AggregateSources& sources,
         GridCells& after)
      : before_(before), rows_(rows), sources_(sources), after_(after) {}

  void Run() {
    GroupByKey();
    std::size_t begin = 0;
    for (std::size_t key = 0; key < after_.key_count(); ++key) {
      const std::size_t end = ends_[key];
      const std::span<std::uint32_t> rows = std::span(order_).subspan(begin, end - begin);
      const auto period = [this](std::uint32_t row) { return rows_.periods[row]; };
      if (!std::ranges::is_sorted(rows, {}, period)) std::ranges::stable_sort(rows, {}, period);
      MergeKey(key, rows);
      begin = end;
    }
  }

 private:
  /// Rows in the order of ingestion, key by key.
  void GroupByKey() {
    ends_.assign(after_.key_count(), 0);
    for (const std::uint32_t key : rows_.keys) ++ends_[key];
    std::exclusive_scan(ends_.begin(), ends_.end(), ends_.begin(), std::size_t{0});
    order_.resize(rows_.keys.size());
    for (std::uint32_t row = 0; row < order_.size(); ++row) order_[ends_[rows_.keys[row]]++] = row;
  }

  void MergeKey(std::size_t key, std::span<const std::uint32_t> rows) {
    const bool is_known = key < before_.key_count();
    std::size_t cell = is_known ? before_.CellsBegin(key) : 0;
    const std::size_t end = is_known ? before_.cell_ends[key] : 0;
    std::size_t next = 0;
    while (cell < end || next < rows.size()) {
      constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();
      const std::int32_t of_cell = cell < end ? before_.periods[cell] : kNone;
      const std::int32_t of_row = next < rows.size() ? rows_.periods[rows[next]] : kNone;
      const std::int32_t period = std::min(of_cell, of_row);
      if (of_cell == period) {
        CopyCell(cell++);
      } else {
        AddCell(rows[next]);
      }
      while (next < rows.size() && rows_.periods[rows[next]] == period) TakeRow(rows[next++]);
    }
    after_.cell_ends.push_back(after_.periods.size());
  }

  void CopyCell(std::size_t cell) {
    after_.periods.push_back(before_.periods[cell]);
    after_.first_rows.push_back(before_.first_rows[cell]);
    for (std::size_t i = 0; i < after_.values.size(); ++i) {
      after_.values[i].Append(before_.values[i], cell);
    }
    if (next_late_ == before_.late_cells.size() || before_.late_cells[next_late_] != cell) return;
    CopyLate(next_late_++);
  }

  void CopyLate(std::size_t late) {
    after_.late_cells.push_back(static_cast<std::uint32_t>(after_.periods.size() - 1));
    for (std::size_t i = 0; i < after_.before_late.size(); ++i) {
      after_.before_late[i].Append(before_.before_late[i], late);
    }
    for (std::size_t row = before_.LateBegin(late); row < before_.late_ends[late]; ++row) {
      after_.late_known.push_back(before_.late_known[row]);
      if (!before_.late_times.empty()) after_.late_times.push_back(before_.late_times[row]);
      for (std::size_t i = 0; i < after_.late_numbers.size(); ++i) {
        after_.late_numbers[i].push_back(before_.late_numbers[i][row]);
      }
    }
    after_.late_ends.push_back(after_.late_known.size());
  }

  void AddCell(std::uint32_t row) {
    after_.periods.push_back(rows_.periods[row]);
    after_.first_rows.push_back(rows_.numbers_in_source[row]);
    for (Accumulator& value : after_.values) value.Append();
    ++TallyOf(rows_.periods[row]).keys;
  }

  void TakeRow(std::uint32_t row) {
    const std::size_t cell = after_.periods.size() - 1;
    if (!rows_.known.empty()) KeepIfLate(row, static_cast<std::uint32_t>(cell));
    for (std::size_t i = 0; i < after_.values.size(); ++i) {
      after_.values[i].Take(cell, NumberOf(i, row), rows_.times.empty() ? 0 : rows_.times[row]);
    }
  }

  void KeepIfLate(std::uint32_t row, std::uint32_t cell) {
    const bool is_late_cell = !after_.late_cells.empty() && after_.late_cells.back() == cell;
    if (!is_late_cell) {
      if (rows_.known[row] <= TallyOf(rows_.periods[row]).visible_from) return;
      after_.late_cells.push_back(cell);
      after_.late_ends.push_back(0);
      for (std::size_t i = 0; i < after_.values.size(); ++i) {
        after_.before_late[i].Append(after_.values[i], cell);
      }
    }
    after_.late_known.push_back(rows_.known[row]);
    if (!rows_.times.empty()) after_.late_times.push_back(rows_.times[row]);
    for (std::size_t i = 0; i < after_.late_numbers.size(); ++i) {
      after_.late_numbers[i].push_back(rows_.numbers[i][row]);
    }
    after_.late_ends.back() = after_.late_known.size();
  }

  /// What the value at `position` reads of a row.
  [[nodiscard]] double NumberOf(std::size_t position, std::uint32_t row) const noexcept {
    const std::size_t source = sources_.of_value[position];
    return source == AggregateSources::kNone ? 0 : rows_.numbers[source][row];
  }

  PeriodRows& TallyOf(std::int32_t period) {
    return *std::ranges::lower_bound(after_.tallies, std::int64_t{period}, {}, &PeriodRows::period);
  }

  const GridCells& before_;
  const GridRows& rows_;
  const AggregateSources& sources_;
  GridCells& after_;
  std::vector<std::uint32_t> order_;  // of rows
  std::vector<std::size_t> ends_;     // by key: where its rows end in it
  std::size_t next_late_ = 0;         // of `before_`
};

}  // namespace

void MergeCells(const GridCells& before, const GridRows& rows, const AggregateSources& sources,
                GridCells& after) {
  Merger(before, rows, sources, after).Run();
}

}  // namespace forkcast::preprocessing
