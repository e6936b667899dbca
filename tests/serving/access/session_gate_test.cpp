// The gate, shown sessions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "serving/access/gate.hpp"
#include "serving/access/session_testing.hpp"
#include "serving/access/token_file.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Outcome = Admission::Outcome;
using Effect = Question::Effect;

class SessionGate : public SessionTest {
 protected:
  SessionGate() {
    const auto add = [](std::vector<Token>& tokens) -> Status {
      tokens.push_back({.name = "ci", .role = Role::kAdmin, .hash = HashOf("a")});
      return {};
    };
    EXPECT_TRUE(ChangeTokens(tokens(), WhenAbsent::kBegin, add));
    Begin({.tokens = tokens(), .locked = {Access::kInvoke, Access::kWatch}});
  }
  [[nodiscard]] std::filesystem::path tokens() const { return folder_.path() / "tokens.json"; }
  void Begin(Gate::Options options) {
    options.sessions = sessions_.get();
    gate_.emplace(std::move(options), clock_, log_);
  }
  /// What the browser of `name` sends, of a page of ours.
  Question By(const std::string& name, Access access = Access::kChange) {
    begun_ = LogIn(*sessions_, name);
    cookie_ = "forkcast_session=" + begun_.cookie;
    csrf_ = sessions_->CsrfToken(begun_.session);
    return {.access = access,
            .host = "a.example",
            .cookie = {.value = cookie_, .count = 1},
            .csrf_token = csrf_,
            .page = {.origin = "https://a.example", .site = "same-origin"}};
  }
  Outcome OutcomeOf(const Question& question) { return gate_->Ask(question).outcome; }

  std::unique_ptr<Sessions> sessions_ = Open();
  std::optional<Gate> gate_;
  Sessions::Begun begun_;
  std::string cookie_;
  std::string csrf_;
};

struct RoleCase {
  const char* name;
  const char* user;
  Access access;
  Outcome outcome;
};

class RolesOfSessions : public SessionGate, public testing::WithParamInterface<RoleCase> {};

