#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::array<std::pair<std::string_view, RollingStatistic>, 6> kStatistics{{
    {"mean", RollingStatistic::kMean},
    {"std", RollingStatistic::kStd},
    {"min", RollingStatistic::kMin},
    {"max", RollingStatistic::kMax},
    {"median", RollingStatistic::kMedian},
    {"sum", RollingStatistic::kSum},
}};

bool IsThere(double value) noexcept { return value == value; }

/// A sum, a least or a greatest value, and of how many.
struct Total {
  double value = 0;
  double count = 0;
};

/// `fold(total, value)` over the values that are there, from `start`. Four totals side by side, in
/// the same way whatever the machine: one alone waits for each addition before the next.
template <typename Fold, typename Merge>
Total FoldOver(std::span<const double> values, double start, Fold fold, Merge merge) noexcept {
  constexpr std::size_t kLanes = 4;
  std::array<double, kLanes> totals{start, start, start, start};
  std::array<std::int64_t, kLanes> counts{};
  const auto take = [&](std::size_t lane, double value) {
    const bool is_there = IsThere(value);
    totals[lane] = is_there ? fold(totals[lane], value) : totals[lane];
    counts[lane] += is_there ? 1 : 0;
  };
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    take(0, values[i]);
    take(1, values[i + 1]);
    take(2, values[i + 2]);
    take(3, values[i + 3]);
  }
  for (; i < values.size(); ++i) take(0, values[i]);
  return {.value = merge(merge(totals[0], totals[1]), merge(totals[2], totals[3])),
          .count = static_cast<double>(counts[0] + counts[1] + counts[2] + counts[3])};
}

/// Sum of `term(value)`.
template <typename Term>
Total SumOver(std::span<const double> values, Term term) noexcept {
  return FoldOver(
      values, 0, [term](double total, double value) { return total + term(value); },
      [](double left, double right) { return left + right; });
}

Total SumOf(std::span<const double> values) noexcept {
  return SumOver(values, [](double value) { return value; });
}

Total StdOf(std::span<const double> values) noexcept {
  const Total sum = SumOf(values);
  if (sum.count < 2) return {.value = kMissingNumber, .count = sum.count};
  const double mean = sum.value / sum.count;
  // About the mean, not as a difference of squares, which cancels.
  const Total squares =
      SumOver(values, [mean](double value) { return (value - mean) * (value - mean); });
  return {.value = std::sqrt(squares.value / (sum.count - 1)), .count = sum.count};
}

Total MedianOf(std::span<const double> values) noexcept {
  std::array<double, kMaxPeriods> present;
  const auto end = std::ranges::copy_if(values, present.begin(), IsThere).out;
  const auto count = static_cast<double>(end - present.begin());
  if (end == present.begin()) return {};
  const auto middle = present.begin() + (end - present.begin()) / 2;
  std::nth_element(present.begin(), middle, end);
  if ((end - present.begin()) % 2 == 1) return {.value = *middle, .count = count};
  return {.value = (*std::max_element(present.begin(), middle) + *middle) / 2, .count = count};
}

/// The statistic of the values that are not NaN and their number; without any, its value is
/// nothing.
Total StatisticOf(RollingStatistic statistic, std::span<const double> values) noexcept {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto lesser = [](double left, double right) { return right < left ? right : left; };
  const auto greater = [](double left, double right) { return right > left ? right : left; };
  switch (statistic) {
    case RollingStatistic::kMean: {
      const Total sum = SumOf(values);
      return {.value = sum.value / sum.count, .count = sum.count};
    }
    case RollingStatistic::kStd:
      return StdOf(values);
    case RollingStatistic::kMin:
      return FoldOver(values, kInfinity, lesser, lesser);
    case RollingStatistic::kMax:
      return FoldOver(values, -kInfinity, greater, greater);
    case RollingStatistic::kMedian:
      return MedianOf(values);
    case RollingStatistic::kSum:
      return SumOf(values);
    case RollingStatistic::kNonzeroShare: {
      const Total nonzero = SumOver(values, [](double value) { return value != 0 ? 1.0 : 0.0; });
      return {.value = nonzero.value / nonzero.count, .count = nonzero.count};
    }
  }
  return {};
}

/// Missing when the values that are there are fewer than `least`, which is at least 1.
Value StatisticOrMissing(RollingStatistic statistic, std::span<const double> values,
                         int least) noexcept {
  const Total total = StatisticOf(statistic, values);
  return total.count < least ? Value() : ToFeature(total.value);
}

