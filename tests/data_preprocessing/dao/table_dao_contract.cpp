#include "data_preprocessing/dao/table_dao_contract.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/table_files.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const TableSpec kStock{.name = "stock",
                       .schema = {{{.name = "code", .type = ColumnType::kText},
                                   {.name = "at", .type = ColumnType::kTimestamp},
                                   {.name = "level", .type = ColumnType::kInt64, .nullable = true},
                                   {.name = "price", .type = ColumnType::kDouble, .nullable = true},
                                   {.name = "sold", .type = ColumnType::kBool, .nullable = true}}},
                       .key = {"code", "at"}};
const TableSpec kVisits{
    .name = "visits", .schema = {{{.name = "page", .type = ColumnType::kText}}}, .key = {}};

/// A store under test and its verbs; every call is expected to go well unless its name says other.
class Store {
 public:
  explicit Store(const StoreMaker& maker) : open_(maker.make().open) { Reconnect(); }

  TableDao& dao() { return *dao_; }
  void Reconnect(StoreAccess access = StoreAccess::kReadWriteCreate) {
    dao_.reset();
    Result<std::unique_ptr<TableDao>> opened = open_(access);
    if (!opened) throw std::runtime_error(opened.error().message);
    dao_ = *std::move(opened);
  }

  /// Rows in CSV without header, in the order of the table's columns.
  AppendCounts Append(const TableSpec& spec, const std::string& rows,
                      OnConflict on_conflict = OnConflict::kRefuse) {
    std::size_t failed_row = 0;
    const Result<AppendCounts> counts = TryAppend(spec, rows, on_conflict, failed_row);
    EXPECT_TRUE(counts.ok()) << counts.error().message;
    return counts.ok() ? *counts : AppendCounts();
  }
  Result<AppendCounts> TryAppend(const TableSpec& spec, const std::string& rows,
                                 OnConflict on_conflict, std::size_t& failed_row) {
    const Status ensured = dao_->EnsureTable(spec);
    if (!ensured) return ensured.error();
    return dao_->Append(spec, Parse(spec, rows), on_conflict, failed_row);
  }
  /// All rows of the table, or of what a query of the same columns gives.
  std::vector<std::string> Read(const TableSpec& spec) {
    return ReadFrom(TableSource{spec.name}, spec.schema);
  }
  std::vector<std::string> Query(const std::string& sql, const Schema& schema) {
    return ReadFrom(QuerySource{sql}, schema);
  }
  /// The rows of the table that were taken in behind the cursor.
  std::vector<std::string> ReadBehind(const TableSpec& spec, const RowCursor& cursor) {
    const RowRange behind{.first = cursor.last_row + 1, .last = *dao_->LastRow(spec.name)};
    std::vector<std::string> rows;
    const auto take = [&rows](const Table& batch) {
      for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
      return Status();
    };
    const Status read = dao_->ReadRows(TableSource{spec.name}, behind, spec.schema, {}, 2, take);
    EXPECT_TRUE(read.ok()) << read.error().message;
    return rows;
  }
  std::string QueryError(const std::string& sql, const Schema& schema,
                         const std::vector<ForbiddenColumn>& forbidden = {}) {
    return ReadError(QuerySource{sql}, schema, forbidden);
  }
  std::string ReadError(const StoredRows& source, const Schema& schema,
                        const std::vector<ForbiddenColumn>& forbidden = {}) {
    const Status read =
        dao_->Read(source, schema, forbidden, 10, [](const Table&) { return Status(); });
    EXPECT_FALSE(read.ok());
    if (read.ok()) return {};
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument) << read.error().message;
    return read.error().message;
  }
  Result<IngestReport> Ingest(const TableSpec& spec, const std::filesystem::path& file,
                              const IngestRules& rules = {}) {
    EXPECT_TRUE(dao_->Begin().ok());
    Result<IngestReport> report = IngestFile(*dao_, spec, file, TimeZone(), rules, {});
    if (report) {
      EXPECT_TRUE(dao_->Commit().ok());
    } else {
      dao_->Rollback();
    }
    return report;
  }
  std::filesystem::path File(const TableSpec& spec, const std::string& rows) {
    return files_.Write(spec.name + ".csv", Csv(spec, rows));
  }
  std::filesystem::path GzipFile(const TableSpec& spec, const std::string& rows) {
    return files_.WriteGzip(spec.name + ".csv.gz", Csv(spec, rows));
  }

 private:
  static std::string Csv(const TableSpec& spec, const std::string& rows) {
    std::string header;
    for (const ColumnSpec& column : spec.schema.columns) {
      header += (header.empty() ? "" : ",") + column.name;
    }
    return header + "\n" + rows;
  }
  Table Parse(const TableSpec& spec, const std::string& rows) {
    Table batch(spec.schema);
    const std::filesystem::path file = files_.Write("batch.csv", Csv(spec, rows));
    Result<CsvTableReader> reader = CsvTableReader::Open(file, spec.schema, TimeZone());
    EXPECT_TRUE(reader.ok() && reader->ReadBatch(1000, batch).ok());
    return batch;
  }
  std::vector<std::string> ReadFrom(const StoredRows& source, const Schema& schema) {
    std::vector<std::string> rows;
    const Status read = dao_->Read(source, schema, {}, 2, [&rows](const Table& batch) {
      EXPECT_LE(batch.row_count(), 2U);
      EXPECT_GE(batch.row_count(), 1U);
      for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
      return Status();
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return rows;
  }

  TempFolder files_;
  decltype(StoreMaker::NewStore::open) open_;
  std::unique_ptr<TableDao> dao_;
};

std::vector<std::size_t> Numbers(const AppendCounts& counts) {
  return {counts.added, counts.identical, counts.replaced};
}

Schema Columns(std::vector<ColumnSpec> columns) { return {std::move(columns)}; }

TEST_P(TableDaoContract, GivesRowsBackInTheOrderTheyCameWithEveryTypeAndLeadingZeros) {
  Store store(GetParam());
  store.Append(kStock, "00123,2021-07-05,7,0.5,true\n00099,2021-07-04,,,\n");
  store.Append(kStock, "123,1969-12-31 23:59:59,-9223372036854775808,-1e300,false\n");
  EXPECT_THAT(
      store.Read(kStock),
      ElementsAre("'00123' 2021-07-05T00:00:00Z 7 0.5 true", "'00099' 2021-07-04T00:00:00Z - - -",
                  "'123' 1969-12-31T23:59:59Z -9223372036854775808 -1e+300 false"));
}

TEST_P(TableDaoContract, TakesNamesAndTextsThatLookLikeSql) {
  const TableSpec spec{.name = "select \"x\"; --",
                       .schema = {{{.name = "group", .type = ColumnType::kText},
                                   {.name = "a\"b'c", .type = ColumnType::kInt64}}},
                       .key = {"group"}};
  Store store(GetParam());
  ASSERT_TRUE(store.dao().EnsureTable(spec).ok());
  Table batch(spec.schema);
  batch.column(0).AppendText("'); DROP TABLE stock; --");
  batch.column(1).AppendInt64(1);
  std::size_t failed_row = 0;
  ASSERT_TRUE(store.dao().Append(spec, batch, OnConflict::kRefuse, failed_row).ok());
  EXPECT_THAT(store.Read(spec), ElementsAre("''); DROP TABLE stock; --' 1"));
}

TEST_P(TableDaoContract, SkipsIdenticalRowsOfATableWithKey) {
  Store store(GetParam());
  const std::string rows = "a,2021-07-05,7,0.5,true\nb,2021-07-05,,,\n";
  EXPECT_THAT(Numbers(store.Append(kStock, rows)), ElementsAre(2, 0, 0));
  EXPECT_THAT(Numbers(store.Append(kStock, rows + "c,2021-07-05,,,\nc,2021-07-05,,,\n")),
              ElementsAre(1, 3, 0));
  EXPECT_EQ(store.Read(kStock).size(), 3U);
}

TEST_P(TableDaoContract, ComparesEveryColumnAndMissingValues) {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"a,2021-07-05,7,0.5,true\n", "a,2021-07-05,8,0.5,true\n"},
      {"a,2021-07-05,7,0.5,true\n", "a,2021-07-05,7,0.25,true\n"},
      {"a,2021-07-05,7,0.5,true\n", "a,2021-07-05,7,0.5,false\n"},
      {"a,2021-07-05,7,0.5,true\n", "a,2021-07-05,,0.5,true\n"},
      {"a,2021-07-05,,,\n", "a,2021-07-05,,,false\n"},
  };
  for (const auto& [first, second] : pairs) {
    Store store(GetParam());
    store.Append(kStock, first);
    std::size_t failed_row = 99;
    const auto counts =
        store.TryAppend(kStock, "z,2021-07-05,,,\n" + second, OnConflict::kRefuse, failed_row);
    ASSERT_FALSE(counts.ok()) << second;
    EXPECT_EQ(counts.error().code, ErrorCode::kConflict);
    EXPECT_EQ(failed_row, 1U);
  }
}

