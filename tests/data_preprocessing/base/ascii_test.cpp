#include "data_preprocessing/base/ascii.hpp"

#include <gtest/gtest.h>

#include <string>

namespace forkcast {
namespace {

struct PairCase {
  const char* name;
  std::string_view a;
  std::string_view b;
  bool equal;
};

class IgnoringCase : public testing::TestWithParam<PairCase> {};

TEST_P(IgnoringCase, ComparesBothWays) {
  EXPECT_EQ(EqualsIgnoringCase(GetParam().a, GetParam().b), GetParam().equal);
  EXPECT_EQ(EqualsIgnoringCase(GetParam().b, GetParam().a), GetParam().equal);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, IgnoringCase,
    testing::Values(PairCase{"Nothing", "", "", true},
                    PairCase{"SameCase", "Content-Type", "Content-Type", true},
                    PairCase{"OtherCase", "cONTENT-tYPE", "Content-Type", true},
                    PairCase{"OtherLetter", "Content-Typo", "Content-Type", false},
                    PairCase{"Prefix", "Content", "Content-Type", false},
                    PairCase{"BytesBesideTheLetters", "@[`{", "`{@[", false},
                    PairCase{"LettersBeyondAscii", "\xC4", "\xE4", false}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Trimmed, LosesBlanksAtItsEndsAlone) {
  EXPECT_EQ(Trimmed(" \ta \tb\t "), "a \tb");
  EXPECT_EQ(Trimmed("a b"), "a b");
  EXPECT_EQ(Trimmed(" \t "), "");
  EXPECT_EQ(Trimmed(""), "");
}

TEST(Trimmed, KeepsWhatIsNotCalledABlank) {
  EXPECT_EQ(Trimmed("a\r\n"), "a\r\n");
  EXPECT_EQ(Trimmed("\n a\r\n", kBlanksAndLineEnds), "a");
}

TEST(Ascii, HasControlsBlanksAndWhatIsSeen) {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const std::string_view text(&c, 1);
    EXPECT_EQ(IsControl(c), code < 32 || code == 127) << code;
    EXPECT_EQ(IsPrintableAscii(text), code >= 32 && code < 127) << code;
    EXPECT_EQ(IsVisibleAscii(text), code > 32 && code < 127) << code;
  }
  EXPECT_TRUE(IsVisibleAscii(""));
  EXPECT_TRUE(IsPrintableAscii("a b"));
  EXPECT_FALSE(IsPrintableAscii("a b\n"));
}

struct NameCase {
  const char* name;
  std::string_view text;
  bool plain;
};

class PlainName : public testing::TestWithParam<NameCase> {};

TEST_P(PlainName, StaysInItsFolderAndHidesNothing) {
  EXPECT_EQ(IsPlainName(GetParam().text, 8), GetParam().plain);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PlainName,
    testing::Values(NameCase{"EveryKindOfCharacter", "aZ09-_.b", true},
                    NameCase{"OneMoreThanMay", "aZ09-_.bc", false}, NameCase{"Nothing", "", false},
                    NameCase{"Hidden", ".a", false}, NameCase{"Above", "../a", false},
                    NameCase{"Blank", "a b", false}, NameCase{"BeyondAscii", "\xC4", false}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast
