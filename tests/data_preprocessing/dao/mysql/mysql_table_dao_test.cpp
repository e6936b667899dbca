#include "data_preprocessing/dao/mysql/mysql_table_dao.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <functional>
#include <limits>
#include <thread>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/dao/table_dao_contract.hpp"
#include "support/mariadb_server.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using process_test::MariadbServer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// One server for all tests of this program: to make one takes seconds.
MariadbServer& Server() {
  static MariadbServer server;
  return server;
}

std::vector<StoreMaker> Makers() {
  if (!MariadbServer::IsInstalled()) return {};
  return {{.name = "Server",
           .make =
               [] {
                 const std::string url = Server().NewStore();
                 return StoreMaker::NewStore{
                     .open = [url](StoreAccess access) { return OpenStore(url, access); },
                     .run = [url](const std::string& sql) { Server().Run(url, sql); }};
               },
           .timestamps = "DATETIME(6)",
           .now = "now(6)"}};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TableDaoContract);
INSTANTIATE_TEST_SUITE_P(Mariadb, TableDaoContract, testing::ValuesIn(Makers()), NameOf);

const TableSpec kPages{.name = "pages",
                       .schema = {{{.name = "page", .type = ColumnType::kText},
                                   {.name = "hits", .type = ColumnType::kInt64, .nullable = true},
                                   {.name = "label", .type = ColumnType::kBool, .nullable = true}}},
                       .key = {"page"}};