TEST_P(TableDaoContract, AConflictNamesTableKeyAndColumn) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,7,0.5,true\n");
  std::size_t failed_row = 0;
  const auto counts =
      store.TryAppend(kStock, "a,2021-07-05,7,0.75,false\n", OnConflict::kRefuse, failed_row);
  ASSERT_FALSE(counts.ok());
  EXPECT_EQ(counts.error().message,
            "table \"stock\" already has a row of the same key (\"code\", \"at\") with another "
            "\"price\"");
}

TEST_P(TableDaoContract, ABatchThatFailsOutsideATransactionLeavesNothing) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,7,0.5,true\n");
  std::size_t failed_row = 0;
  ASSERT_FALSE(
      store.TryAppend(kStock, "b,2021-07-05,,,\na,2021-07-05,,,\n", OnConflict::kRefuse, failed_row)
          .ok());
  EXPECT_THAT(store.Read(kStock), ElementsAre("'a' 2021-07-05T00:00:00Z 7 0.5 true"));
}

TEST_P(TableDaoContract, AReplacedRowCountsAsIngestedLast) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,1,,\nb,2021-07-05,2,,\nc,2021-07-05,3,,\n");
  EXPECT_THAT(
      Numbers(store.Append(kStock, "a,2021-07-05,9,,\nb,2021-07-05,2,,\n", OnConflict::kReplace)),
      ElementsAre(0, 1, 1));
  EXPECT_THAT(store.Read(kStock),
              ElementsAre("'b' 2021-07-05T00:00:00Z 2 - -", "'c' 2021-07-05T00:00:00Z 3 - -",
                          "'a' 2021-07-05T00:00:00Z 9 - -"));
}

