#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>

#include "data_preprocessing/features/forecast_testing.hpp"
#include "data_preprocessing/series/grid_reader.hpp"

namespace forkcast::preprocessing {
namespace {

using Random = std::mt19937_64;
using std::chrono::days;

constexpr int kDays = 60;

/// Sales of a few keys on random days, several a day or none at all, and plans of every day.
FeatureBench::SeriesRows RandomPanel(Random& random) {
  FeatureBench::SeriesRows rows;
  for (int i = 0; i < 250; ++i) {
    rows["daily"].push_back({std::string(1, static_cast<char>('a' + random() % 5)),
                             January(1 + static_cast<int>(random() % kDays)),
                             random() % 9 == 0 ? "-" : std::to_string(random() % 20),
                             random() % 4 == 0 ? "-" : std::to_string(random() % 9)});
  }
  for (char key = 'a'; key <= 'e'; ++key) {
    for (int day = 1; day <= kDays + 10; ++day) {
      rows["plan"].push_back({std::string(1, key), January(day), random() % 4 == 0 ? "1" : "0"});
    }
    rows["keys"].push_back({std::string(1, key), January(static_cast<int>(random() % kDays)), "1"});
  }
  return rows;
}

/// Every kind of operator once.
std::vector<std::string> AllOperators() {
  return {R"({"op": "lag", "periods": 1})",
          R"({"op": "lag", "periods": 9, "value": "price"})",
          R"({"op": "as_of", "value": "rows"})",
          R"({"op": "difference", "periods": 3, "lag": 2})",
          R"({"op": "seasonal_lag", "season": 7})",
          R"({"op": "rolling", "statistic": "mean", "window": 5, "min_count": 2})",
          R"({"op": "rolling", "statistic": "std", "window": 9, "lag": 2, "min_count": 3})",
          R"({"op": "rolling", "statistic": "min", "window": 6, "min_count": 1})",
          R"({"op": "rolling", "statistic": "max", "window": 6, "lag": 3, "min_count": 1})",
          R"({"op": "rolling", "statistic": "median", "window": 8, "min_count": 1})",
          R"({"op": "rolling", "statistic": "sum", "window": 3, "min_count": 3, "value": "rows"})",
          R"({"op": "rolling", "statistic": "mean", "window": 40, "match": ["day_of_week",
              {"series": "plan", "value": "promo", "key": ["k"]}]})",
          R"({"op": "nonzero_share", "window": 6, "min_count": 1})",
          R"({"op": "periods_since", "limit": 30})",
          R"({"op": "periods_since", "limit": 30, "series": "plan", "value": "promo",
              "at": "target"})",
          R"({"op": "periods_until", "limit": 9, "series": "plan", "value": "promo"})",
          R"({"op": "time_since", "series": "keys", "value": "opened", "unit": "d"})",
          R"({"op": "calendar", "part": "iso_week", "at": "target"})",
          R"({"op": "subtract", "left": "f0", "right": "f5"})"};
}

/// The features of all keys at the starts of days `first` to `last`, `ahead` days before the
/// target.
std::vector<std::string> FeaturesOf(const FeatureBench& bench, int first, int last, int ahead) {
  FeatureComputer computer = bench.MakeComputer();
  std::vector<std::string> all;
  std::vector<Value> values(computer.feature_count());
  SeriesMask stale = 0;
  for (char key = 'a'; key <= 'e'; ++key) {
    const Table rows = bench.Request({{std::string(1, key), January(1), "-"}});
    computer.Select(bench.snapshots(), rows, 0);
    for (int day = first; day <= last; ++day) {
      const Instant origin = At(January(day));
      EXPECT_TRUE(computer.ComputeAt({.origin = origin, .target = origin + days(ahead - 1)}, values,
                                     stale));
      all.push_back(ShowAll(values));
    }
  }
  return all;
}