class MariadbStore : public testing::Test {
 protected:
  void SetUp() override {
    if (!MariadbServer::IsInstalled()) GTEST_SKIP() << "mariadb-server is not installed";
    url_ = Server().NewStore();
  }
  std::unique_ptr<TableDao> Open(StoreAccess access = StoreAccess::kReadWriteCreate) const {
    return OpenStore(url_, access).value();
  }
  static std::vector<std::string> ReadFrom(TableDao& dao, const StoredRows& source,
                                           const Schema& schema,
                                           const std::vector<ForbiddenColumn>& forbidden = {}) {
    std::vector<std::string> rows;
    const Status read = dao.Read(source, schema, forbidden, 100, [&rows](const Table& batch) {
      for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
      return Status();
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return rows;
  }
  static std::vector<std::string> Pages(TableDao& dao) {
    return ReadFrom(dao, TableSource{"pages"}, kPages.schema);
  }
  static Error ReadError(TableDao& dao, const StoredRows& source, const Schema& schema,
                         const std::vector<ForbiddenColumn>& forbidden = {}) {
    const Status read =
        dao.Read(source, schema, forbidden, 100, [](const Table&) { return Status(); });
    EXPECT_FALSE(read.ok());
    return read.ok() ? Error{} : read.error();
  }
  static Result<AppendCounts> Append(TableDao& dao, const TableSpec& spec, const Table& batch,
                                     std::size_t& failed_row) {
    if (Status ensured = dao.EnsureTable(spec); !ensured) return ensured.error();
    return dao.Append(spec, batch, OnConflict::kRefuse, failed_row);
  }
  static Result<AppendCounts> Append(TableDao& dao,
                                     const std::vector<std::pair<std::string, int>>& pages,
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

TEST_F(MariadbStore, KeepsNumbersInstantsAndTextsToTheLastBit) {
  const TableSpec spec{.name = "values",
                       .schema = {{{.name = "text", .type = ColumnType::kText},
                                   {.name = "number", .type = ColumnType::kDouble},
                                   {.name = "whole", .type = ColumnType::kInt64},
                                   {.name = "at", .type = ColumnType::kTimestamp}}},
                       .key = {}};
  Table batch(spec.schema);
  const std::vector<std::string> texts{"",
                                       "00123",
                                       "Ñandú 漢字 🙂",
                                       "a\tb\n'c\\N\r",
                                       std::string("a\0b", 3),
                                       std::string(3'000'000, 'x')};
  const std::vector<double> numbers{0.1,
                                    std::numeric_limits<double>::denorm_min(),
                                    -std::numeric_limits<double>::max(),
                                    1.0 / 3,
                                    0,
                                    1e-300};
  const std::vector<std::int64_t> wholes{std::numeric_limits<std::int64_t>::min(), -1, 0,
                                         std::numeric_limits<std::int64_t>::max(), 1,  2};
  const std::vector<std::int64_t> micros{-62'135'596'800'000'000, -1, 1,
                                         253'402'300'799'999'999, 0,  1'000'000};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    batch.column(0).AppendText(texts[i]);
    batch.column(1).AppendDouble(numbers[i]);
    batch.column(2).AppendInt64(wholes[i]);
    batch.column(3).AppendTimestamp(FromMicros(micros[i]));
  }
  const auto dao = Open();
  std::size_t failed_row = 0;
  const auto counts = Append(*dao, spec, batch, failed_row);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  std::size_t rows = 0;
  ASSERT_TRUE(dao->Read(TableSource{"values"}, spec.schema, {}, 4,
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

TEST_F(MariadbStore, TellsKeysApartByBlanksCaseAndAccents) {
  const auto dao = Open();
  const auto counts =
      Append(*dao, {{"a", 1}, {"a ", 2}, {"A", 3}, {"á", 4}, {"a\t", 5}, {"", 6}, {" ", 7}});
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  EXPECT_EQ(counts->added, 7U);
  EXPECT_THAT(
      ReadFrom(*dao, QuerySource{"SELECT page FROM pages WHERE page = 'a'"}, {{{.name = "page"}}}),
      ElementsAre("'a'"));
}

/// A value that the server has no room for.
struct Unkept {
  std::string name;
  ColumnSpec column;
  std::function<void(Column&)> append;
  std::string message;
};

void PrintTo(const Unkept& unkept, std::ostream* out) { *out << unkept.name; }

class UnkeptInMariadb : public MariadbStore, public testing::WithParamInterface<Unkept> {};

TEST_P(UnkeptInMariadb, IsRefusedWithItsRowAndColumn) {
  const TableSpec spec{.name = "t",
                       .schema = {{{.name = "n", .type = ColumnType::kInt64}, GetParam().column}},
                       .key = {"x"}};
  Table batch(spec.schema);
  batch.column(0).AppendInt64(1);
  switch (GetParam().column.type) {
    case ColumnType::kText:
      batch.column(1).AppendText("good");
      break;
    case ColumnType::kDouble:
      batch.column(1).AppendDouble(1);
      break;
    default:
      batch.column(1).AppendTimestamp(FromMicros(0));
      break;
  }
  batch.column(0).AppendInt64(2);
  GetParam().append(batch.column(1));
  const auto dao = Open();
  std::size_t failed_row = 0;
  const auto refused = Append(*dao, spec, batch, failed_row);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().field, "x");
  EXPECT_EQ(failed_row, 1U);
  EXPECT_THAT(refused.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(ReadFrom(*dao, TableSource{"t"}, spec.schema), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Values, UnkeptInMariadb,
    testing::Values(
        Unkept{"NotANumber",
               {.name = "x", .type = ColumnType::kDouble},
               [](Column& x) { x.AppendDouble(std::numeric_limits<double>::quiet_NaN()); },
               "the number is not finite"},
        Unkept{"Infinity",
               {.name = "x", .type = ColumnType::kDouble},
               [](Column& x) { x.AppendDouble(-std::numeric_limits<double>::infinity()); },
               "the number is not finite"},
        Unkept{"YearZero",
               {.name = "x", .type = ColumnType::kTimestamp},
               [](Column& x) { x.AppendTimestamp(FromMicros(-62'135'596'800'000'001)); },
               "outside of the years 1 to 9999"},
        Unkept{"YearTenThousand",
               {.name = "x", .type = ColumnType::kTimestamp},
               [](Column& x) { x.AppendTimestamp(FromMicros(253'402'300'800'000'000)); },
               "outside of the years 1 to 9999"},
        Unkept{"KeyLongerThanAnIndexTakes",
               {.name = "x", .type = ColumnType::kText},
               [](Column& x) { x.AppendText(std::string(769, 'k')); },
               "the text has 769 characters, and an index takes 768 of it"}),
    [](const auto& unkept) { return unkept.param.name; });

TEST_F(MariadbStore, AKeyMayHaveAsManyCharactersAsAnIndexTakes) {
  std::string key;
  for (int i = 0; i < 768; ++i) key += "🙂";
  const auto dao = Open();
  const auto counts = Append(*dao, {{key, 1}, {key, 1}, {key.substr(4), 1}});
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  EXPECT_EQ(counts->added, 2U);
  EXPECT_EQ(counts->identical, 1U);
}

TEST_F(MariadbStore, ARowLargerThanTheServerTakesIsRefused) {
  const TableSpec spec{.name = "t", .schema = {{{.name = "x"}}}, .key = {}};
  Table batch(spec.schema);
  batch.column(0).AppendText(std::string(20'000'000, 'x'));
  const auto dao = Open();
  std::size_t failed_row = 1;
  const auto refused = Append(*dao, spec, batch, failed_row);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed_row, 0U);
  EXPECT_THAT(refused.error().message, HasSubstr("max_allowed_packet"));
}

TEST_F(MariadbStore, ReplacesRowAfterRowOfAKeyWithinOneBatch) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}, {"b", 1}}).ok());
  const auto counts =
      Append(*dao, {{"a", 2}, {"c", 1}, {"a", 2}, {"a", 3}, {"c", 2}}, OnConflict::kReplace);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  EXPECT_EQ(counts->added, 1U);
  EXPECT_EQ(counts->replaced, 3U);
  EXPECT_EQ(counts->identical, 1U);
  EXPECT_THAT(Pages(*dao), ElementsAre("'b' 1 -", "'a' 3 -", "'c' 2 -"));
}

TEST_F(MariadbStore, SetsConflictingRowsAside) {
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

TEST_F(MariadbStore, ReadsATableOfSomebodyElseAsItIsAndNeverAltersIt) {
  Server().Run(
      url_,
      "CREATE TABLE fact_Order_Items (id int AUTO_INCREMENT PRIMARY KEY, store char(9), qty "
      "smallint "
      "unsigned, price decimal(9, 2), weight float, day date, at timestamp NULL, "
      "open bit(1), kind enum('x', 'y'), note text CHARACTER SET latin1);"
      "INSERT INTO fact_Order_Items (store, qty, price, weight, day, at, open, kind, note) VALUES "
      "('007', 65535, 1234567.89, 0.5, '2021-07-05', '2021-07-05 12:00', b'1', 'y', 'é'), "
      "('006', NULL, -0.05, 1, '1999-12-31', NULL, b'0', 'x', 'E')");
  const Schema schema{{{.name = "store"},
                       {.name = "qty", .type = ColumnType::kInt64, .nullable = true},
                       {.name = "price", .type = ColumnType::kDouble},
                       {.name = "weight", .type = ColumnType::kDouble},
                       {.name = "day", .type = ColumnType::kTimestamp},
                       {.name = "at", .type = ColumnType::kTimestamp, .nullable = true},
                       {.name = "open", .type = ColumnType::kBool},
                       {.name = "kind"},
                       {.name = "note"}}};
  const auto dao = Open();
  EXPECT_THAT(
      ReadFrom(*dao, TableSource{"fact_Order_Items"}, schema),
      ElementsAre("'006' - -0.05 1 1999-12-31T00:00:00Z - false 'x' 'E'",
                  "'007' 65535 1234567.89 0.5 2021-07-05T00:00:00Z 2021-07-05T12:00:00Z true 'y' "
                  "'é'"));
  EXPECT_TRUE(*dao->IsForeign("fact_Order_Items"));
  const Status ensured =
      dao->EnsureTable({.name = "fact_Order_Items", .schema = schema, .key = {}});
  ASSERT_FALSE(ensured.ok());
  EXPECT_THAT(ensured.error().message, HasSubstr("was not created by Forkcast"));
}

TEST_F(MariadbStore, ValuesWithoutACounterpartAreRefused) {
  Server().Run(url_,
               "CREATE TABLE odd (big bigint unsigned, raw varbinary(9), length time, d date);"
               "SET sql_mode = '';"
               "INSERT INTO odd VALUES (18446744073709551615, x'ff', '10:00', '0000-00-00')");
  const auto dao = Open();
  const std::vector<std::pair<ColumnSpec, std::string>> cases{
      {{.name = "big", .type = ColumnType::kInt64}, "an integer (18446744073709551615)"},
      {{.name = "raw"}, "a value of another type"},
      {{.name = "length"}, "a value of another type"},
      {{.name = "d", .type = ColumnType::kTimestamp}, "a date that is none"}};
  for (const auto& [column, message] : cases) {
    EXPECT_THAT(ReadError(*dao, TableSource{"odd"}, {{column}}).message, HasSubstr(message));
  }
}

/// A query that gets at a column which is forbidden in a way that only MariaDB has.
struct Reach {
  std::string name;
  std::string sql;
  std::string message;
};

void PrintTo(const Reach& reach, std::ostream* out) { *out << reach.name; }

class ForbiddenInMariadb : public MariadbStore, public testing::WithParamInterface<Reach> {};

TEST_P(ForbiddenInMariadb, IsFound) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  Server().Run(url_,
               "CREATE VIEW one AS SELECT page, label FROM pages;"
               "CREATE VIEW two AS SELECT page FROM one WHERE label IS NULL;"
               "CREATE FUNCTION peek() RETURNS boolean READS SQL DATA "
               "RETURN (SELECT label FROM pages LIMIT 1)");
  const std::string front = url_.substr(0, url_.find('?'));
  std::string sql = GetParam().sql;
  if (const auto at = sql.find("DATABASE"); at != std::string::npos) {
    sql.replace(at, 8, front.substr(front.rfind('/') + 1));
  }
  const Error error = ReadError(*dao, QuerySource{sql}, {{{.name = "page"}}},
                                {{.table = "pages", .column = "label"}});
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, HasSubstr(GetParam().message));
  EXPECT_EQ(Server().Ask(url_, "SHOW TABLES LIKE 'forkcast_query'"), "");
}

INSTANTIATE_TEST_SUITE_P(
    Ways, ForbiddenInMariadb,
    testing::Values(
        Reach{"Using", "SELECT page FROM pages a JOIN pages b USING (page, label)",
              "reads column \"label\""},
        Reach{"Natural", "SELECT a.page FROM pages a NATURAL JOIN pages b",
              "reads column \"label\""},
        Reach{"QualifiedName", "SELECT page FROM `DATABASE`.pages WHERE label",
              "reads column \"label\""},
        Reach{"FullyQualifiedColumn", "SELECT page FROM pages WHERE DATABASE.pages.label",
              "reads column \"label\""},
        Reach{"ViewOfAView", "SELECT page FROM two", "reads column \"label\""},
        Reach{"RunnableComment", "SELECT page FROM pages /*! WHERE label */",
              "reads column \"label\""},
        Reach{"Distinct", "SELECT x.page FROM (SELECT DISTINCT * FROM pages) x",
              "reads column \"label\""},
        Reach{"Window",
              "SELECT page FROM (SELECT page, max(page) OVER (PARTITION BY label) FROM pages) x",
              "reads column \"label\""},
        Reach{"DefaultOfAColumn", "SELECT page FROM pages WHERE DEFAULT(label) IS NULL",
              "reads column \"label\""},
        Reach{"StoredFunction", "SELECT page FROM pages WHERE peek()", "calls the function peek"},
        Reach{"ServersOwnTable", "SELECT table_name AS page FROM information_schema.tables",
              "information_schema"},
        Reach{"Variable", "SELECT @x AS page", "variable or parameter"}),
    [](const testing::TestParamInfo<Reach>& reach) { return reach.param.name; });

TEST_F(MariadbStore, AViewOfATableWithAForbiddenColumnIsReadWhenItHasNoneOfIt) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  Server().Run(url_,
               "CREATE VIEW good AS SELECT page, hits FROM pages;"
               "CREATE VIEW bad AS SELECT page, label AS hits FROM pages");
  const Schema schema{{{.name = "page"}, {.name = "hits", .type = ColumnType::kInt64}}};
  const std::vector<ForbiddenColumn> label{{.table = "pages", .column = "label"}};
  EXPECT_THAT(ReadFrom(*dao, TableSource{"good"}, schema, label), ElementsAre("'a' 1"));
  EXPECT_THAT(ReadError(*dao, TableSource{"bad"}, schema, label).message,
              HasSubstr("table \"bad\" cannot be read as declared: it reads column \"label\""));
}

TEST_F(MariadbStore, AQueryBesideAForbiddenColumnMayComputeWithWhatItMayRead) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}, {"b", 2}}).ok());
  EXPECT_THAT(
      ReadFrom(
          *dao,
          QuerySource{
              "SELECT upper(lpad(p.page, 3, '0')) AS page, CAST(sum(hits) AS SIGNED) "
              "AS hits FROM pages p GROUP BY page HAVING count(*) > 0 ORDER BY page; -- sorted"},
          {{{.name = "page"}, {.name = "hits", .type = ColumnType::kInt64}}},
          {{.table = "pages", .column = "label"}}),
      ElementsAre("'00A' 1", "'00B' 2"));
}

TEST_F(MariadbStore, AQueryThatWritesIsRefusedEvenThroughAFunction) {
  const auto dao = Open();
  ASSERT_TRUE(Append(*dao, {{"a", 1}}).ok());
  Server().Run(url_,
               "CREATE FUNCTION wipe() RETURNS text MODIFIES SQL DATA BEGIN "
               "DELETE FROM pages; RETURN 'x'; END");
  for (const std::string sql :
       {"SELECT wipe() AS page", "DELETE FROM pages RETURNING page",
        "/*! DELETE */ FROM pages RETURNING page", "SHOW TABLES", "CALL nothing()"}) {
    const Error error = ReadError(*dao, QuerySource{sql}, {{{.name = "page"}}});
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << error.message;
  }
  EXPECT_THAT(Pages(*dao), ElementsAre("'a' 1 -"));
}

TEST_F(MariadbStore, AReaderSeesOneStateAndWaitsForNoWriter) {
  const auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}}).ok());
  const auto reader = Open(StoreAccess::kReadOnly);
  ASSERT_TRUE(reader->Begin().ok());
  EXPECT_EQ(Pages(*reader).size(), 1U);
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"b", 1}}).ok());
  EXPECT_EQ(Pages(*reader).size(), 1U);
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_EQ(Pages(*reader).size(), 1U);
  ASSERT_TRUE(reader->Commit().ok());
  EXPECT_EQ(Pages(*reader).size(), 2U);
}