/// What a table has become of batches of rows with few keys and values, in one transaction. Where
/// `has_one_before`, a row of another key was stored by an earlier one.
std::vector<std::string> AfterManyRows(Store& store, const TableSpec& spec, OnConflict on_conflict,
                                       bool has_one_before) {
  EXPECT_TRUE(store.dao().EnsureTable(spec).ok());
  if (has_one_before) store.Append(spec, "before,0\n");
  std::vector<std::string> told;
  std::mt19937 random(7);
  EXPECT_TRUE(store.dao().Begin().ok());
  for (int i = 0; i < 4; ++i) {
    Table batch(spec.schema);
    for (int row = 0; row < 700; ++row) {
      batch.column(0).AppendText(std::to_string(random() % 1200));
      batch.column(1).AppendInt64(static_cast<std::int64_t>(random() % 2));
    }
    std::size_t failed_row = 0;
    const Result<AppendCounts> counts = store.dao().Append(spec, batch, on_conflict, failed_row);
    if (!counts) throw std::runtime_error(counts.error().message);
    told.push_back(testing::PrintToString(Numbers(*counts)));
    for (const RefusedRow& row : counts->refused) {
      told.push_back(std::to_string(row.row) + " " + row.reason);
    }
  }
  EXPECT_TRUE(store.dao().Commit().ok());
  const std::vector<std::string> rows = store.Read(spec);
  told.insert(told.end(), rows.begin() + (has_one_before ? 1 : 0), rows.end());
  return told;
}

TEST_P(TableDaoContract, DecidesTheRowsOfAnEmptyTableAsThoseOfOneThatHasSome) {
  const TableSpec spec{
      .name = "levels",
      .schema = {{{.name = "code"}, {.name = "level", .type = ColumnType::kInt64}}},
      .key = {"code"}};
  for (const OnConflict on_conflict : {OnConflict::kReplace, OnConflict::kSetAside}) {
    Store empty(GetParam());
    Store other(GetParam());
    const std::vector<std::string> told = AfterManyRows(empty, spec, on_conflict, false);
    EXPECT_EQ(told, AfterManyRows(other, spec, on_conflict, true));
    EXPECT_GT(told.size(), 1000U);
  }
}

TEST_P(TableDaoContract, ZeroIsOneKeyWhateverItsSign) {
  const TableSpec spec{
      .name = "places", .schema = {{{.name = "at", .type = ColumnType::kDouble}}}, .key = {"at"}};
  Store store(GetParam());
  EXPECT_THAT(Numbers(store.Append(spec, "0.0\n1.5\n-0.0\n1.5\n")), ElementsAre(2, 2, 0));
}

TEST_P(TableDaoContract, KeepsEqualRowsOfATableWithoutKey) {
  Store store(GetParam());
  EXPECT_THAT(Numbers(store.Append(kVisits, "home\nhome\n")), ElementsAre(2, 0, 0));
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'home'", "'home'"));
}

TEST_P(TableDaoContract, AKeyOfOneIntegerDoesNotDecideTheOrder) {
  const TableSpec spec{
      .name = "numbers", .schema = {{{.name = "n", .type = ColumnType::kInt64}}}, .key = {"n"}};
  Store store(GetParam());
  store.Append(spec, "30\n10\n20\n");
  EXPECT_THAT(store.Read(spec), ElementsAre("30", "10", "20"));
}

TEST_P(TableDaoContract, RollbackLeavesTheStoreAsBefore) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,1,,\n");
  ASSERT_TRUE(store.dao().Begin().ok());
  store.Append(kStock, "a,2021-07-05,2,,\nb,2021-07-05,2,,\n", OnConflict::kReplace);
  store.Append(kVisits, "home\n");
  ASSERT_TRUE(store.dao().RecordFile("visits", "hash", "visits.csv", {.rejected = 3}).ok());
  store.dao().Rollback();
  EXPECT_THAT(store.Read(kStock), ElementsAre("'a' 2021-07-05T00:00:00Z 1 - -"));
  EXPECT_FALSE(store.dao().FindFile("visits", "hash")->has_value());
  EXPECT_THAT(store.ReadError(TableSource{"visits"}, kVisits.schema), HasSubstr("visits"));
}

TEST_P(TableDaoContract, WhatWasNotCommittedIsGoneWithItsConnection) {
  Store store(GetParam());
  store.Append(kVisits, "home\n");
  ASSERT_TRUE(store.dao().Begin().ok());
  store.Append(kVisits, "about\n");
  store.Reconnect();
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'home'"));
}

TEST_P(TableDaoContract, WhatWasCommittedIsThereForALaterReader) {
  Store store(GetParam());
  ASSERT_TRUE(store.dao().Begin().ok());
  store.Append(kVisits, "home\n");
  ASSERT_TRUE(store.dao().Commit().ok());
  store.Reconnect(StoreAccess::kReadOnly);
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'home'"));
}

