#include "data_preprocessing/commands/ingest_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/series/series_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

constexpr std::string_view kPipeline = R"({
  "name": "shop", "version": "1",
  "tables": {
    "stock": {"columns": {"sku": "text", "at": "timestamp", "level": "int64"}},
    "prices": {"columns": {"sku": "text", "cents": "int64"}, "key": ["sku"]}
  },
  "series": {
    "stock": {"table": "stock", "key": ["sku"], "time": "at", "values": ["level"],
              "max_staleness": "unlimited"},
    "prices": {"table": "prices", "key": ["sku"], "values": ["cents"]}
  },
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [
    {"name": "level", "op": "as_of", "series": "stock", "value": "level", "key": ["sku"]},
    {"name": "cents", "op": "as_of", "series": "prices", "value": "cents", "key": ["sku"]}
  ]
})";
constexpr std::string_view kStock =
    "sku,at,level\n"
    "007,2024-01-01,5\n"
    "007,2024-01-02 12:00:00,3\n"
    "8,2024-01-01,0\n";
constexpr std::string_view kPrices = "sku,cents\n007,199\n8,250\n";

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

class Ingest : public testing::Test {
 protected:
  Ingest() {
    folder_.Write("pipeline.json", kPipeline);
    fs::create_directory(data());
    folder_.Write("data/stock.csv", kStock);
    folder_.WriteGzip("data/prices.csv.gz", kPrices);
  }

  [[nodiscard]] fs::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] fs::path store() const { return folder_.path() / "s.db"; }
  [[nodiscard]] fs::path snapshots() const { return folder_.path() / "s.db.snapshots"; }

  [[nodiscard]] Ended RunWords(const Words& words,
                               std::map<std::string, std::string> variables = {}) const {
    std::ostringstream out;
    std::ostringstream err;
    const SystemClock clock;
    const int code = RunCommand(
        IngestCommand(), words,
        {.environment =
             [variables = std::move(variables)](const char* name) {
               const auto found = variables.find(name);
               return found == variables.end() ? std::nullopt : std::optional(found->second);
             },
         .out = out,
         .err = err,
         .clock = clock,
         .err_is_terminal = false});
    return {code, out.str(), err.str()};
  }

  /// With pipeline, store and folder given.
  [[nodiscard]] Ended Run(Words more = {}) const {
    Words words{"--pipeline", folder_.path() / "pipeline.json",
                "--store",    "sqlite:" + store().string(),
                "--from",     data()};
    words.insert(words.end(), more.begin(), more.end());
    return RunWords(words);
  }

  [[nodiscard]] PipelineSpec Spec() const {
    return *LoadPipelineSpec(folder_.path() / "pipeline.json");
  }

  /// All rows of the store's tables as text.
  [[nodiscard]] std::vector<std::string> StoredRows() const {
    const auto dao = OpenStore("sqlite:" + store().string(), StoreAccess::kReadOnly);
    EXPECT_TRUE(dao.ok()) << dao.error().message;
    std::vector<std::string> rows;
    for (const TableSpec& table : Spec().tables) {
      const auto sink = [&rows](const Table& batch) -> Status {
        for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
        return {};
      };
      const Status read = (*dao)->Read(TableSource{table.name}, table.schema, {}, 100, sink);
      EXPECT_TRUE(read.ok()) << read.error().message;
    }
    return rows;
  }

  void Execute(const std::string& sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(store().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

  [[nodiscard]] std::vector<std::string> FilesBeside() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  const TempFolder folder_;
};

TEST_F(Ingest, StoresEveryTableAndPublishesEverySeries) {
  const Ended ended = Run();
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("stock.csv: 3 rows added\n"),
                               HasSubstr("prices.csv.gz: 2 rows added\n"),
                               HasSubstr("series stock: 2 keys, 3 rows, "),
                               HasSubstr(" bytes, newest 2024-01-02T12:00:00Z\n"),
                               HasSubstr("series prices: 2 keys, 2 rows, "),
                               HasSubstr("snapshots are in " + snapshots().string() + "\n")));
  EXPECT_THAT(StoredRows(),
              ElementsAre("'007' 2024-01-01T00:00:00Z 5", "'007' 2024-01-02T12:00:00Z 3",
                          "'8' 2024-01-01T00:00:00Z 0", "'007' 199", "'8' 250"));
  const auto opened = OpenSnapshots(Spec(), snapshots());
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->at(0).row_count(), 3U);
  EXPECT_EQ(opened->at(1).key_count(), 2U);
}

