#include "model/inputs/input_encoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::FeatureSpec;
using preprocessing::Value;
using testing::HasSubstr;

FeatureSpec Feature(const std::string& name, ColumnType type) {
  return {.name = name, .op = {}, .type = type, .when_missing = {}};
}

struct EncodeCase {
  std::string name;
  InputColumn input;
  ColumnType type;
  Value value;
  float expected;
};

void PrintTo(const EncodeCase& one, std::ostream* out) { *out << one.name; }

class EncodeTest : public testing::TestWithParam<EncodeCase> {};

TEST_P(EncodeTest, TurnsAFeatureIntoAFloat) {
  const std::vector<InputColumn> inputs{GetParam().input};
  const std::vector<FeatureSpec> features{Feature("x", GetParam().type)};
  const Result<InputEncoder> encoder = InputEncoder::Make(inputs, features);
  ASSERT_TRUE(encoder.ok()) << encoder.error().message;
  float encoded = -1;
  encoder->Encode(std::span(&GetParam().value, 1), std::span(&encoded, 1));
  if (std::isnan(GetParam().expected)) {
    EXPECT_TRUE(std::isnan(encoded));
  } else {
    EXPECT_EQ(encoded, GetParam().expected);
  }
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
const InputColumn kNumber{"x", InputType::kNumber, {}};
const InputColumn kFlag{"x", InputType::kBool, {}};
const InputColumn kStatus{"x", InputType::kCategory, {"OK", "LATE"}};

INSTANTIATE_TEST_SUITE_P(
    Cases, EncodeTest,
    testing::Values(
        EncodeCase{"AnIntegerAsItself", kNumber, ColumnType::kInt64, std::int64_t{-7}, -7.0F},
        EncodeCase{"TheLargestIntegerThatFits", kNumber, ColumnType::kInt64, std::int64_t{16777216},
                   16777216.0F},
        EncodeCase{"AnIntegerBeyondToTheNearest", kNumber, ColumnType::kInt64,
                   std::int64_t{16777219}, 16777220.0F},
        EncodeCase{"ANumberToTheNearest", kNumber, ColumnType::kDouble, 0.1, 0.1F},
        EncodeCase{"FalseAsZero", kFlag, ColumnType::kBool, false, 0.0F},
        EncodeCase{"TrueAsOne", kFlag, ColumnType::kBool, true, 1.0F},
        EncodeCase{"TheFirstCategory", kStatus, ColumnType::kText, std::string_view("OK"), 0.0F},
        EncodeCase{"TheLastCategory", kStatus, ColumnType::kText, std::string_view("LATE"), 1.0F},
        EncodeCase{"ATextThatIsNoCategoryAsTheirCount", kStatus, ColumnType::kText,
                   std::string_view("ok"), 2.0F},
        EncodeCase{"AnEmptyTextAsNoCategory", kStatus, ColumnType::kText, std::string_view(""),
                   2.0F},
        EncodeCase{"AMissingNumber", kNumber, ColumnType::kDouble, Value(), kNan},
        EncodeCase{"AMissingBool", kFlag, ColumnType::kBool, Value(), kNan},
        EncodeCase{"AMissingCategory", kStatus, ColumnType::kText, Value(), kNan}),
    [](const auto& param) { return param.param.name; });

TEST(InputEncoderTest, TakesFeaturesByNameInTheModelsOrderAndLeavesOthersOut) {
  const std::vector<InputColumn> inputs{{"b", InputType::kNumber, {}}, {"a", InputType::kBool, {}}};
  const std::vector<FeatureSpec> features{Feature("a", ColumnType::kBool),
                                          Feature("unread", ColumnType::kTimestamp),
                                          Feature("b", ColumnType::kInt64)};
  const Result<InputEncoder> encoder = InputEncoder::Make(inputs, features);
  ASSERT_TRUE(encoder.ok()) << encoder.error().message;
  const std::vector<Value> values{true, Instant(), std::int64_t{5}};
  std::vector<float> row(2);
  encoder->Encode(values, row);
  EXPECT_THAT(row, testing::ElementsAre(5.0F, 1.0F));
}

struct MismatchCase {
  std::string name;
  InputColumn input;
  FeatureSpec feature;
  std::string error;
};

void PrintTo(const MismatchCase& one, std::ostream* out) { *out << one.name; }

class MismatchTest : public testing::TestWithParam<MismatchCase> {};

TEST_P(MismatchTest, IsRefusedNamingTheFeature) {
  const Result<InputEncoder> encoder =
      InputEncoder::Make(std::span(&GetParam().input, 1), std::span(&GetParam().feature, 1));
  ASSERT_FALSE(encoder.ok());
  EXPECT_EQ(encoder.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(encoder.error().field, "x");
  EXPECT_THAT(encoder.error().message, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MismatchTest,
    testing::Values(MismatchCase{"AFeatureThePipelineHasNot", kNumber,
                                 Feature("y", ColumnType::kInt64),
                                 "\"x\", which the pipeline has not"},
                    MismatchCase{"ATextAsANumber", kNumber, Feature("x", ColumnType::kText),
                                 "another type than the pipeline's text"},
                    MismatchCase{"ABoolAsANumber", kNumber, Feature("x", ColumnType::kBool),
                                 "another type than the pipeline's bool"},
                    MismatchCase{"AnIntegerAsABool", kFlag, Feature("x", ColumnType::kInt64),
                                 "another type than the pipeline's int64"},
                    MismatchCase{"AnIntegerAsACategory", kStatus, Feature("x", ColumnType::kInt64),
                                 "another type than the pipeline's int64"},
                    MismatchCase{"AnInstantAsANumber", kNumber,
                                 Feature("x", ColumnType::kTimestamp),
                                 "another type than the pipeline's timestamp"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