TEST_F(MariadbStore, ASecondWriterHearsOfTheFirst) {
  const auto first = Open();
  const auto second = Open();
  ASSERT_TRUE(first->Begin().ok());
  const Status begun = second->Begin();
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().code, ErrorCode::kIo);
  EXPECT_THAT(begun.error().message, HasSubstr("locked by another program (waited 5 s)"));
  first->Rollback();
  EXPECT_TRUE(second->Begin().ok());
}

TEST_F(MariadbStore, ATableOfATransactionThatWasNeverCommittedIsNotThere) {
  {
    auto writer = Open();
    ASSERT_TRUE(Append(*writer, {{"kept", 1}}).ok());
    ASSERT_TRUE(writer->Begin().ok());
    ASSERT_TRUE(writer->EnsureTable({.name = "t", .schema = kPages.schema, .key = {}}).ok());
    EXPECT_EQ(Server().Ask(url_, "SHOW TABLES LIKE 't'"), "t");
    Server().Crash();
    Server().Start();
  }
  // The writer could not drop it: its server was gone.
  EXPECT_EQ(Server().Ask(url_, "SHOW TABLES LIKE 't'"), "t");
  const auto next = Open();
  EXPECT_FALSE(*next->IsForeign("t"));
  const TableSpec otherwise{.name = "t", .schema = {{{.name = "x"}}}, .key = {"x"}};
  const Status ensured = next->EnsureTable(otherwise);
  ASSERT_TRUE(ensured.ok()) << ensured.error().message;
  EXPECT_THAT(ReadFrom(*next, TableSource{"t"}, otherwise.schema), testing::IsEmpty());
  EXPECT_THAT(Pages(*next), ElementsAre("'kept' 1 -"));
}

TEST_F(MariadbStore, ALostServerIsAnErrorThatLeavesNothingHalfWritten) {
  auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}}).ok());
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"b", 1}}).ok());
  Server().Crash();
  Server().Start();
  const auto lost = Append(*writer, {{"c", 1}});
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, ErrorCode::kNotReady) << lost.error().message;
  EXPECT_FALSE(writer->Commit().ok());
  writer = Open();
  EXPECT_THAT(Pages(*writer), ElementsAre("'a' 1 -"));
}

TEST_F(MariadbStore, NothingIsCommittedWhenTheSessionWasEnded) {
  const auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}, {"b", 1}}).ok());
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"c", 1}}).ok());
  const std::string id = Server().Ask(
      url_,
      "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_rows_modified > 0");
  Server().Run(url_, "KILL " + id);
  const auto lost = Append(*writer, {{"d", 1}});
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, ErrorCode::kNotReady) << lost.error().message;
  EXPECT_FALSE(writer->Commit().ok());
  EXPECT_THAT(Pages(*Open()), ElementsAre("'a' 1 -", "'b' 1 -"));
}

TEST_F(MariadbStore, NothingIsCommittedAfterADeadlock) {
  const auto writer = Open();
  ASSERT_TRUE(Append(*writer, {{"a", 1}, {"m", 1}, {"z", 1}}).ok());
  Server().Run(url_, "CREATE TABLE heavy (x int)");
  ASSERT_TRUE(writer->Begin().ok());
  ASSERT_TRUE(Append(*writer, {{"a", 2}}, OnConflict::kReplace).ok());
  // The other one has written more, and so the server undoes ours.
  std::thread other([&] {
    Server().Run(url_,
                 "BEGIN; INSERT INTO heavy SELECT seq FROM seq_1_to_1000;"
                 "UPDATE pages SET hits = 9 WHERE page = 'z'; DO GET_LOCK('z is taken', 0);"
                 "UPDATE pages SET hits = 9 WHERE page = 'a'; COMMIT");
  });
  EXPECT_TRUE(process_test::Eventually(
      [&] { return Server().Ask(url_, "SELECT IS_USED_LOCK('z is taken') IS NOT NULL") == "1"; }));
  const auto undone = Append(*writer, {{"z", 2}}, OnConflict::kReplace);
  other.join();
  ASSERT_FALSE(undone.ok());
  EXPECT_EQ(undone.error().code, ErrorCode::kNotReady) << undone.error().message;
  EXPECT_THAT(undone.error().message, HasSubstr("Deadlock"));
  // MariaDB itself would take this in, and commit it alone.
  EXPECT_FALSE(Append(*writer, {{"c", 1}}).ok());
  EXPECT_FALSE(writer->Commit().ok());
  EXPECT_THAT(Pages(*Open()), ElementsAre("'a' 9 -", "'m' 1 -", "'z' 9 -"));
}

