#include "model/mlflow/training_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/mlflow/mlmodel_file.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

TEST(LoggedMetrics, AreThoseOfTheWholeAndOfEachFoldAtItsStep) {
  const ordered_json evaluation = ordered_json::parse(
      R"({"metric": "mae", "value": 2.5, "skill": null, "metrics": {"mae": 2.5, "rows": 10},
          "folds": [{"fold": 1, "test_from": "2026-01-01", "mae": 2},
                    {"fold": 2, "mae": 3, "interval_0.9%": {"coverage": 0.8}}]})");
  EXPECT_THAT(MetricsOf(evaluation),
              ElementsAre(LoggedMetric{"value", 2.5, 0}, LoggedMetric{"mae", 2.5, 0},
                          LoggedMetric{"rows", 10, 0}, LoggedMetric{"fold.mae", 2, 1},
                          LoggedMetric{"fold.mae", 3, 2},
                          LoggedMetric{"fold.interval_0.9_.coverage", 0.8, 2}));
}

TEST(LoggedMetrics, AreNoMoreThanMlflowTakes) {
  ordered_json evaluation{{"folds", ordered_json::array()}};
  for (int i = 0; i < 2'000; ++i) evaluation["folds"].push_back({{"mae", i}});
  EXPECT_THAT(MetricsOf(evaluation), SizeIs(900));
}

TEST(LoggedParameters, AreTheLeavesOfTheTraining) {
  const ordered_json document = ordered_json::parse(
      R"({"name": "sales", "version": "1", "features": [1],
          "training": {"model": {"trees": 5, "algorithm": "gradient_boosting"}, "baselines": ["naive"]}})");
  const auto parameters = ParametersOf(document);
  EXPECT_THAT(parameters, Contains(Pair("pipeline.name", "sales")));
  EXPECT_THAT(parameters, Contains(Pair("model.trees", "5")));
  EXPECT_THAT(parameters, Contains(Pair("baselines", R"(["naive"])")));
  EXPECT_THAT(parameters, SizeIs(5));
}

TEST(MlmodelTextTest, IsReadBackAsAModelOfOurs) {
  const std::string text =
      MlmodelText({.model = "sales", .number = 3}, "run", Instant{std::chrono::seconds(0)});
  const auto flavors = ReadMlmodel(text);
  ASSERT_TRUE(flavors) << flavors.error().message;
  EXPECT_THAT(flavors->at("forkcast"), Contains(Pair("data", "manifest.json")));
  EXPECT_THAT(text, HasSubstr("run_id: run\n"));
}

}  // namespace
}  // namespace forkcast::model
