#include "serving/access/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::hours;

constexpr Instant kNow{hours(1000)};

TEST(NewSecret, Is256BitsThatAHeaderCanHold) {
  const std::string secret = NewSecret();
  EXPECT_THAT(secret, testing::MatchesRegex("forkcast_[A-Za-z0-9_-]{43}"));
}

TEST(NewSecret, IsAnotherEachTime) {
  std::set<std::string> secrets;
  for (int i = 0; i < 1000; ++i) secrets.insert(NewSecret());
  EXPECT_EQ(secrets.size(), 1000U);
}

TEST(HashOf, IsSha256) {  // FIPS 180-4's example
  constexpr TokenHash kOfAbc{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                             0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                             0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  EXPECT_EQ(HashOf("abc"), kOfAbc);
}

TEST(FindToken, FindsTheOneOfTheSecretAlone) {
  const std::vector<Token> tokens{{.name = "a", .hash = HashOf("one")},
                                  {.name = "b", .hash = HashOf("two")}};
  EXPECT_EQ(FindToken(tokens, "two")->name, "b");
  for (const char* const other : {"", "on", "one ", "ONE", "onetwo"}) {
    EXPECT_EQ(FindToken(tokens, other), nullptr) << other;
  }
  EXPECT_EQ(FindToken({}, "one"), nullptr);
}

TEST(Token, IsValidUntilTheInstantAtWhichItExpires) {
  const Token token{.name = "a", .expires = kNow};
  EXPECT_EQ(token.StateAt(kNow - Instant::duration(1)), Token::State::kValid);
  EXPECT_EQ(token.StateAt(kNow), Token::State::kExpired);
}

TEST(Token, NeverExpiresUnlessItSaysWhen) {
  EXPECT_EQ(Token{}.StateAt(Instant::max()), Token::State::kValid);
}

TEST(Token, StaysRevokedThoughTheClockWasSetBack) {
  const Token token{.name = "a", .revoked = kNow};
  EXPECT_EQ(token.StateAt(kNow - hours(1)), Token::State::kRevoked);
}

}  // namespace
}  // namespace forkcast::serving
