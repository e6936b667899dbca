#include "data_preprocessing/dao/postgres/postgres_table_dao.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "data_preprocessing/dao/table_dao_contract.hpp"
#include "support/eventually.hpp"
#include "support/postgres_server.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using process_test::PostgresServer;
using process_test::PostgresSession;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// One server for all tests of this program: to make one takes seconds.
PostgresServer& Server() {
  static PostgresServer server;
  return server;
}

std::vector<StoreMaker> Makers() {
  if (!PostgresServer::IsInstalled()) return {};
  return {{.name = "Server",
           .make =
               [] {
                 const std::string url = Server().NewStore();
                 return StoreMaker::NewStore{
                     .open = [url](StoreAccess access) { return OpenStore(url, access); },
                     .run = [url](const std::string& sql) { Server().Run(url, sql); }};
               },
           .timestamps = "timestamptz",
           .now = "clock_timestamp()"}};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TableDaoContract);
INSTANTIATE_TEST_SUITE_P(Postgres, TableDaoContract, testing::ValuesIn(Makers()), NameOf);

const TableSpec kPages{.name = "pages",
                       .schema = {{{.name = "page", .type = ColumnType::kText},
                                   {.name = "hits", .type = ColumnType::kInt64, .nullable = true},
                                   {.name = "label", .type = ColumnType::kBool, .nullable = true}}},
                       .key = {"page"}};

class PostgresStore : public testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::IsInstalled()) GTEST_SKIP() << "postgresql-15 is not installed";
    url_ = Server().NewStore();
  }
  std::unique_ptr<TableDao> Open(StoreAccess access = StoreAccess::kReadWriteCreate) const {
    return PostgresTableDao::Open(url_, access).value();
  }
  static std::vector<std::string> ReadFrom(TableDao& dao, const StoredRows& source,
                                           const Schema& schema) {
    std::vector<std::string> rows;
    const Status read = dao.Read(source, schema, {}, 100, [&rows](const Table& batch) {
      for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
      return Status();
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return rows;
  }
  static Result<AppendCounts> Append(TableDao& dao, std::vector<std::pair<std::string, int>> pages,
                                     OnConflict on_conflict = OnConflict::kRefuse) {
    if (Status ensured = dao.EnsureTable(kPages); !ensured) return ensured.error();
    Table batch(kPages.schema);
    for (const auto& [page, hits] : pages) {
      batch.column(0).AppendText(page);
      batch.column(1).AppendInt64(hits);
      batch.column(2).AppendMissing();
    }
    std::size_t failed_row = 0;
    return dao.Append(kPages, batch, on_conflict, failed_row);
  }

  std::string url_;
};

TEST_F(PostgresStore, KeepsNumbersInstantsAndTextsToTheLastBit) {
  const TableSpec spec{.name = "values",
                       .schema = {{{.name = "text", .type = ColumnType::kText},
                                   {.name = "number", .type = ColumnType::kDouble},
                                   {.name = "whole", .type = ColumnType::kInt64},
                                   {.name = "at", .type = ColumnType::kTimestamp}}},
                       .key = {}};
  Table batch(spec.schema);
  const std::vector<std::string> texts{"", "00123", "Ñandú 漢字 🙂", "a\tb\nc\\N\r"};
  const std::vector<double> numbers{0.1, std::numeric_limits<double>::denorm_min(),
                                    -std::numeric_limits<double>::max(), 1.0 / 3};
  const std::vector<std::int64_t> wholes{std::numeric_limits<std::int64_t>::min(), -1, 0,
                                         std::numeric_limits<std::int64_t>::max()};
  const std::vector<std::int64_t> micros{-62'135'596'800'000'000, -1, 1, 253'402'300'799'999'999};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    batch.column(0).AppendText(texts[i]);
    batch.column(1).AppendDouble(numbers[i]);
    batch.column(2).AppendInt64(wholes[i]);
    batch.column(3).AppendTimestamp(FromMicros(micros[i]));
  }
  const auto dao = Open();
  ASSERT_TRUE(dao->EnsureTable(spec).ok());
  std::size_t failed_row = 0;
  ASSERT_TRUE(dao->Append(spec, batch, OnConflict::kRefuse, failed_row).ok());
  std::size_t rows = 0;
  ASSERT_TRUE(dao->Read(TableSource{"values"}, spec.schema, {}, 3,
                        [&](const Table& read) {
                          for (std::size_t i = 0; i < read.row_count(); ++i, ++rows) {
                            EXPECT_EQ(read.column(0).Text(i), texts[rows]);
                            EXPECT_EQ(read.column(1).Double(i), numbers[rows]);
                            EXPECT_EQ(read.column(2).Int64(i), wholes[rows]);
                            EXPECT_EQ(ToMicros(read.column(3).Timestamp(i)), micros[rows]);
                          }
                          return Status();
                        })
                  .ok());
  EXPECT_EQ(rows, texts.size());
}

