#include "data_preprocessing/dao/sqlite/sqlite_table_dao.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "data_preprocessing/dao/store_kind.hpp"
#include "data_preprocessing/dao/table_dao_contract.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::chrono::milliseconds kShortTimeout{20};

/// Another program's hold on a database.
class Intruder {
 public:
  explicit Intruder(const std::filesystem::path& path) { sqlite3_open(path.c_str(), &database_); }
  Intruder(const Intruder&) = delete;
  Intruder& operator=(const Intruder&) = delete;
  ~Intruder() { sqlite3_close(database_); }
  void Run(const char* sql) {
    EXPECT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_);
  }

 private:
  sqlite3* database_ = nullptr;
};

StoreMaker::NewStore MakeStore() {
  auto folder = std::make_shared<TempFolder>();
  const auto path = [folder] { return folder->path() / "s.db"; };
  return {.open =
              [path](StoreAccess access) {
                return SqliteTableDao::Open(path(), access, kShortTimeout);
              },
          .run = [path](const std::string& sql) { Intruder(path()).Run(sql.c_str()); }};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, TableDaoContract,
                         testing::Values(StoreMaker{
                             .name = "File",
                             .make = MakeStore,
                             .timestamps = "INTEGER",
                             .now = "CAST((julianday('now') - 2440587.5) * 86400000000 AS "
                                    "INTEGER)"}),
                         NameOf);

const TableSpec kVisits{
    .name = "visits", .schema = {{{.name = "page", .type = ColumnType::kText}}}, .key = {}};

class SqliteStore : public testing::Test {
 protected:
  Result<std::unique_ptr<TableDao>> Open(StoreAccess access) const {
    return SqliteTableDao::Open(path_, access, kShortTimeout);
  }
  std::unique_ptr<TableDao> Writer() const { return Open(StoreAccess::kReadWriteCreate).value(); }
  static Status AppendPages(TableDao& dao, std::initializer_list<std::string_view> pages) {
    const Status ensured = dao.EnsureTable(kVisits);
    if (!ensured) return ensured.error();
    Table batch(kVisits.schema);
    for (const std::string_view page : pages) batch.column(0).AppendText(page);
    std::size_t failed_row = 0;
    const auto counts = dao.Append(kVisits, batch, OnConflict::kRefuse, failed_row);
    return counts.ok() ? Status() : counts.error();
  }
  static std::vector<std::string> Pages(TableDao& dao) {
    std::vector<std::string> pages;
    const Status read =
        dao.Read(TableSource{"visits"}, kVisits.schema, {}, 100'000, [&](const Table& batch) {
          pages = Rows(batch);
          return Status();
        });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return pages;
  }
  void ExpectRefused(StoreAccess access, const std::string& why) const {
    const auto opened = Open(access);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kIo);
    EXPECT_THAT(opened.error().message, StartsWith(path_.string() + ": "));
    EXPECT_THAT(opened.error().message, HasSubstr(why));
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "store.db";
};

TEST_F(SqliteStore, AMissingStoreCannotBeRead) {
  ExpectRefused(StoreAccess::kReadOnly, "there is no such store");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteStore, AMissingFolderIsNamed) {
  path_ = folder_.path() / "absent" / "store.db";
  ExpectRefused(StoreAccess::kReadWriteCreate, "the folder for this store does not exist");
  ExpectRefused(StoreAccess::kReadOnly, "the folder for this store does not exist");
}

TEST_F(SqliteStore, AFolderIsNoStore) {
  path_ = folder_.path();
  ExpectRefused(StoreAccess::kReadWriteCreate, "is a folder");
}

TEST_F(SqliteStore, AFileThatIsNoDatabaseIsLeftAlone) {
  for (const std::string& text : {std::string("code,at\n"), std::string(8192, 'x')}) {
    folder_.Write("store.db", text);
    ExpectRefused(StoreAccess::kReadOnly, "is not a SQLite database");
    ExpectRefused(StoreAccess::kReadWriteCreate, "is not a SQLite database");
    EXPECT_EQ(ReadWhole(path_), text);
  }
}

