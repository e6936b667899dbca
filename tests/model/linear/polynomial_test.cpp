#include "model/linear/polynomial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace forkcast::model {
namespace {

struct TermsCase {
  std::string name;
  std::size_t inputs;
  Polynomial polynomial;
  std::vector<std::string> terms;  ///< Inputs are a, b, c.
};

void PrintTo(const TermsCase& one, std::ostream* out) { *out << one.name; }

class TermsOf : public testing::TestWithParam<TermsCase> {};

TEST_P(TermsOf, AreInTheOrderOfScikitLearn) {
  const PolynomialTerms terms(GetParam().inputs, GetParam().polynomial);
  std::vector<std::string> names;
  for (std::size_t term = 0; term < terms.size(); ++term) {
    std::string name;
    for (const std::uint32_t factor : terms.factors(term)) name += static_cast<char>('a' + factor);
    names.push_back(name);
  }
  EXPECT_EQ(names, GetParam().terms);
  EXPECT_EQ(CountTerms(GetParam().inputs, GetParam().polynomial), names.size());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TermsOf,
    testing::Values(TermsCase{"InputsThemselves", 3, {.degree = 1}, {"a", "b", "c"}},
                    TermsCase{"Squares", 2, {.degree = 2}, {"a", "b", "aa", "ab", "bb"}},
                    TermsCase{"Cubes",
                              2,
                              {.degree = 3},
                              {"a", "b", "aa", "ab", "bb", "aaa", "aab", "abb", "bbb"}},
                    TermsCase{"Interactions",
                              3,
                              {.degree = 2, .interaction_only = true},
                              {"a", "b", "c", "ab", "ac", "bc"}},
                    TermsCase{"InteractionsOfAllAndNoMore",
                              3,
                              {.degree = 5, .interaction_only = true},
                              {"a", "b", "c", "ab", "ac", "bc", "abc"}},
                    TermsCase{"OneInput", 1, {.degree = 4}, {"a", "aa", "aaa", "aaaa"}}),
    [](const auto& param) { return param.param.name; });

TEST(CountOfTerms, StopsBehindTheMostThatAModelCanHave) {
  EXPECT_EQ(CountTerms(10, {.degree = 7}), 19'447U);
  EXPECT_EQ(CountTerms(1'000'000, {.degree = 10}), kMostTerms + 1);
  EXPECT_EQ(CountTerms(1'000'000, {.degree = 1}), kMostTerms + 1);
  EXPECT_EQ(CountTerms(2'000, {.degree = 2, .interaction_only = true}), kMostTerms + 1);
}

}  // namespace
}  // namespace forkcast::model
