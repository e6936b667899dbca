#include "serving/access/sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "serving/access/session_testing.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using State = Sessions::Shown::State;
using Door = Sessions::Door;

class SessionsTest : public SessionTest {
 protected:
  std::unique_ptr<Sessions> sessions_ = Open();
};

TEST_F(SessionsTest, AreTakenByAllWorkers) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  const auto shown = Open()->Show(cookie);
  ASSERT_EQ(shown.state, State::kGood);
  EXPECT_EQ(shown.session.user, "operator");
  EXPECT_THAT(shown.renewed, IsEmpty());
}

TEST_F(SessionsTest, KnowTheirUsersRole) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  EXPECT_EQ(sessions_->Show(cookie).user->role, Role::kOperator);
}

TEST_F(SessionsTest, AreNotThoseOfAnotherServer) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  memory_ = std::make_unique<LoginMemory>();
  EXPECT_EQ(Open()->Show(cookie).state, State::kUnknown);
}

TEST_F(SessionsTest, AreOverWhenNothingWasAskedForAWhile) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  Pass(minutes(30) - seconds(1));
  EXPECT_EQ(sessions_->Show(cookie).state, State::kGood);
  Pass(seconds(1));
  const auto shown = sessions_->Show(cookie);
  EXPECT_EQ(shown.state, State::kUnknown);
  EXPECT_THAT(std::string(shown.why), HasSubstr("nothing was asked"));
}

TEST_F(SessionsTest, AreRenewedAsLongAsSomethingIsAsked) {
  std::string cookie = LogIn(*sessions_, "operator").cookie;
  for (int i = 0; i < 20; ++i) {
    Pass(minutes(20));
    auto shown = sessions_->Show(cookie);
    ASSERT_EQ(shown.state, State::kGood) << i;
    ASSERT_THAT(shown.renewed, Not(IsEmpty()));
    cookie = shown.renewed;
  }
}

TEST_F(SessionsTest, AreOverAfterTheirLifetimeWhateverIsAsked) {
  std::string cookie = LogIn(*sessions_, "operator").cookie;
  for (MonotonicTime::duration age{0}; age < hours(12) - minutes(10); age += minutes(10)) {
    Pass(minutes(10));
    auto shown = sessions_->Show(cookie);
    ASSERT_EQ(shown.state, State::kGood);
    cookie = shown.renewed;
  }
  Pass(minutes(10));
  EXPECT_EQ(sessions_->Show(cookie).state, State::kUnknown);
}

TEST_F(SessionsTest, AreNotChangedByTheClockOfTheWall) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  clock_.SetNow(Instant(hours(1)));  // set back by decades
  EXPECT_EQ(sessions_->Show(cookie).state, State::kGood);
  clock_.SetNow(Instant(hours(900'000)));
  EXPECT_EQ(sessions_->Show(cookie).state, State::kGood);
  Pass(hours(12));
  clock_.SetNow(Instant(hours(1)));
  EXPECT_EQ(sessions_->Show(cookie).state, State::kUnknown);
}

TEST_F(SessionsTest, AreEndedInAllWorkers) {
  const Sessions::Begun begun = LogIn(*sessions_, "operator");
  Pass(minutes(10));
  const std::string renewed = Open()->Show(begun.cookie).renewed;
  sessions_->End(begun.session);
  for (const std::string& cookie : {begun.cookie, renewed}) {
    EXPECT_EQ(Open()->Show(cookie).state, State::kUnknown);
  }
}

TEST_F(SessionsTest, AreEndedOneByOne) {
  const Sessions::Begun one = LogIn(*sessions_, "operator");
  const Sessions::Begun other = LogIn(*sessions_, "operator");
  sessions_->End(one.session);
  EXPECT_EQ(sessions_->Show(other.cookie).state, State::kGood);
}

TEST_F(SessionsTest, HaveTheRoleThatTheirUserHasNow) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  ChangeUser("operator", [](User& user) { user.role = Role::kViewer; });
  EXPECT_EQ(sessions_->Show(cookie).user->role, Role::kViewer);
}

TEST_F(SessionsTest, AreOverWhenTheirUserIsRemovedOrChanged) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  ChangeUser("operator", [](User& user) { ++user.stamp; });
  EXPECT_EQ(sessions_->Show(cookie).state, State::kUnknown);
  const std::string other = LogIn(*sessions_, "viewer").cookie;
  SetUsers({Named("admin", Role::kAdmin)});
  EXPECT_EQ(sessions_->Show(other).state, State::kUnknown);
}