TEST(MariadbWithoutRoom, SaysSoAndLeavesTheStoreAsBefore) {
  if (!MariadbServer::IsInstalled()) GTEST_SKIP() << "mariadb-server is not installed";
  MariadbServer server(
      {"--skip-networking", "--innodb-data-file-path=ibdata1:12M", "--skip-innodb-file-per-table"});
  const auto dao = OpenStore(server.NewStore(), StoreAccess::kReadWriteCreate).value();
  const TableSpec spec{.name = "t", .schema = {{{.name = "x"}}}, .key = {}};
  ASSERT_TRUE(dao->EnsureTable(spec).ok());
  Table batch(spec.schema);
  for (int i = 0; i < 2000; ++i) batch.column(0).AppendText(std::string(9000, 'x'));
  std::size_t failed_row = 0;
  const auto full = dao->Append(spec, batch, OnConflict::kRefuse, failed_row);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, ErrorCode::kIo);
  EXPECT_THAT(full.error().message, HasSubstr("the server has no room left"));
  EXPECT_EQ(*dao->LastRow("t"), 0);
}

TEST_F(MariadbStore, NamesLongerThanMariadbKeepsAreRefused) {
  TableSpec spec = kPages;
  spec.schema.columns[1].name = std::string(64, 'x') + "é";
  const Status ensured = Open()->EnsureTable(spec);
  ASSERT_FALSE(ensured.ok());
  EXPECT_THAT(ensured.error().message, HasSubstr("MariaDB keeps 64 characters of a name"));
}

