#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "data_preprocessing/document/choice.hpp"
#include "data_preprocessing/features/calendar_part.hpp"
#include "data_preprocessing/features/column_operator.hpp"

namespace forkcast::preprocessing {
namespace {

enum class RollingStatistic {
  kMean,
  kStd,  ///< Of a sample (n - 1).
  kMin,
  kMax,
  kMedian,  ///< Of an even number of values the mean of the middle two.
  kSum,
  kNonzeroShare,  ///< Share of the values that are not 0.
};

/// Those that "statistic" can name.
constexpr Choices<RollingStatistic, 6> kStatistics{{
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

/// Which periods are summed up, and as what: those of y(1 - lag), ..., y(2 - lag - size) that are
/// not missing.
struct Window {
  RollingStatistic statistic = RollingStatistic::kMean;
  int size = 1;
  int lag = 1;
  int min_count = 1;  ///< Of fewer values the feature is missing.
};

/// Calls `name` for each of them, counted back from period 0.
template <typename Name>
void NamePeriods(const Window& window, const Name& name) {
  for (int i = 0; i < window.size; ++i) name(window.lag - 1 + i);
}

/// Of the values in the window.
double StatisticOrMissing(const Window& window, std::span<const double> values) noexcept {
  const Total total = StatisticOf(window.statistic, values);
  return total.count < window.min_count ? kMissingNumber : total.value;
}

/// A calendar part of periods by their number, worked out beforehand for the years that data are
/// of.
class PartTable {
 public:
  PartTable(CalendarPart part, Period period, const TimeZone& zone)
      : part_(part), period_(period), zone_(zone), first_(PeriodOf(kFirstDay, period)) {
    const PeriodIndex end = PeriodOf(kLastDay, period);
    parts_.reserve(static_cast<std::size_t>(end - first_));
    for (PeriodIndex i = first_; i < end; ++i) parts_.push_back(static_cast<std::int16_t>(Slow(i)));
  }

  [[nodiscard]] std::int64_t At(PeriodIndex period) const noexcept {
    const auto place = static_cast<std::uint64_t>(period - first_);
    return place < parts_.size() ? parts_[place] : Slow(period);
  }

 private:
  static constexpr std::chrono::sys_days kFirstDay{std::chrono::year(1990) / 1 / 1};
  static constexpr std::chrono::sys_days kLastDay{std::chrono::year(2050) / 1 / 1};

  /// Of the period's first day, or, where periods are shorter, of its beginning.
  [[nodiscard]] std::int64_t Slow(PeriodIndex period) const noexcept {
    if (PeriodsOfDay(period_) > 1) {
      return PartOf(part_, zone_.ToCivil(StartOf(period, period_, zone_)));
    }
    const std::chrono::year_month_day day(FirstDayOf(period, period_));
    return PartOf(part_, {.year = static_cast<int>(day.year()),
                          .month = static_cast<int>(static_cast<unsigned>(day.month())),
                          .day = static_cast<int>(static_cast<unsigned>(day.day()))});
  }

  CalendarPart part_;
  Period period_;
  TimeZone zone_;
  PeriodIndex first_;
  std::vector<std::int16_t> parts_;
};

/// What the periods of a window must have in common with the target's.
struct Likeness {
  std::vector<PartTable> parts;
  std::vector<SeriesColumn> plans;
};

/// Over those periods of the window that are like the target's.
class MatchedRolling final : public FeatureOperator {
 public:
  MatchedRolling(SeriesColumn from, const Window& window, Likeness likeness) noexcept
      : from_(from), window_(window), likeness_(std::move(likeness)) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    const std::span<const double> values = view.Window(from_.column, window_.lag, window_.size);
    const PeriodIndex last = view.period() - window_.lag + 1;
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
    for (const PartTable& part : likeness_.parts) {
      const std::int64_t wanted = part.At(target);
      narrow([&](std::uint16_t place) { return part.At(first + place) == wanted; });
    }
    for (const SeriesColumn& from : likeness_.plans) {
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
    return ToFeature(StatisticOrMissing(window_, std::span(kept).first(count)));
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    NamePeriods(window_, [&](PeriodIndex back) {
      needs.past.push_back({from_.read, from_.column, back});
    });
  }

 private:
  SeriesColumn from_;
  Window window_;
  Likeness likeness_;
};

/// "match"; `period` is that of the series that is read.
Likeness ReadLikeness(const JsonNode& match, Period period, FeatureDeclaration& declaration) {
  const std::vector<JsonNode> elements = match.Elements();
  if (elements.empty()) match.Fail("expected at least one element");
  Likeness likeness;
  for (const JsonNode& element : elements) {
    if (!element.json().is_string()) {
      element.RequireObject({"series", "value", "key"});
      likeness.plans.push_back(declaration.PlannedValue(element, period).from);
      continue;
    }
    const CalendarPart part = ReadCalendarPart(element);
    if (part == CalendarPart::kHour && PeriodsOfDay(period) == 1) {
      element.Fail("periods have no hour");
    }
    likeness.parts.emplace_back(part, period, declaration.zone());
  }
  return likeness;
}

/// What `rolling` and `nonzero_share` have in common; `statistic` is read when it is none.
DeclaredOperator ReadWindow(FeatureDeclaration& declaration,
                            std::optional<RollingStatistic> statistic) {
  const JsonNode& node = declaration.node();
  const SeriesValue value = declaration.GridValue();
  Window window{.size = declaration.Periods("window"), .lag = declaration.Periods("lag", 1)};
  window.statistic = statistic ? *statistic : ReadChoice(node.Get("statistic"), kStatistics);
  std::optional<Likeness> likeness;
  if (const auto match = node.Find("match")) {
    likeness = ReadLikeness(*match, value.series.aggregate->period, declaration);
  }
  window.min_count = likeness ? 1 : window.size;
  if (const auto count = node.Find("min_count")) {
    window.min_count = static_cast<int>(count->Integer(1, window.size));
  }
  if (!likeness) {
    return OfColumn<SeriesView>(
        value.from,
        [window](const SeriesView& view, std::size_t column) noexcept {
          return StatisticOrMissing(window, view.Window(column, window.lag, window.size));
        },
        [window](const SeriesView&, const auto& name) { NamePeriods(window, name); });
  }
  return {std::make_unique<MatchedRolling>(value.from, window, *std::move(likeness)),
          ColumnType::kDouble};
}

}  // namespace

DeclaredOperator ReadRolling(FeatureDeclaration& declaration) {
  declaration.node().RequireObject({"name", "op", "series", "value", "key", "statistic", "window",
                                    "lag", "min_count", "match", "at", "missing"});
  return ReadWindow(declaration, std::nullopt);
}

DeclaredOperator ReadNonzeroShare(FeatureDeclaration& declaration) {
  declaration.node().RequireObject({"name", "op", "series", "value", "key", "window", "lag",
                                    "min_count", "match", "at", "missing"});
  return ReadWindow(declaration, RollingStatistic::kNonzeroShare);
}

}  // namespace forkcast::preprocessing