TEST_F(Ingest, TheSameFilesAgainAddNothingAndSaySo) {
  ASSERT_EQ(Run().code, 0);
  const std::vector<std::string> before = StoredRows();
  for (int again = 0; again < 2; ++again) {
    const Ended ended = Run();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("stock.csv: already ingested (same content), nothing added\n"),
                      HasSubstr("prices.csv.gz: nothing new, 2 rows identical\n")));
    EXPECT_EQ(StoredRows(), before);
  }
}

TEST_F(Ingest, MoreRowsComeToThoseStoredAndIntoTheSnapshots) {
  ASSERT_EQ(Run().code, 0);
  folder_.Write("data/stock.csv", "sku,at,level\n8,2024-01-05,7\n");
  const Ended ended = Run({"--again"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("stock.csv: 1 row added\n"), HasSubstr("2 keys, 4 rows"),
                               HasSubstr("newest 2024-01-05T00:00:00Z")));
}

TEST_F(Ingest, AFileThatHasGrownIsRefusedUnlessItIsToldWhatOfItsOldRows) {
  ASSERT_EQ(Run().code, 0);
  const std::vector<std::string> before = StoredRows();
  folder_.Write("data/stock.csv",
                ReadWhole(folder_.path() / "data/stock.csv") + "8,2024-01-05,7\n");
  const Ended refused = Run();
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("stock.csv was taken in before with other contents; its 3 "
                                     "rows stay. If it has grown or was mended, say --replace"));
  EXPECT_EQ(StoredRows(), before);
  EXPECT_THAT(Run({"--replace", "--again"}).err, HasSubstr("--replace: not beside --again"));
  const Ended replaced = Run({"--replace"});
  EXPECT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_THAT(replaced.out, HasSubstr("stock.csv: 4 rows added, 3 of before removed\n"));
  EXPECT_EQ(StoredRows().size(), before.size() + 1);
}

TEST_F(Ingest, AConflictIsRefusedUnlessUpsertReplacesTheRow) {
  ASSERT_EQ(Run().code, 0);
  const std::vector<std::string> before = StoredRows();
  folder_.WriteGzip("data/prices.csv.gz", "sku,cents\n9,1\n007,200\n8,250\n");
  const Ended refused = Run();
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("prices.csv.gz: line 3: "), HasSubstr("\"cents\"")));
  EXPECT_EQ(StoredRows(), before);

  const Ended replaced = Run({"--upsert"});
  EXPECT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_THAT(replaced.out, HasSubstr("prices.csv.gz: 1 row added, 1 replaced, 1 identical\n"));
}

TEST_F(Ingest, SaysWhatItReadOfTheStore) {
  EXPECT_THAT(Run().out, Not(HasSubstr(";")));
  EXPECT_THAT(Run().out, AllOf(HasSubstr("12:00:00Z; 0 new rows added\n"),
                               HasSubstr("bytes; 0 new rows added\n")));
  folder_.WriteGzip("data/prices.csv.gz", "sku,cents\n007,200\n8,250\n");
  EXPECT_THAT(Run({"--upsert"}).out,
              HasSubstr("bytes; all rows read: rows were replaced or removed\n"));
  const auto summary = nlohmann::json::parse(Run({"--json"}).out);
  EXPECT_EQ(summary["series"][1]["whole"], false);
  EXPECT_EQ(summary["series"][1]["new_rows"], 0);
}

TEST_F(Ingest, FindsWhatOthersChangedInTheStoreWhenAskedForAllOfIt) {
  ASSERT_EQ(Run().code, 0);
  Execute("UPDATE stock SET level = 1");
  const auto level = [this] {
    return ValueAsOf(OpenSnapshots(Spec(), snapshots())->at(0), "8", At("2024-01-01"));
  };
  EXPECT_EQ(Run().code, 0);
  EXPECT_EQ(level(), "0");
  EXPECT_EQ(Run({"--full"}).code, 0);
  EXPECT_EQ(level(), "1");
}