TEST_P(TableDaoContract, AReaderMayDeclareATableButWriteNothing) {
  Store store(GetParam());
  store.Append(kVisits, "home\n");
  store.Reconnect(StoreAccess::kReadOnly);
  EXPECT_TRUE(store.dao().EnsureTable(kVisits).ok());
  std::size_t failed_row = 0;
  const auto counts = store.TryAppend(kVisits, "about\n", OnConflict::kRefuse, failed_row);
  ASSERT_FALSE(counts.ok());
  EXPECT_EQ(counts.error().code, ErrorCode::kIo);
  EXPECT_FALSE(store.dao().EnsureTable(kStock).ok());
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'home'"));
}

TEST_P(TableDaoContract, ATableDeclaredOtherwiseIsAConflictThatNamesTheDifference) {
  TableSpec other_type = kStock;
  other_type.schema.columns[2].type = ColumnType::kText;
  TableSpec other_nullability = kStock;
  other_nullability.schema.columns[2].nullable = false;
  TableSpec other_key = kStock;
  other_key.key = {"code"};
  TableSpec new_column = kStock;
  new_column.schema.columns.push_back({.name = "more"});
  TableSpec lost_column = kStock;
  lost_column.schema.columns.pop_back();
  const std::string third = kStock.schema.columns[2].name;
  const std::vector<std::pair<TableSpec, std::string>> cases{
      {other_type, "column \"" + third + "\" is int64 there and declared text"},
      {other_nullability, "column \"" + third + "\" is nullable there and declared not nullable"},
      {other_key, "its key is code, at there and declared code"},
      {new_column, "column \"more\" is new, and the rows that are there have no value of it"},
      {lost_column,
       "column \"" + kStock.schema.columns.back().name + "\" is there and not declared"}};
  Store store(GetParam());
  ASSERT_TRUE(store.dao().EnsureTable(kStock).ok());
  EXPECT_TRUE(store.dao().EnsureTable(kStock).ok());
  for (const auto& [spec, difference] : cases) {
    const Status ensured = store.dao().EnsureTable(spec);
    ASSERT_FALSE(ensured.ok()) << difference;
    EXPECT_EQ(ensured.error().code, ErrorCode::kConflict);
    EXPECT_THAT(
        ensured.error().message,
        AllOf(HasSubstr("\"stock\" exists with other columns or key"), HasSubstr(difference)));
  }
}

TEST_P(TableDaoContract, TheOrderInWhichColumnsAreDeclaredSaysNothing) {
  TableSpec reversed = kStock;
  std::ranges::reverse(reversed.schema.columns);
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,7,0.75,false\n");
  EXPECT_TRUE(store.dao().EnsureTable(reversed).ok());
  EXPECT_THAT(store.Read(kStock), SizeIs(1));
}

TEST_P(TableDaoContract, AColumnThatMayBeMissingIsAddedToWhatIsThere) {
  TableSpec wider = kVisits;
  wider.schema.columns.push_back({.name = "seconds", .type = ColumnType::kInt64, .nullable = true});
  wider.schema.columns.push_back({.name = "new", .type = ColumnType::kBool, .nullable = true});
  Store store(GetParam());
  store.Append(kVisits, "home\n");
  store.Append(wider, "about,7,true\n");
  EXPECT_THAT(store.Read(wider), ElementsAre("'home' - -", "'about' 7 true"));
  EXPECT_TRUE(store.dao().EnsureTable(wider).ok());
  EXPECT_FALSE(store.dao().EnsureTable(kVisits).ok());
}

