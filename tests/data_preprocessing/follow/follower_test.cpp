#include "data_preprocessing/follow/follower.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include "support/test_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using State = FollowStatus::State;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// Gives the turns that a test has prepared, and then empty ones.
class ScriptedFeed final : public Feed {
 public:
  Result<FeedTurn> Take(TableDao& /*dao*/, MonotonicTime /*now*/) override {
    ++asked_;
    if (turns_.empty()) return FeedTurn();
    Result<FeedTurn> turn = std::move(turns_.front());
    turns_.pop_front();
    return turn;
  }
  void Next(Result<FeedTurn> turn) { turns_.push_back(std::move(turn)); }
  [[nodiscard]] int asked() const noexcept { return asked_; }

 private:
  std::deque<Result<FeedTurn>> turns_;
  int asked_ = 0;
};

FeedTurn Rows(std::size_t rows) {
  return {.rows = rows, .changed = true, .sources = {"a.csv: rows added"}};
}

Error Locked() { return {ErrorCode::kIo, "the store is locked"}; }

class Followers : public testing::Test {
 protected:
  /// A turn, so many milliseconds after the first one.
  TurnReport Turn(int at_ms) {
    clock_.Set(MonotonicTime(std::chrono::hours(1)) + milliseconds(at_ms));
    return follower_.Turn();
  }
  /// After the start.
  [[nodiscard]] int due_ms() const {
    return static_cast<int>(std::chrono::duration_cast<milliseconds>(
                                follower_.due() - MonotonicTime(std::chrono::hours(1)))
                                .count());
  }
  [[nodiscard]] const FollowStatus& status() const { return follower_.status(); }

  TempFolder folder_;
  TestClock clock_;
  ScriptedFeed feed_;
  Status open_error_;
  Status publish_error_;
  Status mark_error_;
  std::optional<Instant> marked_;
  int opened_ = 0;
  int published_ = 0;
  milliseconds publishing_takes_{0};
  Follower follower_{feed_,
                     {.open = [this]() -> Result<std::unique_ptr<TableDao>> {
                        ++opened_;
                        if (!open_error_) return open_error_.error();
                        return OpenStore("sqlite:" + (folder_.path() / "s.db").string(),
                                         StoreAccess::kReadWriteCreate);
                      },
                      .publish =
                          [this](TableDao& /*dao*/) {
                            ++published_;
                            clock_.Set(clock_.Monotonic() + publishing_takes_);
                            return publish_error_;
                          },
                      .mark =
                          [this](Instant instant) {
                            marked_ = instant;
                            return mark_error_;
                          }},
                     milliseconds(1000),
                     clock_};
};

TEST_F(Followers, PublishesAtItsStartWhatSomebodyBeforeMayHaveLeft) {
  EXPECT_TRUE(Turn(0).is_published);
  EXPECT_EQ(status().published, 1U);
  EXPECT_EQ(status().state, State::kFollowing);
  EXPECT_TRUE(status().last_success.has_value());
}

TEST_F(Followers, TheFirstPublicationWaitsForFilesThatAreAboutToBeTaken) {
  feed_.Next(FeedTurn{.state = FeedState::kWaiting});
  feed_.Next(Rows(3));
  EXPECT_FALSE(Turn(0).is_published);
  EXPECT_EQ(status().last_success, std::nullopt);
  EXPECT_TRUE(Turn(1000).is_published);
  EXPECT_EQ(status().rows, 3U);
}

TEST_F(Followers, ATurnWithoutRowsPublishesNothingAndTellsNothing) {
  Turn(0);
  EXPECT_TRUE(Turn(1000).is_empty());
  EXPECT_EQ(published_, 1);
}

TEST_F(Followers, ATurnWithRowsPublishesThem) {
  Turn(0);
  feed_.Next(Rows(2));
  const TurnReport report = Turn(1000);
  EXPECT_TRUE(report.is_published);
  EXPECT_EQ(report.rows, 2U);
  EXPECT_THAT(report.sources, ElementsAre("a.csv: rows added"));
}

