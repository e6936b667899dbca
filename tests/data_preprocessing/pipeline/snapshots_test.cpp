#include "data_preprocessing/pipeline/snapshots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_testing.hpp"
#include "data_preprocessing/source/ingest.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

ordered_json Shop() {
  return ordered_json::parse(R"({
    "name": "shop", "version": "1",
    "tables": {
      "orders": {"columns": {"id": "text", "sku": "text", "at": "timestamp", "late": "bool"},
                 "key": ["id"]},
      "levels": {"columns": {"sku": "text", "at": "timestamp", "level": "int64"}}
    },
    "series": {
      "levels": {"table": "levels", "key": ["sku"], "time": "at", "values": ["level"],
                 "max_staleness": "unlimited"}
    },
    "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
    "features": [
      {"name": "level", "op": "as_of", "series": "levels", "value": "level", "key": ["sku"]}
    ],
    "training": {"table": "orders", "label": "late"}
  })");
}

/// A series over a query that names these columns.
ordered_json ShopWithQuery(const std::string& sql, const ordered_json& columns) {
  ordered_json shop = Shop();
  shop["series"]["orders"] = {{"query", sql}, {"columns", columns}, {"key", {"sku"}},
                              {"time", "at"}, {"values", {"n"}},    {"max_staleness", "unlimited"}};
  return shop;
}

/// A store with one order and two levels.
class SnapshotsTest : public testing::Test {
 protected:
  SnapshotsTest() {
    const PipelineSpec spec = ParsePipeline(Shop());
    Take(spec, "orders", "id,sku,at,late\n1,a,2024-01-02,true\n");
    Take(spec, "levels", "sku,at,level\na,2024-01-01,5\na,2024-01-03,6\n");
  }

  void Take(const PipelineSpec& spec, const std::string& table, const std::string& csv) {
    const auto declared = std::ranges::find(spec.tables, table, &TableSpec::name);
    ASSERT_TRUE(dao_->Begin().ok());
    const auto report = IngestFile(*dao_, *declared, folder_.Write(table + ".csv", csv), spec.zone,
                                   {.on_other_contents = OnOtherContents::kAppend}, {});
    ASSERT_TRUE(report.ok()) << report.error().message;
    ASSERT_TRUE(dao_->Commit().ok());
  }
  [[nodiscard]] fs::path published() const { return folder_.path() / "published"; }
  [[nodiscard]] auto Publish(const PipelineSpec& spec) {
    return PublishSnapshots(*dao_, spec, published(), now_);
  }

  Instant now_ = SystemClock().Now();
  const TempFolder folder_;
  const std::unique_ptr<TableDao> dao_ =
      *OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate);
};

TEST_F(SnapshotsTest, HoldTheRowsOfTheStore) {
  const PipelineSpec spec = ParsePipeline(Shop());
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_EQ(report->size(), 1U);
  EXPECT_EQ(report->front().series, "levels");
  EXPECT_EQ(report->front().report.rows, 2U);
  const auto opened = OpenSnapshots(spec, published());
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(ValueAsOf(opened->front(), "a", At("2024-01-02")), "5");
  EXPECT_EQ(ValueAsOf(opened->front(), "a", At("2024-01-03")), "6");
}

TEST_F(SnapshotsTest, ThatWereNeverPublishedSayToRunIngest) {
  const auto opened = OpenSnapshots(ParsePipeline(Shop()), published());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(opened.error().field, "levels");
  EXPECT_THAT(opened.error().message,
              AllOf(HasSubstr(published().string()), HasSubstr("\"levels\""),
                    HasSubstr("run forkcast ingest")));
}

TEST_F(SnapshotsTest, ThatAreDamagedAreNamedAndRefused) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const fs::path path = SnapshotPath(published(), spec.series[0], spec.zone);
  std::string bytes = ReadWhole(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  const auto opened = OpenSnapshots(spec, published());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr(path.string()), HasSubstr("checksum")));
}

