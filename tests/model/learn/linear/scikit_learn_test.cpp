// The same rows give what scikit-learn finds (make_fixtures.py), but for rounding.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/learn/linear/feature_scores.hpp"
#include "model/learn/linear/linear_trainers.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/linear/linear_model.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr double kTolerance = 1e-9;

const ordered_json& Fixtures() {
  static const ordered_json kFixtures = preprocessing::ReadJsonFile(
      FORKCAST_SOURCE_DIR "/tests/model/learn/linear/scikit_learn.json");
  return kFixtures;
}

template <typename T>
std::vector<T> Numbers(const ordered_json& list) {
  return list.get<std::vector<T>>();
}

void ExpectNear(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], kTolerance * (1 + std::abs(expected[i]))) << "number " << i;
  }
}

struct NamedCase {
  std::string name;
  ordered_json json;
};

void PrintTo(const NamedCase& one, std::ostream* out) { *out << one.name; }

std::vector<NamedCase> AllCases() {
  std::vector<NamedCase> cases;
  for (const ordered_json& one : Fixtures()["cases"]) cases.push_back({one["name"], one});
  return cases;
}

class ScikitLearn : public testing::TestWithParam<NamedCase> {};

TEST_P(ScikitLearn, FindsTheSameModel) {
  const ordered_json& expected = GetParam().json;
  const auto features = Numbers<std::string>(Fixtures()["features"]);
  const auto values = Numbers<float>(Fixtures()["values"]);
  const auto target = Numbers<double>(Fixtures()[expected["target"].get<std::string>()]);
  const auto weights =
      expected["weighted"] ? Numbers<double>(Fixtures()["weights"]) : std::vector<double>{};
  LearningSetting setting;
  if (expected["target"] == "two") setting.task = Task::kBinary;
  if (expected["target"] == "three") {
    setting.task = Task::kMultiClass;
    setting.classes = 3;
  }
  const auto trainer =
      MakeTrainer(TrainerKinds(), {.node = JsonNode(expected["model"]),
                                   .setting = setting,
                                   .of_classes = setting.task != Task::kRegression});
  const auto trained = trainer->Train(
      {.features = features, .values = values, .target = target, .weights = weights}, setting, {});
  ASSERT_TRUE(trained) << trained.error().message;
  const auto& model = dynamic_cast<const LinearModel&>(*(*trained)->scoring.model);

  std::vector<std::size_t> chosen;
  for (const LinearInput& input : model.source().inputs) chosen.push_back(input.feature);
  EXPECT_EQ(chosen, Numbers<std::size_t>(expected["chosen"]));
  ASSERT_EQ(model.outputs().size(), expected["intercepts"].size());
  for (std::size_t i = 0; i < model.outputs().size(); ++i) {
    SCOPED_TRACE(model.outputs()[i].name);
    const LinearOutput& output = model.source().outputs[i];
    ExpectNear({output.intercept}, {expected["intercepts"][i].get<double>()});
    ExpectNear(output.coefficients, Numbers<double>(expected["coefficients"][i]));
  }
  const auto answers = Numbers<double>(expected["answers"]);
  std::vector<double> out(answers.size());
  model.Predict(std::span(values).first(answers.size() / model.outputs().size() * features.size()),
                out);
  ExpectNear(out, answers);
}

INSTANTIATE_TEST_SUITE_P(Cases, ScikitLearn, testing::ValuesIn(AllCases()),
                         [](const auto& param) { return param.param.name; });

std::vector<double> ScoresOf(FeatureScore score, const std::string& target) {
  const auto values = Numbers<double>(Fixtures()["values"]);
  const auto y = Numbers<double>(Fixtures()[target]);
  const std::size_t width = Fixtures()["features"].size();
  std::vector<double> scores;
  for (std::size_t feature = 0; feature < width; ++feature) {
    std::vector<double> column;
    for (std::size_t row = 0; row < y.size(); ++row)
      column.push_back(values[row * width + feature]);
    scores.push_back(ScoreOf(score, column, y, target != "number").value());
  }
  return scores;
}

TEST(ScoresOfScikitLearn, AreThoseOfTheFTests) {
  const ordered_json& expected = Fixtures()["scores"];
  ExpectNear(ScoresOf(FeatureScore::kFRegression, "number"),
             Numbers<double>(expected["number"]["f_regression"]));
  ExpectNear(ScoresOf(FeatureScore::kFClassif, "three"),
             Numbers<double>(expected["three"]["f_classif"]));
}

TEST(ScoresOfScikitLearn, AreThoseOfMutualInformationWithoutItsNoise) {
  for (const std::string target : {"number", "three"}) {
    SCOPED_TRACE(target);
    ExpectNear(ScoresOf(FeatureScore::kMutualInformation, target),
               Numbers<double>(Fixtures()["scores"][target]["mutual_information"]));
  }
}

TEST(ScoresOfScikitLearn, AreThoseOfMutualInformationWithNoiseWhereNoTwoValuesAreTheSame) {
  for (const std::string target : {"number", "three"}) {
    SCOPED_TRACE(target);
    const auto noisy = Numbers<double>(Fixtures()["scores"][target]["noisy"]);
    const std::vector<double> scores = ScoresOf(FeatureScore::kMutualInformation, target);
    for (const std::size_t feature : {0U, 1U, 2U, 4U}) {  // 3 has five values
      EXPECT_NEAR(scores[feature], noisy[feature], 1e-9) << feature;
    }
  }
}

}  // namespace
}  // namespace forkcast::model
