#include "serving/process/privileges.hpp"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

constexpr const char* kUser = "nobody";

/// What `run` returns in a process of its own, which may give its rights away.
std::string InChild(const std::function<std::string()>& run) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string text = run();
    [[maybe_unused]] const ssize_t written = ::write(theirs.get(), text.data(), text.size());
    ::_exit(0);
  }
  theirs.Reset();
  std::string text;
  std::array<char, 1024> bytes{};
  for (ssize_t got = 0; (got = ::read(ours.get(), bytes.data(), bytes.size())) > 0;) {
    text.append(bytes.data(), static_cast<std::size_t>(got));
  }
  ::waitpid(child, nullptr, 0);
  return text;
}

class AsRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another";
    const passwd* const account = ::getpwnam(kUser);
    if (account == nullptr) GTEST_SKIP() << "there is no user " << kUser;
    user_ = account->pw_uid;
    group_ = account->pw_gid;
  }
  /// In a child: as this user, or why not.
  static std::string Become(const std::string& user, const std::string& group) {
    const auto identity = ResolveIdentity(user, group);
    if (!identity) return identity.error().message;
    if (!*identity) return "nobody to become";
    const Status dropped = DropPrivileges(**identity);
    return dropped ? "" : dropped.error().message;
  }

  uid_t user_ = 0;
  gid_t group_ = 0;
};

TEST_F(AsRoot, HasTheIdsAndGroupsOfTheUserAlone) {
  const std::string shown = InChild([] {
    // What a root's shell brings along, and initgroups() forgotten would keep.
    const std::array<gid_t, 3> supplementary{0, 4, 27};
    if (::setgroups(supplementary.size(), supplementary.data()) != 0) return std::string("no");
    if (std::string failed = Become(kUser, ""); !failed.empty()) return failed;
    uid_t user[3];
    gid_t group[3];
    ::getresuid(&user[0], &user[1], &user[2]);
    ::getresgid(&group[0], &group[1], &group[2]);
    std::string text;
    for (const auto id : {user[0], user[1], user[2], group[0], group[1], group[2]}) {
      text += std::to_string(id) + " ";
    }
    std::array<gid_t, 64> groups{};
    const int count = ::getgroups(groups.size(), groups.data());
    for (int i = 0; i < count; ++i) text += "in " + std::to_string(groups.at(i));
    return text;
  });
  const std::string u = std::to_string(user_) + " ";
  const std::string g = std::to_string(group_) + " ";
  EXPECT_EQ(shown, u + u + u + g + g + g + "in " + std::to_string(group_));
}

TEST_F(AsRoot, CannotBecomeRootAgainNorGainMoreByAProgram) {
  EXPECT_EQ(InChild([] {
              if (std::string failed = Become(kUser, ""); !failed.empty()) return failed;
              std::string regained;
              if (::setuid(0) == 0) regained += "setuid ";
              if (::seteuid(0) == 0) regained += "seteuid ";
              if (::setresuid(0, 0, 0) == 0) regained += "setresuid ";
              if (::setgid(0) == 0) regained += "setgid ";
              const gid_t root = 0;
              if (::setgroups(1, &root) == 0) regained += "setgroups ";
              if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) regained += "programs ";
              return regained;
            }),
            "");
}

TEST_F(AsRoot, NumbersNeedNoAccount) {
  const auto identity = ResolveIdentity("54321", "54322");
  ASSERT_TRUE(identity.ok()) << identity.error().message;
  EXPECT_EQ(*identity, (Identity{.user = 54321, .group = 54322, .groups = {54322}}));
}

TEST_F(AsRoot, NumberOfAnAccountMeansThatAccount) {
  const auto by_number = ResolveIdentity(std::to_string(user_), "");
  const auto by_name = ResolveIdentity(kUser, "");
  ASSERT_TRUE(by_number.ok() && by_name.ok());
  EXPECT_EQ(*by_number, *by_name);
}

TEST_F(AsRoot, GroupAloneKeepsTheUser) {
  const auto identity = ResolveIdentity("", "54322");
  ASSERT_TRUE(identity.ok()) << identity.error().message;
  EXPECT_EQ(*identity, (Identity{.user = 0, .group = 54322, .groups = {54322}}));
}