TEST_F(SnapshotsTest, OfAnotherVersionAreNamedAndMadeAnewByTheNextIngest) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const fs::path path = SnapshotPath(published(), spec.series[0], spec.zone);
  std::string bytes = ReadWhole(path);
  bytes[8] = 99;  // behind the magic: the version
  std::ofstream(path, std::ios::binary) << bytes;
  const auto opened = OpenSnapshots(spec, published());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr(path.string()),
                                            HasSubstr("snapshot version 99"), HasSubstr("ingest")));
  ASSERT_TRUE(Publish(spec).ok());
  EXPECT_TRUE(OpenSnapshots(spec, published()).ok());
}

TEST_F(SnapshotsTest, ThatAreDamagedAreMadeAnewByTheNextIngest) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const fs::path path = SnapshotPath(published(), spec.series[0], spec.zone);
  std::string bytes = ReadWhole(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_THAT(report->front().why_whole, AllOf(HasSubstr(path.string()), HasSubstr("checksum")));
  EXPECT_TRUE(OpenSnapshots(spec, published()).ok());
}

TEST_F(SnapshotsTest, OfOneNameAndTwoDefinitionsLiveSideBySide) {
  ordered_json late = Shop();
  late["series"]["levels"]["delay"] = "1d";
  const PipelineSpec first = ParsePipeline(Shop());
  const PipelineSpec second = ParsePipeline(late);
  ASSERT_TRUE(Publish(first).ok());
  ASSERT_TRUE(Publish(second).ok());
  const auto now = OpenSnapshots(first, published());
  const auto then = OpenSnapshots(second, published());
  ASSERT_TRUE(now.ok()) << now.error().message;
  ASSERT_TRUE(then.ok()) << then.error().message;
  EXPECT_EQ(ValueAsOf(now->front(), "a", At("2024-01-01")), "5");
  EXPECT_EQ(ValueAsOf(then->front(), "a", At("2024-01-01")), "none");
}

TEST_F(SnapshotsTest, OfOnePoolShareTheirMapping) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  SnapshotPool pool;
  const auto first = pool.Open(spec, published());
  const auto second = pool.Open(spec, published());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->front().base().bytes().data(), second->front().base().bytes().data());
  const auto apart = OpenSnapshots(spec, published());
  ASSERT_TRUE(apart.ok());
  EXPECT_NE(first->front().base().bytes().data(), apart->front().base().bytes().data());
}

TEST_F(SnapshotsTest, OfOnePoolOutliveIt) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const auto opened = SnapshotPool().Open(spec, published());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(ValueAsOf(opened->front(), "a", At("2024-01-02")), "5");
}

TEST_F(SnapshotsTest, OfPipelinesThatDeclareASeriesAlikeAreOneFile) {
  ordered_json other = Shop();
  other["name"] = "another";
  other["series"]["levels"]["max_staleness"] = "1d";
  other["series"]["levels"]["when_stale"] = "flag";
  const PipelineSpec first = ParsePipeline(Shop());
  const PipelineSpec second = ParsePipeline(other);
  EXPECT_EQ(SnapshotPath(published(), first.series[0], first.zone),
            SnapshotPath(published(), second.series[0], second.zone));
}

TEST_F(SnapshotsTest, MayReadAQueryThatLeavesTheLabelAlone) {
  const PipelineSpec spec = ParsePipeline(
      ShopWithQuery("SELECT sku, at, count(*) OVER (PARTITION BY sku) AS n FROM orders",
                    {{"sku", "text"}, {"at", "timestamp"}, {"n", "int64"}}));
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(ValueAsOf(OpenSnapshots(spec, published())->at(1), "a", At("2024-01-02")), "1");
}

/// A second series over the rows of the first.
ordered_json ShopWithTwin() {
  return ShopWithQuery("SELECT sku, at, level AS n FROM levels",
                       {{"sku", "text"}, {"at", "timestamp"}, {"n", "int64"}});
}

TEST_F(SnapshotsTest, AreAllPublishedOrNone) {
  const auto report =
      Publish(ParsePipeline(ShopWithQuery("SELECT sku, at, late AS n FROM orders",
                                          {{"sku", "text"}, {"at", "timestamp"}, {"n", "int64"}})));
  ASSERT_FALSE(report.ok());
  EXPECT_TRUE(fs::is_empty(published()));
}