TEST_P(TableDaoContract, RefusesDeclarationsThatCannotBeKept) {
  const std::vector<std::pair<TableSpec, std::string>> cases{
      {{.name = "forkcast_files", .schema = kVisits.schema, .key = {}}, "names that start with"},
      {{.name = "Forkcast_x", .schema = kVisits.schema, .key = {}}, "names that start with"},
      {{.name = "t", .schema = {}, .key = {}}, "no columns"},
      {{.name = "t", .schema = kVisits.schema, .key = {"code"}}, "\"code\" does not exist"},
      {{.name = "t", .schema = kStock.schema, .key = {"level"}}, "may not be nullable"},
  };
  Store store(GetParam());
  for (const auto& [spec, message] : cases) {
    const Status ensured = store.dao().EnsureTable(spec);
    ASSERT_FALSE(ensured.ok()) << message;
    EXPECT_EQ(ensured.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(ensured.error().message, HasSubstr(message));
  }
  EXPECT_THAT(store.ReadError(TableSource{"forkcast_tables"}, kVisits.schema),
              HasSubstr("names that start with"));
}

TEST_P(TableDaoContract, KnowsTheFilesRecordedForEachTable) {
  Store store(GetParam());
  EXPECT_FALSE(store.dao().FindFile("visits", "hash")->has_value());
  ASSERT_TRUE(store.dao().RecordFile("visits", "hash", "visits.csv", {.rejected = 3}).ok());
  EXPECT_TRUE(store.dao().FindFile("visits", "hash")->has_value());
  EXPECT_FALSE(store.dao().FindFile("visits", "other")->has_value());
  EXPECT_FALSE(store.dao().FindFile("stock", "hash")->has_value());
}

TEST_P(TableDaoContract, FindsFilesByNameAndRemovesTheirRows) {
  Store store(GetParam());
  store.Append(kVisits, "old\n");
  const std::int64_t before = *store.dao().LastRow("visits");
  store.Append(kVisits, "home\nabout\n");
  const RowRange rows{.first = before + 1, .last = *store.dao().LastRow("visits")};
  EXPECT_EQ(rows.size(), 2U);
  const KnownFile file{.rejected = 1, .rows = rows};
  ASSERT_TRUE(store.dao().RecordFile("visits", "hash", "visits.csv", file).ok());
  store.Append(kVisits, "new\n");
  const std::vector<RecordedFile> found = *store.dao().FilesNamed("visits", "visits.csv");
  EXPECT_THAT(found, ElementsAre(RecordedFile{.content_hash = "hash", .file = file}));
  EXPECT_THAT(*store.dao().FilesNamed("visits", "other.csv"), IsEmpty());
  EXPECT_THAT(*store.dao().FilesNamed("stock", "visits.csv"), IsEmpty());
  ASSERT_TRUE(store.dao().RemoveFile("visits", found.front()).ok());
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'old'", "'new'"));
  EXPECT_THAT(*store.dao().FilesNamed("visits", "visits.csv"), IsEmpty());
  EXPECT_FALSE(store.dao().FindFile("visits", "hash")->has_value());
}

TEST_P(TableDaoContract, KnowsTheZoneRecordedForEachTable) {
  Store store(GetParam());
  EXPECT_EQ(*store.dao().ZoneOf("visits"), std::nullopt);
  ASSERT_TRUE(store.dao().RecordZone("visits", "UTC").ok());
  ASSERT_TRUE(store.dao().RecordZone("visits", "Europe/Berlin").ok());
  EXPECT_EQ(*store.dao().ZoneOf("visits"), "Europe/Berlin");
  EXPECT_EQ(*store.dao().ZoneOf("stock"), std::nullopt);
  ASSERT_TRUE(store.dao().Begin().ok());
  ASSERT_TRUE(store.dao().RecordZone("stock", "UTC").ok());
  store.dao().Rollback();
  EXPECT_EQ(*store.dao().ZoneOf("stock"), std::nullopt);
}

TEST_P(TableDaoContract, KeepsABookmarkForEachTableAndSource) {
  Store store(GetParam());
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/0"), std::nullopt);
  EXPECT_TRUE(*store.dao().MoveBookmark("visits", "kafka:visits/0", std::nullopt, "17"));
  EXPECT_TRUE(*store.dao().MoveBookmark("visits", "kafka:visits/0", "17", "90000000000"));
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/0"), "90000000000");
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/1"), std::nullopt);
  EXPECT_EQ(*store.dao().BookmarkOf("stock", "kafka:visits/0"), std::nullopt);
}

TEST_P(TableDaoContract, ABookmarkThatSomebodyElseMovedStays) {
  Store store(GetParam());
  ASSERT_TRUE(*store.dao().MoveBookmark("visits", "kafka:visits/0", std::nullopt, "17"));
  EXPECT_FALSE(*store.dao().MoveBookmark("visits", "kafka:visits/0", std::nullopt, "20"));
  EXPECT_FALSE(*store.dao().MoveBookmark("visits", "kafka:visits/0", "16", "20"));
  EXPECT_FALSE(*store.dao().MoveBookmark("visits", "kafka:visits/1", "17", "20"));
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/0"), "17");
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/1"), std::nullopt);
}

TEST_P(TableDaoContract, ABookmarkMovesWithTheRowsOfItsTransaction) {
  Store store(GetParam());
  ASSERT_TRUE(store.dao().EnsureTable(kVisits).ok());
  ASSERT_TRUE(store.dao().Begin().ok());
  store.Append(kVisits, "a\n");
  ASSERT_TRUE(*store.dao().MoveBookmark("visits", "kafka:visits/0", std::nullopt, "1"));
  store.dao().Rollback();
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/0"), std::nullopt);
  EXPECT_THAT(store.Read(kVisits), IsEmpty());
  ASSERT_TRUE(store.dao().Begin().ok());
  store.Append(kVisits, "a\n");
  ASSERT_TRUE(*store.dao().MoveBookmark("visits", "kafka:visits/0", std::nullopt, "1"));
  ASSERT_TRUE(store.dao().Commit().ok());
  store.Reconnect(StoreAccess::kReadOnly);
  EXPECT_EQ(*store.dao().BookmarkOf("visits", "kafka:visits/0"), "1");
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'a'"));
}

TEST_P(TableDaoContract, TheChangeMarkTellsThatOthersHaveAddedRows) {
  const auto open = GetParam().make().open;
  const auto others = *open(StoreAccess::kReadWriteCreate);
  ASSERT_TRUE(others->EnsureTable(kVisits).ok());
  const auto ours = *open(StoreAccess::kReadOnly);
  const std::string before = *ours->ChangeMark();
  Table batch(kVisits.schema);
  batch.column(0).AppendText("a");
  std::size_t failed_row = 0;
  ASSERT_TRUE(others->Append(kVisits, batch, OnConflict::kRefuse, failed_row).ok());
  // A server may count late.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (*ours->ChangeMark() == before && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_NE(*ours->ChangeMark(), before);
}

TEST_P(TableDaoContract, RowsTakenInBehindACursorAreReadAlone) {
  Store store(GetParam());
  store.Append(kVisits, "home\nabout\n");
  const std::optional<RowCursor> cursor = *store.dao().CursorOf({"visits"});
  ASSERT_TRUE(cursor);
  EXPECT_THAT(store.ReadBehind(kVisits, *cursor), IsEmpty());
  store.Append(kVisits, "new\nhome\n");
  EXPECT_TRUE(*store.dao().IsUnchanged({"visits"}, *cursor));
  EXPECT_THAT(store.ReadBehind(kVisits, *cursor), ElementsAre("'new'", "'home'"));
}

TEST_P(TableDaoContract, ACursorStaysAsItIsWhereNothingIsAdded) {
  Store store(GetParam());
  store.Append(kStock, "a,2024-01-01,1,,\n");
  const std::optional<RowCursor> cursor = *store.dao().CursorOf({"stock"});
  store.Append(kStock, "a,2024-01-01,1,,\n");
  EXPECT_EQ(*store.dao().CursorOf({"stock"}), cursor);
  ASSERT_TRUE(store.dao().Begin().ok());
  store.Append(kStock, "b,2024-01-01,1,,\n");
  store.dao().Rollback();
  EXPECT_EQ(*store.dao().CursorOf({"stock"}), cursor);
}

TEST_P(TableDaoContract, ACursorEndsWhereARowBeforeItIsReplaced) {
  Store store(GetParam());
  store.Append(kStock, "a,2024-01-01,1,,\nb,2024-01-01,1,,\n");
  const std::optional<RowCursor> cursor = *store.dao().CursorOf({"stock"});
  ASSERT_TRUE(cursor);
  store.Append(kStock, "b,2024-01-01,2,,\n", OnConflict::kReplace);
  EXPECT_FALSE(*store.dao().IsUnchanged({"stock"}, *cursor));
  EXPECT_TRUE(*store.dao().IsUnchanged({"stock"}, **store.dao().CursorOf({"stock"})));
}

TEST_P(TableDaoContract, ACursorEndsWhereTheRowsOfAFileAreRemoved) {
  Store store(GetParam());
  store.Append(kVisits, "home\nabout\n");
  const std::optional<RowCursor> cursor = *store.dao().CursorOf({"visits"});
  ASSERT_TRUE(cursor);
  const RecordedFile file{.content_hash = "hash",
                          .file = {.rows = RowRange{.first = 1, .last = cursor->last_row}}};
  ASSERT_TRUE(store.dao().RemoveFile("visits", file).ok());
  store.Append(kVisits, "home\nabout\nmore\n");
  EXPECT_FALSE(*store.dao().IsUnchanged({"visits"}, *cursor));
}

TEST_P(TableDaoContract, ACursorOfAnotherStoreIsNotKnown) {
  Store store(GetParam());
  Store other(GetParam());
  store.Append(kVisits, "home\n");
  other.Append(kVisits, "home\n");
  EXPECT_FALSE(*store.dao().IsUnchanged({"visits"}, **other.dao().CursorOf({"visits"})));
  EXPECT_EQ(*store.dao().CursorOf({"stock"}), std::nullopt);
}

TEST_P(TableDaoContract, AQueryGivesItsRowsInItsOrderWhateverItsColumnsOrder) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,1,,\nb,2021-07-05,2,,\nc,2021-07-05,3,,\n");
  const Schema schema = Columns({{.name = "code"}, {.name = "n", .type = ColumnType::kInt64}});
  EXPECT_THAT(store.Query("SELECT level + 1 AS n, 0 AS unused, code FROM stock WHERE level > 1 "
                          "ORDER BY level DESC; -- newest first",
                          schema),
              ElementsAre("'c' 4", "'b' 3"));
}

