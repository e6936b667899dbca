#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <compare>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

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

/// Statistics of windows that are whole and follow one another, as many at once as there are here.
/// A window's own values are taken in the order in which FoldOver() takes them, so that each number
/// has the same bits as when it is computed alone.
class NeighbouringWindows {
 public:
  static constexpr std::size_t kCount = 4;
  using Numbers = std::array<double, kCount>;

  /// Whether there is something to be gained by it.
  static bool IsFaster(RollingStatistic statistic) noexcept {
    return statistic != RollingStatistic::kMedian;
  }
  /// Of `values`[0 .. size - 1], [1 .. size] and so on, none of which is missing.
  static Numbers Of(RollingStatistic statistic, const double* values, std::size_t size) noexcept {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const auto count = static_cast<double>(size);
    switch (statistic) {
      case RollingStatistic::kMean:
        return Each(Sum(values, size), [count](double sum) { return sum / count; });
      case RollingStatistic::kStd:
        return Std(values, size);
      case RollingStatistic::kMin: {
        const auto lesser = [](Pair left, Pair right) { return right < left ? right : left; };
        return Fold(values, size, kInfinity, lesser, lesser);
      }
      case RollingStatistic::kMax: {
        const auto greater = [](Pair left, Pair right) { return right > left ? right : left; };
        return Fold(values, size, -kInfinity, greater, greater);
      }
      case RollingStatistic::kSum:
        return Sum(values, size);
      case RollingStatistic::kNonzeroShare: {
        const auto add = [](Pair total, Pair value) {
          return total + (value != Pair{0, 0} ? Pair{1, 1} : Pair{0, 0});
        };
        return Each(Fold(values, size, 0, add, Plus()),
                    [count](double nonzero) { return nonzero / count; });
      }
      case RollingStatistic::kMedian:
        break;
    }
    return {};
  }

 private:
  /// Of two windows; every x86-64 has registers of this size.
  using Pair = double __attribute__((vector_size(2 * sizeof(double))));
  struct Both {
    Pair low;
    Pair high;
  };

  /// No function, a pointer to which would be called for each pair.
  struct Plus {
    Pair operator()(Pair left, Pair right) const noexcept { return left + right; }
  };

  static Both Load(const double* values) noexcept {
    Both both;
    std::memcpy(&both, values, sizeof both);
    return both;
  }
  template <typename Function>
  static Both Combine(const Both& left, const Both& right, const Function& function) noexcept {
    return {function(left.low, right.low), function(left.high, right.high)};
  }
  template <typename Function>
  static Numbers Each(Numbers numbers, const Function& function) noexcept {
    for (double& number : numbers) number = function(number);
    return numbers;
  }

  template <typename Take, typename Merge>
  static Numbers Fold(const double* values, std::size_t size, double start, const Take& take,
                      const Merge& merge) noexcept {
    return FoldBoth(
        values, size, start,
        [&take](const Both& total, const Both& value) { return Combine(total, value, take); },
        merge);
  }
  /// As FoldOver(): four totals, of every fourth value each.
  template <typename Take, typename Merge>
  static Numbers FoldBoth(const double* values, std::size_t size, double start, const Take& take,
                          const Merge& merge) noexcept {
    const Both none{{start, start}, {start, start}};
    Both first = none;
    Both second = none;
    Both third = none;
    Both fourth = none;
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4) {
      first = take(first, Load(values + i));
      second = take(second, Load(values + i + 1));
      third = take(third, Load(values + i + 2));
      fourth = take(fourth, Load(values + i + 3));
    }
    for (; i < size; ++i) first = take(first, Load(values + i));
    const Both all = Combine(Combine(first, second, merge), Combine(third, fourth, merge), merge);
    return {all.low[0], all.low[1], all.high[0], all.high[1]};
  }

  static Numbers Sum(const double* values, std::size_t size) noexcept {
    return Fold(values, size, 0, Plus(), Plus());
  }
  static Numbers Std(const double* values, std::size_t size) noexcept {
    const auto count = static_cast<double>(size);
    const Numbers means = Each(Sum(values, size), [count](double sum) { return sum / count; });
    const Both mean{{means[0], means[1]}, {means[2], means[3]}};
    const auto add = [&mean](const Both& total, const Both& value) -> Both {
      const Pair low = value.low - mean.low;
      const Pair high = value.high - mean.high;
      return {total.low + low * low, total.high + high * high};
    };
    return Each(FoldBoth(values, size, 0, add, Plus()), [count](double squares) {
      return count < 2 ? kMissingNumber : std::sqrt(squares / (count - 1));
    });
  }
};