TEST_F(PostgresStore, RefusesATextWithANulNamingRowAndColumn) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  Table batch(kPages.schema);
  for (const std::string_view text : {std::string_view("b"), std::string_view("c\0d", 3)}) {
    batch.column(0).AppendText(text);
    batch.column(1).AppendInt64(1);
    batch.column(2).AppendMissing();
  }
  std::size_t failed_row = 0;
  const auto refused = dao->Append(kPages, batch, OnConflict::kRefuse, failed_row);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().field, "page");
  EXPECT_EQ(failed_row, 1U);
  EXPECT_THAT(ReadFrom(*dao, TableSource{"pages"}, kPages.schema), ElementsAre("'a' 1 -"));
}

TEST_F(PostgresStore, ReplacesRowAfterRowOfAKeyWithinOneBatch) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}, {"b", 1}}).ok());
  const auto counts =
      Append(*dao, {{"a", 2}, {"c", 1}, {"a", 2}, {"a", 3}, {"c", 2}}, OnConflict::kReplace);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  EXPECT_EQ(counts->added, 1U);
  EXPECT_EQ(counts->replaced, 3U);
  EXPECT_EQ(counts->identical, 1U);
  EXPECT_THAT(ReadFrom(*dao, TableSource{"pages"}, kPages.schema),
              ElementsAre("'b' 1 -", "'a' 3 -", "'c' 2 -"));
}

TEST_F(PostgresStore, SetsConflictingRowsAside) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  const auto counts = Append(*dao, {{"b", 1}, {"a", 2}, {"a", 1}, {"b", 9}}, OnConflict::kSetAside);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  EXPECT_EQ(counts->added, 1U);
  EXPECT_EQ(counts->identical, 1U);
  ASSERT_EQ(counts->refused.size(), 2U);
  EXPECT_EQ(counts->refused[0].row, 1U);
  EXPECT_EQ(counts->refused[1].row, 3U);
  EXPECT_THAT(counts->refused[1].reason, HasSubstr("with another \"hits\""));
}

TEST_F(PostgresStore, ReadsATableOfSomebodyElseAsItIsAndNeverAltersIt) {
  Server().Run(
      url_,
      "CREATE TABLE sales (id serial, store varchar(9), qty smallint, price numeric(9, 2), "
      "day date, at timestamp, note text);"
      "INSERT INTO sales (store, qty, price, day, at) VALUES "
      "('007', 3, 1234567.89, '2021-07-05', '2021-07-05 12:00'), "
      "('006', NULL, -0.05, '1999-12-31', NULL)");
  const Schema schema{{{.name = "store"},
                       {.name = "qty", .type = ColumnType::kInt64, .nullable = true},
                       {.name = "price", .type = ColumnType::kDouble},
                       {.name = "day", .type = ColumnType::kTimestamp},
                       {.name = "at", .type = ColumnType::kTimestamp, .nullable = true}}};
  const auto dao = Open();
  EXPECT_THAT(ReadFrom(*dao, TableSource{"sales"}, schema),
              ElementsAre("'006' - -0.05 1999-12-31T00:00:00Z -",
                          "'007' 3 1234567.89 2021-07-05T00:00:00Z 2021-07-05T12:00:00Z"));
  const Status ensured = dao->EnsureTable({.name = "sales", .schema = schema, .key = {}});
  ASSERT_FALSE(ensured.ok());
  EXPECT_THAT(ensured.error().message, HasSubstr("was not created by Forkcast"));
}

