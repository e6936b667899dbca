#include "serving/access/ended_sessions.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr MonotonicTime kNow{hours(100)};
constexpr hours kLifetime{12};

/// Sessions whose ids differ where it matters.
Session NumberOf(std::uint64_t number, MonotonicTime begun = kNow) {
  return {.id = (number + 1) << 32U | 1U, .begun = begun, .renewed = begun, .user = "ana"};
}

class Ended : public testing::Test {
 protected:
  void End(const Session& session, MonotonicTime now = kNow) {
    sessions_->End(session, session.begun + kLifetime, now);
  }

  std::unique_ptr<EndedSessions> sessions_ = std::make_unique<EndedSessions>();
};

TEST_F(Ended, AreNoneAtTheBeginning) { EXPECT_FALSE(sessions_->Has(NumberOf(0))); }

TEST_F(Ended, AreThoseThatWereEnded) {
  End(NumberOf(1));
  EXPECT_TRUE(sessions_->Has(NumberOf(1)));
  EXPECT_FALSE(sessions_->Has(NumberOf(2)));
}

TEST_F(Ended, AreAsManyAsThereIsRoomFor) {
  for (std::size_t i = 0; i < EndedSessions::kMost; ++i) End(NumberOf(i));
  for (std::size_t i = 0; i < EndedSessions::kMost; ++i) EXPECT_TRUE(sessions_->Has(NumberOf(i)));
  EXPECT_FALSE(sessions_->Has(NumberOf(EndedSessions::kMost)));
}

TEST_F(Ended, AreAllThatHadBegunWhenThereIsNoRoom) {
  for (std::size_t i = 0; i < EndedSessions::kMost; ++i) End(NumberOf(i));
  End(NumberOf(EndedSessions::kMost), kNow + seconds(1));
  EXPECT_TRUE(sessions_->Has(NumberOf(EndedSessions::kMost)));
  EXPECT_TRUE(sessions_->Has(NumberOf(1'000'000, kNow + seconds(1))));
  EXPECT_FALSE(sessions_->Has(NumberOf(1'000'000, kNow + seconds(2))));
}

TEST_F(Ended, MakeRoomForOthersWhenTheyWouldBeOverAnyway) {
  for (std::size_t i = 0; i < EndedSessions::kMost; ++i) End(NumberOf(i));
  const MonotonicTime later = kNow + kLifetime + seconds(10);
  End(NumberOf(5'000'000, later), later);
  EXPECT_TRUE(sessions_->Has(NumberOf(5'000'000, later)));
  EXPECT_FALSE(sessions_->Has(NumberOf(6'000'000, later)));
}

TEST_F(Ended, AreKeptUntilTheLastSecond) {
  for (std::size_t i = 0; i < EndedSessions::kMost; ++i) End(NumberOf(i));
  const MonotonicTime late = kNow + kLifetime - seconds(1);
  End(NumberOf(5'000'000, late), late);
  for (std::size_t i = 0; i < EndedSessions::kMost; ++i) EXPECT_TRUE(sessions_->Has(NumberOf(i)));
}

TEST_F(Ended, AreAllKeptOfThoseThatManyEndAtOnce) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kOfEach = EndedSessions::kMost / kThreads;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (std::size_t i = 0; i < kOfEach; ++i) {
        const Session session = NumberOf(thread * kOfEach + i);
        End(session);
        EXPECT_TRUE(sessions_->Has(session));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < kThreads * kOfEach; ++i) EXPECT_TRUE(sessions_->Has(NumberOf(i)));
}

}  // namespace
}  // namespace forkcast::serving
