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

std::int64_t CountOf(std::span<const double> values) noexcept {
  std::int64_t count = 0;
  for (const double value : values) count += IsThere(value) ? 1 : 0;
  return count;
}

/// Sum of `term(value)` over the values that are there, oldest first.
template <typename Term>
double SumOver(std::span<const double> values, Term term) noexcept {
  double sum = 0;
  for (const double value : values) sum += IsThere(value) ? term(value) : 0.0;
  return sum;
}

double SumOf(std::span<const double> values) noexcept {
  return SumOver(values, [](double value) { return value; });
}

double StdOf(std::span<const double> values, double count) noexcept {
  if (count < 2) return kMissingNumber;
  const double mean = SumOf(values) / count;
  // About the mean, not as a difference of squares, which cancels.
  const auto square = [mean](double value) { return (value - mean) * (value - mean); };
  return std::sqrt(SumOver(values, square) / (count - 1));
}

double MedianOf(std::span<const double> values) noexcept {
  std::array<double, kMaxPeriods> present;
  const auto end = std::ranges::copy_if(values, present.begin(), IsThere).out;
  if (end == present.begin()) return kMissingNumber;
  const auto middle = present.begin() + (end - present.begin()) / 2;
  std::nth_element(present.begin(), middle, end);
  if ((end - present.begin()) % 2 == 1) return *middle;
  return (*std::max_element(present.begin(), middle) + *middle) / 2;
}

/// The statistic of the values that are not NaN; NaN when there are fewer than `least`, at least 1.
double StatisticOf(RollingStatistic statistic, std::span<const double> values, int least) noexcept {
  const std::int64_t present = CountOf(values);
  if (present < least) return kMissingNumber;
  const auto count = static_cast<double>(present);
  switch (statistic) {
    case RollingStatistic::kMean:
      return SumOf(values) / count;
    case RollingStatistic::kStd:
      return StdOf(values, count);
    case RollingStatistic::kMin: {
      double least_value = std::numeric_limits<double>::infinity();
      for (const double value : values) least_value = value < least_value ? value : least_value;
      return least_value;
    }
    case RollingStatistic::kMax: {
      double greatest = -std::numeric_limits<double>::infinity();
      for (const double value : values) greatest = value > greatest ? value : greatest;
      return greatest;
    }
    case RollingStatistic::kMedian:
      return MedianOf(values);
    case RollingStatistic::kSum:
      return SumOf(values);
    case RollingStatistic::kNonzeroShare:
      return SumOver(values, [](double value) { return value != 0 ? 1.0 : 0.0; }) / count;
  }
  return kMissingNumber;
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
    return ToFeature(StatisticOf(statistic_, view.Window(from_.column, lag_, window_), min_count_));
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
    std::span<const double> values = view.Window(from_.column, lag_, window_);
    const PeriodIndex last = view.period() - lag_ + 1;
    const PeriodIndex first = last + 1 - static_cast<PeriodIndex>(values.size());
    const PeriodIndex target = view.target_period();
    // Two buffers, of which each match reads what the one before it left and narrows it down.
    std::array<double, kMaxPeriods> kept;
    std::array<PeriodIndex, kMaxPeriods> periods;
    std::size_t count = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      kept[count] = values[i];
      periods[count] = first + static_cast<PeriodIndex>(i);
      count += IsThere(values[i]) ? 1 : 0;
    }
    const auto narrow = [&](auto like_target) {
      std::size_t left = 0;
      for (std::size_t i = 0; i < count; ++i) {
        kept[left] = kept[i];
        periods[left] = periods[i];
        left += like_target(periods[i]) ? 1 : 0;
      }
      count = left;
    };
    for (const PartTable& part : parts_) {
      const std::int64_t wanted = part.At(target);
      narrow([&](PeriodIndex period) { return part.At(period) == wanted; });
    }
    for (const SeriesColumn& from : plans_) {
      const PlanView& plan = row.plans[from.read];
      const double wanted = plan.In(from.column, target);  // equals nothing when it is NaN
      narrow([&](PeriodIndex period) { return plan.In(from.column, period) == wanted; });
    }
    return ToFeature(StatisticOf(statistic_, std::span(kept).first(count), min_count_));
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
