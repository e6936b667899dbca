#include "serving/access/password.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

TEST(Password, IsKnownByItsHash) {
  const std::string hash = HashOfPassword("correct horse battery").value();
  EXPECT_TRUE(IsPassword(hash, "correct horse battery").value());
  EXPECT_FALSE(IsPassword(hash, "correct horse batterz").value());
  EXPECT_FALSE(IsPassword(hash, "").value());
}

TEST(Password, IsKeptAsArgon2idWithASaltOfItsOwn) {
  const std::string one = HashOfPassword("correct horse battery").value();
  const std::string other = HashOfPassword("correct horse battery").value();
  EXPECT_NE(one, other);
  EXPECT_TRUE(IsPasswordHash(one));
  EXPECT_THAT(one, HasSubstr("$argon2id$v=19$m=65536,t=2,p=1$"));
}

TEST(Password, OfNobodyIsNoOnes) {
  EXPECT_TRUE(IsPasswordHash(NobodysHash()));
  EXPECT_FALSE(IsPassword(std::string(NobodysHash()), "password").value());
}

struct HashCase {
  const char* name;
  std::string text;
};

class NoHash : public testing::TestWithParam<HashCase> {};

TEST_P(NoHash, IsTaken) { EXPECT_FALSE(IsPasswordHash(GetParam().text)); }

/// Nobody's, with a part of it replaced.
std::string With(std::string_view part, std::string_view other) {
  std::string hash(NobodysHash());
  return hash.replace(hash.find(part), part.size(), other);
}

INSTANTIATE_TEST_SUITE_P(Cases, NoHash,
                         testing::Values(HashCase{"OfNothing", ""},
                                         HashCase{"OfAnotherKind", With("argon2id", "argon2i")},
                                         HashCase{"OfMoreMemory", With("m=65536", "m=4194304")},
                                         HashCase{"OfLessMemory", With("m=65536", "m=8")},
                                         HashCase{"OfMorePasses", With("t=2", "t=9")},
                                         HashCase{"ThatIsCutOff", With("1hj0", "")},
                                         HashCase{"ThatIsLonger", With("1hj0", "1hj0A")},
                                         HashCase{"OfOtherLetters", With("+1hj0", "_1hj0")},
                                         HashCase{"OfAPasswordAsItIs", "correct horse battery"}),
                         [](const auto& param) { return std::string(param.param.name); });

struct WeakCase {
  const char* name;
  std::string password;
  const char* expected;
};

class WeakPasswords : public testing::TestWithParam<WeakCase> {};

TEST_P(WeakPasswords, AreRefused) {
  const Status status = CheckNewPassword("ana.lopez", GetParam().password);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(status.error().message, HasSubstr(GetParam().expected));
  if (!GetParam().password.empty()) {
    EXPECT_THAT(status.error().message, testing::Not(HasSubstr(GetParam().password)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WeakPasswords,
    testing::Values(WeakCase{"Empty", "", "at least 12 characters"},
                    WeakCase{"Short", "abcdefghijk", "at least 12 characters"},
                    WeakCase{"ShortThoughOfManyBytes", "ñandúñandú", "at least 12 characters"},
                    WeakCase{"VeryLong", std::string(1025, 'a') + "bcdef", "at most 1024 bytes"},
                    WeakCase{"WithALineFeed", "correct horse\nbattery", "control characters"},
                    WeakCase{"WithAZero", std::string("correct horse\0battery", 21),
                             "control characters"},
                    WeakCase{"OfNoText", "correct horse \xff\xfe", "UTF-8"},
                    WeakCase{"OfACharacterThatIsCutOff", "correct horse \xc3", "UTF-8"},
                    WeakCase{"OfOneCharacter", "aaaaaaaaaaaaaaaaaaaa", "5 different"},
                    WeakCase{"OfFewCharacters", "abababababababab", "5 different"},
                    WeakCase{"TheNameAndAYear", "Ana.Lopez2026", "user's name"}),
    [](const auto& param) { return std::string(param.param.name); });

struct GoodCase {
  const char* name;
  const char* password;
};

class GoodPasswords : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodPasswords, AreTaken) { EXPECT_TRUE(CheckNewPassword("ana", GetParam().password)); }

INSTANTIATE_TEST_SUITE_P(
    Cases, GoodPasswords,
    testing::Values(GoodCase{"OfWords", "correct horse battery"},
                    GoodCase{"OfTwelve", "abcdefghijkl"}, GoodCase{"InSpanish", "ñandú pingüino"},
                    GoodCase{"OfEmoji", "🐎🔋📎✅ correct🐴"},
                    GoodCase{"WithTheNameAmongMuch", "banana split battery staple"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Password, IsForgottenWhenItIsTold) {
  std::string secret = "correct horse battery";
  const char* const place = secret.data();
  Forget(secret);
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(*place, '\0');
}

}  // namespace
}  // namespace forkcast::serving
