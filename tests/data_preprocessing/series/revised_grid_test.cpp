#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/series/series_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using Random = std::mt19937_64;
using std::chrono::days;
using std::chrono::hours;

const Instant kFirst = At("2024-01-01");
constexpr int kDays = 6;

/// A sale, and when its report came.
struct Sale {
  std::string shop;
  Instant at;
  Instant known;
  std::optional<double> sold;
  double hidden = 0;  ///< Whether it says that nobody knows what was sold that day.
};

/// How the sales of a day become one number.
struct Aggregation {
  std::string name;
  AggregateOp op = AggregateOp::kSum;
  EmptyRule empty;
  std::string censored{};
};

void PrintTo(const Aggregation& one, std::ostream* out) { *out << one.name; }

SeriesSpec SalesKnownLater(const Aggregation& aggregation) {
  SeriesSpec spec{
      .name = "sales",
      .source = TableSource{"sales"},
      .source_schema = {{{.name = "shop", .type = ColumnType::kText},
                         {.name = "at", .type = ColumnType::kTimestamp},
                         {.name = "known", .type = ColumnType::kTimestamp},
                         {.name = "sold", .type = ColumnType::kDouble, .nullable = true},
                         {.name = "hidden", .type = ColumnType::kDouble}}},
      .key = {"shop"},
      .values = {},
      .time = "at",
      .known_at = "known",
      .max_staleness = {},
      .when_stale = WhenStale::kServe};
  spec.aggregate = AggregateSpec{
      .period = Period::kDay,
      .values =
          {{.name = "sold",
            .op = aggregation.op,
            .column = aggregation.op == AggregateOp::kCount ? "" : "sold",
            .empty = aggregation.empty,
            .censored = aggregation.censored},
           // Beside it one that others repeat, so that a revision of one is none of the other.
           {.name = "last", .op = AggregateOp::kLast, .column = "sold", .empty = 0.0},
           {.name = "hidden",
            .op = AggregateOp::kMax,
            .column = "hidden",
            .empty = EmptyIsPrevious()}},
      .until = GridEnd::kLastRow};
  return spec;
}

std::vector<Sale> RandomSales(Random& random) {
  std::vector<Sale> sales(random() % 30);
  for (Sale& sale : sales) {
    sale.shop = random() % 2 == 0 ? "a" : "b";
    sale.at = kFirst + hours(random() % (24 * kDays));
    sale.known = sale.at + hours(random() % 4 == 0 ? random() % (24 * kDays) : random() % 12) -
                 hours(random() % 3);
    if (random() % 5 != 0) sale.sold = 0.1 * static_cast<double>(random() % 100);
    sale.hidden = random() % 4 == 0 ? 1 : 0;
  }
  return sales;
}

Table ToTable(const SeriesSpec& spec, const std::vector<Sale>& sales) {
  Table rows(spec.ReadSchema());
  for (const Sale& sale : sales) {
    rows.column(0).AppendText(sale.shop);
    rows.column(1).AppendTimestamp(sale.at);
    rows.column(2).AppendTimestamp(sale.known);
    if (sale.sold) {
      rows.column(3).AppendDouble(*sale.sold);
    } else {
      rows.column(3).AppendMissing();
    }
    rows.column(4).AppendDouble(sale.hidden);
  }
  return rows;
}