TEST_F(SqliteStore, AStoreHeldExclusivelyIsLocked) {
  ASSERT_TRUE(AppendPages(*Writer(), {"home"}).ok());
  Intruder intruder(path_);
  intruder.Run("BEGIN EXCLUSIVE");
  ExpectRefused(StoreAccess::kReadOnly, "the store is locked by another program (waited 20 ms)");
  ExpectRefused(StoreAccess::kReadWriteCreate, "locked");
}

TEST_F(SqliteStore, ASecondWriterIsToldAtOnceAndReadersGoOn) {
  const std::unique_ptr<TableDao> first = Writer();
  ASSERT_TRUE(AppendPages(*first, {"home"}).ok());
  ASSERT_TRUE(first->Begin().ok());
  ASSERT_TRUE(AppendPages(*first, {"about"}).ok());

  const std::unique_ptr<TableDao> second = Writer();
  const Status begun = second->Begin();
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().code, ErrorCode::kIo);
  EXPECT_THAT(begun.error().message, HasSubstr("locked"));
  EXPECT_THAT(Pages(*second), ElementsAre("'home'"));

  ASSERT_TRUE(first->Commit().ok());
  EXPECT_THAT(Pages(*second), ElementsAre("'home'", "'about'"));
}

TEST_F(SqliteStore, AKilledWriterIsUndoneByTheNextReader) {
  ASSERT_TRUE(AppendPages(*Writer(), {"home"}).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    const std::unique_ptr<TableDao> writer = Writer();
    Table batch(kVisits.schema);
    const std::string page(1000, 'x');
    for (int i = 0; i < 1000; ++i) batch.column(0).AppendText(page);
    std::size_t failed_row = 0;
    if (!writer->Begin().ok()) ::_exit(1);
    // More than the cache holds, so that uncommitted pages are in the file when it dies.
    for (int i = 0; i < 100; ++i) {
      if (!writer->Append(kVisits, batch, OnConflict::kRefuse, failed_row)) ::_exit(1);
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(std::filesystem::file_size(path_), 10'000'000U);
  ASSERT_TRUE(std::filesystem::exists(path_.string() + "-journal"));

  const auto reader = Open(StoreAccess::kReadOnly);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_THAT(Pages(**reader), ElementsAre("'home'"));
}

TEST_F(SqliteStore, AFullDiskIsAnErrorThatLeavesTheStoreAsBefore) {
  ASSERT_TRUE(AppendPages(*Writer(), {"home"}).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    // A limit on file sizes refuses a write as a full disk does, without filling one.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 100'000, .rlim_max = 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::unique_ptr<TableDao> writer = Writer();
    const std::string page(200'000, 'x');
    if (!writer->Begin().ok() || !AppendPages(*writer, {page}).ok()) ::_exit(1);
    const Status committed = writer->Commit();
    writer->Rollback();
    const bool usable = Pages(*writer) == std::vector<std::string>{"'home'"};
    ::_exit(!committed.ok() && committed.error().code == ErrorCode::kIo && usable ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(Pages(*Writer()), ElementsAre("'home'"));
}

/// A query of the table `visits`, a column of its result, and why that is refused.
struct MismatchCase {
  std::string name;
  std::string sql;
  ColumnType type;
  std::string message;
};

void PrintTo(const MismatchCase& one, std::ostream* out) { *out << one.name; }

class SqliteMismatch : public SqliteStore, public testing::WithParamInterface<MismatchCase> {};

TEST_P(SqliteMismatch, IsToldInSqlitesTypes) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(AppendPages(*dao, {"home"}).ok());
  const Status read =
      dao->Read(QuerySource{GetParam().sql}, {{{.name = "x", .type = GetParam().type}}}, {}, 10,
                [](const Table&) { return Status(); });
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(read.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SqliteMismatch,
    testing::Values(MismatchCase{"IntegerForAText", "SELECT 7 AS x FROM visits", ColumnType::kText,
                                 "column \"x\" is declared as text, but holds an integer (7)"},
                    MismatchCase{"TextForAnInteger", "SELECT page AS x FROM visits",
                                 ColumnType::kInt64,
                                 "column \"x\" is declared as int64, but holds a text"},
                    MismatchCase{"TextForADouble", "SELECT page AS x FROM visits",
                                 ColumnType::kDouble,
                                 "column \"x\" is declared as double, but holds a text"},
                    MismatchCase{"RealForATimestamp", "SELECT 0.5 AS x", ColumnType::kTimestamp,
                                 "column \"x\" is declared as timestamp, but holds a real number"},
                    MismatchCase{"TwoForABool", "SELECT 2 AS x", ColumnType::kBool,
                                 "column \"x\" is declared as bool, but holds an integer (2)"},
                    MismatchCase{"BlobForAText", "SELECT x'00' AS x", ColumnType::kText,
                                 "column \"x\" is declared as text, but holds a blob"}),
    [](const auto& param) { return param.param.name; });

TEST_F(SqliteStore, AForbiddenColumnCannotBeReachedInSqlitesOwnSql) {
  const std::unique_ptr<TableDao> dao = Writer();
  const TableSpec stock{.name = "stock",
                        .schema = {{{.name = "code", .type = ColumnType::kText},
                                    {.name = "sold", .type = ColumnType::kBool}}},
                        .key = {}};
  ASSERT_TRUE(dao->EnsureTable(stock).ok());
  for (const std::string sql :
       {"SELECT code FROM stock GROUP BY code HAVING max(sold)",
        "SELECT code FROM (SELECT * FROM stock)", "SELECT s.code FROM stock AS s WHERE s.SOLD = 1",
        "SELECT code FROM STOCK WHERE Sold = 1",
        "SELECT code FROM stock UNION SELECT sold FROM stock"}) {
    const Status read =
        dao->Read(QuerySource{sql}, {{{.name = "code"}}}, {{.table = "stock", .column = "sold"}},
                  10, [](const Table&) { return Status(); });
    ASSERT_FALSE(read.ok()) << sql;
    EXPECT_THAT(read.error().message,
                HasSubstr("it reads column \"sold\" of table \"stock\", which is forbidden"))
        << sql;
  }
}

TEST_F(SqliteStore, AForbiddenColumnCannotBeReachedThroughAView) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(AppendPages(*dao, {"home"}).ok());
  Intruder(path_).Run("CREATE VIEW disguise AS SELECT page AS name, 1 AS one FROM visits");
  const auto read = [&](const std::string& sql) {
    return dao->Read(QuerySource{sql}, {{{.name = "one", .type = ColumnType::kInt64}}},
                     {{.table = "visits", .column = "page"}}, 10,
                     [](const Table&) { return Status(); });
  };
  for (const std::string sql : {"SELECT one FROM disguise WHERE name = 'home'",
                                "SELECT * FROM disguise", "SELECT one FROM disguise"}) {
    const Status status = read(sql);
    ASSERT_FALSE(status.ok()) << sql;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("it reads column \"page\" of table \"visits\""));
  }
  EXPECT_TRUE(read("SELECT 1 AS one FROM visits").ok());
}

TEST_F(SqliteStore, AForbiddenColumnCannotBeJoinedByWithoutItsName) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(AppendPages(*dao, {"home"}).ok());
  const auto read = [&](const std::string& sql, const std::vector<ForbiddenColumn>& forbidden) {
    return dao->Read(QuerySource{sql}, {{{.name = "one", .type = ColumnType::kInt64}}}, forbidden,
                     10, [](const Table&) { return Status(); });
  };
  const std::vector<ForbiddenColumn> forbidden{{.table = "visits", .column = "page"}};
  for (const std::string sql :
       {"SELECT 1 AS one FROM visits NATURAL JOIN (SELECT 'home' AS page)",
        "SELECT 1 AS one FROM visits JOIN (SELECT 'home' AS page) USING (page)",
        "SELECT 1 AS one FROM visits/**/natural JOIN (SELECT 'home' AS page)",
        "SELECT 1 AS one FROM visits JOIN (SELECT 'home' AS page)Using(page)"}) {
    const Status status = read(sql, forbidden);
    ASSERT_FALSE(status.ok()) << sql;
    EXPECT_THAT(status.error().message, HasSubstr("it joins by NATURAL or USING")) << sql;
    EXPECT_TRUE(read(sql, {}).ok()) << sql;
  }
  for (const std::string sql :
       {"SELECT 1 AS one FROM visits WHERE 'it''s natural' > 'using'",
        "SELECT 1 AS one FROM visits -- using page", "SELECT 1 AS one /* natural */ FROM visits",
        "SELECT natural_1 AS one FROM (SELECT 1 AS natural_1)",
        "SELECT \"using\" AS one FROM (SELECT 1 AS [using])"}) {
    const Status status = read(sql, forbidden);
    EXPECT_TRUE(status.ok()) << sql << ": " << (status.ok() ? "" : status.error().message);
  }
}

TEST_F(SqliteStore, AForbiddenColumnCannotBeJoinedByWithinAView) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(AppendPages(*dao, {"home"}).ok());
  Intruder intruder(path_);
  intruder.Run(
      "CREATE VIEW likes AS SELECT 1 AS one FROM visits NATURAL JOIN"
      " (SELECT 'home' AS page)");
  intruder.Run("CREATE VIEW around AS SELECT one AS two FROM likes");
  intruder.Run("CREATE VIEW other AS SELECT 1 AS one FROM visits");
  const auto read = [&](const std::string& sql, const std::vector<ForbiddenColumn>& forbidden) {
    return dao->Read(QuerySource{sql}, {{{.name = "one", .type = ColumnType::kInt64}}}, forbidden,
                     10, [](const Table&) { return Status(); });
  };
  const std::vector<ForbiddenColumn> forbidden{{.table = "visits", .column = "page"}};
  for (const std::string sql :
       {"SELECT one FROM likes", "SELECT one FROM LIKES AS other",
        "SELECT count(*) AS one FROM likes", "SELECT two AS one FROM around",
        "SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM around)",
        "WITH hidden AS (SELECT * FROM likes) SELECT one FROM hidden"}) {
    const Status status = read(sql, forbidden);
    ASSERT_FALSE(status.ok()) << sql;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("its view \"likes\" joins by NATURAL or USING"))
        << sql;
    EXPECT_TRUE(read(sql, {}).ok()) << sql;
  }
  EXPECT_TRUE(read("SELECT one FROM other", forbidden).ok());
}

