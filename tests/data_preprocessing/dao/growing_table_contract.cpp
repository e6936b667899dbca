// Tables that somebody else keeps, in which a column tells what is new.

#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/dao/table_dao_contract.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A shop's own table, and a reader of it.
class Events {
 public:
  explicit Events(const StoreMaker& maker, ColumnType type = ColumnType::kInt64)
      : store_(maker.make()) {
    // A store of a file is there once somebody has made it.
    dao_ = *store_.open(StoreAccess::kReadWriteCreate);
    spec_.schema.columns[0].type = type;
    const std::string id = type == ColumnType::kTimestamp ? maker.timestamps : "BIGINT";
    Run("CREATE TABLE events (id " + id + ", page VARCHAR(20) NOT NULL)");
  }

  void Run(const std::string& sql) const { store_.run(sql); }
  /// Rows `(value, 'page')`.
  void Insert(const std::string& rows) const {
    Run("INSERT INTO events (id, page) VALUES " + rows);
  }
  [[nodiscard]] std::optional<RowCursor> Cursor() const {
    const auto cursor = dao_->CursorOf(spec_.Source());
    EXPECT_TRUE(cursor.ok()) << cursor.error().message;
    return cursor ? *cursor : std::nullopt;
  }
  [[nodiscard]] bool IsUnchanged(const RowCursor& cursor) const {
    const Result<bool> unchanged = dao_->IsUnchanged(spec_.Source(), cursor);
    EXPECT_TRUE(unchanged.ok()) << unchanged.error().message;
    return unchanged && *unchanged;
  }
  [[nodiscard]] std::vector<std::string> Read(const RowRange& range) const {
    std::vector<std::string> rows;
    const Status read =
        dao_->ReadRows(spec_.Source(), range, spec_.schema, {}, 2, [&rows](const Table& batch) {
          for (std::string& row : Rows(batch)) {
            rows.push_back(std::move(row));
          }
          return Status();
        });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return rows;
  }
  [[nodiscard]] TableDao& dao() const { return *dao_; }
  [[nodiscard]] const TableSpec& spec() const { return spec_; }

 private:
  StoreMaker::NewStore store_;
  std::unique_ptr<TableDao> dao_;
  TableSpec spec_{.name = "events",
                  .schema = {{{.name = "id", .type = ColumnType::kInt64},
                              {.name = "page", .type = ColumnType::kText}}},
                  .key = {},
                  .grows_by = "id"};
};

TEST_P(TableDaoContract, RowsBehindTheCursorOfATableThatGrowsAreReadAlone) {
  const Events events(GetParam());
  events.Insert("(-5, 'first'), (7, 'home')");
  const std::optional<RowCursor> cursor = events.Cursor();
  ASSERT_TRUE(cursor);
  EXPECT_EQ(cursor->last_row, 7);
  EXPECT_THAT(events.Read({.first = RowRange::kBegin, .last = 7}),
              ElementsAre("-5 'first'", "7 'home'"));
  events.Insert("(12, 'b'), (9, 'a')");
  EXPECT_TRUE(events.IsUnchanged(*cursor));
  const std::optional<RowCursor> end = events.Cursor();
  ASSERT_TRUE(end);
  const RowRange more{.first = cursor->last_row + 1, .last = end->last_row};
  EXPECT_THAT(events.Read(more), ElementsAre("9 'a'", "12 'b'"));
  EXPECT_EQ(*events.dao().CountRows(events.spec().Source(), more), 2U);
}

TEST_P(TableDaoContract, ATableThatGrowsHasNoCursorBeforeItHasRows) {
  EXPECT_EQ(Events(GetParam()).Cursor(), std::nullopt);
}

/// What others do to a table whose rows up to 7 were read.
struct LateChange {
  std::string name;
  std::string sql;
  bool is_seen = true;
};

