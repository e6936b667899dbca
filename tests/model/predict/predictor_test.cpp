#include "model/predict/predictor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "support/allocation_counter.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::FeatureSpec;
using preprocessing::Value;
using testing::ElementsAre;
using testing::HasSubstr;

FeatureSpec Feature(const std::string& name, ColumnType type) {
  return {.name = name, .op = {}, .type = type, .when_missing = {}};
}

/// Answers a row with its sum and its first input.
class SumAndFirst final : public Model {
 public:
  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override {
    for (std::size_t row = 0; row < out.size() / 2; ++row) {
      out[2 * row] = static_cast<double>(rows[2 * row]) + static_cast<double>(rows[2 * row + 1]);
      out[2 * row + 1] = static_cast<double>(rows[2 * row]);
    }
  }

 private:
  std::vector<InputColumn> inputs_{{"b", InputType::kNumber, {}},
                                   {"a", InputType::kCategory, {"x", "y"}}};
  std::vector<OutputColumn> outputs_{{"sum", OutputType::kNumber, {}},
                                     {"first", OutputType::kNumber, {}}};
};

const std::vector<FeatureSpec> kFeatures{Feature("a", ColumnType::kText),
                                         Feature("unread", ColumnType::kTimestamp),
                                         Feature("b", ColumnType::kInt64)};

std::vector<Value> Row(std::string_view a, std::int64_t b) { return {Value(a), Value(), Value(b)}; }

/// The answers to `rows`, each of the pipeline's features.
std::vector<double> Answers(const Predictor& predictor, const std::vector<std::vector<Value>>& rows,
                            const std::vector<TargetReference>& references = {}) {
  std::vector<float> inputs(rows.size() * predictor.input_count());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(predictor.Encode(
        rows[i], std::span(inputs).subspan(i * predictor.input_count(), predictor.input_count())));
  }
  std::vector<double> out(rows.size() * predictor.outputs().size());
  predictor.Predict(inputs, references, out);
  return out;
}

TEST(Predictor, EncodesEachRowAsItsModelReadsIt) {
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  ASSERT_TRUE(predictor.ok()) << predictor.error().message;
  EXPECT_EQ(predictor->input_count(), 2U);
  EXPECT_EQ(predictor->encoder(), nullptr);
  EXPECT_THAT(Answers(*predictor, {Row("y", 10), Row("x", -3)}), ElementsAre(11, 10, -3, -3));
}

TEST(Predictor, AnswersNoRowsWithNothing) {
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  predictor->Predict({}, {}, {});
  EXPECT_EQ(predictor->outputs().size(), 2U);
}

TEST(Predictor, GoesOnWhenItIsMoved) {
  auto made = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  const Predictor predictor = std::move(*made);
  EXPECT_THAT(Answers(predictor, {Row("x", 5)}), ElementsAre(5, 5));
}

TEST(Predictor, IsNotMadeOfAModelThatReadsWhatThePipelineHasNot) {
  const std::vector<FeatureSpec> fewer{kFeatures[0]};
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), fewer);
  ASSERT_FALSE(predictor.ok());
  EXPECT_EQ(predictor.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(predictor.error().field, "b");
}

/// Scores of its own choice, one row after the other, whatever its inputs are.
class GivenScores final : public Model {
 public:
  GivenScores(std::vector<double> scores, std::size_t a_row, std::vector<std::string> inputs)
      : scores_(std::move(scores)),
        outputs_(a_row, OutputColumn{"score", OutputType::kNumber, {}}) {
    for (std::string& name : inputs) inputs_.push_back({std::move(name), InputType::kNumber, {}});
  }
  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  void Predict(std::span<const float> /*rows*/, std::span<double> out) const noexcept override {
    std::ranges::copy(std::span(scores_).first(out.size()), out.begin());
  }

 private:
  std::vector<double> scores_;
  std::vector<InputColumn> inputs_;
  std::vector<OutputColumn> outputs_;
};

/// What makes the inputs "b" and "a" of kFeatures; a text that is not "x" or "y" is an error.
std::shared_ptr<const FittedEncoder> Fitted() {
  FeatureTable table({{"b", FeatureKind::kNumber}, {"a", FeatureKind::kCategory}});
  for (const char* text : {"x", "y"}) {
    EXPECT_TRUE(table.Append(std::vector<Value>{std::int64_t{1}, std::string_view(text)}));
  }
  const std::vector<TransformSpec> specs{{.feature = "a", .unknown = UnknownCategory::kError}};
  return std::make_shared<const FittedEncoder>(
      *FittedTransforms::Fit(table, {}, std::vector<std::uint32_t>{0, 1}, specs),
      std::vector<std::size_t>{2, 0});
}

ScoringModel Scoring(std::vector<double> scores, std::size_t a_row,
                     std::vector<std::string> inputs = {"b", "a"}) {
  return {.model = std::make_unique<GivenScores>(std::move(scores), a_row, std::move(inputs))};
}

Result<Predictor> Trained(std::vector<double> scores, std::size_t a_row, TrainedAnswer answer,
                          bool are_shares = false) {
  ScoringModel scoring = Scoring(std::move(scores), a_row);
  scoring.are_shares = are_shares;
  return Predictor::Make(std::move(scoring), Fitted(), std::move(answer));
}

std::vector<std::string> Names(const Predictor& predictor) {
  std::vector<std::string> names;
  for (const OutputColumn& column : predictor.outputs()) names.push_back(column.name);
  return names;
}