TEST_P(TableDaoContract, RefusesQueriesThatAreNotOneSelect) {
  Store store(GetParam());
  store.Append(kVisits, "home\n");
  for (const std::string sql :
       {"", "-- nothing", "DELETE FROM visits", "DROP TABLE visits",
        "INSERT INTO visits VALUES ('x')",
        "WITH x AS (SELECT 'x') INSERT INTO visits SELECT * FROM x", "UPDATE visits SET page = 'x'",
        "CREATE TABLE x (y)", "CREATE VIEW x AS SELECT page FROM visits", "COMMIT",
        "SELECT page FROM visits; DELETE FROM visits", "SELECT page FROM visits; SELECT 1",
        "SELECT page FROM visits WHERE page = ?", "SELECT page FROM", "SELECT page FROM nowhere"}) {
    EXPECT_THAT(store.QueryError(sql, kVisits.schema), HasSubstr("the query cannot be read"))
        << sql;
  }
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'home'"));
}

TEST_P(TableDaoContract, RefusesResultsThatAreNotAsDeclared) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,7,0.5,true\nb,2021-07-05,,,\n");
  struct Case {
    std::string sql;
    ColumnSpec column;
    std::string message;
  };
  const std::vector<Case> cases{
      {"SELECT code AS x FROM stock", {.name = "y"}, "no result column called \"y\""},
      {"SELECT code AS x, at AS x FROM stock", {.name = "x"}, "two result columns called \"x\""},
      {"SELECT level AS x FROM stock LIMIT 1",
       {.name = "x"},
       "column \"x\" is declared as text, but holds "},
      {"SELECT code AS x FROM stock",
       {.name = "x", .type = ColumnType::kInt64},
       "column \"x\" is declared as int64, but holds "},
      {"SELECT code AS x FROM stock",
       {.name = "x", .type = ColumnType::kDouble},
       "column \"x\" is declared as double, but holds "},
      {"SELECT 0.5 AS x",
       {.name = "x", .type = ColumnType::kTimestamp},
       "column \"x\" is declared as timestamp, but holds "},
      {"SELECT 2 AS x",
       {.name = "x", .type = ColumnType::kBool},
       "column \"x\" is declared as bool, but holds "},
      {"SELECT level AS x FROM stock WHERE level IS NULL",
       {.name = "x", .type = ColumnType::kInt64},
       "column \"x\" is declared as int64, but holds nothing"},
  };
  for (const Case& test : cases) {
    EXPECT_THAT(store.QueryError(test.sql, Columns({test.column})), HasSubstr(test.message));
  }
}

