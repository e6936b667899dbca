#include "data_preprocessing/follow/folder_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<TableSpec> kTables{{.name = "sales",
                                      .schema = {{{.name = "sku", .type = ColumnType::kText},
                                                  {.name = "count", .type = ColumnType::kInt64}}},
                                      .key = {}},
                                     {.name = "prices",
                                      .schema = {{{.name = "sku", .type = ColumnType::kText},
                                                  {.name = "cents", .type = ColumnType::kInt64}}},
                                      .key = {"sku"}}};

class FolderFeeds : public testing::Test {
 protected:
  FolderFeeds() {
    fs::create_directory(data());
    Open();
    for (const TableSpec& table : kTables) EXPECT_TRUE(dao_->EnsureTable(table).ok());
  }

  [[nodiscard]] fs::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] fs::path rejects() const { return folder_.path() / "rejects.csv"; }
  void Open() {
    dao_.reset();
    dao_ = OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
               .value();
  }
  void Write(const std::string& name, std::string_view text) const {
    folder_.Write("data/" + name, text);
  }
  void Append(const std::string& name, std::string_view text) const {
    std::ofstream(data() / name, std::ios::app) << text;
  }
  /// Another process, which knows what the store knows.
  void Restart(FolderFeedOptions options) { feed_ = std::make_unique<FolderFeed>(options); }
  [[nodiscard]] FolderFeedOptions Options() const {
    return {.folder = data(),
            .tables = {&kTables[0], &kTables[1]},
            .all = kTables,
            .zone = zone_,
            .rules = {},
            .rejects = {},
            .max_rejects = {.share = 0.5},
            .check = {}};
  }
  /// A second later.
  FeedTurn Take() {
    now_ += std::chrono::seconds(1);
    Result<FeedTurn> turn = feed_->Take(*dao_, now_);
    EXPECT_TRUE(turn.ok()) << turn.error().message;
    return turn.ok() ? *turn : FeedTurn();
  }
  /// Two looks, the second of which takes what has settled.
  FeedTurn TakeSettled() {
    Take();
    return Take();
  }
  std::vector<std::string> Stored(const TableSpec& table) {
    std::vector<std::string> rows;
    const Status read =
        dao_->Read(TableSource{table.name}, table.schema, {}, 100, [&rows](const Table& batch) {
          for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
          return Status();
        });
    EXPECT_TRUE(read.ok());
    return rows;
  }

  TempFolder folder_;
  TimeZone zone_;
  MonotonicTime now_{std::chrono::hours(1)};
  std::unique_ptr<TableDao> dao_;
  std::unique_ptr<FolderFeed> feed_ = std::make_unique<FolderFeed>(Options());
};

TEST_F(FolderFeeds, TakesWhatIsThereAndThenWhatComes) {
  Write("sales.csv", "sku,count\n007,1\n");
  EXPECT_EQ(Take().state, FeedState::kWaiting);
  const FeedTurn first = Take();
  EXPECT_THAT(first.sources, ElementsAre("sales.csv: 1 row added"));
  EXPECT_TRUE(first.changed);
  EXPECT_EQ(first.state, FeedState::kUpToDate);
  Write("sales-2.csv", "sku,count\n8,2\n");
  EXPECT_EQ(TakeSettled().rows, 1U);
  EXPECT_THAT(Stored(kTables[0]), ElementsAre("'007' 1", "'8' 2"));
}

TEST_F(FolderFeeds, AnEmptyFolderIsWaitedFor) {
  const FeedTurn turn = Take();
  EXPECT_EQ(turn.state, FeedState::kAbsent);
  EXPECT_EQ(turn.problem, "");
}

TEST_F(FolderFeeds, AFolderThatIsNotThereIsTold) {
  fs::remove_all(data());
  EXPECT_THAT(Take().problem, HasSubstr(data().string()));
}

TEST_F(FolderFeeds, AFileThatGrowsIsTakenWhenItHasEnded) {
  Write("sales.csv", "sku,count\n");
  for (int i = 0; i < 5; ++i) {
    Append("sales.csv", "8," + std::to_string(i) + "\n");
    EXPECT_EQ(Take().rows, 0U);
  }
  EXPECT_EQ(Take().rows, 5U);
}

TEST_F(FolderFeeds, WhatHasNotChangedIsNotReadAgainByTheNextProcessEither) {
  Write("prices.csv", "sku,cents\n007,199\n");
  ASSERT_EQ(TakeSettled().rows, 1U);
  EXPECT_THAT(TakeSettled().sources, IsEmpty());
  Open();
  Restart(Options());
  const FeedTurn turn = TakeSettled();
  EXPECT_THAT(turn.sources, IsEmpty());
  EXPECT_EQ(turn.state, FeedState::kUpToDate);
}

