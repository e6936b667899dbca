#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/xgboost/tree_algorithm.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecErrorOf;
using testing::StartsWith;

TreeOptions Read(const TreeAlgorithm& algorithm, const std::string& text,
                 bool of_few_rows = false) {
  const auto json = ParseJson(text);
  const JsonNode node(json);
  const LearningSetting setting = ReadLearningSetting(node);
  return ReadTreeOptions({.node = node, .setting = setting, .of_few_rows = of_few_rows}, algorithm);
}

/// Of the algorithm that it names.
void ReadAny(const std::string& text) {
  const auto json = ParseJson(text);
  const JsonNode node(json);
  const LearningSetting setting = ReadLearningSetting(node);
  (void)MakeTrainer(TrainerKinds(), {.node = node, .setting = setting});
}

TEST(TreeDeclarations, BeginWithTheDefaultsOfTheAlgorithm) {
  EXPECT_EQ(Read(kRandomForest, R"({"algorithm": "random_forest"})"), kRandomForest.defaults());
  EXPECT_EQ(Read(kGradientBoosting, R"({"algorithm": "gradient_boosting"})"),
            kGradientBoosting.defaults());
}

TEST(TreeDeclarations, TakeEveryMember) {
  TreeOptions expected;
  expected.algorithm = &kGradientBoosting;
  expected.objective = Objective::kAbsoluteError;
  expected.trees = 500;
  expected.max_depth = 8;
  expected.max_leaves = 63;
  expected.learning_rate = 0.05;
  expected.row_share = 0.8;
  expected.columns_per_tree = 0.7;
  expected.columns_per_node = 0.6;
  expected.min_child_weight = 5;
  expected.lambda = 2;
  expected.min_gain = 0.5;
  expected.max_bins = 65;
  expected.early_stopping = EarlyStopping{.rounds = 20, .share = 0.2, .refit = true};
  expected.seed = 42;
  expected.threads = 2;
  constexpr auto kText = R"({"algorithm": "gradient_boosting", "objective": "absolute_error",
      "trees": 500, "max_depth": 8, "max_leaves": 63, "learning_rate": 0.05, "row_share": 0.8,
      "columns_per_tree": 0.7, "columns_per_node": 0.6, "min_child_weight": 5, "lambda": 2,
      "min_gain": 0.5, "max_bins": 65,
      "early_stopping": {"rounds": 20, "share": 0.2, "refit": true}, "seed": 42, "threads": 2})";
  EXPECT_EQ(Read(kGradientBoosting, kText), expected);
  EXPECT_EQ(Read(kGradientBoosting, kText, true), expected);
}

TEST(TreeDeclarations, CutColumnsIntoFewerBinsWhereRowsAreFew) {
  constexpr auto kText = R"({"algorithm": "gradient_boosting"})";
  EXPECT_EQ(Read(kGradientBoosting, kText, true).max_bins, 64U);
}

TEST(TreeDeclarations, TakeClasses) {
  const TreeOptions options =
      Read(kRandomForest, R"({"algorithm": "random_forest", "task": "multiclass", "classes": 4})");
  EXPECT_EQ(options.task, Task::kMultiClass);
  EXPECT_EQ(options.classes, 4U);
}

struct BadOptions {
  std::string name;
  std::string members;
  std::string message;
};

void PrintTo(const BadOptions& one, std::ostream* out) { *out << one.name; }

class BadOptionsTest : public testing::TestWithParam<BadOptions> {};

TEST_P(BadOptionsTest, AreRefusedWithTheirPlace) {
  EXPECT_THAT(SpecErrorOf([] { ReadAny("{" + GetParam().members + "}"); }),
              StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadOptionsTest,
    testing::Values(
        BadOptions{"NoAlgorithm", R"("trees": 3)", "$: missing key \"algorithm\""},
        BadOptions{"UnknownAlgorithm", R"("algorithm": "svm")",
                   "$.algorithm: expected random_forest or gradient_boosting"},
        BadOptions{"UnknownMember", R"("algorithm": "random_forest", "n_trees": 3)",
                   "$.n_trees: unknown key"},
        BadOptions{"UnknownTask", R"("algorithm": "random_forest", "task": "rank")",
                   "$.task: expected regression"},
        BadOptions{"UnknownObjective", R"("algorithm": "gradient_boosting", "objective": "mape")",
                   "$.objective: expected squared_error"},
        BadOptions{"NoTrees", R"("algorithm": "random_forest", "trees": 0)", "$.trees: expected"},
        BadOptions{"RateOfZero", R"("algorithm": "gradient_boosting", "learning_rate": 0)",
                   "$.learning_rate: expected"},
        BadOptions{"RateOfAForest", R"("algorithm": "random_forest", "learning_rate": 0.1)",
                   "$.learning_rate: a random forest has none"},
        BadOptions{"EarlyStoppingOfAForest",
                   R"("algorithm": "random_forest", "early_stopping": {})",
                   "$.early_stopping: a random forest has none"},
        BadOptions{"AbsoluteErrorOfAForest",
                   R"("algorithm": "random_forest", "objective": "absolute_error")",
                   "$.objective: the leaves of a random forest are means"},
        BadOptions{"ObjectiveOfClasses",
                   R"("algorithm": "gradient_boosting", "task": "binary",
                      "objective": "squared_error")",
                   "$.objective: only a regression has one"},
        BadOptions{"ClassesOfARegression", R"("algorithm": "gradient_boosting", "classes": 3)",
                   "$.classes: only"},
        BadOptions{"MoreRowsThanThereAre", R"("algorithm": "gradient_boosting", "row_share": 1.5)",
                   "$.row_share: expected"},
        BadOptions{"StoppingAfterNoRound",
                   R"("algorithm": "gradient_boosting", "early_stopping": {"rounds": 0})",
                   "$.early_stopping.rounds: expected"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::model