TEST_F(AsRoot, WithoutBeingRootAnotherIsRefusedAndTheOwnIsNothing) {
  const auto refusal = [](const std::string& user, const std::string& group) {
    return InChild([&] {
      if (std::string failed = Become(kUser, ""); !failed.empty()) return failed;
      const auto identity = ResolveIdentity(user, group);
      if (!identity) return identity.error().field + "; " + identity.error().message;
      return std::string(*identity ? "allowed" : "nothing to do");
    });
  };
  EXPECT_EQ(refusal("root", ""), "user; user: \"root\": only root can run workers as another");
  EXPECT_EQ(refusal("", "0"), "group; group: \"0\": only root can run workers as another");
  EXPECT_EQ(refusal(kUser, ""), "nothing to do");
  EXPECT_EQ(refusal(std::to_string(user_), std::to_string(group_)), "nothing to do");
}

TEST_F(AsRoot, WithoutBeingRootNothingIsDropped) {
  EXPECT_THAT(InChild([] {
                if (std::string failed = Become(kUser, ""); !failed.empty()) return failed;
                const Status again = DropPrivileges({.user = 1, .group = 1, .groups = {1}});
                return again ? std::string("dropped") : again.error().message;
              }),
              HasSubstr("cannot become another user: setgroups: Operation not permitted"));
}

TEST_F(AsRoot, AQuestionIsAnsweredAsSomebodyElseWhoStaysNobodyHere) {
  const auto identity = ResolveIdentity(kUser, "");
  ASSERT_TRUE(identity.ok());
  const auto who = [] { return Result<std::string>(std::to_string(::geteuid())); };
  EXPECT_EQ(AskAs(*identity, who).value(), std::to_string(user_));
  EXPECT_EQ(AskAs(std::nullopt, who).value(), "0");
  EXPECT_EQ(::geteuid(), 0U);
  const auto refused = AskAs(*identity, []() -> Result<std::string> {
    return Error{ErrorCode::kRefusedData, "not so", "a field"};
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), (Error{ErrorCode::kRefusedData, "not so", "a field"}));
  const auto thrown =
      AskAs(*identity, []() -> Result<std::string> { throw std::runtime_error("a bug"); });
  ASSERT_FALSE(thrown.ok());
  EXPECT_EQ(thrown.error().message, "a bug");
  const auto died = AskAs(*identity, []() -> Result<std::string> { std::_Exit(1); });
  ASSERT_FALSE(died.ok());
  EXPECT_EQ(died.error().message, "the process that tried it as the user died");
}

struct AccountCase {
  const char* name;
  const char* user;
  const char* group;
  const char* message;
};
void PrintTo(const AccountCase& one, std::ostream* out) { *out << one.name; }

class UnknownAccount : public testing::TestWithParam<AccountCase> {};

TEST_P(UnknownAccount, IsRefusedNamingTheSetting) {
  const auto identity = ResolveIdentity(GetParam().user, GetParam().group);
  ASSERT_FALSE(identity.ok());
  EXPECT_EQ(identity.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(identity.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UnknownAccount,
    testing::Values(AccountCase{"User", "no-such-user", "",
                                R"(user: "no-such-user": expected a user that exists, or a)"},
                    AccountCase{"Group", "", "no-such-group",
                                R"(group: "no-such-group": expected a group that exists, or a)"},
                    AccountCase{"NumberWithoutAccountNorGroup", "54321", "",
                                R"(user: "54321" has no account, so it takes a group)"},
                    AccountCase{"NumberThatMeansNoChange", "4294967295", "1",
                                R"(user: "4294967295": expected a user)"},
                    AccountCase{"NegativeNumber", "-1", "1", R"(user: "-1": expected a user)"}),
    [](const auto& param) { return param.param.name; });

TEST(Privileges, AreAsTheyAreWhenNobodyIsAskedFor) {
  const auto identity = ResolveIdentity("", "");
  ASSERT_TRUE(identity.ok());
  EXPECT_FALSE(identity->has_value());
}

}  // namespace
}  // namespace forkcast::serving
