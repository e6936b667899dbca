#include "model/predict/predictor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Predictor, EncodesEachRowAsItsModelReadsIt) {
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  ASSERT_TRUE(predictor.ok()) << predictor.error().message;
  std::vector<Value> rows = Row("y", 10);
  for (const Value& value : Row("x", -3)) rows.push_back(value);
  Predictor::Scratch scratch;
  std::vector<double> out(4);
  predictor->Predict(rows, scratch, out);
  EXPECT_THAT(out, ElementsAre(11, 10, -3, -3));
}

TEST(Predictor, AnswersNoRowsWithNothing) {
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  Predictor::Scratch scratch;
  predictor->Predict({}, scratch, {});
  EXPECT_EQ(predictor->outputs().size(), 2U);
}

TEST(Predictor, GoesOnWhenItIsMoved) {
  auto made = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  const Predictor predictor = std::move(*made);
  Predictor::Scratch scratch;
  std::vector<double> out(2);
  predictor.Predict(Row("x", 5), scratch, out);
  EXPECT_THAT(out, ElementsAre(5, 5));
}

TEST(Predictor, AllocatesNothingInSteadyState) {
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), kFeatures);
  const std::vector<Value> row = Row("y", 1);
  Predictor::Scratch scratch;
  std::vector<double> out(2);
  predictor->Predict(row, scratch, out);
  const std::size_t before = AllocationCount();
  predictor->Predict(row, scratch, out);
  EXPECT_EQ(AllocationCount(), before);
}

TEST(Predictor, IsNotMadeOfAModelThatReadsWhatThePipelineHasNot) {
  const std::vector<FeatureSpec> fewer{kFeatures[0]};
  const auto predictor = Predictor::Make(std::make_unique<SumAndFirst>(), fewer);
  ASSERT_FALSE(predictor.ok());
  EXPECT_EQ(predictor.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(predictor.error().field, "b");
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