TEST_F(SqliteStore, AQueryCannotReachBeyondTheStore) {
  const std::unique_ptr<TableDao> dao = Writer();
  for (const std::string sql :
       {"ATTACH 'other.db' AS other", "PRAGMA query_only = OFF", "VACUUM",
        "SELECT * FROM pragma_table_list", "EXPLAIN SELECT 1", "SELECT load_extension('x') AS page",
        "SELECT \"misspelt\" AS page"}) {
    const Status status =
        dao->Read(QuerySource{sql}, kVisits.schema, {}, 10, [](const Table&) { return Status(); });
    EXPECT_FALSE(status.ok()) << sql;
  }
}

TEST_F(SqliteStore, ATableOfAnotherProgramIsNotTakenOver) {
  const std::unique_ptr<TableDao> dao = Writer();
  Intruder(path_).Run("CREATE TABLE Visits (page TEXT)");
  const Status ensured = dao->EnsureTable(kVisits);
  ASSERT_FALSE(ensured.ok());
  EXPECT_EQ(ensured.error().code, ErrorCode::kConflict);
  EXPECT_THAT(ensured.error().message, HasSubstr("was not created by Forkcast"));
}

TEST_F(SqliteStore, TablesAreLaidOutAsWrittenDown) {
  const TableSpec spec{.name = "stock",
                       .schema = {{{.name = "code", .type = ColumnType::kText},
                                   {.name = "at", .type = ColumnType::kTimestamp},
                                   {.name = "price", .type = ColumnType::kDouble, .nullable = true},
                                   {.name = "sold", .type = ColumnType::kBool}}},
                       .key = {"code", "at"}};
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(dao->EnsureTable(spec).ok());
  std::vector<std::string> shown;
  const Status read =
      dao->Read(QuerySource{"SELECT sql AS text FROM sqlite_schema WHERE tbl_name = 'stock' "
                            "UNION ALL SELECT spec FROM forkcast_tables"},
                {{{.name = "text", .type = ColumnType::kText}}}, {}, 10, [&](const Table& batch) {
                  shown = Rows(batch);
                  return Status();
                });
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(
      shown,
      ElementsAre(R"('CREATE TABLE "stock" ("code" TEXT NOT NULL, "at" INTEGER NOT NULL, )"
                  R"("price" REAL, "sold" INTEGER CHECK ("sold" IN (0, 1)) NOT NULL) STRICT')",
                  R"('CREATE UNIQUE INDEX "forkcast_key_of_stock" ON "stock" ("code", "at")')",
                  R"('{"columns":[{"name":"code","nullable":false,"type":"text"},)"
                  R"({"name":"at","nullable":false,"type":"timestamp"},)"
                  R"({"name":"price","nullable":true,"type":"double"},)"
                  R"({"name":"sold","nullable":false,"type":"bool"}],"key":["code","at"]}')"));
}

