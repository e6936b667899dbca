#include "serving/upstream/remote_binding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

using preprocessing::ColumnType;
using testing::HasSubstr;
using wire::Datatype;

RemotePlan ThePlan() {
  return {.spec = {.model = "m", .outputs = {{.name = "value"}}},
          .features = {{.name = "price", .type = ColumnType::kDouble, .may_be_missing = true},
                       {.name = "stock", .type = ColumnType::kInt64},
                       {.name = "open", .type = ColumnType::kBool}}};
}
RemotePlan PlanWithText() {
  RemotePlan plan = ThePlan();
  plan.features.push_back({.name = "kind", .type = ColumnType::kText, .may_be_missing = true});
  return plan;
}

/// Metadata of a model as a server says them.
Result<RemoteBinding> BindTo(const RemotePlan& plan, const std::string& model) {
  RemoteMetadata metadata;
  const Status read = ReadModelMetadata(model, metadata);
  if (!read) return read.error();
  return Bind(plan, metadata);
}

constexpr const char* kOutput =
    R"("outputs": [{"name": "value", "datatype": "FP32", "shape": [-1, 1]}])";

std::string Model(const std::string& inputs) {
  return R"({"name": "m", "platform": "p", "inputs": [)" + inputs + "], " + kOutput + "}";
}

TEST(RemoteBinding, SendsColumnsByNameInTheOrderOfTheModel) {
  const auto bound =
      BindTo(PlanWithText(), Model(R"({"name": "kind", "datatype": "BYTES", "shape": [-1]},
                               {"name": "price", "datatype": "FP32", "shape": [-1, 1]})"));
  ASSERT_TRUE(bound.ok()) << bound.error().message;
  ASSERT_EQ(bound->inputs.size(), 2U) << "a feature that the model does not read stays here";
  EXPECT_EQ(bound->inputs[0].features, (std::vector<std::size_t>{3}));
  EXPECT_FALSE(bound->inputs[0].is_matrix);
  EXPECT_EQ(bound->inputs[1].datatype, Datatype::kFp32);
  EXPECT_TRUE(bound->inputs[1].is_matrix);
  EXPECT_EQ(bound->outputs, (std::vector<std::string>{"value"}));
  EXPECT_FALSE(bound->is_binary);
}

TEST(RemoteBinding, LeavesOutATimeThatForkcastHasOfEachRequest) {
  const std::string price = R"({"name": "price", "datatype": "FP64", "shape": [-1]}, )";
  const auto bound =
      BindTo(ThePlan(), Model(price + R"({"name": "time", "datatype": "BYTES", "shape": [-1],
                                   "parameters": {"optional": true, "content_type": "datetime"}})"));
  ASSERT_TRUE(bound.ok()) << bound.error().message;
  ASSERT_EQ(bound->inputs.size(), 1U);
  EXPECT_EQ(bound->inputs[0].name, "price");
  for (const char* const parameters :
       {R"({"optional": true})", R"({"content_type": "datetime"})", "[1]",
        R"({"optional": "true", "content_type": "datetime"})"}) {
    const auto refused = BindTo(
        ThePlan(),
        Model(price + R"({"name": "time", "datatype": "BYTES", "shape": [-1], "parameters": )" +
              parameters + "}"));
    ASSERT_FALSE(refused.ok()) << parameters;
    EXPECT_THAT(refused.error().message, HasSubstr("no feature of the pipeline"));
  }
}

TEST(RemoteBinding, SendsOnePlainVectorWhereTheModelTakesThat) {
  for (const char* const shape : {"[-1, 3]", "[-1, -1]"}) {
    const auto bound = BindTo(ThePlan(), Model(R"({"name": "X", "datatype": "FP32", "shape": )" +
                                               std::string(shape) + "}"));
    ASSERT_TRUE(bound.ok()) << bound.error().message;
    ASSERT_EQ(bound->inputs.size(), 1U);
    EXPECT_EQ(bound->inputs[0].features, (std::vector<std::size_t>{0, 1, 2}));
  }
}

TEST(RemoteBinding, SendsColumnsToWhoDoesNotSayWhatItTakes) {
  const auto bound = BindTo(PlanWithText(), R"({"name": "m", "inputs": [], "outputs": null})");
  ASSERT_TRUE(bound.ok()) << bound.error().message;
  ASSERT_EQ(bound->inputs.size(), 4U);
  EXPECT_EQ(bound->inputs[0].datatype, Datatype::kFp64);
  EXPECT_EQ(bound->inputs[1].datatype, Datatype::kInt64);
  EXPECT_EQ(bound->inputs[2].datatype, Datatype::kBool);
  EXPECT_EQ(bound->inputs[3].datatype, Datatype::kBytes);
  EXPECT_EQ(bound->outputs, (std::vector<std::string>{"value"}));
}

TEST(RemoteBinding, TakesTheOnlyOutputWhateverItIsCalled) {
  const auto bound = BindTo(ThePlan(), R"({"outputs": [
    {"name": "variable", "datatype": "FP64", "shape": [-1]}]})");
  ASSERT_TRUE(bound.ok()) << bound.error().message;
  EXPECT_EQ(bound->outputs, (std::vector<std::string>{"variable"}));
}

TEST(RemoteBinding, IsBinaryWhereTheServerListsThatExtension) {
  EXPECT_TRUE(*ReadTakesBinary(R"({"name": "triton", "extensions": ["a", "binary_tensor_data"]})"));
  EXPECT_FALSE(*ReadTakesBinary(R"({"name": "mlserver", "extensions": []})"));
  EXPECT_FALSE(*ReadTakesBinary(R"({"name": "x"})"));
  EXPECT_FALSE(ReadTakesBinary("<html>").ok());
}

struct MismatchCase {
  const char* name;
  std::string model;
  std::vector<const char*> message;
};

class Mismatch : public testing::TestWithParam<MismatchCase> {};

TEST_P(Mismatch, IsRefusedByName) {
  const auto bound = BindTo(PlanWithText(), GetParam().model);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code, ErrorCode::kInvalidArgument);
  for (const char* const part : GetParam().message) {
    EXPECT_THAT(bound.error().message, HasSubstr(part));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Mismatch,
    testing::Values(
        MismatchCase{"AFeatureThatIsNotThere",
                     Model(R"({"name": "prise", "datatype": "FP32", "shape": [-1]})"),
                     {"\"prise\"", "did you mean \"price\"", "price, stock, open, kind"}},
        MismatchCase{"AnotherType",
                     Model(R"({"name": "kind", "datatype": "FP32", "shape": [-1]})"),
                     {"\"kind\" is FP32", "expected BYTES"}},
        MismatchCase{"ATypeThatCannotHoldAllValues",
                     Model(R"({"name": "stock", "datatype": "INT32", "shape": [-1]})"),
                     {"\"stock\" is INT32", "INT64 or FP64 or FP32"}},
        MismatchCase{"AnotherShape",
                     Model(R"({"name": "price", "datatype": "FP32", "shape": [-1, 2]},
                              {"name": "stock", "datatype": "FP32", "shape": [-1]})"),
                     {"\"price\" is FP32 [-1,2]", "a value a row"}},
        MismatchCase{"OneRowAlone",
                     Model(R"({"name": "price", "datatype": "FP32", "shape": [1, 1]})"),
                     {"FP32 [1,1]"}},
        MismatchCase{"AVectorOfAnotherWidth",
                     Model(R"({"name": "X", "datatype": "FP32", "shape": [-1, 7]})"),
                     {"\"X\" is FP32 [-1,7]", "4 features"}},
        MismatchCase{"AVectorForATextualFeature",
                     Model(R"({"name": "X", "datatype": "FP32", "shape": [-1, 4]})"),
                     {"\"kind\" is a text"}},
        MismatchCase{"NoSuchOutput",
                     R"({"outputs": [{"name": "valu", "datatype": "FP32", "shape": [-1]},
                                     {"name": "x", "datatype": "FP32", "shape": [-1]}]})",
                     {"no output \"value\"", "valu, x"}},
        MismatchCase{"AnOutputOfAnotherType",
                     R"({"outputs": [{"name": "value", "datatype": "BYTES", "shape": [-1]}]})",
                     {"\"value\" is BYTES", "declared as a number"}},
        MismatchCase{"AnOutputOfAnotherShape",
                     R"({"outputs": [{"name": "value", "datatype": "FP32", "shape": [-1, 3]}]})",
                     {"\"value\" is FP32 [-1,3]"}},
        MismatchCase{"NoJson", "<html>", {"no JSON object"}},
        MismatchCase{"TooDeep",
                     R"({"inputs": )" + std::string(500'000, '[') + std::string(500'000, ']') + "}",
                     {"nested more than 32 deep"}},
        MismatchCase{"TooDeepByItsType",
                     Model(R"({"name": "price", "shape": [-1], "datatype": )" +
                           std::string(100'000, '[') + std::string(100'000, ']') + "}"),
                     {"nested more than 32 deep"}},
        MismatchCase{"TooLarge",
                     R"({"a": ")" + std::string(1'048'576, 'x') + R"("})",
                     {"1048585 bytes; 1048576 may be"}},
        MismatchCase{"BracketsInTexts",
                     Model(R"({"name": ")" + std::string(100, '[') +
                           R"(\"{", "datatype": "FP64", "shape": [-1]})"),
                     {"no feature"}},
        MismatchCase{"NoShape", Model(R"({"name": "price", "datatype": "FP32"})"), {"no shape"}},
        MismatchCase{"AnUnknownType",
                     Model(R"({"name": "price", "datatype": "FP8", "shape": [-1]})"),
                     {"FP8"}},
        MismatchCase{"InputsThatAreNoList", R"({"inputs": 3})", {"\"inputs\""}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(RemoteBinding, RefusesATypeWithoutMissingValuesForAFeatureThatMayBeMissing) {
  RemotePlan plan = ThePlan();
  plan.features[1].may_be_missing = true;
  const auto bound =
      BindTo(plan, Model(R"({"name": "stock", "datatype": "INT64", "shape": [-1]})"));
  ASSERT_FALSE(bound.ok());
  EXPECT_THAT(bound.error().message, HasSubstr("nothing for a missing value"));
  EXPECT_TRUE(BindTo(plan, Model(R"({"name": "stock", "datatype": "FP64", "shape": [-1]})")).ok());
}

}  // namespace
}  // namespace forkcast::serving
