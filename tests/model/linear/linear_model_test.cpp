#include "model/linear/linear_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/predict/published_kinds.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

/// 10 + 2 (b - 4) / 3, of a, b and c.
LinearSource OneInput() {
  return {.algorithm = "ridge",
          .link = LinearLink::kIdentity,
          .features = {"a", "b", "c"},
          .is_scaled = true,
          .inputs = {{.feature = 1, .mean = 4, .deviation = 3}},
          .polynomial = {},
          .outputs = {{.intercept = 10, .coefficients = {2}}}};
}

/// 1 + 2 a + 3 c + 4 a a + 5 a c + 6 c c
LinearSource Squares() {
  return {.algorithm = "lasso",
          .link = LinearLink::kIdentity,
          .features = {"a", "b", "c"},
          .is_scaled = false,
          .inputs = {{.feature = 0, .mean = 7, .deviation = 2}, {.feature = 2}},
          .polynomial = {.degree = 2},
          .outputs = {{.intercept = 1, .coefficients = {2, 3, 4, 5, 6}}}};
}

LinearSource Classes(LinearLink link) {
  LinearSource source = OneInput();
  source.algorithm = "logistic";
  source.link = link;
  if (link == LinearLink::kSoftmax) {
    source.outputs = {{.intercept = 0, .coefficients = {1}},
                      {.intercept = 1, .coefficients = {0}},
                      {.intercept = 0, .coefficients = {-1}}};
  }
  return source;
}

std::vector<double> Predict(const LinearModel& model, const std::vector<float>& rows) {
  std::vector<double> out(rows.size() / model.inputs().size() * model.outputs().size());
  model.Predict(rows, out);
  return out;
}

TEST(LinearModels, AddUpScaledInputs) {
  EXPECT_THAT(Predict(LinearModel(OneInput()), {0, 7, 0, 99, 4, -99}), ElementsAre(12, 10));
}

TEST(LinearModels, AddUpProducts) {
  EXPECT_THAT(Predict(LinearModel(Squares()), {1, 0, 0, 0, 5, 2, 2, 5, 3}),
              ElementsAre(1 + 2 + 4, 1 + 6 + 24, 1 + 4 + 9 + 16 + 30 + 54));
}

TEST(LinearModels, AnswerTheProbabilityOfTheSecondOfTwoClasses) {
  LinearSource source = Classes(LinearLink::kSigmoid);
  source.outputs[0].intercept = 0;
  EXPECT_THAT(Predict(LinearModel(source), {0, 4, 0, 0, 7, 0, 0, -1e30F, 0}),
              ElementsAre(0.5, testing::DoubleEq(1 / (1 + std::exp(-2.0))), 0));
}

TEST(LinearModels, AnswerAProbabilityAClassThatAddUp) {
  const std::vector<double> out =
      Predict(LinearModel(Classes(LinearLink::kSoftmax)), {0, 7, 0, 0, 1e30F, 0});
  const double all = std::exp(1.0) + std::exp(1.0) + std::exp(-1.0);
  EXPECT_THAT(out, ElementsAre(testing::DoubleNear(std::exp(1.0) / all, 1e-15),
                               testing::DoubleNear(std::exp(1.0) / all, 1e-15),
                               testing::DoubleNear(std::exp(-1.0) / all, 1e-15), 1, 0, 0));
}

TEST(LinearModels, AnswerNothingWhereAChosenInputIsMissing) {
  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  const std::vector<double> out =
      Predict(LinearModel(OneInput()), {0, kMissing, 0, kMissing, 4, kMissing});
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 10);  // a and c were not chosen
}

struct NamedSource {
  std::string name;
  LinearSource source;
};

void PrintTo(const NamedSource& one, std::ostream* out) { *out << one.name; }

class LinearFiles : public testing::TestWithParam<NamedSource> {};

TEST_P(LinearFiles, AreReadAsTheyWereWritten) {
  const LinearModel model(GetParam().source);
  const auto read = LinearModel::Parse(model.Write());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->source(), GetParam().source);
  EXPECT_EQ(read->Write(), model.Write());
}