const TableSpec kLevels{
    .name = "levels",
    .schema = {{{.name = "code"}, {.name = "level", .type = ColumnType::kInt64}}},
    .key = {"code"}};

Result<AppendCounts> AppendLevel(TableDao& dao, std::string_view code, std::int64_t level) {
  Table batch(kLevels.schema);
  batch.column(0).AppendText(code);
  batch.column(1).AppendInt64(level);
  std::size_t failed_row = 0;
  return dao.Append(kLevels, batch, OnConflict::kRefuse, failed_row);
}

std::vector<std::string> KeyIndexes(TableDao& dao) {
  std::vector<std::string> names;
  const Status read = dao.Read(
      QuerySource{"SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'levels'"},
      {{{.name = "name"}}}, {}, 10, [&](const Table& batch) {
        names = Rows(batch);
        return Status();
      });
  EXPECT_TRUE(read.ok()) << read.error().message;
  return names;
}

TEST_F(SqliteStore, TheKeyOfATableHasItsIndexAgainWhenFirstRowsAreCommitted) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(dao->EnsureTable(kLevels).ok());
  ASSERT_TRUE(dao->Begin().ok());
  ASSERT_TRUE(AppendLevel(*dao, "a", 1).ok());
  EXPECT_THAT(KeyIndexes(*dao), testing::IsEmpty());
  ASSERT_TRUE(dao->Commit().ok());
  EXPECT_THAT(KeyIndexes(*dao), ElementsAre("'forkcast_key_of_levels'"));
  EXPECT_EQ(AppendLevel(*dao, "a", 2).error().code, ErrorCode::kConflict);
}