TEST_F(Ingest, ABadRowInTheLastTableLeavesTheStoreAndItsSnapshotsAsTheyWere) {
  ASSERT_EQ(Run().code, 0);
  const std::string before = ReadWhole(store());
  const fs::path snapshot = SnapshotPath(snapshots(), Spec().series[0], Spec().zone);
  const std::string published = ReadWhole(snapshot);
  folder_.Write("data/stock.csv", "sku,at,level\n8,2024-01-05,7\n");
  folder_.WriteGzip("data/prices.csv.gz", "sku,cents\n9,1\n10,cheap\n");
  const Ended ended = Run({"--again"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("prices.csv.gz"), HasSubstr("line 3"), HasSubstr("cents")));
  EXPECT_EQ(ReadWhole(store()), before);
  EXPECT_EQ(ReadWhole(snapshot), published);
}

TEST_F(Ingest, AStoreThatCouldNotBeFilledIsNotLeftBehind) {
  folder_.WriteGzip("data/prices.csv.gz", "sku,cents\n10,cheap\n");
  EXPECT_EQ(Run().code, 1);
  EXPECT_THAT(FilesBeside(), ElementsAre("data", "pipeline.json"));
}

TEST_F(Ingest, DryRunReportsAndLeavesNothingBehind) {
  const Ended ended = Run({"--dry-run"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("stock.csv: 3 rows added\n"),
                               HasSubstr("dry run: store and snapshots are as before\n")));
  EXPECT_THAT(FilesBeside(), ElementsAre("data", "pipeline.json"));
}

TEST_F(Ingest, AnEmptyFileThatWasThereBeforeIsKept) {
  folder_.Write("s.db", "");
  EXPECT_EQ(Run({"--dry-run"}).code, 0);
  EXPECT_TRUE(fs::exists(store()));
}

TEST_F(Ingest, TakesOnlyTheTablesAskedFor) {
  fs::remove(data() / "stock.csv");
  folder_.Write("pipeline.json", [] {
    auto pipeline = nlohmann::ordered_json::parse(kPipeline);
    pipeline["series"].erase("stock");
    pipeline["features"].erase(0);
    return pipeline.dump();
  }());
  const Ended ended = Run({"--table", "prices"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, testing::StartsWith("prices.csv.gz: 2 rows added\nseries prices"));
}

TEST_F(Ingest, ATableWhoseRowsAreStillToComeIsEmptyForItsSeries) {
  fs::remove(data() / "stock.csv");
  const Ended first = Run({"--table", "prices"});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("series stock: 0 keys, 0 rows"));
  folder_.Write("data/stock.csv", kStock);
  const Ended second = Run({"--table", "stock"});
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("series stock: 2 keys, 3 rows"));
}

TEST_F(Ingest, TakesFilesThatAreNamedInPlaceOfThoseOfTheFolder) {
  folder_.Write("march.csv", "sku,at,level\n9,2024-03-01,1\n");
  fs::create_directory(folder_.path() / "april");
  folder_.Write("april/b.csv", "sku,at,level\n9,2024-04-02,3\n");
  folder_.Write("april/a.csv", "sku,at,level\n9,2024-04-01,2\n");
  folder_.Write("april/notes.txt", "");
  const std::string stock = "stock=" + folder_.path().string() + "/";
  const Ended ended = Run({"--file", stock + "march.csv", "--file", stock + "april"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, testing::StartsWith("march.csv: 1 row added\na.csv: 1 row added\n"
                                             "b.csv: 1 row added\nprices.csv.gz: 2 rows added\n"));
  EXPECT_THAT(ended.out, HasSubstr("april/notes.txt: neither .csv nor .csv.gz\n"));
  EXPECT_THAT(StoredRows(), ElementsAre("'9' 2024-03-01T00:00:00Z 1", "'9' 2024-04-01T00:00:00Z 2",
                                        "'9' 2024-04-02T00:00:00Z 3", "'007' 199", "'8' 250"));
}

TEST_F(Ingest, TakesOnlyWhatIsNamedWithoutAFolder) {
  const Ended ended = RunWords({"--pipeline", folder_.path() / "pipeline.json", "--store",
                                "sqlite:" + store().string(), "--file",
                                "stock=" + (data() / "stock.csv").string()});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(StoredRows().size(), 3U);
}

TEST_F(Ingest, AWrongFileAmongSeveralLeavesTheStoreAsItWas) {
  folder_.Write("data/stock-2.csv", "sku,at,level\n9,2024-03-01,many\n");
  const Ended ended = Run();
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("stock-2.csv: line 2, column 14"));
  EXPECT_FALSE(fs::exists(store()));
}