TEST_P(TableDaoContract, ACursorEndsWhereRowsComeOrGoBeforeIt) {
  const std::vector<LateChange> changes{
      {"a row between", "INSERT INTO events (id, page) VALUES (3, 'late')"},
      {"a row of the last value", "INSERT INTO events (id, page) VALUES (7, 'equal')"},
      {"a row that is deleted", "DELETE FROM events WHERE id = 1"},
      {"all rows deleted", "DELETE FROM events"},
      {"a row behind", "INSERT INTO events (id, page) VALUES (8, 'next')", false}};
  for (const LateChange& change : changes) {
    SCOPED_TRACE(change.name);
    const Events events(GetParam());
    events.Insert("(1, 'a'), (5, 'b'), (7, 'c')");
    const std::optional<RowCursor> cursor = events.Cursor();
    ASSERT_TRUE(cursor);
    events.Run(change.sql);
    EXPECT_EQ(events.IsUnchanged(*cursor), !change.is_seen);
  }
}

TEST_P(TableDaoContract, MomentsAreSettledASecondAfterThem) {
  const Events events(GetParam(), ColumnType::kTimestamp);
  events.Insert("(" + GetParam().now + ", 'now')");
  // Which of the moment's rows are still to come nobody knows, so they are read later; that this
  // later has come is told as a change.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::size_t looks = 0;
  std::optional<RowCursor> cursor;
  while (!(cursor = events.Cursor()) && std::chrono::steady_clock::now() < deadline) {
    ++looks;
    const std::string mark = *events.dao().ChangeMark();
    EXPECT_NE(mark, *events.dao().ChangeMark()) << "as long as a row waits";
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(cursor);
  EXPECT_GT(looks, 0U);
  EXPECT_THAT(events.Read({.first = RowRange::kBegin, .last = cursor->last_row}),
              ElementsAre(HasSubstr("'now'")));
  EXPECT_TRUE(events.IsUnchanged(*cursor));
}

TEST_P(TableDaoContract, AGrowingColumnThatIsNotAsDeclaredIsNamed) {
  const Events events(GetParam());
  events.Insert("(1, 'a')");
  TableSpec other = events.spec();
  other.grows_by = "page";
  other.schema.columns[1].type = ColumnType::kInt64;
  const auto of_text = events.dao().CursorOf(other.Source());
  ASSERT_FALSE(of_text.ok());
  EXPECT_THAT(of_text.error().message, AllOf(HasSubstr("page"), HasSubstr("int64")));
  const auto missing =
      events.dao().CursorOf({.table = "events", .grows_by = GrowingColumn{.name = "number"}});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("number"));
}

TEST_P(TableDaoContract, ARowWithoutAValueInTheGrowingColumnIsNotPassedOver) {
  const Events events(GetParam());
  events.Insert("(1, 'a')");
  const std::optional<RowCursor> cursor = events.Cursor();
  ASSERT_TRUE(cursor);
  events.Insert("(NULL, 'b')");
  const Status read =
      events.dao().ReadRows(events.spec().Source(), {.first = RowRange::kBegin, .last = 1},
                            events.spec().schema, {}, 10, [](const Table&) { return Status(); });
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("id"));
}

TEST_P(TableDaoContract, OurOwnTablesGoByTheOrderOfIngestionWhateverTheyGrowBy) {
  const StoreMaker::NewStore store = GetParam().make();
  const auto dao = *store.open(StoreAccess::kReadWriteCreate);
  const TableSpec spec{.name = "own",
                       .schema = {{{.name = "id", .type = ColumnType::kInt64}}},
                       .key = {},
                       .grows_by = "id"};
  Table batch(spec.schema);
  for (const int id : {500, 3}) batch.column(0).AppendInt64(id);
  ASSERT_TRUE(dao->EnsureTable(spec).ok());
  std::size_t failed_row = 0;
  ASSERT_TRUE(dao->Append(spec, batch, OnConflict::kRefuse, failed_row).ok());
  const auto cursor = dao->CursorOf(spec.Source());
  ASSERT_TRUE(cursor.ok() && *cursor);
  EXPECT_LT((*cursor)->last_row, 500);
  EXPECT_THAT((*cursor)->mark, testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace forkcast::preprocessing
