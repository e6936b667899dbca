#include "model/drift/learned_constraints.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "model/drift/reference_statistics.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnRule;
using preprocessing::Constraints;
using preprocessing::Value;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

const ColumnRule& RuleNamed(const std::vector<ColumnRule>& rules, const std::string& column) {
  const auto found = std::ranges::find(rules, column, &ColumnRule::column);
  EXPECT_NE(found, rules.end()) << column;
  return *found;
}

TEST(LearnedConstraints, AreKeptByTheValuesThatTheyAreLearnedFrom) {
  // The floats of the reference are not these doubles.
  const std::array<double, 3> prices{0.1, 0.7, 1e9 + 0.3};
  std::vector<float> floats;
  for (const double price : prices) floats.push_back(static_cast<float>(price));
  const Constraints learned = LearnConstraints(
      {.features = {{"price", ReferenceOf(floats)}}, .outputs = ordered_json::object()});
  const ColumnRule& rule = RuleNamed(learned.features, "price");
  for (const double price : prices) EXPECT_EQ(rule.BrokenBy(Value(price)), std::nullopt) << price;
  EXPECT_NE(rule.BrokenBy(Value(0.0999)), std::nullopt);
  EXPECT_NE(rule.BrokenBy(Value(1.001e9)), std::nullopt);
}

TEST(LearnedConstraints, AllowMissingValuesWhereThereWereSome) {
  const Constraints learned =
      LearnConstraints({.features = {{"always", ReferenceOf(std::vector<float>{1, 2})},
                                     {"sometimes", ReferenceOf(std::vector<float>{1, kMissing})}},
                        .outputs = ordered_json::object()});
  EXPECT_FALSE(RuleNamed(learned.features, "always").nullable);
  EXPECT_TRUE(RuleNamed(learned.features, "sometimes").nullable);
}

TEST(LearnedConstraints, AllowTheTextsThatThereWere) {
  const std::vector<std::string> texts{"OK", "FAILED", "of another class"};
  const std::vector<std::size_t> counts{5, 1, 0};
  const Constraints learned =
      LearnConstraints({.features = {{"payment", ReferenceOf(texts, counts, 0)}},
                        .outputs = ordered_json::object()});
  EXPECT_EQ(RuleNamed(learned.features, "payment").ToJson().dump(),
            R"({"nullable":false,"allowed":["FAILED","OK"]})");
}

TEST(LearnedConstraints, LeaveASetOutThatIsLargerThanARuleMayHave) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i <= ColumnRule::kMaxAllowed; ++i) texts.push_back(std::to_string(i));
  const std::vector<std::size_t> counts(texts.size(), 1);
  const Constraints learned = LearnConstraints(
      {.features = {{"sku", ReferenceOf(texts, counts, 0)}}, .outputs = ordered_json::object()});
  EXPECT_EQ(RuleNamed(learned.features, "sku").ToJson().dump(), R"({"nullable":false})");
}

TEST(LearnedConstraints, SayNothingOfProbabilities) {
  const std::vector<std::string> classes{"Deliver"};
  const std::vector<std::size_t> counts{2};
  const Constraints learned = LearnConstraints(
      {.features = ordered_json::object(),
       .outputs = {{"class", ReferenceOf(classes, counts, 0)},
                   {"probability.no", ReferenceOf(std::vector<float>{0.5F, 0.9F})}}});
  ASSERT_EQ(learned.outputs.size(), 1U);
  EXPECT_EQ(learned.outputs[0].column, "class");
}

}  // namespace
}  // namespace forkcast::model