TEST_F(Ingest, SetsWrongRowsAsideAndTakesTheOthers) {
  folder_.Write("data/stock.csv", std::string(kStock) + "8,soon,1\n8,2024-01-03,\n");
  const fs::path rejects = folder_.path() / "rejects.csv";
  const Ended ended = Run({"--rejects", rejects, "--max-rejects", "2"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, testing::StartsWith("stock.csv: 3 rows added, 2 rejected\n"));
  EXPECT_THAT(ended.out, HasSubstr("rejected rows are in " + rejects.string() + "\n"));
  EXPECT_EQ(StoredRows().size(), 5U);
  const std::string file = "\"" + (data() / "stock.csv").string() + "\"";
  EXPECT_THAT(ReadWhole(rejects),
              AllOf(testing::StartsWith("file,line,reason,text\n" + file + ",5,"),
                    HasSubstr(",\"8,soon,1\"\n" + file +
                              ",6,\"line 6, column 14: column "
                              "\"\"level\"\": the value is missing\",\"8,2024-01-03,\"\n")));
  const Ended again = Run({"--rejects", rejects, "--json"});
  ASSERT_EQ(again.code, 0) << again.err;
  const auto summary = nlohmann::json::parse(again.out);
  EXPECT_EQ(summary["tables"][0]["already_ingested"], true);
  EXPECT_EQ(summary["rejected"], 0);
  EXPECT_THAT(Run().out, testing::StartsWith("stock.csv: already ingested (same content), nothing "
                                             "added, 2 rejected\n"));
}

TEST_F(Ingest, RowsThatBreakARuleOfTheirTableAreWrongToo) {
  const fs::path constraints = folder_.Write("constraints.json", R"({
      "format": "forkcast.constraints", "format_version": 1,
      "tables": {"stock": {"level": {"min": 1}, "sku": {"max_length": 3}}}})");
  const Ended refused = Run({"--constraints", constraints});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err,
              HasSubstr("stock.csv: line 4: column level: got 0, expected at least 1"));
  EXPECT_FALSE(fs::exists(store()));

  const fs::path rejects = folder_.path() / "rejects.csv";
  const Ended taken =
      Run({"--constraints", constraints, "--rejects", rejects, "--max-rejects", "1"});
  ASSERT_EQ(taken.code, 0) << taken.err;
  EXPECT_THAT(taken.out, HasSubstr("stock.csv: 2 rows added, 1 rejected\n"));
  EXPECT_THAT(ReadWhole(rejects),
              HasSubstr(",4,\"column level: got 0, expected at least 1\",\"8,2024-01-01,0\"\n"));
}

TEST_F(Ingest, ConstraintsThatFitNoTableAreWrongUsage) {
  const auto fault = [this](const std::string& tables) {
    const fs::path file = folder_.Write(
        "constraints.json",
        R"({"format": "forkcast.constraints", "format_version": 1, "tables": )" + tables + "}");
    const Ended ended = Run({"--constraints", file});
    EXPECT_EQ(ended.code, 2);
    return ended.err;
  };
  EXPECT_THAT(fault(R"({"stocks": {}})"),
              HasSubstr("--constraints: pipeline shop has no table \"stocks\""));
  EXPECT_THAT(fault(R"({"stock": {"levle": {"min": 1}}})"),
              HasSubstr("there is no column \"levle\"; did you mean \"level\"?"));
  EXPECT_THAT(fault(R"({"stock": {"sku": {"min": 1}}})"),
              HasSubstr("column \"sku\" is of type text: bounds of numbers do not fit it"));
  EXPECT_THAT(fault(R"({"stock": {"sku": {"mni": 1}}})"), HasSubstr("mni: unknown key"));
}

TEST_F(Ingest, WithMoreWrongRowsThanAllowedTakesNothing) {
  folder_.Write("data/stock.csv", std::string(kStock) + "8,soon,1\n8,2024-01-03,\n");
  const fs::path rejects = folder_.path() / "rejects.csv";
  for (const std::string limit : {"1", "10%"}) {
    const Ended ended = Run({"--rejects", rejects, "--max-rejects", limit});
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err, HasSubstr("(--max-rejects); nothing was taken. The first: "));
    EXPECT_FALSE(fs::exists(store()));
    EXPECT_FALSE(fs::exists(rejects));
  }
}