/// One number of the sales of a shop and day that were known by `time`, in the order they came.
double SlowValue(const std::vector<Sale>& sales, AggregateOp op, const std::string& shop,
                 Instant day, Instant time) {
  std::vector<double> numbers;
  std::optional<Sale> first;
  std::optional<Sale> last;
  std::size_t rows = 0;
  for (const Sale& sale : sales) {
    const bool is_its = sale.shop == shop && sale.at >= day && sale.at < day + days(1);
    if (!is_its || sale.known > time) continue;
    ++rows;
    if (!sale.sold) continue;
    numbers.push_back(*sale.sold);
    if (!first || sale.at < first->at) first = sale;
    if (!last || sale.at >= last->at) last = sale;
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (op == AggregateOp::kCount) return rows == 0 ? kNone : static_cast<double>(rows);
  if (numbers.empty()) return kNone;
  double sum = 0;
  for (const double number : numbers) sum += number;
  switch (op) {
    case AggregateOp::kSum:
      return sum;
    case AggregateOp::kMean:
      return sum / static_cast<double>(numbers.size());
    case AggregateOp::kMin:
      return *std::ranges::min_element(numbers);
    case AggregateOp::kMax:
      return *std::ranges::max_element(numbers);
    case AggregateOp::kFirst:
      return *first->sold;
    default:
      return *last->sold;
  }
}

std::string Text(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += Show(value == value ? Value(value) : Value()) + " ";
  return text;
}

/// What the sales say of whether they are hidden.
std::vector<Sale> HiddenOf(std::vector<Sale> sales) {
  for (Sale& sale : sales) sale.sold = sale.hidden;
  return sales;
}

/// The days of a shop that were over at `time`, from its first with a sale on.
std::vector<double> SlowGrid(const std::vector<Sale>& sales, const AggregateValue& value,
                             const std::string& shop, Instant time) {
  std::optional<Instant> first;
  std::optional<Instant> end;
  for (const Sale& sale : sales) {
    const Instant day = std::chrono::floor<days>(sale.at);
    end = std::max(end.value_or(day), day);
    if (sale.shop == shop) first = std::min(first.value_or(day), day);
  }
  std::vector<double> values;
  if (!first) return values;
  for (Instant day = *first; day <= *end && day + days(1) <= time; day += days(1)) {
    double number = SlowValue(sales, value.op, shop, day, time);
    if (const auto* constant = std::get_if<double>(&value.empty); constant && number != number) {
      number = *constant;
    }
    if (std::holds_alternative<EmptyIsPrevious>(value.empty) && number != number &&
        !values.empty()) {
      number = values.back();
    }
    values.push_back(number);
  }
  return values;
}

/// The same of a value that the last one, "hidden", may hide.
std::string SlowText(const std::vector<Sale>& sales, const SeriesSpec& spec, std::size_t column,
                     const std::string& shop, Instant time) {
  const std::vector<AggregateValue>& all = spec.aggregate->values;
  const std::vector<double> hidden = SlowGrid(HiddenOf(sales), all.back(), shop, time);
  if (column + 1 == all.size()) return Text(hidden);
  std::vector<double> values = SlowGrid(sales, all[column], shop, time);
  for (std::size_t i = 0; i < values.size() && !all[column].censored.empty(); ++i) {
    if (hidden[i] == 1) values[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return Text(values);
}

class RevisedGrid : public testing::TestWithParam<Aggregation> {
 protected:
  static std::string Read(const Snapshot& snapshot, std::size_t column, const std::string& shop,
                          Instant time) {
    const auto rows = snapshot.Find(shop);
    const auto row = rows ? snapshot.AsOf(*rows, time) : std::nullopt;
    if (!row) return "";
    const std::uint64_t count = *row - rows->row_begin + 1;
    std::vector<double> values;
    if (snapshot.IsRevisedAfter(*rows, time)) {
      snapshot.DoublesAsOf(*rows, column, count, time, values);
    } else {
      const std::span<const double> now = snapshot.Doubles(*rows, column).first(count);
      values.assign(now.begin(), now.end());
    }
    return Text(values);
  }

  const TempFolder folder_;
};

TEST_P(RevisedGrid, IsAtEveryInstantMadeOfTheRowsKnownByThen) {
  const SeriesSpec spec = SalesKnownLater(GetParam());
  for (unsigned seed = 0; seed < 40 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::vector<Sale> sales = RandomSales(random);
    const Snapshot snapshot = PublishAndOpen(spec, ToTable(spec, sales), folder_);
    for (const std::string shop : {"a", "b"}) {
      for (int hour = 0; hour < 24 * 2 * kDays; ++hour) {
        const Instant time = kFirst + hours(hour);
        for (std::size_t column = 0; column < spec.aggregate->values.size(); ++column) {
          ASSERT_EQ(Read(snapshot, column, shop, time), SlowText(sales, spec, column, shop, time))
              << shop << " at " << Show(time);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Aggregations, RevisedGrid,
    testing::Values(Aggregation{"SumOrMissing", AggregateOp::kSum, EmptyIsMissing()},
                    Aggregation{"SumOrNothing", AggregateOp::kSum, 0.0},
                    Aggregation{"SumOrPrevious", AggregateOp::kSum, EmptyIsPrevious()},
                    Aggregation{"Mean", AggregateOp::kMean, EmptyIsMissing()},
                    Aggregation{"MinOrPrevious", AggregateOp::kMin, EmptyIsPrevious()},
                    Aggregation{"Max", AggregateOp::kMax, 7.0},
                    Aggregation{"First", AggregateOp::kFirst, EmptyIsMissing()},
                    Aggregation{"LastOrPrevious", AggregateOp::kLast, EmptyIsPrevious()},
                    Aggregation{"Count", AggregateOp::kCount, 0.0},
                    Aggregation{"SumUnlessHidden", AggregateOp::kSum, 0.0, "hidden"}),
    [](const auto& param) { return param.param.name; });

TEST(RevisedGridFile, OfRowsThatWereKnownInTimeHoldsNoRevision) {
  const TempFolder folder;
  const SeriesSpec spec = SalesKnownLater({"Sum", AggregateOp::kSum, 0.0});
  const Sale in_time{.shop = "a", .at = kFirst, .known = kFirst + hours(24), .sold = 1.0};
  const Snapshot one = PublishAndOpen(spec, ToTable(spec, {in_time}), folder);
  EXPECT_FALSE(one.IsRevisedAfter(*one.Find("a"), kFirst));
  const Sale late{.shop = "a", .at = kFirst, .known = kFirst + hours(25), .sold = 1.0};
  const Snapshot two = PublishAndOpen(spec, ToTable(spec, {in_time, late}), folder);
  EXPECT_TRUE(two.IsRevisedAfter(*two.Find("a"), kFirst + hours(24)));
  EXPECT_FALSE(two.IsRevisedAfter(*two.Find("a"), kFirst + hours(25)));
}

}  // namespace
}  // namespace forkcast::preprocessing