const std::vector<std::string> kTwo{"no", "yes"};
const std::vector<std::string> kThree{"few", "some", "many"};
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(TrainedPredictor, TakesItsFeaturesFromTheirPlacesAndRefusesARowByItself) {
  const auto predictor = Trained({0.5}, 1, ValueAnswer{});
  ASSERT_TRUE(predictor) << predictor.error().message;
  std::vector<float> inputs(predictor->input_count());
  ASSERT_TRUE(predictor->Encode(Row("y", 10), inputs));
  EXPECT_THAT(inputs, ElementsAre(10, 1));
  const Status unknown = predictor->Encode(Row("z", 10), inputs);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(unknown.error().field, "a");
}

TEST(TrainedPredictor, AnswersTheValueItsTargetStoodFor) {
  const TargetTransform difference{.difference = true};
  const auto predictor = Trained({0.5, -1, kNaN}, 1, ValueAnswer{difference});
  ASSERT_TRUE(predictor) << predictor.error().message;
  EXPECT_THAT(Names(*predictor), ElementsAre("value"));
  EXPECT_EQ(*predictor->target(), difference);
  EXPECT_THAT(
      Answers(*predictor, {Row("x", 1), Row("x", 2), Row("x", 3)}, {{1, 10}, {1, 20}, {1, 30}}),
      ElementsAre(10.5, 19, testing::IsNan()));
}

struct ClassCase {
  const char* name;
  std::vector<std::string> classes;
  bool are_shares;
  std::vector<double> scores;
  std::vector<double> answers;  ///< Class and probabilities of each row.
};
class ClassAnswers : public testing::TestWithParam<ClassCase> {};

TEST_P(ClassAnswers, AreTheMostLikelyClassAndAllProbabilities) {
  const auto& [name, classes, are_shares, scores, answers] = GetParam();
  const std::size_t a_row = classes.size() == 2 ? 1 : classes.size();
  const auto predictor = Trained(scores, a_row, ClassAnswer{classes}, are_shares);
  ASSERT_TRUE(predictor) << predictor.error().message;
  EXPECT_EQ(predictor->outputs().front().categories, classes);
  EXPECT_EQ(predictor->outputs().back().name, "probability." + classes.back());
  const std::vector<std::vector<Value>> rows(scores.size() / a_row, Row("x", 1));
  EXPECT_EQ(Answers(*predictor, rows), answers);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ClassAnswers,
    testing::Values(
        ClassCase{"OfTwoFromTheSecond", kTwo, false, {0.25, 0.75}, {0, 0.75, 0.25, 1, 0.25, 0.75}},
        ClassCase{"TheFirstAmongEquals", kTwo, false, {0.5}, {0, 0.5, 0.5}},
        ClassCase{"NeverOutsideOfZeroToOne", kTwo, false, {1.25, -0.5}, {1, 0, 1, 0, 1, 0}},
        ClassCase{"OfThreeAsTheyAre", kThree, false, {0.25, 0.5, 0.25}, {1, 0.25, 0.5, 0.25}},
        ClassCase{"OfManyRowsEachByItself",
                  kThree,
                  false,
                  {1, 0, 0, 0, 1, 0, 0, 0, 1},
                  {0, 1, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1}},
        ClassCase{"SharesOfTheirSum", kThree, true, {0.25, 0.25, 0}, {0, 0.5, 0.5, 0}},
        ClassCase{
            "EvenWhereAllSharesAreNone", kThree, true, {0, 0, 0}, {0, 1.0 / 3, 1.0 / 3, 1.0 / 3}}),
    [](const auto& one) { return one.param.name; });

TEST(TrainedPredictor, AllocatesNothing) {
  const auto predictor = Trained({1, 0, 0, 0, 1, 0}, 3, ClassAnswer{kThree}, true);
  const std::vector<Value> row = Row("y", 1);
  std::vector<float> inputs(4);
  std::vector<double> out(8);
  const std::size_t before = AllocationCount();
  EXPECT_TRUE(predictor->Encode(row, std::span(inputs).first(2)));
  EXPECT_TRUE(predictor->Encode(row, std::span(inputs).last(2)));
  predictor->Predict(inputs, {}, out);
  EXPECT_EQ(AllocationCount(), before);
}

TEST(TrainedPredictor, IsNotMadeOfPartsThatDoNotFit) {
  EXPECT_THAT(Trained({}, 3, ValueAnswer{}).error().message,
              HasSubstr("expected a model that answers 1 number"));
  EXPECT_THAT(Trained({}, 3, ClassAnswer{kTwo}).error().message,
              HasSubstr("expected a model that answers 1 number"));
  EXPECT_THAT(Trained({}, 1, ClassAnswer{kThree}).error().message,
              HasSubstr("expected a model that answers 3 numbers"));
  EXPECT_THAT(Predictor::Make(Scoring({}, 1, {"a", "b"}), Fitted(), ValueAnswer{}).error().message,
              HasSubstr("are not those that it reads"));
}

TEST(OutputValue, IsTheNumberOrTheCategoryOrMissing) {
  const OutputColumn number{"value", OutputType::kNumber, {}};
  const OutputColumn category{"class", OutputType::kCategory, {"go", "stop"}};
  EXPECT_EQ(OutputValue(number, 1.5), Value(1.5));
  EXPECT_EQ(OutputValue(category, 1), Value(std::string_view("stop")));
  for (const OutputColumn& column : {number, category}) {
    EXPECT_TRUE(
        preprocessing::IsMissing(OutputValue(column, std::numeric_limits<double>::quiet_NaN())));
  }
}

}  // namespace
}  // namespace forkcast::model