TEST_F(Ingest, RowsThatNoSeriesCanBeMadeOfAreStoredAndNamed) {
  auto pipeline = nlohmann::ordered_json::parse(kPipeline);
  nlohmann::ordered_json& stock = pipeline["series"]["stock"];
  stock.erase("values");
  stock["aggregate"] = {{"period", "day"},
                        {"values", {{"level", {{"op", "only"}, {"column", "level"}}}}}};
  folder_.Write("pipeline.json", pipeline.dump());
  folder_.Write("data/stock.csv", std::string(kStock) + "8,2024-01-01 09:00:00,4\n");
  const Ended ended = Run();
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("the rows are stored, but"),
                               HasSubstr("two rows with \"level\", expected one")));
  EXPECT_EQ(StoredRows().size(), 6U);
}

TEST_F(Ingest, AnotherZoneThanTheTablesIsRefusedBeforeAnyRowIsTaken) {
  ASSERT_EQ(Run().code, 0);
  const std::string before = ReadWhole(store());
  auto pipeline = nlohmann::ordered_json::parse(kPipeline);
  pipeline["timezone"] = "Europe/Berlin";
  folder_.Write("pipeline.json", pipeline.dump());
  for (const Words& tables : {Words{}, Words{"--table", "prices"}}) {
    const Ended ended = Run(tables);
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err,
                HasSubstr("table stock was ingested with zone UTC, but the pipeline says "
                          "\"timezone\": \"Europe/Berlin\""));
    EXPECT_EQ(ReadWhole(store()), before);
  }
}

TEST_F(Ingest, AStoreThatKnowsNoZonesTakesThoseOfTheNextIngest) {
  ASSERT_EQ(Run().code, 0);
  Execute("DROP TABLE forkcast_zones");
  auto pipeline = nlohmann::ordered_json::parse(kPipeline);
  pipeline["timezone"] = "Europe/Berlin";
  folder_.Write("pipeline.json", pipeline.dump());
  EXPECT_EQ(Run().code, 0);
  folder_.Write("pipeline.json", kPipeline);
  EXPECT_THAT(Run().err, HasSubstr("table stock was ingested with zone Europe/Berlin"));
}

TEST_F(Ingest, ARowInTheFutureIsNamedAndNotCounted) {
  auto pipeline = nlohmann::ordered_json::parse(kPipeline);
  nlohmann::ordered_json& stock = pipeline["series"]["stock"];
  stock.erase("values");
  stock["aggregate"] = {{"period", "week"},
                        {"partial", "keep"},
                        {"values", {{"level", {{"op", "sum"}, {"column", "level"}}}}}};
  folder_.Write("pipeline.json", pipeline.dump());
  folder_.Write("data/stock.csv", std::string(kStock) + "8,2204-01-03,5\n");
  const Ended ended = Run();
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.err, testing::StartsWith(
                             "warning: series \"stock\" leaves rows out: 1 row from "
                             "2204-01-03T00:00:00Z to 2204-01-03T00:00:00Z (the first of sku=8) "
                             "lies after today"));
  EXPECT_THAT(ended.out, HasSubstr("series stock: 2 keys, 2 rows, "));
  const auto snapshots_of_it = OpenSnapshots(Spec(), snapshots());
  const Status learns = RequireDeclaredEnds(Spec(), *snapshots_of_it);
  ASSERT_FALSE(learns.ok());
  EXPECT_EQ(learns.error().code, ErrorCode::kRefusedData);
  EXPECT_THAT(learns.error().message, HasSubstr("say in \"aggregate\" where the data end"));

  stock["aggregate"]["until"] = "last_full";
  folder_.Write("pipeline.json", pipeline.dump());
  EXPECT_EQ(Run().code, 0);
  EXPECT_TRUE(RequireDeclaredEnds(Spec(), *OpenSnapshots(Spec(), snapshots())).ok());
}

