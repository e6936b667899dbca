#include "data_preprocessing/base/suggestion.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkcast {
namespace {

struct Mistyped {
  std::string name;
  std::string word;
  std::string meant;
};

class Suggestions : public testing::TestWithParam<Mistyped> {};

TEST_P(Suggestions, AreTheNearestWord) {
  const std::vector<std::string> known{"evaluate", "ingest", "models",
                                       "serve",    "train",  "pipeline"};
  EXPECT_EQ(Nearest(GetParam().word, known), GetParam().meant);
}

INSTANTIATE_TEST_SUITE_P(Cases, Suggestions,
                         testing::Values(Mistyped{"LettersSwapped", "evalaute", "evaluate"},
                                         Mistyped{"LetterMissing", "evalute", "evaluate"},
                                         Mistyped{"LetterTooMuch", "moddels", "models"},
                                         Mistyped{"AnotherLetter", "serfe", "serve"},
                                         Mistyped{"TwoChangesOfALongWord", "pieplinne", "pipeline"},
                                         Mistyped{"CapitalLetters", "TRAIN", "train"},
                                         Mistyped{"TwoChangesOfAShortWord", "trn", ""},
                                         Mistyped{"NothingAlike", "publish", ""},
                                         Mistyped{"Empty", "", ""},
                                         Mistyped{"Long", std::string(5000, 'e'), ""}),
                         [](const auto& param) { return param.param.name; });

TEST(Suggestions, AreAsked) {
  const std::vector<std::string> known{"train", "serve"};
  EXPECT_EQ(DidYouMean("tran", known), "; did you mean \"train\"?");
  EXPECT_EQ(DidYouMean("tran", known, "--"), "; did you mean --train?");
  EXPECT_EQ(DidYouMean("publish", known), "");
}

}  // namespace
}  // namespace forkcast