TEST_F(SqliteStore, FirstRowsThatAreRolledBackLeaveTheIndex) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(dao->EnsureTable(kLevels).ok());
  ASSERT_TRUE(dao->Begin().ok());
  ASSERT_TRUE(AppendLevel(*dao, "a", 1).ok());
  dao->Rollback();
  EXPECT_THAT(KeyIndexes(*dao), ElementsAre("'forkcast_key_of_levels'"));
  EXPECT_EQ(AppendLevel(*dao, "a", 2)->added, 1U);
}

TEST_F(SqliteStore, AStoreOfAnEarlierReleaseGoesOnWithItsConstraint) {
  const std::unique_ptr<TableDao> dao = Writer();
  ASSERT_TRUE(dao->EnsureTable(kLevels).ok());
  Intruder(path_).Run(
      "DROP TABLE levels; CREATE TABLE levels (code TEXT NOT NULL, level INTEGER NOT NULL, "
      "UNIQUE (code)) STRICT");
  ASSERT_TRUE(dao->EnsureTable(kLevels).ok());
  EXPECT_EQ(AppendLevel(*dao, "a", 1)->added, 1U);
  EXPECT_EQ(AppendLevel(*dao, "a", 1)->identical, 1U);
  EXPECT_EQ(AppendLevel(*dao, "a", 2).error().code, ErrorCode::kConflict);
}