TEST_F(Ingest, JsonIsOneLineWithTheSameNumbers) {
  const Ended ended = Run({"--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(std::ranges::count(ended.out, '\n'), 1);
  const auto summary = nlohmann::json::parse(ended.out);
  EXPECT_EQ(summary["tables"][0]["table"], "stock");
  EXPECT_EQ(summary["tables"][0]["added"], 3);
  EXPECT_EQ(summary["tables"][1]["file"], (data() / "prices.csv.gz").string());
  EXPECT_EQ(summary["series"][0]["newest"], "2024-01-02T12:00:00Z");
  EXPECT_TRUE(summary["series"][1]["newest"].is_null());
  EXPECT_EQ(summary["snapshots"], snapshots().string());
}

// ---- killed while it works ----

struct KillPoint {
  std::string name;
  /// Whether it has come so far; `folder` has the store s.db and the rejects r.csv.
  bool (*is_reached)(const fs::path& folder);
};

void PrintTo(const KillPoint& point, std::ostream* out) { *out << point.name; }

class KilledIngest : public Ingest, public testing::WithParamInterface<KillPoint> {
 protected:
  static constexpr int kRows = 60'000;
  static constexpr int kBad = 60;

  static constexpr std::size_t kGood = kRows - kBad;

  /// More than the store keeps in memory before it commits, with bad rows spread over them. `file`
  /// is in the folder of the data; a row begins with its key.
  void WriteManyRows(const std::string& file, const std::string& header,
                     const std::string& behind_key) const {
    std::string text = header + "\n";
    for (int i = 0; i < kRows; ++i) {
      const char* const number = i % (kRows / kBad) == 0 ? "many" : "1";
      text += std::string(100, 'x') + std::to_string(i) + behind_key + number + "\n";
    }
    folder_.Write("data/" + file, text);
  }

  /// Each bad row once, with its line.
  void ExpectAllRejected() const {
    std::vector<std::size_t> expected;
    for (int i = 0; i < kRows; i += kRows / kBad)
      expected.push_back(static_cast<std::size_t>(i) + 2);
    std::vector<std::size_t> lines;
    std::istringstream rejects(ReadWhole(folder_.path() / "r.csv"));
    std::string row;
    std::getline(rejects, row);
    while (std::getline(rejects, row)) lines.push_back(std::stoul(row.substr(row.find("\",") + 2)));
    EXPECT_EQ(lines, expected);
  }

  /// Rows of the keyed table; none where there is no such table.
  [[nodiscard]] std::size_t StoredPrices() const {
    const auto dao = OpenStore("sqlite:" + store().string(), StoreAccess::kReadOnly);
    EXPECT_TRUE(dao.ok()) << dao.error().message;
    std::size_t rows = 0;
    const Status read = (*dao)->Read(TableSource{"prices"}, Spec().tables[1].schema, {}, 1000,
                                     [&rows](const Table& batch) {
                                       rows += batch.row_count();
                                       return Status();
                                     });
    if (!read) {
      EXPECT_THAT(read.error().message, HasSubstr("no such table"));
    }
    return rows;
  }

  /// Runs it in another process, which is killed at the point; its exit code when it was faster.
  [[nodiscard]] std::optional<int> RunAndKill() const {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(Run({"--rejects", folder_.path() / "r.csv", "--quiet"}).code);
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (!GetParam().is_reached(folder_.path())) continue;
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      break;
    }
    return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
  }
};

TEST_P(KilledIngest, LeavesTheStoreAsBeforeOrWithAllRows) {
  ASSERT_EQ(Run().code, 0);
  const std::size_t before = StoredRows().size();
  WriteManyRows("stock-2.csv", "sku,at,level", ",2024-03-01,");
  const std::optional<int> code = RunAndKill();
  const std::size_t after = StoredRows().size();
  if (code) {
    EXPECT_EQ(*code, 0);
    EXPECT_EQ(after, before + kGood);
  } else {
    EXPECT_THAT(after, testing::AnyOf(before, before + kGood));
  }
  // Rows that the store has were never taken without those that were rejected beside them.
  if (after > before) ExpectAllRejected();
  // Whatever happened, it can be done again.
  EXPECT_EQ(Run({"--rejects", folder_.path() / "r.csv", "--quiet"}).code, 0);
  EXPECT_EQ(StoredRows().size(), before + kGood);
}

TEST_P(KilledIngest, LeavesANewStoreWithoutTablesOrWithAllRowsAndTheirKeys) {
  WriteManyRows("prices-2.csv", "sku,cents", ",");
  constexpr std::size_t kAll = kGood + 2;
  const std::optional<int> code = RunAndKill();
  const std::size_t after = StoredPrices();
  if (code) {
    EXPECT_EQ(*code, 0);
    EXPECT_EQ(after, kAll);
  } else {
    EXPECT_THAT(after, testing::AnyOf(std::size_t{0}, kAll));
  }
  if (after > 0) ExpectAllRejected();
  EXPECT_EQ(Run({"--rejects", folder_.path() / "r.csv", "--quiet"}).code, 0);
  EXPECT_EQ(StoredPrices(), kAll);
  ExpectAllRejected();
  // The key holds: rows that are there are not taken again.
  EXPECT_EQ(Run({"--rejects", folder_.path() / "r.csv", "--quiet"}).code, 0);
  EXPECT_EQ(StoredPrices(), kAll);
}

INSTANTIATE_TEST_SUITE_P(Points, KilledIngest,
                         testing::Values(KillPoint{"AsTheTransactionBegins",
                                                   [](const fs::path& folder) {
                                                     return fs::exists(folder / "s.db-journal");
                                                   }},
                                         KillPoint{"WhileRowsAreWritten",
                                                   [](const fs::path& folder) {
                                                     std::error_code not_there;
                                                     const std::uintmax_t size =
                                                         fs::file_size(folder / "s.db", not_there);
                                                     return !not_there && size > 2'000'000;
                                                   }},
                                         KillPoint{"WhenTheRejectsAreInPlace",
                                                   [](const fs::path& folder) {
                                                     return fs::exists(folder / "r.csv");
                                                   }},
                                         KillPoint{"WhenTheStoreHasCommitted",
                                                   [](const fs::path& folder) {
                                                     return fs::exists(folder / "r.csv") &&
                                                            !fs::exists(folder / "s.db-journal");
                                                   }}),
                         [](const auto& param) { return param.param.name; });

TEST_F(Ingest, QuietPrintsNothing) {
  const Ended ended = Run({"--quiet"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out + ended.err, "");
}

TEST_F(Ingest, TakesPipelineStoreAndSnapshotsFromTheEnvironment) {
  const Ended ended =
      RunWords({"--from", data()}, {{"FORKCAST_PIPELINE", folder_.path() / "pipeline.json"},
                                    {"FORKCAST_STORE", "sqlite:" + store().string()},
                                    {"FORKCAST_SNAPSHOTS", folder_.path() / "elsewhere"}});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(OpenSnapshots(Spec(), folder_.path() / "elsewhere").ok());
  EXPECT_FALSE(fs::exists(snapshots()));
}

TEST_F(Ingest, ALockedStoreIsRefusedAndLeftAlone) {
  ASSERT_EQ(Run().code, 0);
  const auto holder = OpenStore("sqlite:" + store().string(), StoreAccess::kReadWriteCreate);
  ASSERT_TRUE(holder.ok()) << holder.error().message;
  ASSERT_TRUE((*holder)->Begin().ok());
  const Ended ended = Run();
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("is locked by another program"));
}

TEST_F(Ingest, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  folder_.Write("s.db", text);
  const Ended ended = Run();
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("s.db: is not a SQLite database"));
  EXPECT_EQ(ReadWhole(store()), text);
}