TEST_P(TableDaoContract, AQueryGivesInstantsAndTruthsAsTheTableDoes) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05 12:30:00.000001,7,0.5,true\nb,1969-12-31,,,false\n");
  EXPECT_THAT(
      store.Query("SELECT max(at) AS at, code, sold FROM stock GROUP BY code, sold "
                  "ORDER BY code",
                  Columns({{.name = "at", .type = ColumnType::kTimestamp},
                           {.name = "code"},
                           {.name = "sold", .type = ColumnType::kBool}})),
      ElementsAre("2021-07-05T12:30:00.000001Z 'a' true", "1969-12-31T00:00:00Z 'b' false"));
}

TEST_P(TableDaoContract, ADoubleMayBeWholeAndANullableColumnMissing) {
  Store store(GetParam());
  EXPECT_THAT(
      store.Query("SELECT 2 AS x, NULL AS y", Columns({{.name = "x", .type = ColumnType::kDouble},
                                                       {.name = "y", .nullable = true}})),
      ElementsAre("2 -"));
}

TEST_P(TableDaoContract, AForbiddenColumnCannotBeReached) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,7,0.5,true\n");
  const std::vector<ForbiddenColumn> forbidden{{.table = "stock", .column = "sold"}};
  const Schema code = Columns({{.name = "code"}});
  for (const std::string sql :
       {"SELECT code, sold FROM stock", "SELECT * FROM stock", "SELECT code FROM stock WHERE sold",
        "SELECT code FROM stock ORDER BY sold",
        "SELECT code FROM stock GROUP BY code HAVING count(sold) > 1",
        "SELECT code FROM (SELECT * FROM stock) AS x", "SELECT s.code FROM stock AS s WHERE s.SOLD",
        "SELECT code FROM stock WHERE Sold",
        "WITH x(code, y) AS (SELECT code, sold FROM stock) SELECT code FROM x",
        "SELECT 'a' AS code WHERE EXISTS (SELECT 1 FROM stock WHERE sold)",
        "SELECT a.code FROM stock a JOIN stock b ON a.sold = b.sold",
        "SELECT code FROM stock UNION SELECT 'x' FROM stock WHERE sold"}) {
    EXPECT_THAT(store.QueryError(sql, code, forbidden),
                HasSubstr("it reads column \"sold\" of table \"stock\", which is forbidden"))
        << sql;
  }
  EXPECT_THAT(store.ReadError(TableSource{"stock"}, kStock.schema, forbidden),
              HasSubstr("table \"stock\" cannot be read as declared: it reads column \"sold\""));
}

TEST_P(TableDaoContract, OtherColumnsOfATableWithAForbiddenOneCanBeRead) {
  Store store(GetParam());
  store.Append(kStock, "a,2021-07-05,7,0.5,true\n");
  std::size_t rows = 0;
  const Status read =
      store.dao().Read(QuerySource{"SELECT code, count(*) AS n FROM stock GROUP BY code"},
                       Columns({{.name = "code"}, {.name = "n", .type = ColumnType::kInt64}}),
                       {{.table = "stock", .column = "sold"}, {.table = "other", .column = "code"}},
                       10, [&rows](const Table& batch) {
                         rows += batch.row_count();
                         return Status();
                       });
  EXPECT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(rows, 1U);
  // What was forbidden for one reading is not for the next.
  EXPECT_EQ(store.Read(kStock).size(), 1U);
}

TEST_P(TableDaoContract, TheSinkMayStopTheReading) {
  Store store(GetParam());
  store.Append(kVisits, "a\nb\nc\n");
  std::size_t batches = 0;
  const Error stop{ErrorCode::kCorrupt, "enough"};
  const Status read =
      store.dao().Read(TableSource{"visits"}, kVisits.schema, {}, 1, [&](const Table&) -> Status {
        ++batches;
        return stop;
      });
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error(), stop);
  EXPECT_EQ(batches, 1U);
}