/// The windows of many rows.
struct WindowsTogether {
  Window window;

  template <typename View, typename Function>
  void operator()(const SeriesViews& views, std::size_t column, const Function& function,
                  std::span<double> numbers) const noexcept {
    const std::span<const double> values = views.Values(column);
    std::size_t row = 0;
    std::size_t whole_from = 0;  // nothing is missing from here to
    std::size_t looked_at = 0;   // here, but what lies before has not been looked at
    while (row < numbers.size()) {
      const auto begin = BeginOfNeighbours(views, row, numbers.size());
      if (begin) {
        const std::size_t end =
            *begin + static_cast<std::size_t>(window.size) + NeighbouringWindows::kCount - 1;
        if (looked_at == 0) whole_from = looked_at = *begin;
        for (; looked_at < end; ++looked_at) {
          if (!IsThere(values[looked_at])) whole_from = looked_at + 1;
        }
      }
      if (!begin || *begin < whole_from) {
        numbers[row] = FiniteOrMissing(function(views.At(row), column));
        ++row;
        continue;
      }
      const NeighbouringWindows::Numbers some = NeighbouringWindows::Of(
          window.statistic, values.data() + *begin, static_cast<std::size_t>(window.size));
      std::ranges::transform(some, numbers.begin() + static_cast<std::ptrdiff_t>(row),
                             FiniteOrMissing);
      row += NeighbouringWindows::kCount;
    }
  }

 private:
  /// Where the window of `row` begins, if it is whole and those of the next rows follow it.
  [[nodiscard]] std::optional<std::size_t> BeginOfNeighbours(const SeriesViews& views,
                                                             std::size_t row,
                                                             std::size_t rows) const noexcept {
    if (row + NeighbouringWindows::kCount > rows) return std::nullopt;
    if (!NeighbouringWindows::IsFaster(window.statistic)) return std::nullopt;
    const std::size_t seen = views.SeenBy(row);
    const auto needed = static_cast<std::size_t>(window.lag - 1 + window.size);
    if (seen < needed) return std::nullopt;
    for (std::size_t i = 1; i < NeighbouringWindows::kCount; ++i) {
      if (views.SeenBy(row + i) != seen + i) return std::nullopt;
    }
    return seen - needed;
  }
};

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

/// The values of one key's periods, those together that are alike, in the order of time: the like
/// values of any window stand side by side, for all rows that ask.
class LikeValues {
 public:
  /// Of values[begin .. end - 1] of the column `from`, as far as they are there.
  LikeValues(const Likeness& likeness, const ColumnContext& context, SeriesColumn from,
             std::size_t begin, std::size_t end)
      : likeness_(likeness), context_(context) {
    const SeriesViews& views = context.reads[from.read];
    const std::span<const double> values = views.Values(from.column);
    std::vector<Place> places;
    std::vector<Mark> marks;
    for (std::size_t i = begin; i < end; ++i) {
      const PeriodIndex period = views.first_period() + static_cast<PeriodIndex>(i);
      if (!IsThere(values[i]) || !AddMarks(period, marks)) continue;
      places.push_back({i, marks.size() / width() - 1});
    }
    const auto marks_of = [&](const Place& place) {
      return std::span(marks).subspan(place.marks * width(), width());
    };
    std::ranges::sort(places, [&](const Place& left, const Place& right) {
      const auto order =
          std::lexicographical_compare_three_way(marks_of(left).begin(), marks_of(left).end(),
                                                 marks_of(right).begin(), marks_of(right).end());
      return order != 0 ? order < 0 : left.index < right.index;
    });
    for (const Place& place : places) {
      const auto own = marks_of(place);
      if (groups_.empty() || !std::ranges::equal(own, MarksOf(groups_.size() - 1))) {
        groups_.push_back(indices_.size());
        group_marks_.insert(group_marks_.end(), own.begin(), own.end());
      }
      indices_.push_back(place.index);
      values_.push_back(values[place.index]);
    }
    groups_.push_back(indices_.size());
  }