/// A query that gets at a column which is forbidden in a way that only PostgreSQL has.
struct Reach {
  std::string name;
  std::string sql;
  std::string message;
};

void PrintTo(const Reach& reach, std::ostream* out) { *out << reach.name; }

class ForbiddenInPostgres : public PostgresStore, public testing::WithParamInterface<Reach> {};

TEST_P(ForbiddenInPostgres, IsFound) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  const std::string schema = url_.substr(url_.rfind('D') + 1);
  Server().Run(url_,
               "CREATE VIEW one AS SELECT page, label FROM pages;"
               "CREATE VIEW two AS SELECT page FROM one WHERE label IS NULL;"
               "CREATE FUNCTION peek() RETURNS boolean LANGUAGE sql STABLE AS "
               "'SELECT label FROM pages LIMIT 1'");
  std::string sql = GetParam().sql;
  if (const auto at = sql.find("SCHEMA"); at != std::string::npos) sql.replace(at, 6, schema);
  const Status read =
      dao->Read(QuerySource{sql}, {{{.name = "page"}}}, {{.table = "pages", .column = "label"}}, 10,
                [](const Table&) { return Status(); });
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(read.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Ways, ForbiddenInPostgres,
    testing::Values(
        Reach{"Using", "SELECT page FROM pages a JOIN pages b USING (page, label)",
              "reads column \"label\""},
        Reach{"Natural", "SELECT page FROM pages a NATURAL JOIN pages b", "reads column \"label\""},
        Reach{"OtherCase", "SELECT page FROM PAGES WHERE Label", "reads column \"label\""},
        Reach{"QualifiedName", "SELECT page FROM \"SCHEMA\".pages WHERE label",
              "reads column \"label\""},
        Reach{"ViewOfAView", "SELECT page FROM two", "reads column \"label\""},
        Reach{"Lateral", "SELECT p.page FROM pages p, LATERAL (SELECT p.label AS x) y",
              "reads column \"label\""},
        Reach{"Window",
              "SELECT page FROM (SELECT page, max(page) OVER (PARTITION BY label) FROM pages) x",
              "reads column \"label\""},
        Reach{"WholeRow", "SELECT to_json(p)::text AS page FROM pages p", "a row as a whole"},
        Reach{"FunctionOfSql", "SELECT page FROM pages WHERE peek()", "calls the function peek"},
        Reach{"SqlInAText",
              "SELECT query_to_xml('select label from pages', true, true, '')::text AS page",
              "calls the function query_to_xml"}),
    [](const testing::TestParamInfo<Reach>& reach) { return reach.param.name; });

TEST_F(PostgresStore, AQueryBesideAForbiddenColumnMayComputeWithWhatItMayRead) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}, {"b", 2}}).ok());
  std::vector<std::string> rows;
  const Status read = dao->Read(
      QuerySource{"SELECT upper(lpad(page, 3, '0')) AS page, sum(hits)::bigint AS hits FROM pages "
                  "GROUP BY page HAVING count(*) > 0 ORDER BY page"},
      {{{.name = "page"}, {.name = "hits", .type = ColumnType::kInt64}}},
      {{.table = "pages", .column = "label"}}, 10, [&rows](const Table& batch) {
        rows = Rows(batch);
        return Status();
      });
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(rows, ElementsAre("'00A' 1", "'00B' 2"));
}