TEST_F(MariadbStore, ThePasswordComesFromTheEnvironmentOrAnOptionFile) {
  Server().Run(url_,
               "CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY 'secret';"
               "GRANT ALL ON `store_%`.* TO clerk@localhost");
  std::string url = url_;
  url.replace(url.find("root"), 4, "clerk");
  const auto refused = OpenStore(url, StoreAccess::kReadOnly);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_THAT(refused.error().message, HasSubstr("Access denied"));
  ASSERT_EQ(::setenv("MYSQL_PWD", "secret", 1), 0);
  EXPECT_TRUE(OpenStore(url, StoreAccess::kReadOnly).ok());
  ASSERT_EQ(::unsetenv("MYSQL_PWD"), 0);
  const TempFolder folder;
  const auto file = folder.Write("my.cnf", "[client]\npassword=secret\n");
  EXPECT_TRUE(OpenStore(url + "&option-file=" + file.string(), StoreAccess::kReadOnly).ok());
}

TEST_F(MariadbStore, WithoutTheRightToMakeViewsAQueryCannotBeChecked) {
  ASSERT_TRUE(Append(*Open(), {{"a", 1}}).ok());
  Server().Run(url_,
               "CREATE OR REPLACE USER reader@localhost;"
               "GRANT SELECT ON `store_%`.* TO reader@localhost");
  std::string url = url_;
  url.replace(url.find("root"), 4, "reader");
  const auto dao = OpenStore(url, StoreAccess::kReadOnly).value();
  const std::vector<ForbiddenColumn> label{{.table = "pages", .column = "label"}};
  const Error error =
      ReadError(*dao, QuerySource{"SELECT page FROM pages"}, {{{.name = "page"}}}, label);
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, HasSubstr("CREATE VIEW command denied"));
  // A table is known without.
  EXPECT_THAT(ReadFrom(*dao, TableSource{"pages"}, {{{.name = "page"}}}, label),
              ElementsAre("'a'"));
}

