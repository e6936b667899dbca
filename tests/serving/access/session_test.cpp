#include "serving/access/session.hpp"

#include <gtest/gtest.h>

#include <string>

#include "serving/access/user.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::hours;

SessionKey KeyOf(std::uint8_t byte) {
  SessionKey key{};
  key.fill(byte);
  return key;
}

const SessionKey kKey = KeyOf(7);
const Session kSession{.id = 0x0123456789abcdef,
                       .stamp = 42,
                       .begun = MonotonicTime(hours(1)),
                       .renewed = MonotonicTime(hours(2)),
                       .user = "ana"};

TEST(Session, IsWhatWasSealed) { EXPECT_EQ(Unseal(Seal(kSession, kKey), kKey), kSession); }

TEST(Session, MayHaveTheLongestName) {
  Session session = kSession;
  session.user = std::string(kMostUserName, 'n');
  EXPECT_EQ(Unseal(Seal(session, kKey), kKey), session);
}

TEST(Session, IsNotTakenByAnotherKey) { EXPECT_FALSE(Unseal(Seal(kSession, kKey), KeyOf(8))); }

TEST(Session, IsNotTakenWithAnyOtherCharacter) {
  const std::string sealed = Seal(kSession, kKey);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (const char c : {'A', 'B', '_', '=', ' ', '\0', '\xff'}) {
      std::string other = sealed;
      if (other[i] == c) continue;
      other[i] = c;
      EXPECT_FALSE(Unseal(other, kKey)) << i << ' ' << static_cast<int>(c);
    }
  }
}

TEST(Session, IsNotTakenCutOffOrWithMore) {
  const std::string sealed = Seal(kSession, kKey);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(Unseal(sealed.substr(0, size), kKey)) << size;
  }
  for (const char* const more : {"A", "AAAA", "=", " "}) EXPECT_FALSE(Unseal(sealed + more, kKey));
  EXPECT_FALSE(Unseal(std::string(100'000, 'A'), kKey));
}

TEST(Session, HasACsrfTokenThatStaysWhenItIsRenewed) {
  Session renewed = kSession;
  renewed.renewed = MonotonicTime(hours(3));
  EXPECT_EQ(CsrfTokenOf(renewed, kKey), CsrfTokenOf(kSession, kKey));
}

TEST(Session, HasACsrfTokenOfItsOwn) {
  Session other = kSession;
  other.id += 1;
  EXPECT_NE(CsrfTokenOf(other, kKey), CsrfTokenOf(kSession, kKey));
  EXPECT_NE(CsrfTokenOf(kSession, KeyOf(8)), CsrfTokenOf(kSession, kKey));
}

TEST(Texts, AreTheSameOrNot) {
  EXPECT_TRUE(AreSame("", ""));
  EXPECT_TRUE(AreSame("abc", "abc"));
  EXPECT_FALSE(AreSame("abc", "abd"));
  EXPECT_FALSE(AreSame("abc", "ab"));
  EXPECT_FALSE(AreSame("", "a"));
}

}  // namespace
}  // namespace forkcast::serving