TEST_F(SqliteStore, APathCannotBeOneOfSqlitesSpecialNames) {
  const auto opened = OpenStore("sqlite::memory:", StoreAccess::kReadOnly);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr(":memory:: there is no such store"));
}

TEST_F(SqliteStore, IsOpenedByItsUrl) {
  const auto opened = OpenStore("sqlite:" + path_.string(), StoreAccess::kReadWriteCreate);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  ASSERT_TRUE(AppendPages(**opened, {"home"}).ok());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST(StoreUrl, OfAnotherKindIsRefusedWithoutShowingItsPassword) {
  for (const std::string url : {"postgres://user:secret@host/db", "/path/o.db", "", "sqlite:"}) {
    const auto opened = OpenStore(url, StoreAccess::kReadOnly);
    ASSERT_FALSE(opened.ok()) << url;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(opened.error().message, HasSubstr("expected sqlite:PATH"));
    EXPECT_THAT(opened.error().message, testing::Not(HasSubstr("secret")));
    EXPECT_FALSE(DefaultSnapshotFolder(url).ok()) << url;
  }
}

Result<std::unique_ptr<TableDao>> OpenNothing(std::string_view, StoreAccess) {
  return Error{ErrorCode::kIo, "nothing there"};
}

TEST(StoreUrl, IsToldOfEveryKindThereIs) {
  constexpr StoreKind kKinds[] = {
      {"sqlite", "PATH", OpenSqliteStore, nullptr, FolderBesideSqliteStore},
      {"server", "//HOST/DB", OpenNothing, nullptr, nullptr}};
  const auto unknown = ParseStoreUrl("other://secret", kKinds);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message,
            "unknown kind of store \"other\": expected sqlite:PATH or server://HOST/DB");
  const auto without_place = ParseStoreUrl("server:", kKinds);
  ASSERT_FALSE(without_place.ok());
  EXPECT_EQ(without_place.error().message, "the store has no path: expected server://HOST/DB");
  const auto server = ParseStoreUrl("server://user:secret@host/db", kKinds);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(server->kind.scheme, "server");
  EXPECT_EQ(server->place, "//user:secret@host/db");
}

TEST(StoreUrl, OfAServerAsksWhereSnapshotsAre) {
  constexpr StoreKind kServer{"server", "//HOST/DB", OpenNothing, nullptr, nullptr};
  const auto folder = FolderBeside({kServer, "//user:secret@host/db"});
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder.error().message,
            "there is no folder beside a store of kind \"server\": --snapshots says where its "
            "snapshots are");
}

TEST(StoreUrl, LeadsToASnapshotFolderBesideTheStore) {
  EXPECT_EQ(*DefaultSnapshotFolder("sqlite:/path/o.db"), "/path/o.db.snapshots");
}

}  // namespace
}  // namespace forkcast::preprocessing