TEST_F(PostgresStore, AQueryThatWritesIsRefusedEvenThroughAFunction) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  Server().Run(url_,
               "CREATE FUNCTION wipe() RETURNS text LANGUAGE sql AS "
               "'DELETE FROM pages RETURNING page'");
  const Status read = dao->Read(QuerySource{"SELECT wipe() AS page"}, {{{.name = "page"}}}, {}, 10,
                                [](const Table&) { return Status(); });
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("read-only transaction"));
  EXPECT_THAT(ReadFrom(*dao, TableSource{"pages"}, kPages.schema), ElementsAre("'a' 1 -"));
}

TEST_F(PostgresStore, AReaderSeesOneStateAndWaitsForNoWriter) {
  const auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}}).ok());
  const auto reader = Open(StoreAccess::kReadOnly);
  ASSERT_TRUE(reader->Begin().ok());
  EXPECT_EQ(ReadFrom(*reader, TableSource{"pages"}, kPages.schema).size(), 1U);
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"b", 1}}).ok());
  EXPECT_EQ(ReadFrom(*reader, TableSource{"pages"}, kPages.schema).size(), 1U);
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_EQ(ReadFrom(*reader, TableSource{"pages"}, kPages.schema).size(), 1U);
  ASSERT_TRUE(reader->Commit().ok());
  EXPECT_EQ(ReadFrom(*reader, TableSource{"pages"}, kPages.schema).size(), 2U);
}

TEST_F(PostgresStore, ALostServerIsAnErrorThatLeavesNothingHalfWritten) {
  auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}}).ok());
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"b", 1}}).ok());
  Server().Restart();
  const auto lost = Append(*writer, {{"c", 1}});
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, ErrorCode::kNotReady) << lost.error().message;
  EXPECT_FALSE(writer->Commit().ok());
  writer = Open();
  EXPECT_THAT(ReadFrom(*writer, TableSource{"pages"}, kPages.schema), ElementsAre("'a' 1 -"));
}

TEST_F(PostgresStore, ASerialisationFailureMayPass) {
  const auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}, {"b", 1}}).ok());
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"c", 1}}).ok());
  Server().Run(url_, "UPDATE pages SET hits = 9 WHERE page = 'b'");
  const auto undone = Append(*writer, {{"b", 2}}, OnConflict::kReplace);
  ASSERT_FALSE(undone.ok());
  EXPECT_EQ(undone.error().code, ErrorCode::kNotReady) << undone.error().message;
  EXPECT_FALSE(writer->Commit().ok());
  EXPECT_THAT(ReadFrom(*Open(), TableSource{"pages"}, kPages.schema),
              ElementsAre("'a' 1 -", "'b' 9 -"));
}

TEST_F(PostgresStore, NamesWithCapitalsAreFoundBySqlWithoutQuotes) {
  const TableSpec spec{.name = "Train",
                       .schema = {{{.name = "Store", .type = ColumnType::kInt64}}},
                       .key = {"Store"}};
  const auto dao = Open();
  ASSERT_TRUE(dao->EnsureTable(spec).ok());
  Table batch(spec.schema);
  batch.column(0).AppendInt64(7);
  std::size_t failed_row = 0;
  ASSERT_TRUE(dao->Append(spec, batch, OnConflict::kRefuse, failed_row).ok());
  EXPECT_THAT(ReadFrom(*dao, TableSource{"Train"}, spec.schema), ElementsAre("7"));
  EXPECT_THAT(ReadFrom(*dao, QuerySource{"SELECT Store FROM Train"}, spec.schema),
              ElementsAre("7"));
}

TEST_F(PostgresStore, NamesLongerThanPostgresKeepsAreRefused) {
  TableSpec spec = kPages;
  spec.schema.columns[1].name = std::string(64, 'x');
  const Status ensured = Open()->EnsureTable(spec);
  ASSERT_FALSE(ensured.ok());
  EXPECT_THAT(ensured.error().message, HasSubstr("PostgreSQL keeps 63 bytes of a name"));
}

TEST_F(PostgresStore, IsOpenedByItsUrl) {
  EXPECT_TRUE(OpenStore(url_, StoreAccess::kReadOnly).ok());
}