TEST(ForecastProperty, NoValueOfTheOriginsDayOrLaterIsRead) {
  for (unsigned seed = 0; seed < 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    auto rows = RandomPanel(random);
    rows["daily"].push_back({"a", January(kDays), "1", "1"});  // so that all grids end here
    FeatureBench bench(DailySalesWith(AllOperators()), rows);
    const int origin = 5 + static_cast<int>(random() % 50);
    const int ahead = 1 + static_cast<int>(random() % 7);
    const auto before = FeaturesOf(bench, 1, origin, ahead);
    // Every later sale gets the numbers of another, and there are more of them.
    std::vector<RowTexts> later;
    for (RowTexts& row : rows["daily"]) {
      if (row[1] < January(origin)) continue;  // ISO texts sort as their times do
      row[2] = std::to_string(1000 + random() % 1000);
      row[3] = "77";
      later.push_back(row);
    }
    for (const RowTexts& row : later) rows["daily"].push_back(row);
    const FeatureBench changed(DailySalesWith(AllOperators()), rows);
    ASSERT_EQ(FeaturesOf(changed, 1, origin, ahead), before);
    ASSERT_NE(FeaturesOf(changed, origin, kDays + 1, ahead),
              FeaturesOf(bench, origin, kDays + 1, ahead))
        << "nothing was changed, so nothing was shown";
  }
}

TEST(ForecastProperty, TrainingRowsEqualSingleRequests) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const FeatureBench bench(DailySalesWith(AllOperators()), RandomPanel(random));
    const auto training = FeaturesOf(bench, 1, kDays, 1);
    for (int i = 0; i < 15; ++i) {  // each with a computer of its own
      const auto key = static_cast<int>(random() % 5);
      const auto day = static_cast<int>(random() % kDays);
      const RowTexts request{std::string(1, static_cast<char>('a' + key)), January(1 + day), "-"};
      ASSERT_EQ(bench.Compute(request), training[static_cast<std::size_t>(key * kDays + day)])
          << request[0] << " " << request[1];
    }
  }
}

TEST(ForecastProperty, AssumedValuesReadAsIfTheyHadHappened) {
  std::vector<std::string> of_y;
  for (const std::string& feature : AllOperators()) {
    const bool is_of_y = feature.find("value\": \"price") == std::string::npos &&
                         feature.find("value\": \"rows") == std::string::npos &&
                         feature.find("time_since") == std::string::npos;
    if (is_of_y) of_y.push_back(feature);
  }
  of_y.back() = R"({"op": "subtract", "left": "f0", "right": "f3"})";
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    auto rows = RandomPanel(random);
    const int origin = kDays + 1;
    rows["daily"].push_back({"a", January(origin - 1), "3", "-"});
    const FeatureBench bench(DailySalesWith(of_y), rows);
    std::vector<double> assumed;
    for (std::uint64_t left = 1 + random() % 6; left > 0; --left) {
      assumed.push_back(static_cast<double>(random() % 30));
      rows["daily"].push_back({"a", January(origin - 1 + static_cast<int>(assumed.size())),
                               std::to_string(static_cast<int>(assumed.back())), "-"});
    }
    const FeatureBench happened(DailySalesWith(of_y), rows);
    const Instant target = At(January(origin)) + days(assumed.size());
    const RowTexts request{"a", January(1), "-"};
    ASSERT_EQ(ShowAll(bench.ComputeAt(
                  request, {.origin = At(January(origin)), .target = target, .assumed = assumed})),
              ShowAll(happened.ComputeAt(request, {.origin = target, .target = target})));
  }
}

// ---- an independent oracle: the window functions of SQLite ----

class Sqlite {
 public:
  Sqlite() {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
    database_.reset(database);
  }

  /// Rows of texts; "-" is NULL.
  std::vector<RowTexts> Run(const std::string& sql) {
    std::vector<RowTexts> rows;
    const auto collect = [](void* into, int count, char** columns, char**) {
      RowTexts& row = static_cast<std::vector<RowTexts>*>(into)->emplace_back();
      for (int i = 0; i < count; ++i) {
        row.emplace_back(columns[i] == nullptr ? "-" : columns[i]);  // NOLINT
      }
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database_.get(), sql.c_str(), collect, &rows, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_.get());
    return rows;
  }

 private:
  struct Closer {
    void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
  };
  std::unique_ptr<sqlite3, Closer> database_;
};

/// Days from January 1st, from each key's first to the one behind the last of all, with the sum of
/// their sales; NULL without any.
constexpr auto kGrid = R"(
  WITH RECURSIVE
  bounds AS (SELECT k, min(day) AS first, (SELECT max(day) FROM sales) + 1 AS last
             FROM sales GROUP BY k),
  grid AS (SELECT k, first AS day, last FROM bounds
           UNION ALL SELECT k, day + 1, last FROM grid WHERE day < last),
  y AS (SELECT grid.k, grid.day, sum(sales.y) AS y, count(sales.day) AS n
        FROM grid LEFT JOIN sales ON sales.k = grid.k AND sales.day = grid.day
        GROUP BY grid.k, grid.day)
)";

