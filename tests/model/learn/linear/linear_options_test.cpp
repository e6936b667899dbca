#include "model/learn/linear/linear_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "model/learn/trainers/trainer_kinds.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecErrorOf;
using testing::StartsWith;

LinearOptions Read(LinearAlgorithm algorithm, const std::string& text) {
  const auto json = ParseJson(text);
  const LearningSetting setting;
  return ReadLinearOptions({.node = JsonNode(json),
                            .setting = setting,
                            .of_classes = algorithm == LinearAlgorithm::kLogistic},
                           algorithm);
}

TEST(LinearDeclarations, BeginWithTheDefaults) {
  EXPECT_EQ(Read(LinearAlgorithm::kRidge, R"({"algorithm": "ridge"})"), LinearOptions{});
  EXPECT_EQ(Read(LinearAlgorithm::kLasso, R"({"algorithm": "lasso"})"),
            (LinearOptions{.algorithm = LinearAlgorithm::kLasso, .l1_ratio = 1}));
}

TEST(LinearDeclarations, TakeEveryMember) {
  EXPECT_EQ(Read(LinearAlgorithm::kElasticNet,
                 R"({"algorithm": "elastic_net", "alpha": 0.1, "l1_ratio": 0.9, "scale": "standard",
               "k_best": {"k": 7, "score": "mutual_information"},
               "polynomial": {"degree": 3, "interaction_only": true},
               "tolerance": 1e-12, "max_rounds": 500, "seed": 1, "threads": 2})"),
            (LinearOptions{.algorithm = LinearAlgorithm::kElasticNet,
                           .alpha = 0.1,
                           .l1_ratio = 0.9,
                           .is_scaled = true,
                           .best = BestFeatures{.k = 7, .score = FeatureScore::kMutualInformation},
                           .polynomial = {.degree = 3, .interaction_only = true},
                           .tolerance = 1e-12,
                           .max_rounds = 500}));
}

struct WrongCase {
  std::string name;
  std::string text;
  bool of_classes;
  std::string message;
};

void PrintTo(const WrongCase& one, std::ostream* out) { *out << one.name; }

class LinearDeclarationThat : public testing::TestWithParam<WrongCase> {};

TEST_P(LinearDeclarationThat, IsRefusedWithItsPath) {
  const auto json = ParseJson(GetParam().text);
  const LearningSetting setting;
  const std::string error = SpecErrorOf([&] {
    (void)MakeTrainer(
        TrainerKinds(),
        {.node = JsonNode(json), .setting = setting, .of_classes = GetParam().of_classes});
  });
  EXPECT_THAT(error, StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LinearDeclarationThat,
    testing::Values(
        WrongCase{"HasAnUnknownMember", R"({"algorithm": "ridge", "trees": 3})", false, "$.trees"},
        WrongCase{"LearnsClassesByANumber", R"({"algorithm": "ridge"})", true,
                  "$.algorithm: it learns a number: of linear models logistic tells"},
        WrongCase{"LearnsANumberByClasses", R"({"algorithm": "logistic"})", false,
                  "$.algorithm: it tells classes apart: a forecast is a number"},
        WrongCase{"HasANegativePenalty", R"({"algorithm": "ridge", "alpha": -1})", false,
                  "$.alpha: "},
        WrongCase{"IsALassoWithoutPenalty", R"({"algorithm": "lasso", "alpha": 0})", false,
                  "$.alpha: "},
        WrongCase{"IsARidgeWithARatio", R"({"algorithm": "ridge", "l1_ratio": 0.5})", false,
                  "$.l1_ratio: only an elastic_net has it"},
        WrongCase{"IsARidgeWithATolerance", R"({"algorithm": "ridge", "tolerance": 1e-4})", false,
                  "$.tolerance: only lasso and elastic_net"},
        WrongCase{"ScalesOtherwise", R"({"algorithm": "ridge", "scale": "minmax"})", false,
                  "$.scale: expected standard"},
        WrongCase{"ChoosesNothing",
                  R"({"algorithm": "ridge", "k_best": {"k": 0, "score": "f_regression"}})", false,
                  "$.k_best.k: "},
        WrongCase{"ChoosesByNothing", R"({"algorithm": "ridge", "k_best": {"k": 3}})", false,
                  "$.k_best"},
        WrongCase{"ChoosesForClasses",
                  R"({"algorithm": "ridge", "k_best": {"k": 3, "score": "f_classif"}})", false,
                  "$.k_best.score: expected f_regression or mutual_information"},
        WrongCase{"ChoosesForANumber",
                  R"({"algorithm": "logistic", "k_best": {"k": 3, "score": "f_regression"}})", true,
                  "$.k_best.score: expected f_classif or mutual_information"},
        WrongCase{"HasADegreeTooHigh", R"({"algorithm": "ridge", "polynomial": {"degree": 11}})",
                  false, "$.polynomial.degree: "}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