TEST_P(LinearFiles, AreOpenedAsAPublishedKind) {
  const preprocessing::TempFolder folder;
  const LinearModel model(GetParam().source);
  const auto kind = std::ranges::find(PublishedKinds(), kLinearEnding, &PublishedKind::ending);
  ASSERT_NE(kind, PublishedKinds().end());
  InputPool pool;
  const auto opened = kind->open(folder.Write("1.linear.json", model.Write()), pool);
  ASSERT_TRUE(opened) << opened.error().message;
  std::vector<double> out(model.outputs().size());
  opened->model->Predict(std::vector<float>{0.1F, 0.2F, 0.3F}, out);
  EXPECT_EQ(out, Predict(model, {0.1F, 0.2F, 0.3F}));
  EXPECT_FALSE(opened->are_shares);
}

INSTANTIATE_TEST_SUITE_P(
    Models, LinearFiles,
    testing::Values(NamedSource{"OneInput", OneInput()}, NamedSource{"Squares", Squares()},
                    NamedSource{"TwoClasses", Classes(LinearLink::kSigmoid)},
                    NamedSource{"ThreeClasses", Classes(LinearLink::kSoftmax)}),
    [](const auto& param) { return param.param.name; });

TEST(LinearFile, KeepsEveryBitOfItsNumbers) {
  LinearSource source = OneInput();
  source.outputs[0] = {.intercept = 0.1 + 0.2, .coefficients = {1.0 / 3}};
  source.inputs[0] = {.feature = 2, .mean = -5e-324, .deviation = 1.7976931348623157e308};
  const auto read = LinearModel::Parse(LinearModel(source).Write());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->source(), source);
}

struct WrongCase {
  std::string name;
  std::string pointer;  ///< The member that is replaced, or added.
  std::string value;
  std::string message;
};

void PrintTo(const WrongCase& one, std::ostream* out) { *out << one.name; }

class LinearFileThat : public testing::TestWithParam<WrongCase> {};

TEST_P(LinearFileThat, IsRefusedWithItsPlace) {
  ordered_json document = ordered_json::parse(LinearModel(Squares()).Write());
  document[ordered_json::json_pointer(GetParam().pointer)] = ordered_json::parse(GetParam().value);
  const auto read = LinearModel::Parse(document.dump());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(read.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LinearFileThat,
    testing::Values(
        WrongCase{"IsOfAnotherFormat", "/format", R"("forkcast.forest")", "$.format: "},
        WrongCase{"IsOfALaterVersion", "/format_version", "2", "$.format_version: "},
        WrongCase{"HasAnUnknownMember", "/bias", "1", "bias"},
        WrongCase{"HasAnUnknownLink", "/link", R"("exp")", "$.link: expected identity"},
        WrongCase{"NamesAFeatureTwice", "/features", R"(["a", "a", "c"])", "$.features"},
        WrongCase{"ReadsAFeatureThatIsNotThere", "/inputs/1/feature", "3", "$.inputs[1].feature: "},
        WrongCase{"ReadsAFeatureTwice", "/inputs/1/feature", "0", "$.inputs[1].feature: expected"},
        WrongCase{"HasNoInput", "/inputs", "[]", "$.inputs: expected at least one"},
        WrongCase{"HasNoSpread", "/inputs/0/deviation", "0", "$.inputs[0].deviation: "},
        WrongCase{"HasADegreeTooHigh", "/polynomial/degree", "11", "$.polynomial.degree: "},
        WrongCase{"HasTermsWithoutCoefficient", "/polynomial/degree", "3",
                  "$.outputs[0].coefficients: expected 9 numbers"},
        WrongCase{"HasACoefficientTooMany", "/outputs/0/coefficients/5", "1",
                  "$.outputs[0].coefficients: expected 5 numbers"},
        WrongCase{"HasATextForANumber", "/outputs/0/intercept", R"("1")",
                  "$.outputs[0].intercept: "},
        WrongCase{"HasTwoOutputsOfANumber", "/outputs/1",
                  R"({"intercept": 0, "coefficients": [1, 2, 3, 4, 5]})",
                  "$.outputs: expected one"},
        WrongCase{"HasOneClass", "/link", R"("softmax")", "$.outputs: expected one a class"}),
    [](const auto& param) { return param.param.name; });

TEST(LinearFile, IsRefusedWhereItIsCutOff) {
  const std::string bytes = LinearModel(OneInput()).Write();
  EXPECT_FALSE(LinearModel::Parse(bytes.substr(0, bytes.size() / 2)));
  EXPECT_FALSE(LinearModel::Parse(""));
}

}  // namespace
}  // namespace forkcast::model
