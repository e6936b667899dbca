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
  RevisedKey(const GridCells& cells, const RevisedCells& of_key,
             std::span<const RevisedColumn> columns, std::span<const std::int64_t> visible_from)
      : cells_(cells), of_key_(of_key), columns_(columns), visible_from_(visible_from) {
    for (std::size_t late = cells.FindLate(of_key.begin);
         late < cells.late_cells.size() && cells.late_cells[late] < of_key.end; ++late) {
      const std::uint32_t period = PeriodOf(cells.late_cells[late]);
      late_periods_.push_back({.period = period, .late = late});
      for (std::size_t row = cells.LateBegin(late); row < cells.late_ends[late]; ++row) {
        const std::int64_t known = cells.late_known[row];
        if (known > visible_from[period]) changes_.emplace_back(known, period);
      }
    }
    std::ranges::sort(changes_);
    changes_.erase(std::unique(changes_.begin(), changes_.end()), changes_.end());
  }

  void AppendTo(GridRevisions& revisions) {
    if (changes_.empty()) return;
    Start();
    for (std::size_t i = 0; i < changes_.size();) {
      const std::int64_t instant = changes_[i].first;
      std::vector<std::uint32_t> revised;
      for (; i < changes_.size() && changes_[i].first == instant; ++i) {
        revised.push_back(changes_[i].second);
      }
      Step(instant, revised, revisions);
    }
  }

 private:
  struct LatePeriod {
    std::uint32_t period = 0;
    std::size_t late = 0;  // position among late cells
  };

  /// Counted from the key's first.
  [[nodiscard]] std::uint32_t PeriodOf(std::size_t cell) const noexcept {
    return static_cast<std::uint32_t>(cells_.periods[cell] - of_key_.first_period);
  }

  /// The periods as they are when they become visible.
  void Start() {
    raw_.assign(columns_.size(), std::vector<double>(visible_from_.size(), kNothing));
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      for (std::size_t cell = of_key_.begin; cell < of_key_.end; ++cell) {
        raw_[column][PeriodOf(cell)] = cells_.values[column].ValueAt(cell);
      }
    }
    for (const LatePeriod& one : late_periods_) Aggregate(one.period, visible_from_[one.period]);
  }

  /// Of the rows known by `instant`, in a period that has late ones.
  void Aggregate(std::uint32_t period, std::int64_t instant) {
    const auto of_period = std::ranges::lower_bound(late_periods_, period, {}, &LatePeriod::period);
    const std::size_t late = of_period->late;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const std::size_t source = columns_[column].source;
      Accumulator accumulator(columns_[column].op);
      accumulator.Append(cells_.before_late[column], late);
      for (std::size_t row = cells_.LateBegin(late); row < cells_.late_ends[late]; ++row) {
        if (cells_.late_known[row] > instant) continue;
        accumulator.Take(0,
                         source == AggregateSources::kNone ? 0 : cells_.late_numbers[source][row],
                         cells_.late_times.empty() ? 0 : cells_.late_times[row]);
      }
      raw_[column][period] = accumulator.ValueAt(0);
    }
  }

  /// The value of a period with what stands in for a missing one, unless another one hides it.
  [[nodiscard]] double ValueOf(std::size_t column, std::uint32_t period) const noexcept {
    const std::optional<std::size_t> by = columns_[column].censored_by;
    if (by && IsCensoring(Filled(*by, period))) return kNothing;
    return Filled(column, period);
  }

  [[nodiscard]] double Filled(std::size_t column, std::uint32_t period) const noexcept {
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

  void Step(std::int64_t instant, std::span<const std::uint32_t> revised,
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
      revisions.rows.push_back(of_key_.row_begin + period);
      for (std::size_t i = 0; i < columns_.size(); ++i) revisions.before[i].push_back(was[i]);
    }
  }

  const GridCells& cells_;
  const RevisedCells& of_key_;
  std::span<const RevisedColumn> columns_;
  std::span<const std::int64_t> visible_from_;
  std::vector<LatePeriod> late_periods_;                         // ascending
  std::vector<std::pair<std::int64_t, std::uint32_t>> changes_;  // when known, of which period
  std::vector<std::vector<double>> raw_;  // by column and period, NaN without a row
};

}  // namespace

void AppendRevisions(const GridCells& cells, const RevisedCells& of_key,
                     std::span<const RevisedColumn> columns,
                     std::span<const std::int64_t> visible_from, GridRevisions& revisions) {
  RevisedKey(cells, of_key, columns, visible_from).AppendTo(revisions);
}

}  // namespace forkcast::preprocessing
