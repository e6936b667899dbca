#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Search : public TrainCommandTest {
 protected:
  void SearchOver(const ordered_json& parameters) {
    document_["training"]["search"] = {{"parameters", parameters}};
  }
  [[nodiscard]] ordered_json points() const { return summary()["search"]; }
};

TEST_F(Search, OverParametersOfModelAndFeaturesKeepsTheBest) {
  SearchOver({{"model.trees", {1, 40}}, {"features.same_day.window", {7, 56}}});
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  ASSERT_EQ(points().size(), 4U);
  double least = points()[0]["value"];
  for (const ordered_json& point : points()) least = std::min(least, point["value"].get<double>());
  EXPECT_EQ(evaluation()["value"], least);
  EXPECT_GT(points()[0]["value"].get<double>(), least);
  for (const ordered_json& point : points()) {
    EXPECT_EQ(point.contains("chosen"), point["value"] == least) << point;
  }
}

TEST_F(Search, NamesPointsThatAreNotValidWithTheirReason) {
  SearchOver({{"model.trees", {10, "20"}}, {"model.max_depth", {3, -1}}});
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  ASSERT_EQ(points().size(), 4U);
  EXPECT_EQ(points()[0]["chosen"], true);
  EXPECT_THAT(points()[1]["error"].get<std::string>(), HasSubstr("$.training.model.max_depth"));
  EXPECT_THAT(points()[2]["error"].get<std::string>(), HasSubstr("$.training.model.trees"));
  EXPECT_TRUE(points()[3]["value"].is_null());
}

TEST_F(Search, IsATableInTheTextAndOnThePage) {
  SearchOver({{"model.trees", {10, "20"}}, {"model.max_depth", {3, -1}}});
  Ingest();
  Show(Shows::kTables);
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page}), ExitCode::kDone) << err();
  const std::string conclusion =
      "1 of 4 points could be judged; chosen: model.trees 10, "
      "model.max_depth 3.";
  EXPECT_THAT(out(), AllOf(HasSubstr(conclusion), HasSubstr("$.training.model.max_depth: "),
                           Not(HasSubstr("{\""))));
  EXPECT_THAT(ReadWhole(page), AllOf(HasSubstr("<h2>Search</h2>"), HasSubstr(conclusion),
                                     HasSubstr("$.training.model.max_depth: ")));
}

TEST_F(Search, GoesOnAfterAPointThatTheDataDoNotAllow) {
  // No day has 2000 before it, so that no row has all features.
  document_["features"].push_back({{"name", "long"},
                                   {"op", "rolling"},
                                   {"statistic", "mean"},
                                   {"series", "daily"},
                                   {"value", "amount"},
                                   {"key", {"shop"}},
                                   {"window", 7}});
  SearchOver({{"features.long.window", {2000, 7}}});
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_TRUE(points()[0]["value"].is_null());
  EXPECT_EQ(points()[1]["chosen"], true);
}

TEST_F(Search, ComparesStrategiesAndScopes) {
  SearchOver({{"forecast.strategy", {"direct", "shared"}}, {"scope", {"global", "per_key"}}});
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(points().size(), 4U);
  const ordered_json kept = ordered_json::parse(ReadWhole(version(1) / "pipeline.json"));
  for (const ordered_json& point : points()) {
    ASSERT_FALSE(point["value"].is_null()) << point;
    if (!point.contains("chosen")) continue;
    EXPECT_EQ(kept["forecast"]["strategy"], point["forecast.strategy"]);
    EXPECT_EQ(kept["training"]["scope"], point["scope"]);
    EXPECT_EQ(evaluation()["value"], point["value"]);
  }
}

}  // namespace
}  // namespace forkcast::model