TEST(PostgresUrl, WithAPasswordIsRefusedWithoutShowingIt) {
  for (const std::string url :
       {"postgresql://me:secret@127.0.0.1/db", "postgresql://127.0.0.1/db?password=secret",
        "postgresql://me:secret/x@127.0.0.1:1/db"}) {
    const auto opened = OpenStore(url, StoreAccess::kReadOnly);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(opened.error().message, AllOf(HasSubstr("PGPASSWORD"), Not(HasSubstr("secret"))));
  }
}

TEST(PostgresUrl, OfAServerThatIsNotThereIsAnIoError) {
  const auto opened = OpenStore("postgresql://127.0.0.1:1/db", StoreAccess::kReadOnly);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kIo);
  EXPECT_THAT(opened.error().message, HasSubstr("cannot be reached"));
}

TEST_F(PostgresStore, ANotificationChangesTheMarkAtOnce) {
  const auto dao = Open(StoreAccess::kReadOnly);
  ASSERT_TRUE(dao->ChangeMark().ok());  // listens from here on
  const std::string before = *dao->ChangeMark();
  Server().Run(url_, "NOTIFY forkcast");
  EXPECT_NE(*dao->ChangeMark(), before);
}

const TableSpec kEvents{.name = "events",
                        .schema = {{{.name = "id", .type = ColumnType::kInt64},
                                    {.name = "page", .type = ColumnType::kText}}},
                        .key = {},
                        .grows_by = "id"};

constexpr const char* kCreateEvents =
    "CREATE TABLE events (id bigserial PRIMARY KEY, page text NOT NULL)";

TEST_F(PostgresStore, ARowWhoseTransactionEndsSoonIsWaitedFor) {
  Server().Run(url_, kCreateEvents);
  const auto dao = Open(StoreAccess::kReadOnly);
  const PostgresSession early(url_);
  early.Run("BEGIN");
  early.Run("INSERT INTO events (page) VALUES ('early')");
  Server().Run(url_, "INSERT INTO events (page) VALUES ('late')");
  std::thread committer([&early] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    early.Run("COMMIT");
  });
  const auto cursor = dao->CursorOf(kEvents.Source());
  committer.join();
  ASSERT_TRUE(cursor.ok() && *cursor);
  EXPECT_EQ((*cursor)->last_row, 2);
  EXPECT_TRUE(*dao->IsUnchanged(kEvents.Source(), **cursor)) << "it counts both";
}

TEST_F(PostgresStore, ARowWhoseTransactionTakesLongEndsTheCursorWhenItIsThere) {
  Server().Run(url_, kCreateEvents);
  const auto dao = Open(StoreAccess::kReadOnly);
  const PostgresSession early(url_);
  early.Run("BEGIN");
  early.Run("INSERT INTO events (page) VALUES ('early')");
  Server().Run(url_, "INSERT INTO events (page) VALUES ('late')");
  const auto cursor = dao->CursorOf(kEvents.Source());
  ASSERT_TRUE(cursor.ok() && *cursor);
  EXPECT_EQ((*cursor)->last_row, 2) << "nobody waits for hours";
  EXPECT_TRUE(*dao->IsUnchanged(kEvents.Source(), **cursor));
  early.Run("COMMIT");
  EXPECT_FALSE(*dao->IsUnchanged(kEvents.Source(), **cursor));
}

TEST_F(PostgresStore, AnUpdateOfATableThatGrowsEndsTheCursor) {
  Server().Run(url_, kCreateEvents);
  Server().Run(url_, "INSERT INTO events (page) VALUES ('a')");
  const auto dao = Open(StoreAccess::kReadOnly);
  const auto cursor = dao->CursorOf(kEvents.Source());
  ASSERT_TRUE(cursor.ok() && *cursor);
  Server().Run(url_, "UPDATE events SET page = 'b'");
  EXPECT_TRUE(
      process_test::Eventually([&] { return !*dao->IsUnchanged(kEvents.Source(), **cursor); }));
}

}  // namespace
}  // namespace forkcast::preprocessing