Sqlite Load(const std::vector<RowTexts>& sales) {
  Sqlite sqlite;
  sqlite.Run("CREATE TABLE sales(k TEXT, day INTEGER, y REAL)");
  for (const RowTexts& row : sales) {
    const auto day = std::chrono::floor<days>(At(row[1]) - At(January(0))).count();
    sqlite.Run("INSERT INTO sales VALUES('" + row[0] + "', " + std::to_string(day) + ", " +
               (row[2] == "-" ? "NULL" : row[2]) + ")");
  }
  return sqlite;
}

struct OracleCase {
  std::string name;
  std::string feature;
  std::string sql;  ///< Over the table y of kGrid and the windows below; the day is the target's.
};

void PrintTo(const OracleCase& one, std::ostream* out) { *out << one.name; }

class WindowOracle : public testing::TestWithParam<OracleCase> {};

TEST_P(WindowOracle, GivesTheSameFeatures) {
  const OracleCase& one = GetParam();
  for (unsigned seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto rows = RandomPanel(random);
    const FeatureBench bench(DailySalesWith({one.feature}), rows);
    const auto expected = Load(rows.at("daily"))
                              .Run(std::string(kGrid) + "SELECT y.k, y.day, " + one.sql +
                                   " FROM y WINDOW days AS (PARTITION BY y.k ORDER BY y.day),"
                                   " five AS (days ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING),"
                                   " older AS (days ROWS BETWEEN 9 PRECEDING AND 3 PRECEDING)"
                                   " ORDER BY y.k, y.day");
    ASSERT_GT(expected.size(), 200U);
    for (const RowTexts& row : expected) {
      const Instant day = At(January(std::atoi(row[1].c_str())));
      const Value value =
          bench.ComputeAt({row[0], January(1), "-"}, {.origin = day, .target = day}).front();
      ASSERT_EQ(Show(value) == "-", row[2] == "-") << row[0] << " " << row[1];
      if (row[2] == "-") continue;
      ASSERT_NEAR(std::get<double>(value), std::atof(row[2].c_str()), 1e-9)
          << row[0] << " " << row[1];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Features, WindowOracle,
    testing::Values(
        OracleCase{"Lag", R"({"op": "lag", "periods": 2})", "lag(y.y, 2) OVER days"},
        OracleCase{"LagOfACount", R"({"op": "lag", "periods": 1, "value": "rows"})",
                   "lag(y.n, 1) OVER days"},
        OracleCase{"Difference", R"({"op": "difference", "periods": 7, "lag": 1})",
                   "lag(y.y, 1) OVER days - lag(y.y, 8) OVER days"},
        OracleCase{"Mean", R"({"op": "rolling", "statistic": "mean", "window": 5, "min_count": 1})",
                   "avg(y.y) OVER five"},
        OracleCase{"MeanOfAFullWindow", R"({"op": "rolling", "statistic": "mean", "window": 5})",
                   "CASE WHEN count(y.y) OVER five = 5 THEN avg(y.y) OVER five END"},
        OracleCase{"MeanOfAnOlderWindow",
                   R"({"op": "rolling", "statistic": "mean", "window": 7, "lag": 3,
                       "min_count": 4})",
                   "CASE WHEN count(y.y) OVER older >= 4 THEN avg(y.y) OVER older END"},
        OracleCase{"Min", R"({"op": "rolling", "statistic": "min", "window": 5, "min_count": 1})",
                   "min(y.y) OVER five"},
        OracleCase{
            "Max",
            R"({"op": "rolling", "statistic": "max", "window": 7, "lag": 3, "min_count": 2})",
            "CASE WHEN count(y.y) OVER older >= 2 THEN max(y.y) OVER older END"},
        OracleCase{"Sum", R"({"op": "rolling", "statistic": "sum", "window": 5, "min_count": 1})",
                   "sum(y.y) OVER five"},
        OracleCase{"NonzeroShare", R"({"op": "nonzero_share", "window": 5, "min_count": 1})",
                   "avg(CASE WHEN y.y IS NULL THEN NULL ELSE y.y <> 0 END) OVER five"},
        OracleCase{"SeasonalLagByASelfJoin", R"({"op": "seasonal_lag", "season": 7})",
                   "(SELECT past.y FROM y AS past WHERE past.k = y.k AND past.day = y.day - 7)"}),
    [](const auto& param) { return param.param.name; });