/// A pool keeps what it opened, but not beyond the next publication: what is opened beside it would
/// be of another one.
TEST_F(SnapshotsTest, OfAPoolAreSharedUntilOthersArePublished) {
  const PipelineSpec spec = ParsePipeline(ShopWithTwin());
  ASSERT_TRUE(Publish(spec).ok());
  SnapshotPool pool;
  const auto first = pool.Open(spec, published());
  const auto shared = pool.Open(spec, published());
  EXPECT_EQ(first->at(0).base().bytes().data(), shared->at(0).base().bytes().data());
  EXPECT_EQ(pool.TakeSeen().size(), 8U);
  EXPECT_TRUE(pool.TakeSeen().empty());
  Take(spec, "levels", "sku,at,level\na,2024-02-01,7\n");
  ASSERT_TRUE(Publish(spec).ok());
  const auto next = pool.Open(spec, published());
  EXPECT_EQ(next->at(0).row_count(), first->at(0).row_count() + 1);
  EXPECT_EQ(next->at(1).row_count(), first->at(1).row_count() + 1);
}

/// Whoever opens them while others are published gets those of one publication.
TEST_F(SnapshotsTest, AreOpenedAsTheyWerePublishedTogether) {
  const PipelineSpec spec = ParsePipeline(ShopWithTwin());
  ASSERT_TRUE(Publish(spec).ok());
  std::atomic<bool> over = false;
  std::thread publisher([&] {
    for (int i = 0; i < 40; ++i) {
      Take(spec, "levels",
           "sku,at,level\na,2024-02-01 00:00:0" + std::to_string(i % 10) + "," + std::to_string(i) +
               "\n");
      EXPECT_TRUE(Publish(spec).ok());
    }
    over = true;
  });
  std::uint64_t most = 0;
  while (!over) {
    const auto opened = OpenSnapshots(spec, published());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(opened->at(0).row_count(), opened->at(1).row_count());
    most = std::max(most, opened->at(0).row_count());
  }
  publisher.join();
  EXPECT_GT(most, 2U);
}

/// Every publication of new rows is a run, whatever the sizes.
constexpr PublishOptions kInRuns{.policy = {.base_share = 1, .small_base = 1}};

TEST_F(SnapshotsTest, OfNewRowsAloneStandOnTheBaseThatAPoolHas) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  SnapshotPool pool;
  const auto before = pool.Open(spec, published());
  Take(spec, "levels", "sku,at,level\nb,2024-02-01,7\n");
  const auto report = PublishSnapshots(*dao_, spec, published(), now_, kInRuns);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->front().is_whole);
  EXPECT_EQ(report->front().new_rows, 1U);
  EXPECT_EQ(report->front().runs, 1U);
  EXPECT_EQ(report->front().report.keys, 2U);
  EXPECT_EQ(report->front().report.rows, 3U);
  const auto after = pool.Open(spec, published());
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(after->front().base().bytes().data(), before->front().base().bytes().data());
  EXPECT_EQ(ValueAsOf(after->front(), "b", At("2024-02-01")), "7");
  EXPECT_EQ(ValueAsOf(before->front(), "b", At("2024-02-01")), "none");
}

TEST_F(SnapshotsTest, OfNothingNewAreTheSameFilesWithANewerList) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const SeriesFiles files(published(), spec.series[0], spec.zone);
  const FileIdentity base = FileIdentity::At(files.base());
  const FileIdentity list = FileIdentity::At(files.list());
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->front().is_whole);
  EXPECT_EQ(report->front().report.rows, 2U);
  EXPECT_EQ(FileIdentity::At(files.base()), base);
  EXPECT_NE(FileIdentity::At(files.list()), list);
}

