#include "serving/access/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "serving/access/token_file.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using Outcome = Admission::Outcome;

constexpr Instant kNow{std::chrono::hours(500'000)};

class GateTest : public testing::Test {
 protected:
  GateTest() {
    clock_.SetNow(kNow);
    WriteTokens({{.name = "viewer", .role = Role::kViewer, .hash = HashOf("v")},
                 {.name = "operator", .role = Role::kOperator, .hash = HashOf("o")},
                 {.name = "admin", .role = Role::kAdmin, .hash = HashOf("a")},
                 {.name = "late", .role = Role::kAdmin, .hash = HashOf("l"), .expires = kNow},
                 {.name = "gone", .role = Role::kAdmin, .hash = HashOf("g"), .revoked = kNow}});
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "tokens.json"; }
  void WriteTokens(const std::vector<Token>& tokens) const {
    const auto replace = [&tokens](std::vector<Token>& stored) -> Status {
      stored = tokens;
      return {};
    };
    ASSERT_TRUE(ChangeTokens(path(), WhenAbsent::kBegin, replace));
  }
  Gate With(Gate::Options options) { return Gate(std::move(options), clock_, log_); }
  Gate WithTokens() { return With({.tokens = path()}); }
  static Question By(std::string_view token, Access access = Access::kChange) {
    return {.access = access, .authorization = {.value = token, .count = token.empty() ? 0U : 1U}};
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  spdlog::logger log_{"test"};
};

struct RoleCase {
  const char* name;
  const char* token;
  Access access;
  Outcome outcome;
};

class RolesAtTheGate : public GateTest, public testing::WithParamInterface<RoleCase> {};

TEST_P(RolesAtTheGate, MayWhatTheTableSays) {
  Gate gate = With({.tokens = path(), .locked = {Access::kInvoke, Access::kWatch}});
  EXPECT_EQ(gate.Ask(By(GetParam().token, GetParam().access)).outcome, GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RolesAtTheGate,
    testing::Values(
        RoleCase{"NobodyAsksForHealth", "", Access::kOpen, Outcome::kAllowed},
        RoleCase{"NobodyInvokes", "", Access::kInvoke, Outcome::kUnknown},
        RoleCase{"NobodyWatches", "", Access::kWatch, Outcome::kUnknown},
        RoleCase{"NobodyChanges", "", Access::kChange, Outcome::kUnknown},
        RoleCase{"NobodyAdministers", "", Access::kAdminister, Outcome::kUnknown},
        RoleCase{"AViewerInvokes", "Bearer v", Access::kInvoke, Outcome::kAllowed},
        RoleCase{"AViewerWatches", "Bearer v", Access::kWatch, Outcome::kAllowed},
        RoleCase{"AViewerChanges", "Bearer v", Access::kChange, Outcome::kForbidden},
        RoleCase{"AViewerAdministers", "Bearer v", Access::kAdminister, Outcome::kForbidden},
        RoleCase{"AnOperatorInvokes", "Bearer o", Access::kInvoke, Outcome::kAllowed},
        RoleCase{"AnOperatorWatches", "Bearer o", Access::kWatch, Outcome::kAllowed},
        RoleCase{"AnOperatorChanges", "Bearer o", Access::kChange, Outcome::kAllowed},
        RoleCase{"AnOperatorAdministers", "Bearer o", Access::kAdminister, Outcome::kForbidden},
        RoleCase{"AnAdminInvokes", "Bearer a", Access::kInvoke, Outcome::kAllowed},
        RoleCase{"AnAdminWatches", "Bearer a", Access::kWatch, Outcome::kAllowed},
        RoleCase{"AnAdminChanges", "Bearer a", Access::kChange, Outcome::kAllowed},
        RoleCase{"AnAdminAdministers", "Bearer a", Access::kAdminister, Outcome::kAllowed},
        RoleCase{"AnExpiredAdminChanges", "Bearer l", Access::kChange, Outcome::kUnknown},
        RoleCase{"ARevokedAdminChanges", "Bearer g", Access::kChange, Outcome::kUnknown},
        RoleCase{"AStrangerChanges", "Bearer x", Access::kChange, Outcome::kUnknown}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(GateTest, AsksNobodyWhoReadsUnlessThatIsLocked) {
  Gate gate = WithTokens();
  for (const Access access : {Access::kOpen, Access::kInvoke, Access::kWatch}) {
    EXPECT_FALSE(gate.Guards(access, Hosts::kAllowed));
    EXPECT_TRUE(gate.Ask({.access = access}).allowed());
  }
}

TEST_F(GateTest, AlwaysGuardsWhatChangesSomething) {
  for (const Access access : {Access::kChange, Access::kAdminister}) {
    EXPECT_TRUE(With({}).Guards(access, Hosts::kAny));
    EXPECT_TRUE(WithTokens().Guards(access, Hosts::kAny));
  }
}

TEST_F(GateTest, KnowsWhomItLetIn) {
  Gate gate = WithTokens();
  const Admission admission = gate.Ask(By("Bearer o"));
  EXPECT_EQ(admission.who, "operator");
  EXPECT_EQ(admission.role, Role::kOperator);
}

TEST_F(GateTest, KnowsWhomItRefused) {
  Gate gate = WithTokens();
  EXPECT_EQ(gate.Ask(By("Bearer v")).who, "viewer");
  EXPECT_EQ(gate.Ask(By("Bearer g")).who, "gone");
  EXPECT_EQ(gate.Ask(By("Bearer x")).who, "");
}

TEST_F(GateTest, SaysWhichRoleItTakes) {
  Gate gate = WithTokens();
  EXPECT_THAT(gate.Ask(By("Bearer v")).message,
              "this takes the role operator, the token has the role viewer");
  EXPECT_THAT(gate.Ask(By("")).message, HasSubstr("a token of the role operator"));
}

TEST_F(GateTest, LetsNobodyInWhoWasRevokedSince) {
  Gate gate = WithTokens();
  ASSERT_TRUE(gate.Ask(By("Bearer o")).allowed());
  WriteTokens(
      {{.name = "operator", .role = Role::kOperator, .hash = HashOf("o"), .revoked = kNow}});
  const Admission admission = gate.Ask(By("Bearer o"));
  EXPECT_EQ(admission.outcome, Outcome::kUnknown);
  EXPECT_EQ(admission.message, "the token is revoked");
}

TEST_F(GateTest, LetsInWhoWasMadeSince) {
  Gate gate = WithTokens();
  ASSERT_FALSE(gate.Ask(By("Bearer new")).allowed());
  WriteTokens({{.name = "new", .role = Role::kOperator, .hash = HashOf("new")}});
  EXPECT_TRUE(gate.Ask(By("Bearer new")).allowed());
}

TEST_F(GateTest, LetsNobodyInWhileTheTokensCannotBeRead) {
  Gate gate = WithTokens();
  ASSERT_TRUE(gate.Ask(By("Bearer o")).allowed());
  for (const auto& damage : std::vector<std::function<void()>>{
           [this] { std::filesystem::remove(path()); },
           [this] { folder_.Write("tokens.json", "{\"tokens\": ["); },
           [this] { ::chmod(path().c_str(), 0666); }}) {
    damage();
    EXPECT_EQ(gate.Ask(By("Bearer o")).outcome, Outcome::kUnavailable);
  }
  std::filesystem::remove(path());
  WriteTokens({{.name = "operator", .role = Role::kOperator, .hash = HashOf("o")}});
  EXPECT_TRUE(gate.Ask(By("Bearer o")).allowed());
}

TEST_F(GateTest, AsksForATokenOnThisMachineToo) {
  Gate gate = WithTokens();
  EXPECT_EQ(gate.Ask({.access = Access::kChange, .is_local = true}).outcome, Outcome::kUnknown);
}

TEST_F(GateTest, WithoutTokensLetsThisMachineChangeThings) {
  Gate gate = With({});
  for (const Access access : {Access::kChange, Access::kAdminister}) {
    EXPECT_TRUE(gate.Ask({.access = access, .is_local = true}).allowed());
    const Admission admission = gate.Ask({.access = access, .is_local = false});
    EXPECT_EQ(admission.outcome, Outcome::kForbidden);
    EXPECT_THAT(admission.message, HasSubstr("forkcast token create"));
  }
}

TEST_F(GateTest, WithoutTokensLetsNoTokenIn) {
  Gate gate = With({});
  EXPECT_EQ(gate.Ask(By("Bearer a")).outcome, Outcome::kForbidden);
}

TEST_F(GateTest, WithoutTokensLetsNoWebPageChangeThingsThroughABrowserOnThisMachine) {
  Gate gate = With({});
  const Admission admission = gate.Ask(
      {.access = Access::kChange, .page = {.origin = "https://evil.example"}, .is_local = true});
  EXPECT_EQ(admission.outcome, Outcome::kMalformed);
  EXPECT_EQ(admission.field, "Origin");
}

TEST_F(GateTest, AsksForTheHostOfAllButWhatPlatformsAsk) {
  Gate gate = With({.allowed_hosts = {"a.example"}});
  EXPECT_TRUE(gate.Guards(Access::kInvoke, Hosts::kAllowed));
  EXPECT_FALSE(gate.Guards(Access::kInvoke, Hosts::kAny));
  EXPECT_TRUE(gate.Ask({.access = Access::kWatch, .host = "a.example:80"}).allowed());
  EXPECT_EQ(gate.Ask({.access = Access::kWatch, .host = "evil.example"}).outcome,
            Outcome::kWrongHost);
  EXPECT_TRUE(
      gate.Ask({.access = Access::kOpen, .hosts = Hosts::kAny, .host = "evil.example"}).allowed());
}

TEST_F(GateTest, AsksForTheHostBeforeTheToken) {
  Gate gate = With({.tokens = path(), .allowed_hosts = {"a.example"}});
  Question question = By("Bearer a");
  question.host = "evil.example";
  EXPECT_EQ(gate.Ask(question).outcome, Outcome::kWrongHost);
}

}  // namespace
}  // namespace forkcast::serving