TEST_P(TableDaoContract, IngestingAFileOfAKeyedTableTwiceAddsNothing) {
  Store store(GetParam());
  const auto file = store.File(kStock, "00123,2021-07-05,7,0.5,true\n00124,2021-07-05,,,\n");
  const auto first = store.Ingest(kStock, file);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->rows, 2U);
  EXPECT_THAT(Numbers(first->counts), ElementsAre(2, 0, 0));
  const auto second = store.Ingest(kStock, file);
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second->rows, 2U);
  EXPECT_THAT(Numbers(second->counts), ElementsAre(0, 2, 0));
  EXPECT_FALSE(second->already_known);
  EXPECT_THAT(store.Read(kStock), ElementsAre("'00123' 2021-07-05T00:00:00Z 7 0.5 true",
                                              "'00124' 2021-07-05T00:00:00Z - - -"));
}

TEST_P(TableDaoContract, AFileOfATableWithoutKeyIsKnownByItsContentEvenAsGzip) {
  Store store(GetParam());
  const auto first = store.Ingest(kVisits, store.File(kVisits, "home\nhome\n"));
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_FALSE(first->already_known);
  const auto again = store.Ingest(kVisits, store.GzipFile(kVisits, "home\nhome\n"));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(again->already_known);
  EXPECT_EQ(again->rows, 0U);
  EXPECT_THAT(Numbers(again->counts), ElementsAre(0, 0, 0));
  const auto other = store.Ingest(kVisits, store.File(kVisits, "home\nabout\n"),
                                  {.on_other_contents = OnOtherContents::kAppend});
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_THAT(store.Read(kVisits), ElementsAre("'home'", "'home'", "'home'", "'about'"));
}

TEST_P(TableDaoContract, AConflictingFileIsNamedWithItsLineAndLeavesTheStoreAsBefore) {
  Store store(GetParam());
  ASSERT_TRUE(store.Ingest(kStock, store.File(kStock, "a,2021-07-05,1,,\n")).ok());
  const auto file = store.File(kStock, "b,2021-07-05,2,,\n\na,2021-07-05,3,,\n");
  const auto report = store.Ingest(kStock, file);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kConflict);
  EXPECT_THAT(report.error().message, HasSubstr(file.string() + ": line 4: table \"stock\""));
  EXPECT_THAT(store.Read(kStock), ElementsAre("'a' 2021-07-05T00:00:00Z 1 - -"));

  const auto upsert = store.Ingest(kStock, file, {.on_conflict = OnConflict::kReplace});
  ASSERT_TRUE(upsert.ok()) << upsert.error().message;
  EXPECT_THAT(Numbers(upsert->counts), ElementsAre(1, 0, 1));
  EXPECT_THAT(store.Read(kStock),
              ElementsAre("'b' 2021-07-05T00:00:00Z 2 - -", "'a' 2021-07-05T00:00:00Z 3 - -"));
}

TEST_P(TableDaoContract, ABadFileLeavesTheStoreAsBefore) {
  Store store(GetParam());
  const auto report = store.Ingest(kVisits, store.File(kVisits, "home\na\"b\n"));
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().message, HasSubstr("visits.csv: line 3, column 2: "));
  EXPECT_THAT(store.ReadError(TableSource{"visits"}, kVisits.schema), HasSubstr("visits"));
}

TEST_P(TableDaoContract, IngestingReportsItsProgress) {
  std::string rows;
  for (int i = 0; i < 20'000; ++i) rows += "page " + std::to_string(i) + "\n";
  Store store(GetParam());
  const auto file = store.File(kVisits, rows);
  std::vector<std::size_t> seen;
  ASSERT_TRUE(store.dao().Begin().ok());
  const auto report = IngestFile(store.dao(), kVisits, file, TimeZone(), {},
                                 [&](std::size_t read, std::size_t total) {
                                   EXPECT_EQ(total, std::filesystem::file_size(file));
                                   seen.push_back(read);
                                 });
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_TRUE(store.dao().Commit().ok());
  EXPECT_EQ(report->rows, 20'000U);
  ASSERT_GT(seen.size(), 1U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(seen.back(), std::filesystem::file_size(file));
}

TEST_P(TableDaoContract, KeepsTheLeadingZerosOfTheRealInventory) {
  const std::filesystem::path folder = FORKCAST_SOURCE_DIR "/../shared/data/order_triage";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the real orders are not on this machine";
  const TableSpec spec{.name = "inventory",
                       .schema = {{{.name = "sku_code", .type = ColumnType::kText},
                                   {.name = "timestamp", .type = ColumnType::kTimestamp},
                                   {.name = "inventory", .type = ColumnType::kInt64}}},
                       .key = {"sku_code", "timestamp"}};
  const auto found = FindTableFiles(folder, "inventory", {});
  ASSERT_TRUE(found.ok()) << found.error().message;
  Store store(GetParam());
  const auto report = store.Ingest(spec, found->files.front());
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_THAT(Numbers(report->counts), ElementsAre(10'000, 0, 0));
  EXPECT_THAT(store.Query("SELECT count(DISTINCT sku_code) AS n FROM inventory "
                          "WHERE sku_code LIKE '0%' AND length(sku_code) = 13",
                          Columns({{.name = "n", .type = ColumnType::kInt64}})),
              ElementsAre("101"));
}

}  // namespace
}  // namespace forkcast::preprocessing
