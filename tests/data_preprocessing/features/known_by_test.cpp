#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/features/feature_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;
using std::chrono::hours;
using std::chrono::minutes;

/// A level that says when it was known, a price that is known six hours later, and the hour.
ordered_json Pipeline() {
  return ordered_json::parse(R"({
    "name": "p", "version": "1",
    "tables": {
      "levels": {"columns": {"sku": "text", "at": "timestamp", "known": "timestamp",
                             "level": "int64"}},
      "prices": {"columns": {"sku": "text", "at": "timestamp", "price": "double"}}},
    "series": {
      "levels": {"table": "levels", "key": ["sku"], "time": "at", "known_at": "known",
                 "values": ["level"], "max_staleness": "1d", "when_stale": "flag"},
      "prices": {"table": "prices", "key": ["sku"], "time": "at", "delay": "6h",
                 "values": ["price"], "max_staleness": "2d", "when_stale": "refuse"}},
    "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
    "features": [
      {"op": "as_of", "series": "levels", "value": "level", "missing": {"value": -1}},
      {"op": "as_of", "series": "prices", "value": "price", "missing": "keep"},
      {"name": "hour", "op": "calendar", "part": "hour"}]
  })");
}

const Instant kStart = *ParseTimestamp("2024-01-01", {});
constexpr int kDays = 12;

/// A row of either series, and from when it counts.
struct Row {
  std::string series;
  RowTexts texts;
  Instant counts_from;
};

/// Times that hardly ever meet: of equal ones, the rows that were overtaken are not kept.
std::vector<Row> RandomRows(std::mt19937_64& random) {
  const auto any_time = [&random] { return kStart + minutes(random() % (kDays * 24 * 60)); };
  std::vector<Row> rows;
  for (int i = 0; i < 60; ++i) {
    const std::string sku = fmt::format("s{}", random() % 3);
    const Instant at = any_time();
    const Instant known = at + hours(random() % 48);  // of plans WatermarkBy() says less
    rows.push_back(
        {.series = "levels",
         .texts = {sku, IsoTimestamp(at), IsoTimestamp(known), fmt::format("{}", random() % 100)},
         .counts_from = known});
    const Instant priced = any_time();
    rows.push_back({.series = "prices",
                    .texts = {sku, IsoTimestamp(priced), fmt::format("{}.25", random() % 9)},
                    .counts_from = priced + hours(6)});
  }
  return rows;
}

FeatureBench BenchOf(const std::vector<Row>& rows, std::optional<Instant> until) {
  FeatureBench::SeriesRows by_series;
  for (const Row& row : rows) {
    if (!until || row.counts_from <= *until) by_series[row.series].push_back(row.texts);
  }
  return {Pipeline(), by_series};
}

class KnownBy : public testing::TestWithParam<int> {};

TEST_P(KnownBy, ReadsAsIfThereWereOnlyTheRowsThatCountedThen) {
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  const std::vector<Row> rows = RandomRows(random);
  const FeatureBench all = BenchOf(rows, std::nullopt);
  FeatureComputer computer = all.MakeComputer();
  for (int i = 0; i < 12; ++i) {
    const Instant known_by = kStart + minutes(random() % ((kDays + 2) * 24 * 60));
    const FeatureBench then = BenchOf(rows, known_by);
    for (int j = 0; j < 12; ++j) {
      // Before and behind that instant.
      const Instant at = known_by + hours(random() % 120) - hours(72);
      const Table request = all.Request({{fmt::format("s{}", random() % 4), IsoTimestamp(at)}});
      FeatureMoment moment = computer.MomentOf(request, 0, {});
      moment.known_by = known_by;
      FeatureComputer of_then = then.MakeComputer();
      ASSERT_EQ(all.ComputeShown(computer, request, 0, moment), then.Compute(of_then, request, 0))
          << "asked about " << IsoTimestamp(at) << " as of " << IsoTimestamp(known_by);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KnownBy, testing::Range(1, 9));

/// The newest of all rows is of the third day.
struct WatermarkCase {
  const char* name;
  const char* time;
  const char* expected;
};
void PrintTo(const WatermarkCase& one, std::ostream* out) { *out << one.name; }
class WatermarkBy : public testing::TestWithParam<WatermarkCase> {};

TEST_P(WatermarkBy, IsTheNewestInstantThatIsNotLater) {
  const FeatureBench bench(
      Pipeline(),
      {{"levels", {{"a", "2024-01-01", "2024-01-03", "1"}, {"b", "2024-01-02", "2024-01-01", "2"}}},
       {"prices", {{"a", "2024-01-01", "1"}, {"b", "2024-01-02", "2"}}}});
  std::string shown;
  for (const Snapshot& snapshot : bench.snapshots()) {
    const auto watermark = snapshot.WatermarkBy(*ParseTimestamp(GetParam().time, {}));
    shown += (watermark ? IsoTimestamp(*watermark) : "none") + " ";
  }
  EXPECT_EQ(shown, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Times, WatermarkBy,
    testing::Values(
        WatermarkCase{"BeforeAll", "2024-01-01", "none none "},
        WatermarkCase{"BetweenThem", "2024-01-02", "2024-01-02T00:00:00Z 2024-01-01T06:00:00Z "},
        WatermarkCase{"JustBeforeTheDelayIsOver", "2024-01-02 05:59:59",
                      "2024-01-02T00:00:00Z 2024-01-01T06:00:00Z "},
        WatermarkCase{"BehindAll", "2024-02-01", "2024-01-03T00:00:00Z 2024-01-02T06:00:00Z "}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::preprocessing