  /// Of values[begin .. end - 1], those whose periods are like `target`.
  [[nodiscard]] std::span<const double> Like(PeriodIndex target, std::size_t begin,
                                             std::size_t end) {
    wanted_.clear();
    if (!AddMarks(target, wanted_)) return {};
    std::size_t least = 0;
    std::size_t most = groups_.size() - 1;
    while (least < most) {
      const std::size_t middle = (least + most) / 2;
      if (std::ranges::lexicographical_compare(MarksOf(middle), wanted_)) {
        least = middle + 1;
      } else {
        most = middle;
      }
    }
    if (least + 1 == groups_.size() || !std::ranges::equal(MarksOf(least), wanted_)) return {};
    const auto group =
        std::span(indices_).subspan(groups_[least], groups_[least + 1] - groups_[least]);
    const auto first = std::ranges::lower_bound(group, begin) - group.begin();
    const auto last = std::ranges::lower_bound(group, end) - group.begin();
    return std::span(values_).subspan(groups_[least] + static_cast<std::size_t>(first),
                                      static_cast<std::size_t>(last - first));
  }

 private:
  /// What a period is by one of the matches: a part of the calendar, or the bits of a plan's value.
  using Mark = std::int64_t;
  struct Place {
    std::size_t index = 0;
    std::size_t marks = 0;
  };

  [[nodiscard]] std::size_t width() const noexcept {
    return likeness_.parts.size() + likeness_.plans.size();
  }
  [[nodiscard]] std::span<const Mark> MarksOf(std::size_t group) const noexcept {
    return std::span(group_marks_).subspan(group * width(), width());
  }
  /// False, and adds nothing, when the period is like no other: a plan has no value of it.
  bool AddMarks(PeriodIndex period, std::vector<Mark>& marks) const {
    const std::size_t before = marks.size();
    for (const PartTable& part : likeness_.parts) marks.push_back(part.At(period));
    for (const SeriesColumn& from : likeness_.plans) {
      const double value = context_.reads[from.read].PlanAt(0).In(from.column, period);
      if (!IsThere(value)) {
        marks.resize(before);
        return false;
      }
      marks.push_back(std::bit_cast<Mark>(value == 0 ? 0.0 : value));  // -0 is equal to 0
    }
    return true;
  }

  const Likeness& likeness_;
  const ColumnContext& context_;
  std::vector<std::size_t> groups_;  // where each begins in what follows, and the end
  std::vector<Mark> group_marks_;
  std::vector<std::size_t> indices_;
  std::vector<double> values_;
  std::vector<Mark> wanted_;
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
  [[nodiscard]] bool ComputeColumn(const ColumnContext& context,
                                   std::span<double> numbers) const override {
    const SeriesViews& views = context.reads[from_.read];
    std::size_t begin = std::numeric_limits<std::size_t>::max();
    std::size_t end = 0;
    for (std::size_t row = 0; row < numbers.size(); ++row) {
      const auto [first, last] = PlacesOf(views.SeenBy(row));
      if (first == last) continue;
      begin = std::min(begin, first);
      end = std::max(end, last);
    }
    LikeValues all(likeness_, context, from_, std::min(begin, end), end);
    for (std::size_t row = 0; row < numbers.size(); ++row) {
      const auto [first, last] = PlacesOf(views.SeenBy(row));
      numbers[row] =
          FiniteOrMissing(StatisticOrMissing(window_, all.Like(views.TargetOf(row), first, last)));
    }
    return true;
  }
  void AddNeeds(const RowContext&, FeatureNeeds& needs) const override {
    NamePeriods(window_, [&](PeriodIndex back) {
      needs.past.push_back({from_.read, from_.column, back});
    });
  }

 private:
  /// Where the window of a row that sees so many periods begins and ends among them.
  [[nodiscard]] std::pair<std::size_t, std::size_t> PlacesOf(std::size_t seen) const noexcept {
    const auto behind = static_cast<std::size_t>(window_.lag - 1);
    const std::size_t end = seen - std::min(seen, behind);
    return {end - std::min(end, static_cast<std::size_t>(window_.size)), end};
  }

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
        [window](const SeriesView&, const auto& name) { NamePeriods(window, name); },
        WindowsTogether{window});
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