TEST_P(RolesOfSessions, MayWhatTheTableSays) {
  EXPECT_EQ(OutcomeOf(By(GetParam().user, GetParam().access)), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RolesOfSessions,
    testing::Values(
        RoleCase{"AViewerInvokes", "viewer", Access::kInvoke, Outcome::kAllowed},
        RoleCase{"AViewerWatches", "viewer", Access::kWatch, Outcome::kAllowed},
        RoleCase{"AViewerChanges", "viewer", Access::kChange, Outcome::kForbidden},
        RoleCase{"AViewerAdministers", "viewer", Access::kAdminister, Outcome::kForbidden},
        RoleCase{"AnOperatorChanges", "operator", Access::kChange, Outcome::kAllowed},
        RoleCase{"AnOperatorAdministers", "operator", Access::kAdminister, Outcome::kForbidden},
        RoleCase{"AnAdminAdministers", "admin", Access::kAdminister, Outcome::kAllowed}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(SessionGate, KnowsWhomItLetIn) {
  const Admission admission = gate_->Ask(By("operator"));
  EXPECT_EQ(admission.who, "operator");
  EXPECT_EQ(admission.role, Role::kOperator);
  EXPECT_EQ(admission.proof, Proof::kSession);
}

TEST_F(SessionGate, TakesNoChangeWithoutTheCsrfToken) {
  for (const std::string& token :
       {std::string(), std::string("x"), csrf_ + "A", std::string(43, 'A')}) {
    Question question = By("operator");
    question.csrf_token = token;
    const Admission admission = gate_->Ask(question);
    EXPECT_EQ(admission.outcome, Outcome::kNoCsrfToken) << token;
    EXPECT_EQ(admission.field, "X-CSRF-Token");
  }
}

TEST_F(SessionGate, TakesNoCsrfTokenOfAnotherSession) {
  By("operator");
  const std::string other = csrf_;
  Question question = By("operator");
  question.csrf_token = other;
  EXPECT_EQ(OutcomeOf(question), Outcome::kNoCsrfToken);
}

TEST_F(SessionGate, LetsReadWithoutTheCsrfToken) {
  Question question = By("viewer", Access::kWatch);
  question.csrf_token = {};
  question.effect = Effect::kNone;
  EXPECT_EQ(OutcomeOf(question), Outcome::kAllowed);
}

TEST_F(SessionGate, TakesNoChangeFromPagesOfOthers) {
  for (const AskingPage page :
       {AskingPage{"https://evil.example", "cross-site"}, AskingPage{"https://evil.example", ""},
        AskingPage{"", "same-site"}, AskingPage{"null", ""}}) {
    Question question = By("operator");
    question.page = page;
    EXPECT_EQ(OutcomeOf(question), Outcome::kForbidden) << page.origin;
  }
}

TEST_F(SessionGate, AsksNoTokenForMoreThanItself) {
  Question question{.access = Access::kAdminister,
                    .host = "a.example",
                    .authorization = {.value = "Bearer a", .count = 1}};
  EXPECT_EQ(OutcomeOf(question), Outcome::kAllowed);
}

TEST_F(SessionGate, LooksAtATokenBeforeASession) {
  Question question = By("admin");
  question.authorization = {.value = "Bearer x", .count = 1};
  EXPECT_EQ(OutcomeOf(question), Outcome::kUnknown);
}

TEST_F(SessionGate, GivesASessionAnewWhenItIsTime) {
  const Question question = By("operator");
  EXPECT_THAT(gate_->Ask(question).cookie, IsEmpty());
  Pass(std::chrono::minutes(10));
  EXPECT_THAT(gate_->Ask(question).cookie, Not(IsEmpty()));
}

TEST_F(SessionGate, TakesNoSessionOfPlainHttpOverTls) {
  Question question = By("operator");
  question.channel = Channel::kTls;
  EXPECT_EQ(OutcomeOf(question), Outcome::kUnknown);
  cookie_ = "__Host-" + cookie_;
  question.cookie.value = cookie_;
  EXPECT_EQ(OutcomeOf(question), Outcome::kAllowed);
}

TEST_F(SessionGate, RefusesACookieThatCameTwice) {
  Question question = By("operator");
  cookie_ += "; " + cookie_;
  question.cookie.value = cookie_;
  EXPECT_EQ(OutcomeOf(question), Outcome::kMalformed);
}

TEST_F(SessionGate, SaysThatASessionWouldDo) {
  const Admission admission = gate_->Ask({.access = Access::kChange});
  EXPECT_EQ(admission.outcome, Outcome::kUnknown);
  EXPECT_THAT(admission.message, HasSubstr("or a session"));
}

TEST_F(SessionGate, WithoutTokensKnowsSessionsAlone) {
  Begin({});
  EXPECT_EQ(OutcomeOf(By("operator")), Outcome::kAllowed);
  EXPECT_EQ(OutcomeOf({.access = Access::kChange, .is_local = true}), Outcome::kUnknown);
  EXPECT_EQ(
      OutcomeOf({.access = Access::kChange, .authorization = {.value = "Bearer a", .count = 1}}),
      Outcome::kUnknown);
}

TEST_F(SessionGate, TellsNobodyThatItIsNobodysTurn) {
  const Question question{.access = Access::kLogIn, .effect = Effect::kNone};
  EXPECT_TRUE(gate_->Guards(Access::kLogIn, Hosts::kAny));
  const Admission locked = gate_->Ask(question);
  EXPECT_TRUE(locked.allowed());
  EXPECT_EQ(locked.role, std::nullopt);
  Begin({});
  EXPECT_EQ(gate_->Ask(question).role, Role::kViewer);
}

TEST_F(SessionGate, TellsWhoIsLoggedIn) {
  Question question = By("operator", Access::kLogIn);
  question.effect = Effect::kNone;
  const Admission admission = gate_->Ask(question);
  EXPECT_EQ(admission.who, "operator");
  EXPECT_EQ(admission.session, begun_.session);
}

TEST_F(SessionGate, LetsWhoeverHasALostSessionLogInAnew) {
  Question question{.access = Access::kLogIn,
                    .effect = Effect::kLogIn,
                    .cookie = {.value = "forkcast_session=lost", .count = 1}};
  const Admission admission = gate_->Ask(question);
  EXPECT_TRUE(admission.allowed());
  EXPECT_EQ(admission.proof, Proof::kNone);
}

TEST_F(SessionGate, SeesTheSessionOfWhoLogsInAnewAlsoBesideAToken) {
  Question question = By("operator", Access::kLogIn);
  question.effect = Effect::kLogIn;
  question.csrf_token = {};
  for (const std::string_view token : {"", "Bearer a", "Bearer nobodys"}) {
    question.authorization = {.value = token, .count = token.empty() ? 0U : 1U};
    const Admission admission = gate_->Ask(question);
    EXPECT_TRUE(admission.allowed()) << token;
    EXPECT_EQ(admission.session, begun_.session) << token;
  }
}

TEST_F(SessionGate, LetsNoPageOfOthersLogIn) {
  EXPECT_EQ(OutcomeOf({.access = Access::kLogIn,
                       .effect = Effect::kLogIn,
                       .host = "a.example",
                       .page = {.origin = "https://evil.example"}}),
            Outcome::kForbidden);
}

TEST_F(SessionGate, LetsLogOutWithTheCsrfTokenAlone) {
  Question question = By("viewer", Access::kLogIn);
  EXPECT_EQ(OutcomeOf(question), Outcome::kAllowed);
  question.csrf_token = {};
  EXPECT_EQ(OutcomeOf(question), Outcome::kNoCsrfToken);
}

TEST_F(SessionGate, LetsNobodyInWhileTheUsersCannotBeRead) {
  const Question question = By("operator");
  folder_.Write("users.json", "");
  EXPECT_EQ(OutcomeOf(question), Outcome::kUnavailable);
}

}  // namespace
}  // namespace forkcast::serving