class Rolling final : public FeatureOperator {
 public:
  Rolling(SeriesColumn from, const RollingOp& op) noexcept
      : from_(from),
        statistic_(op.statistic),
        window_(op.window),
        lag_(op.lag),
        min_count_(op.min_count) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    return StatisticOrMissing(statistic_, view.Window(from_.column, lag_, window_), min_count_);
  }

 private:
  SeriesColumn from_;
  RollingStatistic statistic_;
  int window_;
  int lag_;
  int min_count_;
};

/// A calendar part of periods by their number, worked out beforehand for the years that data are
/// of.
class PartTable {
 public:
  PartTable(CalendarPart part, Period period)
      : part_(part), period_(period), first_(PeriodOf(kFirstDay, period)) {
    const PeriodIndex end = PeriodOf(kLastDay, period);
    for (PeriodIndex i = first_; i < end; ++i) parts_.push_back(static_cast<std::int16_t>(Slow(i)));
  }

  [[nodiscard]] std::int64_t At(PeriodIndex period) const noexcept {
    const auto place = static_cast<std::uint64_t>(period - first_);
    return place < parts_.size() ? parts_[place] : Slow(period);
  }

 private:
  static constexpr std::chrono::sys_days kFirstDay{std::chrono::year(1970) / 1 / 1};
  static constexpr std::chrono::sys_days kLastDay{std::chrono::year(2100) / 1 / 1};

  [[nodiscard]] std::int64_t Slow(PeriodIndex period) const noexcept {
    const std::chrono::year_month_day day(FirstDayOf(period, period_));
    return PartOf(part_, {.year = static_cast<int>(day.year()),
                          .month = static_cast<int>(static_cast<unsigned>(day.month())),
                          .day = static_cast<int>(static_cast<unsigned>(day.day()))});
  }

  CalendarPart part_;
  Period period_;
  PeriodIndex first_;
  std::vector<std::int16_t> parts_;
};

/// Over those periods of the window that are like the target's.
class MatchedRolling final : public FeatureOperator {
 public:
  MatchedRolling(SeriesColumn from, const RollingOp& op, Period period,
                 const std::vector<ReadMatch>& match)
      : from_(from),
        statistic_(op.statistic),
        window_(op.window),
        lag_(op.lag),
        min_count_(op.min_count) {
    for (const ReadMatch& one : match) {
      if (const auto* part = std::get_if<CalendarPart>(&one)) {
        parts_.emplace_back(*part, period);
      } else {
        plans_.push_back(std::get<SeriesColumn>(one));
      }
    }
  }

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    const std::span<const double> values = view.Window(from_.column, lag_, window_);
    const PeriodIndex last = view.period() - lag_ + 1;
    const PeriodIndex first = last + 1 - static_cast<PeriodIndex>(values.size());
    const PeriodIndex target = view.target_period();
    // Places in `values` that match so far; each match narrows them down.
    std::array<std::uint16_t, kMaxPeriods> places;
    std::size_t count = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      places[count] = static_cast<std::uint16_t>(i);
      count += IsThere(values[i]) ? 1 : 0;
    }
    const auto narrow = [&](auto is_like_target) {
      std::size_t left = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t place = places[i];
        places[left] = place;
        left += is_like_target(place) ? 1 : 0;
      }
      count = left;
    };
    for (const PartTable& part : parts_) {
      const std::int64_t wanted = part.At(target);
      narrow([&](std::uint16_t place) { return part.At(first + place) == wanted; });
    }
    for (const SeriesColumn& from : plans_) {
      const PlanView& plan = row.plans[from.read];
      const double wanted = plan.In(from.column, target);  // equals nothing when it is NaN
      const std::span<const double> all = plan.All(from.column);
      const PeriodIndex shift = first - plan.first_period();
      narrow([&](std::uint16_t place) {
        const auto index = static_cast<std::uint64_t>(shift + place);
        return index < all.size() && all[index] == wanted;
      });
    }
    std::array<double, kMaxPeriods> kept;
    for (std::size_t i = 0; i < count; ++i) kept[i] = values[places[i]];
    return StatisticOrMissing(statistic_, std::span(kept).first(count), min_count_);
  }

 private:
  SeriesColumn from_;
  RollingStatistic statistic_;
  int window_;
  int lag_;
  int min_count_;
  std::vector<PartTable> parts_;
  std::vector<SeriesColumn> plans_;
};

}  // namespace

std::optional<RollingStatistic> RollingStatisticFromString(std::string_view name) noexcept {
  for (const auto& [known, statistic] : kStatistics) {
    if (known == name) return statistic;
  }
  return std::nullopt;
}

std::unique_ptr<FeatureOperator> MakeRolling(SeriesColumn from, const RollingOp& op, Period period,
                                             const std::vector<ReadMatch>& match) {
  if (match.empty()) return std::make_unique<Rolling>(from, op);
  return std::make_unique<MatchedRolling>(from, op, period, match);
}

}  // namespace forkcast::preprocessing