TEST_F(SnapshotsTest, OfAPoolThatNobodyHasAnyMoreAreLetGo) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  SnapshotPool pool;
  std::optional<SnapshotFile> last;
  {
    const auto held = pool.Open(spec, published());
    pool.DropUnused();
    last = held->front().base();
    pool.DropUnused();
  }
  EXPECT_TRUE(last->is_shared());
  Take(spec, "levels", "sku,at,level\nb,2024-02-01,7\n");
  ASSERT_TRUE(Publish(spec).ok());  // a new base, since it is small
  ASSERT_TRUE(pool.Open(spec, published()).ok());
  EXPECT_FALSE(last->is_shared());
}

TEST_F(SnapshotsTest, OfAQueryAreMadeOfAllRowsAndSaySo) {
  const PipelineSpec spec = ParsePipeline(ShopWithTwin());
  ASSERT_TRUE(Publish(spec).ok());
  Take(spec, "levels", "sku,at,level\nb,2024-02-01,7\n");
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->at(0).is_whole);
  EXPECT_TRUE(report->at(1).is_whole);
  EXPECT_EQ(report->at(1).why_whole, "its rows come from a query");
  EXPECT_EQ(report->at(1).report.rows, 3U);
}

TEST_F(SnapshotsTest, AreUpToDateAsOfTheMarkOfTheirPublication) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const Instant newest = At("2024-01-03");
  const Snapshot before = OpenSnapshots(spec, published())->front();
  EXPECT_EQ(before.up_to_date(), newest) << "nobody has looked";
  ASSERT_TRUE(MarkUpToDate(spec, published(), At("2024-02-01")).ok());
  EXPECT_EQ(before.up_to_date(), At("2024-02-01")) << "without being opened anew";
  EXPECT_EQ(before.watermark(), newest);
  ASSERT_TRUE(MarkUpToDate(spec, published(), At("2024-01-02")).ok());
  EXPECT_EQ(before.up_to_date(), newest);

  ASSERT_TRUE(MarkUpToDate(spec, published(), At("2024-02-02")).ok());
  Take(spec, "levels", "sku,at,level\na,2024-01-04,4\n");
  ASSERT_TRUE(Publish(spec).ok());
  EXPECT_EQ(OpenSnapshots(spec, published())->front().up_to_date(), At("2024-02-02"))
      << "it has all that there was then";
  ASSERT_TRUE(MarkUpToDate(spec, published(), At("2024-03-01")).ok());
  ASSERT_TRUE(MarkUpToDate(spec, published(), At("2024-03-02")).ok());
  EXPECT_EQ(before.up_to_date(), At("2024-02-02"))
      << "who has not the new rows is as up to date as before they came";
  EXPECT_EQ(OpenSnapshots(spec, published())->front().up_to_date(), At("2024-03-02"));
}

TEST_F(SnapshotsTest, AreNotStaleAsLongAsTheirSourceIsLookedAt) {
  ordered_json json = Shop();
  json["series"]["levels"]["max_staleness"] = "1h";
  json["series"]["levels"]["when_stale"] = "refuse";
  const PipelineSpec spec = ParsePipeline(json);
  ASSERT_TRUE(Publish(spec).ok());
  const std::vector<Snapshot> snapshots = *OpenSnapshots(spec, published());
  FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone, nullptr);
  const auto at = [&](const char* time) {
    Table request(spec.request.fields);
    AppendRow({"a", time}, request);
    std::vector<Value> values(1);
    SeriesMask stale = 0;
    const Status computed = computer.Compute(snapshots, request, 0, {}, values, stale);
    return computed ? ShowAll(values) : computed.error().message;
  };
  EXPECT_THAT(at("2024-02-01 12:00"), HasSubstr("are of 2024-01-03T00:00:00Z, too old"));
  ASSERT_TRUE(MarkUpToDate(spec, published(), At("2024-02-01 11:30")).ok());
  EXPECT_EQ(at("2024-02-01 12:00"), "6");
  EXPECT_EQ(at("2024-02-01 12:30"), "6");
  EXPECT_THAT(at("2024-02-01 12:30:01"), HasSubstr("are of 2024-02-01T11:30:00Z, too old"));
}

