#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/features/forecast_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using Random = std::mt19937_64;
using nlohmann::ordered_json;
using std::chrono::days;

constexpr int kDays = 120;

int Between(Random& random, int least, int most) {
  return least + static_cast<int>(random() % static_cast<std::uint64_t>(most - least + 1));
}

std::string OneOf(Random& random, const std::vector<std::string>& words) {
  return words[random() % words.size()];
}

/// Numbers whose sum depends on the order in which they are added.
std::string AnyAmount(Random& random) {
  return fmt::format("{}", static_cast<double>(random() % 1'000'000) / 7);
}

/// Sales of a few keys: of some every day, of others on random days; here and there of no amount.
/// With `is_revised` some become known days later.
FeatureBench::SeriesRows RandomPanel(Random& random, bool is_revised) {
  FeatureBench::SeriesRows rows;
  for (int key = 0; key < 4; ++key) {
    const std::string name(1, static_cast<char>('a' + key));
    const int first = Between(random, 1, 40);
    for (int day = first; day <= kDays; ++day) {
      if (key % 2 == 1 && random() % 3 == 0) continue;
      for (int sale = Between(random, 1, 2); sale > 0; --sale) {
        RowTexts row{name, January(day), random() % 20 == 0 && key > 0 ? "-" : AnyAmount(random),
                     random() % 4 == 0 ? "-" : AnyAmount(random)};
        // In the order of the series' columns: key, time, known_at, values.
        if (is_revised) {
          row.insert(row.begin() + 2,
                     January(day + (random() % 6 == 0 ? Between(random, 2, 9) : 1)));
        }
        rows["daily"].push_back(row);
      }
    }
    for (int day = 1; day <= kDays + 20; ++day) {
      if (random() % 8 == 0) continue;
      rows["plan"].push_back({name, January(day), random() % 4 == 0 ? "1" : "0"});
      if (random() % 9 != 0) continue;
      rows["holidays"].push_back({name, January(day), January(day - Between(random, 0, 30)),
                                  fmt::format("feast {}", random() % 3)});
    }
    if (key < 3) {
      rows["keys"].push_back({name, January(Between(random, 1, kDays)), AnyAmount(random)});
    }
  }
  return rows;
}

/// A feature of any kind, with whatever it can be told.
ordered_json AnyFeature(Random& random, std::size_t numbers_before) {
  const std::string at = random() % 2 == 0 ? "origin" : "target";
  const std::string value = OneOf(random, {"y", "y", "y", "price", "rows"});
  const int window = Between(random, 1, 30);
  const int least = Between(random, 1, window);
  switch (random() % (numbers_before > 0 ? 15 : 14)) {
    case 0:
      return {{"op", "lag"}, {"periods", Between(random, 1, 40)}, {"value", value}};
    case 1:
      return {{"op", "difference"},
              {"periods", Between(random, 1, 9)},
              {"lag", Between(random, 1, 9)},
              {"value", value}};
    case 2:
      return {{"op", "seasonal_lag"},
              {"season", Between(random, 1, 9)},
              {"seasons", Between(random, 1, 3)},
              {"value", value}};
    case 3:
    case 4:
    case 5:
      return {{"op", "rolling"},
              {"value", value},
              {"window", window},
              {"statistic", OneOf(random, {"mean", "std", "min", "max", "median", "sum"})},
              {"lag", Between(random, 1, 9)},
              {"min_count", random() % 2 == 0 ? window : least}};
    case 6:
      return {{"op", "rolling"},
              {"value", value},
              {"window", window},
              {"statistic", "mean"},
              {"match", {OneOf(random, {"day_of_week", "month"})}}};
    case 7:
      return {{"op", "nonzero_share"}, {"value", value}, {"window", window}, {"min_count", least}};
    case 8:
      return {{"op", "periods_since"}, {"value", value}, {"limit", Between(random, 1, 20)}};
    case 9:
      return {{"op", "periods_until"},
              {"series", "plan"},
              {"value", "promo"},
              {"limit", Between(random, 1, 20)}};
    case 10:
      return {{"op", "lag"},
              {"series", "plan"},
              {"value", "promo"},
              {"at", at},
              {"periods", Between(random, 1, 5)}};
    case 11:
      return {{"op", "as_of"},
              {"series", "holidays"},
              {"value", "holiday"},
              {"at", at},
              {"strict", random() % 2 == 0}};
    case 12:
      return random() % 2 == 0
                 ? ordered_json{{"op", "as_of"}, {"series", "keys"}, {"value", "size"}}
                 : ordered_json{{"op", "time_since"},
                                {"series", "keys"},
                                {"value", "opened"},
                                {"unit", "d"}};
    case 13:
      return {{"op", "calendar"},
              {"at", at},
              {"part", OneOf(random, {"day_of_week", "iso_week", "month", "day_of_year"})}};
    default:
      return {{"op", OneOf(random, {"subtract", "divide", "multiply"})},
              {"left", fmt::format("n{}", random() % numbers_before)},
              {"right", fmt::format("n{}", random() % numbers_before)}};
  }
}

/// What becomes of a feature that is missing: mostly it stays so, else all rows would be refused.
void SayWhenMissing(Random& random, ordered_json& feature) {
  if (feature["op"] == "calendar") return;
  const bool is_text = feature["op"] == "as_of" && feature["series"] == "holidays";
  switch (random() % 6) {
    case 0:
      feature["missing"] = {{"value", is_text ? ordered_json("none") : ordered_json(-1.5)}};
      return;
    case 1:
      feature["missing"] = "error";
      return;
    default:
      feature["missing"] = "keep";
  }
}