TEST_F(Followers, RowsThatComeFasterThanMayBePublishedWaitForTheNextPublication) {
  Turn(0);
  feed_.Next(Rows(1));
  feed_.Next(Rows(1));
  EXPECT_FALSE(Turn(300).is_published);
  EXPECT_EQ(due_ms(), 1000);
  EXPECT_FALSE(Turn(600).is_published);
  EXPECT_TRUE(Turn(1000).is_published);
  EXPECT_EQ(published_, 2);
  EXPECT_EQ(status().rows, 2U);
}

TEST_F(Followers, APublicationThatTakesLongLeavesAsMuchTimeForRows) {
  publishing_takes_ = milliseconds(5000);
  EXPECT_TRUE(Turn(0).is_published);
  for (const int at_ms : {5000, 7000, 9999}) {
    feed_.Next(Rows(1));
    EXPECT_FALSE(Turn(at_ms).is_published) << at_ms;
  }
  EXPECT_TRUE(Turn(10'000).is_published);
  EXPECT_EQ(status().rows, 3U);
}

TEST_F(Followers, AStoreThatIsGoneIsTriedAgainLaterAndLater) {
  open_error_ = Locked();
  std::vector<int> delays;
  int now = 0;
  for (int i = 0; i < 8; ++i) {
    Turn(now);
    delays.push_back(due_ms() - now);
    now = due_ms();
  }
  EXPECT_THAT(delays, ElementsAre(1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000));
  EXPECT_EQ(status().state, State::kFailing);
  EXPECT_EQ(status().error, "the store is locked");
  open_error_ = {};
  EXPECT_TRUE(Turn(now).is_well_again);
  EXPECT_EQ(status().state, State::kFollowing);
  EXPECT_EQ(status().error, "");
}

TEST_F(Followers, TellsWhatIsWrongOnce) {
  open_error_ = Locked();
  EXPECT_THAT(Turn(0).problems, ElementsAre("the store is locked"));
  EXPECT_THAT(Turn(1000).problems, IsEmpty());
  open_error_ = Error{ErrorCode::kIo, "the disk is full"};
  EXPECT_THAT(Turn(3000).problems, ElementsAre("the disk is full"));
}

TEST_F(Followers, AnErrorOfTheStoreInATurnOpensItAnewAndPublishesWhatMayHaveCome) {
  Turn(0);
  feed_.Next(Locked());
  Turn(1000);
  EXPECT_EQ(status().state, State::kFailing);
  EXPECT_TRUE(Turn(2000).is_published);
  EXPECT_EQ(opened_, 2);
  EXPECT_EQ(status().state, State::kFollowing);
}

TEST_F(Followers, WhatCouldNotBePublishedIsPublishedLater) {
  publish_error_ = Error{ErrorCode::kIo, "no space left"};
  feed_.Next(Rows(2));
  EXPECT_THAT(Turn(0).problems, ElementsAre("no space left"));
  EXPECT_EQ(status().published, 0U);
  EXPECT_EQ(status().rows, 2U);
  publish_error_ = {};
  EXPECT_TRUE(Turn(1000).is_published);
}

TEST_F(Followers, ABadFileIsToldOnceAndTheOthersGoOn) {
  feed_.Next(FeedTurn{.problem = "a.csv: line 2: wrong"});
  feed_.Next(FeedTurn{.rows = 1, .changed = true, .problem = "a.csv: line 2: wrong\nb.csv: empty"});
  feed_.Next(FeedTurn{});
  EXPECT_THAT(Turn(0).problems, ElementsAre("a.csv: line 2: wrong"));
  EXPECT_EQ(status().state, State::kFollowing);
  const TurnReport next = Turn(1000);
  EXPECT_THAT(next.problems, ElementsAre("b.csv: empty"));
  EXPECT_TRUE(next.is_published);
  EXPECT_TRUE(Turn(2000).is_well_again);
}

TEST_F(Followers, ASourceThatIsNotThereIsWaitedFor) {
  feed_.Next(FeedTurn{.state = FeedState::kAbsent});
  Turn(0);
  EXPECT_EQ(status().state, State::kWaiting);
}

TEST_F(Followers, ASourceThatFailsIsNoSuccess) {
  Turn(0);
  feed_.Next(FeedTurn{.problem = "no broker", .is_failing = true});
  clock_.Set(MonotonicTime(std::chrono::hours(2)));
  Turn(5000);
  EXPECT_EQ(status().state, State::kFailing);
  EXPECT_EQ(status().error, "no broker");
}

TEST_F(Followers, LagIsToldAndNoSuccessWhileThereIsMore) {
  feed_.Next(FeedTurn{.rows = 5, .changed = true, .state = FeedState::kMore, .lag = 70});
  Turn(0);
  EXPECT_EQ(status().lag, 70U);
  EXPECT_EQ(status().last_success, std::nullopt);
}

TEST_F(Followers, ATurnThatFindsNothingMoreMarksWhenItBegan) {
  const Instant start(std::chrono::hours(5));
  clock_.SetNow(start);
  Turn(0);
  EXPECT_EQ(marked_, start);
  clock_.SetNow(start + std::chrono::seconds(1));
  Turn(1000);
  EXPECT_EQ(marked_, start + std::chrono::seconds(1)) << "also where nothing came";
  EXPECT_EQ(status().last_success, marked_);
  feed_.Next(FeedTurn{.rows = 5, .changed = true, .state = FeedState::kMore});
  clock_.SetNow(start + std::chrono::seconds(2));
  Turn(2000);
  EXPECT_EQ(marked_, start + std::chrono::seconds(1)) << "not while there is more";
}

TEST_F(Followers, AWallClockThatJumpsBackDelaysNothing) {
  const Instant start(std::chrono::hours(5));
  clock_.SetNow(start);
  Turn(0);
  clock_.SetNow(start - std::chrono::hours(1));
  feed_.Next(Rows(1));
  EXPECT_TRUE(Turn(1000).is_published);
  EXPECT_EQ(due_ms(), 2000);
  EXPECT_EQ(marked_, start - std::chrono::hours(1)) << "as old as whoever reads it takes it to be";
}

TEST_F(Followers, AMarkThatCannotBeWrittenIsAFailure) {
  mark_error_ = Error{ErrorCode::kIo, "read-only file system"};
  Turn(0);
  EXPECT_EQ(status().state, State::kFailing);
  EXPECT_EQ(status().error, "read-only file system");
  EXPECT_EQ(status().last_success, std::nullopt);
}

struct StatusLine {
  std::string name;
  FollowStatus status;
  std::string line;
};

void PrintTo(const StatusLine& line, std::ostream* out) { *out << line.name; }

class StatusLines : public testing::TestWithParam<StatusLine> {};

TEST_P(StatusLines, AreOneJsonObjectEach) {
  EXPECT_EQ(ToJsonLine(GetParam().status), GetParam().line + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, StatusLines,
    testing::Values(
        StatusLine{
            "BeforeAnythingCame", {}, R"({"state":"waiting","rows":0,"rejected":0,"published":0})"},
        StatusLine{
            "Following",
            {.state = State::kFollowing,
             .rows = 3,
             .rejected = 1,
             .published = 2,
             .last_success = Instant(std::chrono::seconds(86400)),
             .lag = 0},
            R"({"state":"following","rows":3,"rejected":1,"published":2,"last_success":"1970-01-02T00:00:00Z","lag":0})"},
        StatusLine{"Failing",
                   {.state = State::kFailing, .error = "a \"quote\" and \xff"},
                   "{\"state\":\"failing\",\"rows\":0,\"rejected\":0,\"published\":0,\"error\":\"a "
                   "\\\"quote\\\" and \xef\xbf\xbd\"}"}),
    [](const auto& line) { return line.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
