#include "serving/access/user_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <string>

#include "serving/access/password.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

User Named(const std::string& name, Role role = Role::kViewer) {
  return {.name = name,
          .role = role,
          .password = std::string(NobodysHash()),
          .stamp = 0xfedcba9876543210,
          .created = Instant(std::chrono::hours(500'000)),
          .changed = Instant(std::chrono::hours(500'001))};
}

class UserFile : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "users.json"; }
  Status Add(const User& user, WhenAbsent when_absent = WhenAbsent::kBegin) const {
    return ChangeUsers(path(), when_absent, [&user](std::vector<User>& users) -> Status {
      users.push_back(user);
      return {};
    });
  }

  preprocessing::TempFolder folder_;
};

TEST_F(UserFile, HoldsWhatWasWritten) {
  const std::vector<User> users{Named("ana", Role::kAdmin), Named("bea")};
  EXPECT_EQ(ParseUsers(ToText(users)).value(), users);
}

TEST_F(UserFile, IsForItsOwnerAlone) {
  ASSERT_TRUE(Add(Named("ana")));
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(ReadUsers(path()).value().size(), 1U);
}

TEST_F(UserFile, IsRefusedWhenOthersMayWriteIt) {
  ASSERT_TRUE(Add(Named("ana")));
  ASSERT_EQ(::chmod(path().c_str(), 0620), 0);
  const auto users = ReadUsers(path());
  ASSERT_FALSE(users);
  EXPECT_EQ(users.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(users.error().field, "users");
}

TEST_F(UserFile, IsNotBegunWhereThatIsNotAsked) {
  EXPECT_EQ(Add(Named("ana"), WhenAbsent::kFail).error().code, ErrorCode::kIo);
}

TEST_F(UserFile, StaysAsItIsWhenAChangeFails) {
  ASSERT_TRUE(Add(Named("ana")));
  const std::string before = preprocessing::ReadWhole(path());
  const auto fail = [](std::vector<User>& users) -> Status {
    users.clear();
    return Error{ErrorCode::kNotFound, "none"};
  };
  EXPECT_FALSE(ChangeUsers(path(), WhenAbsent::kFail, fail));
  EXPECT_EQ(preprocessing::ReadWhole(path()), before);
}

struct DamageCase {
  const char* name;
  const char* part;
  const char* other;
  const char* expected;
};

class DamagedUsers : public testing::TestWithParam<DamageCase> {};

TEST_P(DamagedUsers, AreRefusedWithTheirPlace) {
  std::string text = ToText({Named("ana")});
  const std::string_view part = GetParam().part;
  text.replace(text.find(part), part.size(), GetParam().other);
  const auto users = ParseUsers(text);
  ASSERT_FALSE(users);
  EXPECT_EQ(users.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(users.error().message, HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DamagedUsers,
    testing::Values(
        DamageCase{"AName", "\"ana\"", "\"../ana\"", "$.users[0].name"},
        DamageCase{"ARole", "\"viewer\"", "\"root\"", "$.users[0].role"},
        DamageCase{"APassword", "$argon2id$", "$argon2i$", "$.users[0].password"},
        DamageCase{"TheCosts", "m=65536", "m=1048576", "$.users[0].password"},
        DamageCase{"AStamp", "fedcba98", "FEDCBA9", "$.users[0].stamp"},
        DamageCase{"AnEmptyStamp", "fedcba9876543210", "0000000000000000", "$.users[0].stamp"},
        DamageCase{"ATime", "\"created\": \"", "\"created\": \"x", "$.users[0].created"},
        DamageCase{"AnUnknownMember", "\"role\"", "\"admin\": true, \"role\"", "$.users[0]"},
        DamageCase{"ACut", "]", "", "line"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(UserFile, HasEachNameOnce) {
  const auto users = ParseUsers(ToText({Named("ana"), Named("ana", Role::kAdmin)}));
  ASSERT_FALSE(users);
  EXPECT_THAT(users.error().message, HasSubstr("$.users[1].name: there are two"));
}

TEST(Stamps, DifferAndAreNever0) {
  const std::uint64_t one = NewStamp();
  EXPECT_NE(one, 0U);
  EXPECT_NE(one, NewStamp());
}

}  // namespace
}  // namespace forkcast::serving
