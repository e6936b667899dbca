#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <ostream>
#include <random>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_testing.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Random = std::mt19937_64;
using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;

const Instant kStart = At("2024-01-03");  // within a week, so that the first one is not full
constexpr int kShops = 6;

/// How a series is put on a grid.
struct Declared {
  std::string name;
  ordered_json aggregate;  // what it has besides "values"
  ordered_json series =
      ordered_json::object();  // what the series has besides table, key, time and staleness
};

void PrintTo(const Declared& one, std::ostream* out) { *out << one.name; }

PipelineSpec PipelineOf(const Declared& declared) {
  ordered_json series{
      {"table", "sales"}, {"key", {"shop"}}, {"time", "at"}, {"max_staleness", "unlimited"}};
  series.update(declared.series);
  series["aggregate"] = {
      {"values",
       {{"sum", {{"op", "sum"}, {"column", "sold"}, {"empty", 0}}},
        {"known", {{"op", "sum"}, {"column", "sold"}, {"empty", 0}, {"censored", "most"}}},
        {"mean", {{"op", "mean"}, {"column", "sold"}, {"empty", "missing"}}},
        {"least", {{"op", "min"}, {"column", "sold"}, {"empty", "previous"}}},
        {"most", {{"op", "max"}, {"column", "pieces"}, {"empty", "missing"}}},
        {"first", {{"op", "first"}, {"column", "sold"}, {"empty", "missing"}}},
        {"last", {{"op", "last"}, {"column", "pieces"}, {"empty", "previous"}}},
        {"sales", {{"op", "count"}, {"empty", 0}}}}}};
  series["aggregate"].update(declared.aggregate);
  return ParsePipeline(
      {{"name", "shop"},
       {"version", "1"},
       {"tables",
        {{"sales",
          {{"columns",
            {{"shop", "text"},
             {"at", "timestamp"},
             {"known", "timestamp"},
             {"sold", {{"type", "double"}, {"nullable", true}}},
             {"pieces", {{"type", "int64"}, {"nullable", true}}}}}}}}},
       {"series", {{"history", series}}},
       {"request", {{"fields", {{"shop", "text"}, {"at", "timestamp"}}}, {"time", "at"}}},
       {"features",
        {{{"name", "sum"},
          {"op", "as_of"},
          {"series", "history"},
          {"value", "sum"},
          {"key", {"shop"}},
          {"missing", "keep"}}}}});
}

/// Sales up to `now`, most of the last days, some late, some far ahead.
Table RandomSales(const PipelineSpec& spec, std::size_t count, Instant now, Random& random) {
  Table rows(spec.tables.front().schema);
  for (std::size_t i = 0; i < count; ++i) {
    const auto past = std::chrono::duration_cast<hours>(now - kStart).count();
    const auto back = static_cast<std::int64_t>(random() % (random() % 3 == 0 ? past + 1 : 48));
    const bool is_ahead = random() % 25 == 0;
    const Instant at = is_ahead ? now + hours(random() % 400) : now - hours(std::min(back, past));
    rows.column(0).AppendText("shop" + std::to_string(random() % kShops));
    rows.column(1).AppendTimestamp(at);
    rows.column(2).AppendTimestamp(at + hours(random() % 4 == 0 ? random() % 600 : random() % 20));
    if (random() % 5 == 0) {
      rows.column(3).AppendMissing();
    } else {
      rows.column(3).AppendDouble(0.1 * static_cast<double>(random() % 100));
    }
    if (random() % 5 == 0) {
      rows.column(4).AppendMissing();
    } else {
      rows.column(4).AppendInt64(static_cast<std::int64_t>(random() % 9));
    }
  }
  return rows;
}

/// A store and what is published of it; the oracle is a full build of the rows that it has.
class GridIncrementsProperty : public testing::TestWithParam<Declared> {
 protected:
  GridIncrementsProperty() : spec_(PipelineOf(GetParam())) { Reset(); }

