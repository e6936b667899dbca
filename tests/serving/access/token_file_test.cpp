#include "serving/access/token_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using testing::HasSubstr;

const std::vector<Token> kTokens{{.name = "ci",
                                  .role = Role::kOperator,
                                  .hash = HashOf("one"),
                                  .created = Instant(std::chrono::hours(500'000)),
                                  .expires = Instant(std::chrono::hours(500'001))},
                                 {.name = "old",
                                  .role = Role::kAdmin,
                                  .hash = HashOf("two"),
                                  .created = Instant(std::chrono::hours(500'000)),
                                  .revoked = Instant(std::chrono::hours(500'002))}};

class TokenFile : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "tokens.json"; }
  void Write(std::string_view text, mode_t mode = 0600) const {
    folder_.Write("tokens.json", text);
    ::chmod(path().c_str(), mode);
  }
  Status Add(const std::string& name, WhenAbsent when_absent = WhenAbsent::kBegin) const {
    return ChangeTokens(path(), when_absent, [&name](std::vector<Token>& tokens) -> Status {
      tokens.push_back({.name = name, .hash = HashOf(name)});
      return {};
    });
  }

  preprocessing::TempFolder folder_;
};

TEST_F(TokenFile, HoldsWhatWasWritten) { EXPECT_EQ(ParseTokens(ToText(kTokens)).value(), kTokens); }

TEST_F(TokenFile, HoldsNoSecret) {
  EXPECT_EQ(ToText({{.name = "ci", .hash = HashOf("sesame")}}).find("sesame"), std::string::npos);
}

TEST_F(TokenFile, IsForItsOwnerAlone) {
  ASSERT_TRUE(Add("a"));
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(ReadTokens(path()).value().size(), 1U);
}

TEST_F(TokenFile, BecomesItsOwnersAloneAgainWithTheNextChange) {
  Write(R"({"tokens": []})", 0644);
  ASSERT_TRUE(Add("a"));
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(TokenFile, LosesNothingWhenManyChangeIt) {
  constexpr int kThreads = 4;
  constexpr int kChanges = 10;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kChanges; ++i) {
        EXPECT_TRUE(Add("t" + std::to_string(t) + "-" + std::to_string(i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ReadTokens(path()).value().size(), std::size_t{kThreads} * kChanges);
}

TEST_F(TokenFile, StaysAsItIsWhenAChangeIsRefused) {
  ASSERT_TRUE(Add("a"));
  const std::string before = ReadWhole(path());
  const Status changed = ChangeTokens(path(), WhenAbsent::kFail, [](std::vector<Token>& tokens) {
    tokens.clear();
    return Status(Error{ErrorCode::kNotFound, "no"});
  });
  EXPECT_FALSE(changed);
  EXPECT_EQ(ReadWhole(path()), before);
}

TEST_F(TokenFile, IsNotMadeByWhoOnlyRevokes) {
  EXPECT_EQ(Add("a", WhenAbsent::kFail).error().code, ErrorCode::kIo);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(TokenFile, IsRefusedWhenOthersMayWriteIt) {
  Write(R"({"tokens": []})", 0620);
  const auto tokens = ReadTokens(path());
  ASSERT_FALSE(tokens);
  EXPECT_THAT(tokens.error().message, HasSubstr("chmod go-w"));
}

TEST_F(TokenFile, IsRefusedWhenItIsNoFile) {
  std::filesystem::create_directory(path());
  EXPECT_FALSE(ReadTokens(path()));
}

struct DamageCase {
  const char* name;
  std::string text;
  const char* says;
};

std::string With(const std::string& member, const std::string& value) {
  std::string text = ToText({kTokens.front()});
  const std::size_t at = text.find("\"" + member + "\": ") + member.size() + 4;
  return text.replace(at, text.find_first_of(",\n", at) - at, value);
}

class DamagedTokens : public testing::TestWithParam<DamageCase> {};

TEST_P(DamagedTokens, AreRefusedWithThePlaceOfWhatIsWrong) {
  const auto tokens = ParseTokens(GetParam().text);
  ASSERT_FALSE(tokens);
  EXPECT_EQ(tokens.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(tokens.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DamagedTokens,
    testing::Values(DamageCase{"Empty", "", ""}, DamageCase{"NoJson", "tokens", ""},
                    DamageCase{"CutOff", ToText(kTokens).substr(0, 100), ""},
                    DamageCase{"NoTokens", "{}", "tokens"},
                    DamageCase{"AnotherMember", R"({"tokens": [], "users": []})", "users"},
                    DamageCase{"NoName", With("name", "\"\""), "$.tokens[0].name"},
                    DamageCase{"AName", With("name", "\"a\\nb\""), "$.tokens[0].name"},
                    DamageCase{"ARole", With("role", "\"root\""), "viewer, operator or admin"},
                    DamageCase{"AShortHash", With("sha256", "\"abcd\""), "64 hexadecimal digits"},
                    DamageCase{"AHashOfOtherDigits",
                               With("sha256", "\"" + std::string(64, 'g') + "\""),
                               "64 hexadecimal digits"},
                    DamageCase{"AHashWithSigns",
                               With("sha256", "\"" + std::string(62, '0') + "+1\""),
                               "64 hexadecimal digits"},
                    DamageCase{"ATime", With("expires", "\"soon\""), "$.tokens[0].expires"},
                    DamageCase{"ANumberAsTime", With("expires", "7"), "$.tokens[0].expires"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