ordered_json AnyPipeline(Random& random, bool is_revised) {
  ordered_json pipeline = DailySales();
  pipeline["tables"]["sales"]["columns"]["known"] = "timestamp";
  ordered_json& series = pipeline["series"];
  if (is_revised) series["daily"]["known_at"] = "known";
  for (const char* const name : {"daily", "plan", "holidays"}) {
    if (random() % 4 != 0) continue;
    series[name]["max_staleness"] = fmt::format("{}d", Between(random, 1, 20));
    series[name]["when_stale"] = OneOf(random, {"flag", "refuse"});
  }
  if (random() % 4 == 0) {
    series["holidays"]["max_age"] = "9d";
    series["holidays"]["when_stale"] = OneOf(random, {"flag", "refuse"});
  }
  std::size_t numbers = 0;
  for (int count = Between(random, 1, 12); count > 0; --count) {
    ordered_json feature = AnyFeature(random, numbers);
    const bool is_text = feature["op"] == "as_of" && feature["series"] == "holidays";
    const bool reads = feature["op"] != "calendar" && !feature.contains("left");
    if (reads && !feature.contains("series")) feature["series"] = "daily";
    if (reads) feature["key"] = {"k"};
    feature["name"] = is_text ? fmt::format("t{}", count) : fmt::format("n{}", numbers++);
    SayWhenMissing(random, feature);
    pipeline["features"].push_back(feature);
  }
  return pipeline;
}

/// Days of which each is a moment's origin: one after the other, with gaps, or in any order.
std::vector<FeatureMoment> AnyMoments(Random& random) {
  std::vector<FeatureMoment> moments;
  const int ahead = Between(random, 0, 9);
  const bool has_gaps = random() % 3 == 0;
  for (int day = Between(random, 1, 60); day < kDays + 5; ++day) {
    if (has_gaps && random() % 3 == 0) continue;
    const Instant origin = At(January(day));
    moments.push_back({.origin = origin, .target = origin + days(ahead)});
  }
  if (random() % 5 == 0) std::ranges::shuffle(moments, random);
  return moments;
}

/// A value with all its bits.
std::string Bits(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    return fmt::format("{:016x}", std::bit_cast<std::uint64_t>(*number));
  }
  return Show(value);
}

std::string Told(const Error& error) {
  return fmt::format("{} {}: {}", static_cast<int>(error.code), error.field, error.message);
}

/// What the columns say of a row, as far as ComputeAt() says it, too; or that they differ.
std::string Difference(const FeatureColumns& columns, std::size_t row,
                       std::span<const Value> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const FeatureColumn& column = columns.column(i);
    const Value expected = column.is_number && !IsMissing(values[i])
                               ? Value(FeatureColumn::NumberIn(values[i]))
                               : values[i];
    if (Bits(column.ValueAt(row)) == Bits(expected)) continue;
    return fmt::format("feature {} of row {}: {} by column, {} by row", i, row,
                       Show(column.ValueAt(row)), Show(values[i]));
  }
  return {};
}

class Panels : public testing::TestWithParam<int> {};

TEST_P(Panels, GiveByColumnWhatTheyGiveRowByRow) {
  Random random(static_cast<std::uint64_t>(GetParam()));
  const bool is_revised = random() % 3 == 0;
  const ordered_json pipeline = AnyPipeline(random, is_revised);
  SCOPED_TRACE(pipeline["features"].dump());
  const FeatureBench bench(pipeline, RandomPanel(random, is_revised));
  FeatureComputer by_column = bench.MakeComputer();
  FeatureComputer by_row = bench.MakeComputer();
  const std::vector<FeatureMoment> moments = AnyMoments(random);
  const FeatureMoments prepared = by_column.Prepare(moments);
  std::vector<Value> values(by_row.feature_count());
  FeatureColumns columns;
  for (const char* const key : {"a", "b", "c", "d", "unknown", "-"}) {
    const Table rows = bench.Request({{key, January(1), "-"}});
    by_column.Select(bench.snapshots(), rows, 0);
    by_row.Select(bench.snapshots(), rows, 0);
    for (std::size_t first = 0; first < moments.size();) {
      const std::size_t count = std::min<std::size_t>(
          static_cast<std::size_t>(Between(random, 1, 70)), moments.size() - first);
      by_column.ComputeColumns(prepared, first, count, columns);
      ASSERT_EQ(columns.row_count(), count);
      std::size_t refused = 0;
      for (std::size_t row = 0; row < count; ++row) {
        SeriesMask stale = 0;
        const Status computed = by_row.ComputeAt(moments[first + row], values, stale);
        if (computed) {
          ASSERT_EQ(Difference(columns, row, values), "") << key;
          continue;
        }
        ASSERT_LT(refused, columns.refused().size()) << Told(computed.error());
        ASSERT_EQ(columns.refused()[refused].row, row);
        ASSERT_EQ(Told(columns.refused()[refused].error), Told(computed.error()));
        ++refused;
      }
      ASSERT_EQ(refused, columns.refused().size());
      first += count;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Panels, testing::Range(0, 80));

}  // namespace
}  // namespace forkcast::preprocessing