  void Reset() {
    dao_.reset();
    fs::remove_all(folder_.path() / "s.db");
    fs::remove_all(published());
    dao_ =
        *OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate);
    ASSERT_TRUE(dao_->EnsureTable(spec_.tables.front()).ok());
    now_ = kStart + days(40);
  }
  void TakeIn(std::size_t count, Random& random) {
    std::size_t failed_row = 0;
    const Table rows = RandomSales(spec_, count, now_, random);
    ASSERT_TRUE(dao_->Append(spec_.tables.front(), rows, OnConflict::kRefuse, failed_row).ok());
  }
  PublishedSeries Publish() { return PublishIn(published(), {}); }
  /// The bytes of what is published, and of the same published anew, elsewhere.
  std::string Published() { return BytesIn(published()); }
  std::string FullBuild() {
    const fs::path elsewhere = folder_.path() / "oracle";
    fs::remove_all(elsewhere);
    PublishIn(elsewhere, {.what = Publishing::kWhole});
    return BytesIn(elsewhere);
  }
  PublishedSeries PublishIn(const fs::path& folder, const PublishOptions& options) {
    const auto report = PublishSnapshots(*dao_, spec_, folder, now_, options);
    if (!report) throw std::runtime_error(report.error().message);
    return report->front();
  }
  std::string BytesIn(const fs::path& folder) {
    const auto opened = OpenSnapshots(spec_, folder);
    if (!opened) throw std::runtime_error(opened.error().message);
    EXPECT_TRUE(opened->front().runs().empty());
    return std::string(opened->front().base().bytes());
  }
  [[nodiscard]] fs::path published() const { return folder_.path() / "published"; }
  /// The one file of cells that is published.
  [[nodiscard]] fs::path Cells() const {
    fs::path found;
    for (const fs::directory_entry& entry : fs::directory_iterator(published())) {
      if (entry.path().extension() != ".cells") continue;
      EXPECT_TRUE(found.empty()) << "two files of cells";
      found = entry.path();
    }
    return found;
  }

  const TempFolder folder_;
  const PipelineSpec spec_;
  std::unique_ptr<TableDao> dao_;
  Instant now_{};
};

TEST_P(GridIncrementsProperty, AreByteByByteAFullBuildAfterEveryPublication) {
  std::size_t changed = 0;
  for (unsigned seed = 0; seed < 4 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Reset();
    TakeIn(seed == 0 ? 0 : 200 + random() % 100, random);
    ASSERT_TRUE(Publish().is_whole);
    for (int batch = 0; batch < 12 && !HasFailure(); ++batch) {
      // Clocks move on, and sometimes back.
      if (random() % 3 != 0) now_ += hours(random() % 100);
      if (random() % 6 == 0) now_ -= hours(random() % 60);
      const std::string before = Published();
      TakeIn(random() % 30, random);
      const PublishedSeries report = Publish();
      EXPECT_FALSE(report.is_whole) << report.why_whole;
      const std::string after = Published();
      ASSERT_TRUE(after == FullBuild()) << "batch " << batch;
      if (after != before) ++changed;
    }
  }
  EXPECT_GE(changed, 8U);
}

TEST_P(GridIncrementsProperty, BeginAnewWhereTheirCellsAreDamagedOrGone) {
  Random random(1);
  TakeIn(100, random);
  Publish();
  const fs::path cells = Cells();
  std::fstream(cells, std::ios::in | std::ios::out | std::ios::binary).seekp(100).put('#');
  TakeIn(20, random);
  const PublishedSeries after_damage = Publish();
  EXPECT_TRUE(after_damage.is_whole);
  EXPECT_THAT(after_damage.why_whole, HasSubstr(cells.string() + ": checksum mismatch"));
  EXPECT_EQ(Published(), FullBuild());

  fs::remove(Cells());
  TakeIn(20, random);
  EXPECT_TRUE(Publish().is_whole);
  EXPECT_EQ(Published(), FullBuild());
  TakeIn(20, random);
  EXPECT_FALSE(Publish().is_whole);
  EXPECT_EQ(Published(), FullBuild());
}

const ordered_json kKnownAt{{"known_at", "known"}};

INSTANTIATE_TEST_SUITE_P(
    Series, GridIncrementsProperty,
    testing::Values(
        Declared{"DaysToTheLastRow", {{"period", "day"}, {"until", "last_row"}}},
        Declared{"WeeksJudged", {{"period", "week"}}},
        Declared{"WeeksKept", {{"period", "week"}, {"partial", "keep"}, {"until", "last_full"}}},
        Declared{"DaysUntilToday", {{"period", "day"}, {"until", "today"}}},
        Declared{"WeeksUntilToday", {{"period", "week"}, {"until", "today"}}},
        Declared{"WeeksUntilADate", {{"period", "week"}, {"until", "2024-02-14"}}},
        Declared{
            "MonthsOfAllKeys",
            {{"period", "month"}, {"from", "all"}, {"partial", "keep"}, {"until", "last_row"}}},
        Declared{"DaysOfEachKey", {{"period", "day"}, {"to", "key"}}},
        Declared{"HoursJudged", {{"period", "hour"}}},
        Declared{"DaysAfterADelay", {{"period", "day"}}, {{"delay", "6h"}}},
        Declared{"DaysWhenKnown", {{"period", "day"}, {"until", "last_row"}}, kKnownAt},
        Declared{"WeeksWhenKnown", {{"period", "week"}}, kKnownAt},
        Declared{"DaysUntilTodayWhenKnown", {{"period", "day"}, {"until", "today"}}, kKnownAt}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