TEST_F(FolderFeeds, AFileThatHasGrownAddsItsNewRowsToATableWithKey) {
  Write("prices.csv", "sku,cents\n007,199\n");
  TakeSettled();
  Append("prices.csv", "8,250\n");
  EXPECT_THAT(TakeSettled().sources, ElementsAre("prices.csv: 1 row added, 1 identical"));
}

TEST_F(FolderFeeds, ABadFileIsToldAndKeepsNoOtherOut) {
  Write("prices.csv", "sku,cents\n007,cheap\n");
  Write("sales.csv", "sku,count\n007,1\n");
  const FeedTurn turn = TakeSettled();
  EXPECT_EQ(turn.rows, 1U);
  EXPECT_THAT(turn.problem, HasSubstr("prices.csv: line 2, column 5"));
  EXPECT_FALSE(turn.is_failing);
  EXPECT_THAT(Stored(kTables[1]), IsEmpty());
}

TEST_F(FolderFeeds, ABadFileIsTriedAgainWhenItHasChanged) {
  Write("prices.csv", "sku,cents\n007,cheap\n");
  const std::string problem = TakeSettled().problem;
  EXPECT_EQ(TakeSettled().problem, problem);
  Write("prices.csv", "sku,cents\n007,99\n");
  const FeedTurn mended = TakeSettled();
  EXPECT_EQ(mended.rows, 1U);
  EXPECT_EQ(mended.problem, "");
}

TEST_F(FolderFeeds, ABadFileThatIsGoneIsWrongNoMore) {
  Write("prices.csv", "sku,cents\n007,cheap\n");
  TakeSettled();
  fs::remove(data() / "prices.csv");
  EXPECT_EQ(Take().problem, "");
}

TEST_F(FolderFeeds, AFileWithOtherContentsIsRefusedUnlessItReplaces) {
  Write("sales.csv", "sku,count\n007,1\n");
  TakeSettled();
  Append("sales.csv", "8,2\n");
  EXPECT_THAT(TakeSettled().problem, HasSubstr("was taken in before with other contents"));
  FolderFeedOptions replacing = Options();
  replacing.rules.on_other_contents = OnOtherContents::kReplace;
  Restart(replacing);
  EXPECT_EQ(TakeSettled().problem, "");
  EXPECT_THAT(Stored(kTables[0]), ElementsAre("'007' 1", "'8' 2"));
}

TEST_F(FolderFeeds, RejectedRowsOfAllFilesAreInOneLog) {
  FolderFeedOptions rejecting = Options();
  rejecting.rejects = rejects();
  Restart(rejecting);
  Write("prices-1.csv", "sku,cents\n007,cheap\n8,250\n");
  EXPECT_EQ(TakeSettled().rejected, 1U);
  Write("prices-2.csv", "sku,cents\n9,dear\n10,1\n");
  EXPECT_EQ(TakeSettled().rejected, 1U);
  EXPECT_THAT(ReadWhole(rejects()),
              testing::MatchesRegex("file,line,reason,text\n\"[^\n]*prices-1.csv\",2,[^\n]*\n"
                                    "\"[^\n]*prices-2.csv\",2,[^\n]*\n"));
}

TEST_F(FolderFeeds, AFileWithTooManyRejectedRowsIsABadOne) {
  FolderFeedOptions rejecting = Options();
  rejecting.rejects = rejects();
  Restart(rejecting);
  Write("prices.csv", "sku,cents\n007,cheap\n8,dear\n9,1\n");
  EXPECT_THAT(TakeSettled().problem, HasSubstr("2 rows were rejected, more than 50% of 3"));
  EXPECT_FALSE(fs::exists(rejects()));
  EXPECT_THAT(Stored(kTables[1]), IsEmpty());
}

TEST_F(FolderFeeds, AStoreThatIsLockedIsAnErrorOfTheTurnAndLosesNothing) {
  Write("sales.csv", "sku,count\n007,1\n");
  Take();
  const auto other =
      OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
          .value();
  ASSERT_TRUE(other->Begin().ok());
  now_ += std::chrono::seconds(1);
  const Result<FeedTurn> locked = feed_->Take(*dao_, now_);
  ASSERT_FALSE(locked.ok());
  EXPECT_THAT(locked.error().message, HasSubstr("locked"));
  other->Rollback();
  EXPECT_EQ(Take().rows, 1U);
}

TEST_F(FolderFeeds, TwoOnOneFolderTakeEachFileOnce) {
  FolderFeed other(Options());
  Write("sales.csv", "sku,count\n007,1\n");
  const auto second =
      OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
          .value();
  for (int i = 0; i < 3; ++i) {
    Take();
    ASSERT_TRUE(other.Take(*second, now_).ok());
  }
  EXPECT_THAT(Stored(kTables[0]), ElementsAre("'007' 1"));
}

}  // namespace
}  // namespace forkcast::preprocessing