TEST_F(SnapshotsTest, OfAGridCountWhatCameWithoutReadingTheRest) {
  ordered_json json = Shop();
  json["series"]["levels"].erase("values");
  json["series"]["levels"]["aggregate"] = {{"period", "day"},
                                           {"values", {{"level", {{"op", "sum"}, {"empty", 0}}}}}};
  json["features"][0] = {{"name", "level"},
                         {"op", "as_of"},
                         {"series", "levels"},
                         {"value", "level"},
                         {"key", {"sku"}}};
  const PipelineSpec spec = ParsePipeline(json);
  ASSERT_TRUE(Publish(spec).ok());
  const auto same = Publish(spec);
  ASSERT_TRUE(same.ok()) << same.error().message;
  EXPECT_FALSE(same->front().is_whole);
  EXPECT_EQ(same->front().report.rows, 3U);
  Take(spec, "levels", "sku,at,level\na,2024-01-03,4\n");
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->front().is_whole);
  EXPECT_EQ(report->front().new_rows, 1U);
  EXPECT_EQ(ValueAsOf(OpenSnapshots(spec, published())->front(), "a", At("2024-01-04")), "10");
}

/// The example of docs/forecasting.md: a report of Monday that comes on Wednesday.
TEST_F(SnapshotsTest, OfAGridGiveFeaturesWhatWasKnownAtTheOrigin) {
  ordered_json json = Shop();
  json["tables"]["reports"]["columns"] = {
      {"sku", "text"}, {"at", "timestamp"}, {"known", "timestamp"}, {"pieces", "int64"}};
  json["series"] = ordered_json::object();
  json["series"]["daily"] = {
      {"table", "reports"},
      {"key", {"sku"}},
      {"time", "at"},
      {"known_at", "known"},
      {"max_staleness", "unlimited"},
      {"aggregate", {{"period", "day"}, {"values", {{"pieces", {{"op", "sum"}, {"empty", 0}}}}}}}};
  json["features"] = ordered_json::array();
  for (const int periods : {1, 2}) {
    json["features"].push_back({{"name", "lag" + std::to_string(periods)},
                                {"op", "lag"},
                                {"series", "daily"},
                                {"value", "pieces"},
                                {"key", {"sku"}},
                                {"periods", periods},
                                {"missing", "keep"}});
  }
  const PipelineSpec spec = ParsePipeline(json);
  ASSERT_TRUE(dao_->EnsureTable(spec.tables.back()).ok());
  Take(spec, "reports",
       "sku,at,known,pieces\na,2024-01-01 10:00:00,2024-01-01 10:01:00,5\n"
       "a,2024-01-01 11:00:00,2024-01-03 08:00:00,3\n"
       "a,2024-01-02 09:00:00,2024-01-02 09:01:00,2\n");
  ASSERT_TRUE(Publish(spec).ok());
  const std::vector<Snapshot> snapshots = *OpenSnapshots(spec, published());
  FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone, nullptr);
  const auto at = [&](const char* time) {
    Table request(spec.request.fields);
    AppendRow({"a", time}, request);
    std::vector<Value> values(2);
    SeriesMask stale = 0;
    EXPECT_TRUE(computer.Compute(snapshots, request, 0, {}, values, stale).ok());
    return ShowAll(values);
  };
  EXPECT_EQ(at("2024-01-02"), "5 -");
  EXPECT_EQ(at("2024-01-03"), "2 5");
  EXPECT_EQ(at("2024-01-03 07:59:59"), "2 5");
  EXPECT_EQ(at("2024-01-03 08:00:00"), "2 8");
}

TEST_F(SnapshotsTest, AreMadeOfAllRowsWhereThoseBeforeWereRemoved) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  ASSERT_TRUE(dao_->RemoveFile("levels", dao_->FilesNamed("levels", "levels.csv")->front()).ok());
  Take(spec, "levels", "sku,at,level\nb,2024-02-01,7\nb,2024-02-02,8\nb,2024-02-03,9\n");
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->front().why_whole, "rows were replaced or removed");
  EXPECT_EQ(report->front().report.rows, 3U);
}