TEST_F(Ingest, AFolderOfSnapshotsThatCannotBeMadeIsNamed) {
  folder_.Write("taken", "a file");
  const Ended ended = Run({"--snapshots", folder_.path() / "taken"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("the rows are stored, but"), HasSubstr("taken")));
}

struct RefusedCase {
  std::string name;
  std::string flag;
  std::string value;  // takes the place of the good one; empty: the flag is left out
  int code;
  std::string message;
};

void PrintTo(const RefusedCase& one, std::ostream* out) { *out << one.name; }

class RefusedIngest : public Ingest, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedIngest, EndsWithItsCodeAndSaysWhy) {
  std::map<std::string, std::string> values{{"--pipeline", folder_.path() / "pipeline.json"},
                                            {"--store", "sqlite:" + store().string()},
                                            {"--from", data()}};
  values[GetParam().flag] = GetParam().value;
  Words words;
  for (const auto& [flag, value] : values) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  }
  const Ended ended = RunWords(words);
  EXPECT_EQ(ended.code, GetParam().code);
  EXPECT_THAT(ended.err,
              AllOf(testing::StartsWith("forkcast ingest: "), HasSubstr(GetParam().message)));
  EXPECT_EQ(ended.out, "");
  EXPECT_FALSE(fs::exists(store()));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedIngest,
    testing::Values(
        RefusedCase{"NoPipeline", "--pipeline", "", 2,
                    "--pipeline (or FORKCAST_PIPELINE) is missing"},
        RefusedCase{"NoStore", "--store", "", 2, "--store (or FORKCAST_STORE) is missing"},
        RefusedCase{"NoFolder", "--from", "", 2, "Give --from DIR or --file TABLE=PATH"},
        RefusedCase{"FileWithoutTable", "--file", "a.csv", 2, "--file: expected TABLE=PATH"},
        RefusedCase{"FileOfAnUnknownTable", "--file", "stocks=a.csv", 2, "no table \"stocks\""},
        RefusedCase{"FileThatIsNotThere", "--file", "stock=/absent.csv", 5, "/absent.csv"},
        RefusedCase{"RejectsToStandardOutput", "--rejects", "-", 2,
                    "--rejects: expected a file: standard output has the report"},
        RefusedCase{"RejectsToADevice", "--rejects", "/dev/full", 2,
                    "/dev/full is no ordinary file"},
        RefusedCase{"RejectsInAFolderThatIsNotThere", "--rejects", "/absent/r.csv", 5, "/absent"},
        RefusedCase{"LimitWithoutRejects", "--max-rejects", "5", 2,
                    "--max-rejects: rows are only rejected with --rejects FILE"},
        RefusedCase{"UnknownFlag", "--form", "x", 2, "unknown flag --form"},
        RefusedCase{"UnknownTable", "--table", "stocks", 2, "has no table \"stocks\"; it has "},
        RefusedCase{"UnknownKindOfStore", "--store", "redis:x", 2, "store: unknown kind of store"},
        RefusedCase{"PipelineThatDoesNotExist", "--pipeline", "/absent.json", 2, "/absent.json"},
        RefusedCase{"PipelineThatIsNone", "--pipeline", "/dev/null", 2, "/dev/null"},
        RefusedCase{"FolderWithoutTheFiles", "--from", "/dev", 5, "/dev has no stock.csv"},
        RefusedCase{"StoreInAFolderThatDoesNotExist", "--store", "sqlite:/absent/s.db", 5,
                    "the folder for this store does not exist"}),
    [](const auto& param) { return param.param.name; });