TEST_F(SessionsTest, OfARemovedUserAreNotThoseOfANewOneOfThatName) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  SetUsers({});
  User again = Named("operator", Role::kAdmin);
  again.stamp += 2;
  SetUsers({again});
  EXPECT_EQ(sessions_->Show(cookie).state, State::kUnknown);
}

TEST_F(SessionsTest, AreNobodysWhileTheUsersCannotBeRead) {
  const std::string cookie = LogIn(*sessions_, "operator").cookie;
  folder_.Write("users.json", "{\"users\": [");
  EXPECT_EQ(sessions_->Show(cookie).state, State::kUnavailable);
  EXPECT_EQ(sessions_->Knock({.name = "operator"}).state, Door::State::kUnavailable);
  EXPECT_FALSE(sessions_->HasUsers());
  EXPECT_THAT(logged_.str(), HasSubstr("users_unreadable"));
}

TEST_F(SessionsTest, BeginForNobodyWhoChangedSinceThePasswordWasLookedAt) {
  const Attempt attempt{.name = "operator"};
  const Door door = sessions_->Knock(attempt);
  ChangeUser("operator", [](User& user) { ++user.stamp; });
  EXPECT_FALSE(sessions_->Begin(attempt, door));
}

TEST_F(SessionsTest, TryThePasswordOfWhomThereIsNotAgainstNobodys) {
  const Door door = sessions_->Knock({.name = "mallory"});
  EXPECT_EQ(door.state, Door::State::kOpen);
  EXPECT_EQ(door.hash, NobodysHash());
  EXPECT_EQ(door.stamp, 0U);
  EXPECT_FALSE(sessions_->Begin({.name = "mallory"}, door));
}

TEST_F(SessionsTest, LimitTriesInAllWorkersWhetherThereIsSuchAUserOrNot) {
  for (const char* const name : {"operator", "mallory"}) {
    int passed = 0;
    for (int i = 0; i < 50; ++i) {
      const std::string address = "192.0.2." + std::to_string(i);
      const Door door = Open()->Knock({.name = name, .address = address});
      if (door.state == Door::State::kOpen) ++passed;
    }
    EXPECT_EQ(passed, LoginAttempts::kBurstByName) << name;
  }
}

TEST_F(SessionsTest, DoNotCountTriesThatNobodyCouldLookAt) {
  const Attempt attempt{.name = "operator", .address = "192.0.2.1"};
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(sessions_->Knock(attempt).state, Door::State::kOpen) << i;
    sessions_->TakeBack(attempt);
  }
  folder_.Write("users.json", "");
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(sessions_->Knock(attempt).state, Door::State::kUnavailable) << i;
  }
}

TEST_F(SessionsTest, SayInTheLogWhoWasRefusedButNotWhatNobodyIsCalled) {
  sessions_->NoteRefused({.name = "my secret password"}, {});
  EXPECT_THAT(logged_.str(), HasSubstr("login_refused"));
  EXPECT_THAT(logged_.str(), Not(HasSubstr("secret")));
}

TEST_F(SessionsTest, LeaveNothingOfThemselvesInTheLog) {
  const Sessions::Begun begun = LogIn(*sessions_, "operator");
  EXPECT_THAT(logged_.str(), HasSubstr("logged_in user=\"operator\""));
  EXPECT_THAT(logged_.str(), Not(HasSubstr(begun.cookie)));
  EXPECT_THAT(logged_.str(), Not(HasSubstr(sessions_->CsrfToken(begun.session))));
}

}  // namespace
}  // namespace forkcast::serving