TEST_F(SnapshotsTest, OfAnEarlierReleaseAreReadAndThenMadeAnew) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const SeriesFiles files(published(), spec.series[0], spec.zone);
  fs::remove(files.list());
  EXPECT_TRUE(OpenSnapshots(spec, published()).ok());
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->front().why_whole, "how far it had been read is not known");
}

TEST_F(SnapshotsTest, WhoseRunIsGoneOrAnotherAreRefusedAndMadeAnew) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  Take(spec, "levels", "sku,at,level\nb,2024-02-01,7\n");
  ASSERT_TRUE(PublishSnapshots(*dao_, spec, published(), now_, kInRuns).ok());
  const SeriesFiles files(published(), spec.series[0], spec.zone);
  const std::string run = ParseRunList(ReadWhole(files.list()))->runs.front().file;
  fs::copy_file(files.base(), files.Path(run), fs::copy_options::overwrite_existing);
  const auto opened = OpenSnapshots(spec, published());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr(run), HasSubstr("ingest --full")));
  const auto report = Publish(spec);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_THAT(report->front().why_whole, HasSubstr(run));
  EXPECT_EQ(ValueAsOf(OpenSnapshots(spec, published())->front(), "b", At("2024-02-01")), "7");
  EXPECT_FALSE(fs::exists(files.Path(run)));
}

/// Of two that add to the same publication the second begins anew: what it has was made without the
/// first one's rows.
TEST_F(SnapshotsTest, AddNothingToWhatIsPublishedNoMore) {
  const PipelineSpec spec = ParsePipeline(Shop());
  ASSERT_TRUE(Publish(spec).ok());
  const SeriesFiles files(published(), spec.series[0], spec.zone);
  Take(spec, "levels", "sku,at,level\nb,2024-02-01,7\n");
  auto slow = SeriesUpdate::Prepare(*dao_, spec, files, now_, kInRuns);
  ASSERT_TRUE(slow.ok()) << slow.error().message;
  EXPECT_TRUE(slow->IsCurrent());
  Take(spec, "levels", "sku,at,level\nb,2024-02-02,8\n");
  ASSERT_TRUE(PublishSnapshots(*dao_, spec, published(), now_, kInRuns).ok());
  EXPECT_FALSE(slow->IsCurrent());
}

struct LabelQuery {
  std::string name;
  std::string sql;
};

void PrintTo(const LabelQuery& one, std::ostream* out) { *out << one.name; }

class LabelQueryTest : public SnapshotsTest, public testing::WithParamInterface<LabelQuery> {};

TEST_P(LabelQueryTest, IsRefusedByTheStore) {
  const auto report = Publish(ParsePipeline(
      ShopWithQuery(GetParam().sql, {{"sku", "text"}, {"at", "timestamp"}, {"n", "int64"}})));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(report.error().message, AllOf(HasSubstr("\"orders\""), HasSubstr("late")));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LabelQueryTest,
    testing::Values(
        LabelQuery{"AsAValue", "SELECT sku, at, late AS n FROM orders"},
        LabelQuery{"InOtherCase", "SELECT sku, at, LATE AS n FROM ORDERS"},
        LabelQuery{"InAnExpression", "SELECT sku, at, 1 - late AS n FROM orders"},
        LabelQuery{"InAWhere", "SELECT sku, at, 1 AS n FROM orders WHERE late"},
        LabelQuery{"InAnOrder", "SELECT sku, at, 1 AS n FROM orders ORDER BY late"},
        LabelQuery{"InASubquery",
                   "SELECT sku, at, (SELECT max(late) FROM orders) AS n FROM levels"},
        LabelQuery{"InAJoin",
                   "SELECT l.sku, l.at, 1 AS n FROM levels l JOIN orders o ON o.late = l.level"},
        LabelQuery{"BehindAnAlias",
                   "WITH t AS (SELECT sku, at, late AS n FROM orders) SELECT sku, at, n FROM t"},
        LabelQuery{"ByAStar", "SELECT sku, at, n FROM (SELECT *, 1 AS n FROM orders WHERE late)"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