TEST_F(Ingest, HelpListsFlagsVariablesAndExitCodes) {
  const Ended ended = RunWords({"--help"});
  EXPECT_EQ(ended.code, 0);
  for (const std::string word :
       {"--pipeline FILE", "--store URL", "--from DIR", "--table NAME", "--upsert",
        "--snapshots DIR", "--dry-run", "--json", "--quiet", "FORKCAST_PIPELINE", "FORKCAST_STORE",
        "FORKCAST_SNAPSHOTS", "Exit codes:"}) {
    EXPECT_THAT(ended.out, HasSubstr(word));
  }
}

TEST_F(Ingest, TakesTheRealOrders) {
  const fs::path real = FORKCAST_SOURCE_DIR "/../shared/data/order_triage";
  if (!fs::exists(real)) GTEST_SKIP() << "the real orders are not on this machine";
  const fs::path pipeline = FORKCAST_SOURCE_DIR "/conf/pipelines/order_triage.json";
  const Ended ended = RunWords(
      {"--pipeline", pipeline, "--store", "sqlite:" + store().string(), "--from", real, "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto summary = nlohmann::json::parse(ended.out);
  std::map<std::string, std::size_t> added;
  for (const auto& table : summary["tables"]) added[table["table"]] = table["added"];
  EXPECT_EQ(added,
            (std::map<std::string, std::size_t>{
                {"orders", 10000}, {"inventory", 10000}, {"payments", 10000}, {"zip_codes", 100}}));
  for (const auto& series : summary["series"]) {
    if (series["series"] == "inventory") {
      EXPECT_EQ(series["newest"], "2021-07-28T17:35:19Z");
      EXPECT_EQ(series["keys"], 1000);
    }
  }
  EXPECT_TRUE(OpenSnapshots(*LoadPipelineSpec(pipeline), snapshots()).ok());
}

}  // namespace
}  // namespace forkcast::preprocessing
