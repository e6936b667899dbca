#include "serving/jobs/job_verdict.hpp"

#include <gtest/gtest.h>

#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;

TEST(VerdictOf, AShortSummaryIsKeptAsItIs) {
  EXPECT_EQ(VerdictOf({{"version", 3}, {"promoted", true}}), R"({"version":3,"promoted":true})");
}

TEST(VerdictOf, OfALongOneTheLongestListsAreLeftOutAndNamed) {
  Json summary{{"version", 3}, {"evaluation", {{"skill", 0.4}, {"keys", {{"rows", 7}}}}}};
  for (int i = 0; i < 200; ++i) summary["evaluation"]["steps"].push_back(i);
  for (int i = 0; i < 500; ++i) summary["evaluation"]["keys"]["of_each"].push_back(i);
  const Json kept = Json::parse(VerdictOf(summary, 1'000));
  EXPECT_EQ(kept["not_kept"], Json::array({"/evaluation/keys/of_each"}));
  EXPECT_EQ(kept["evaluation"]["steps"].size(), 200U);
  EXPECT_EQ(kept["evaluation"]["skill"], 0.4);
  EXPECT_EQ(kept["evaluation"]["keys"]["rows"], 7);
  EXPECT_EQ(kept["version"], 3);
}

TEST(VerdictOf, AlsoLongTextsAreLeftOutAndWhatIsLeftFits) {
  const Json summary{{"version", 3}, {"why", std::string(5'000, 'x')}, {"promoted", false}};
  const std::string text = VerdictOf(summary, 100);
  EXPECT_EQ(text, R"({"version":3,"promoted":false,"not_kept":["/why"]})");
}

TEST(VerdictOf, OfOneOfAThousandShortMembersNothingIsKept) {
  Json summary;
  for (int i = 0; i < 1'000; ++i) summary["member_" + std::to_string(i)] = i;
  EXPECT_EQ(VerdictOf(summary, 100), R"({"not_kept":[""]})");
}

}  // namespace
}  // namespace forkcast::serving