/// SQLite has no standard deviation; the sums it is made of are exact, the sales being whole.
TEST(WindowOracle, GivesTheSameStandardDeviations) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto rows = RandomPanel(random);
    const FeatureBench bench(
        DailySalesWith({R"({"op": "rolling", "statistic": "std", "window": 9, "min_count": 2})"}),
        rows);
    const auto expected =
        Load(rows.at("daily"))
            .Run(std::string(kGrid) +
                 "SELECT k, day, count(y) OVER nine, sum(y) OVER nine, sum(y * y) OVER nine"
                 " FROM y WINDOW nine AS (PARTITION BY k ORDER BY day"
                 " ROWS BETWEEN 9 PRECEDING AND 1 PRECEDING) ORDER BY k, day");
    for (const RowTexts& row : expected) {
      const Instant day = At(January(std::atoi(row[1].c_str())));
      const Value value =
          bench.ComputeAt({row[0], January(1), "-"}, {.origin = day, .target = day}).front();
      const double n = std::atof(row[2].c_str());
      ASSERT_EQ(IsMissing(value), n < 2) << row[0] << " " << row[1];
      if (n < 2) continue;
      const double sum = std::atof(row[3].c_str());
      ASSERT_NEAR(std::get<double>(value),
                  std::sqrt((std::atof(row[4].c_str()) - sum * sum / n) / (n - 1)), 1e-9)
          << row[0] << " " << row[1];
    }
  }
}

/// Weeks and months of an aggregate, against SQLite's own calendar.
TEST(AggregateOracle, GivesTheSameSumsOfWeeksAndMonths) {
  const std::vector<std::pair<std::string, std::string>> periods{
      {"week", "date(at, '-6 days', 'weekday 1')"}, {"month", "date(at, 'start of month')"}};
  for (const auto& [period, start] : periods) {
    for (unsigned seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE(period + ", seed " + std::to_string(seed));
      Random random(seed);
      std::vector<RowTexts> sales;
      for (int i = 0; i < 400; ++i) {
        sales.push_back({std::string(1, static_cast<char>('a' + random() % 3)),
                         January(static_cast<int>(random() % 2000) - 1000),
                         std::to_string(random() % 20), "-"});
      }
      auto pipeline = DailySalesWith({R"({"op": "lag", "periods": 1})"});
      pipeline["series"]["daily"]["aggregate"]["period"] = period;
      pipeline["series"]["daily"]["aggregate"]["partial"] = "keep";
      const FeatureBench bench(pipeline, {{"daily", sales}});
      Sqlite sqlite;
      sqlite.Run("CREATE TABLE sales(k TEXT, at TEXT, y REAL)");
      for (const RowTexts& row : sales) {
        sqlite.Run("INSERT INTO sales VALUES('" + row[0] + "', '" + row[1].substr(0, 10) + "', " +
                   row[2] + ")");
      }
      const GridReader grid(bench.spec().series[0], bench.snapshots()[0], bench.spec().zone);
      std::size_t found = 0;
      for (const RowTexts& row : sqlite.Run(
               "SELECT k, " + start + " AS start, sum(y), count(*) FROM sales GROUP BY 1, 2")) {
        const Value key = std::string_view(row[0]);
        const std::size_t number = grid.FindKey(std::span(&key, 1)).value();
        const PeriodIndex index = grid.PeriodOf(At(row[1]));
        ASSERT_EQ(grid.StartOf(index), At(row[1]));
        ASSERT_EQ(grid.ValueIn(number, 0, index), std::atof(row[2].c_str())) << row[0] << row[1];
        ASSERT_EQ(grid.ValueIn(number, 2, index), std::atof(row[3].c_str())) << row[0] << row[1];
        ++found;
      }
      std::size_t held = 0;
      for (std::size_t key = 0; key < grid.key_count(); ++key) {
        for (const double value : grid.Values(key, 0)) held += std::isnan(value) ? 0 : 1;
      }
      ASSERT_EQ(held, found);
    }
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
