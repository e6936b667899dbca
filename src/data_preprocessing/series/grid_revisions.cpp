// A period that has ended is visible, and rows of it may come later: then it was one number for
// whoever asked before, and is another for whoever asks after. The grid has the newest numbers,
// which requests read, one behind the other. What they were is kept as a log of what to undo: who
// asks as of an instant takes the numbers and walks the log back to that instant. A request for
// now finds nothing to undo. (As databases keep versions for readers of the past: Bernstein &
// Goodman, "Multiversion concurrency control", TODS 1983.)

#include "data_preprocessing/series/grid_revisions.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "data_preprocessing/series/accumulator.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

bool IsSame(double a, double b) noexcept { return a == b || (std::isnan(a) && std::isnan(b)); }

/// One key while time goes by.
class RevisedKey {
 public:
  RevisedKey(std::span<const RevisedRow> rows, std::span<const RevisedColumn> columns,
             std::span<const std::int64_t> visible_from)
      : columns_(columns), visible_from_(visible_from), rows_(rows.begin(), rows.end()) {
    std::ranges::stable_sort(rows_, {}, &RevisedRow::period);
    for (const RevisedRow& row : rows_) {
      if (row.known > visible_from_[row.period]) late_.emplace_back(row.known, row.period);
    }
    std::ranges::sort(late_);
    late_.erase(std::unique(late_.begin(), late_.end()), late_.end());
  }

  void AppendTo(GridRevisions& revisions, std::uint64_t row_begin) {
    if (late_.empty()) return;
    Start();
    for (std::size_t i = 0; i < late_.size();) {
      const std::int64_t instant = late_[i].first;
      std::vector<std::uint32_t> revised;
      for (; i < late_.size() && late_[i].first == instant; ++i) revised.push_back(late_[i].second);
      Step(instant, revised, row_begin, revisions);
    }
  }

 private:
  /// The periods as they are when they become visible.
  void Start() {
    raw_.assign(columns_.size(), std::vector<double>(visible_from_.size(), kNothing));
    for (std::size_t i = 0; i < rows_.size(); i = EndOf(i)) {
      const std::uint32_t period = rows_[i].period;
      Aggregate(period, visible_from_[period]);
    }
  }

  /// Position of the first row of the next period.
  [[nodiscard]] std::size_t EndOf(std::size_t begin) const noexcept {
    std::size_t end = begin;
    while (end < rows_.size() && rows_[end].period == rows_[begin].period) ++end;
    return end;
  }

  /// Of the rows known by `instant`.
  void Aggregate(std::uint32_t period, std::int64_t instant) {
    const auto first = std::ranges::lower_bound(rows_, period, {}, &RevisedRow::period);
    const auto begin = static_cast<std::size_t>(first - rows_.begin());
    const auto rows = std::span(rows_).subspan(begin, EndOf(begin) - begin);
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const RevisedColumn& of = columns_[column];
      Accumulator accumulator(of.op, 1);
      for (const RevisedRow& row : rows) {
        if (row.known > instant) continue;
        accumulator.Take(0, of.numbers.empty() ? 0 : of.numbers[row.row], row.time);
      }
      raw_[column][period] = std::move(accumulator).TakeResult().front();
    }
  }

  /// The value of a period with what stands in for a missing one.
  [[nodiscard]] double ValueOf(std::size_t column, std::uint32_t period) const noexcept {
    const std::vector<double>& raw = raw_[column];
    if (const auto* number = std::get_if<double>(columns_[column].empty)) {
      return std::isnan(raw[period]) ? *number : raw[period];
    }
    if (std::holds_alternative<EmptyIsPrevious>(*columns_[column].empty)) {
      while (period > 0 && std::isnan(raw[period])) --period;
    }
    return raw[period];
  }

  /// The periods whose value can change with those of `revised`: they, and where a value is
  /// repeated, those behind them without one.
  [[nodiscard]] std::vector<std::uint32_t> Affected(std::span<const std::uint32_t> revised) const {
    std::vector<std::uint32_t> periods(revised.begin(), revised.end());
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      if (!std::holds_alternative<EmptyIsPrevious>(*columns_[column].empty)) continue;
      for (const std::uint32_t one : revised) {
        for (std::uint32_t next = one + 1;
             next < visible_from_.size() && std::isnan(raw_[column][next]); ++next) {
          periods.push_back(next);
        }
      }
    }
    std::ranges::sort(periods);
    periods.erase(std::unique(periods.begin(), periods.end()), periods.end());
    return periods;
  }

  void Step(std::int64_t instant, std::span<const std::uint32_t> revised, std::uint64_t row_begin,
            GridRevisions& revisions) {
    const std::vector<std::uint32_t> periods = Affected(revised);
    std::vector<double> before;  // by period and column
    for (const std::uint32_t period : periods) {
      for (std::size_t i = 0; i < columns_.size(); ++i) before.push_back(ValueOf(i, period));
    }
    for (const std::uint32_t period : revised) Aggregate(period, instant);
    for (std::size_t k = 0; k < periods.size(); ++k) {
      const std::uint32_t period = periods[k];
      if (visible_from_[period] >= instant) continue;  // nobody has seen it yet
      const std::span<const double> was = std::span(before).subspan(k * columns_.size());
      bool is_same = true;
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        is_same = is_same && IsSame(was[i], ValueOf(i, period));
      }
      if (is_same) continue;
      revisions.instants.push_back(instant);
      revisions.rows.push_back(row_begin + period);
      for (std::size_t i = 0; i < columns_.size(); ++i) revisions.before[i].push_back(was[i]);
    }
  }

  std::span<const RevisedColumn> columns_;
  std::span<const std::int64_t> visible_from_;
  std::vector<RevisedRow> rows_;                              // by period, and in it by ingestion
  std::vector<std::pair<std::int64_t, std::uint32_t>> late_;  // when known, of which period
  std::vector<std::vector<double>> raw_;  // by column and period, NaN without a row
};

}  // namespace

void AppendRevisions(std::span<const RevisedRow> rows, std::span<const RevisedColumn> columns,
                     std::span<const std::int64_t> visible_from, std::uint64_t row_begin,
                     GridRevisions& revisions) {
  RevisedKey(rows, columns, visible_from).AppendTo(revisions, row_begin);
}

}  // namespace forkcast::preprocessing