TEST_F(MariadbStore, TlsIsAskedForWhereTheUrlSaysSo) {
  for (const std::string option : {"&ssl=true", "&ssl=true&ssl-ca=/does/not/exist.pem"}) {
    const auto opened = OpenStore(url_ + option, StoreAccess::kReadOnly);
    ASSERT_FALSE(opened.ok()) << option;
    EXPECT_EQ(opened.error().code, ErrorCode::kIo);
    EXPECT_THAT(opened.error().message, HasSubstr("SSL"));
  }
}

TEST_F(MariadbStore, AForbiddenColumnIsFoundByTheNameThatItHasInTheTable) {
  Server().Run(url_, "CREATE TABLE sales (page varchar(9), `État` int)");
  const auto dao = Open();
  const Error error = ReadError(*dao, QuerySource{"SELECT page FROM sales WHERE `état` > 0"},
                                {{{.name = "page"}}}, {{.table = "sales", .column = "état"}});
  EXPECT_THAT(error.message, HasSubstr("it reads column \"état\" of table \"sales\""));
}

TEST_F(MariadbStore, AnOptionThatIsNotKnownIsNamed) {
  const auto opened = OpenStore(url_ + "&colour=blue", StoreAccess::kReadOnly);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr("\"colour\""), HasSubstr("ssl-ca")));
}

TEST(MariadbUrl, OfAHostThatDoesNotAnswerIsGivenUpInTime) {
  // It listens, and says nothing.
  const Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto opened = OpenStore(
      "mysql://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/db?connect-timeout=1",
      StoreAccess::kReadOnly);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kIo);
  EXPECT_THAT(opened.error().message, HasSubstr("cannot be reached"));
}

TEST(MariadbUrl, OfAServerThatIsNotThereIsAnIoError) {
  const auto opened = OpenStore("mysql://127.0.0.1:1/db", StoreAccess::kReadOnly);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kIo);
  EXPECT_THAT(opened.error().message, HasSubstr("cannot be reached"));
}

}  // namespace
}  // namespace forkcast::preprocessing
