#include "serving/wire/tensor_rows.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "serving/wire/tensor_decoding.hpp"

namespace forkcast::wire {
namespace {

using nlohmann::json;
using preprocessing::ColumnType;

constexpr auto kBad = ErrorCode::kInvalidArgument;

std::string Tensor(std::string_view name, std::string_view type, std::string_view shape,
                   std::string_view data) {
  return fmt::format(R"({{"name":"{}","datatype":"{}","shape":{},"data":{}}})", name, type, shape,
                     data);
}
std::string Body(const std::string& tensors) { return R"({"inputs":[)" + tensors + "]}"; }

TEST(TensorRows, AreTheRowsOfTheColumnsThatTensorsAre) {
  TensorDecoding decoding;
  const Status decoded = decoding.Decode(
      Body(Tensor("x", "FP64", "[3,1]", "[[0.1],[2],[null]]") + "," +
           Tensor("id", "BYTES", "[3]", R"(["00123","b","c"])") + "," +
           Tensor("n", "INT64", "[3]", "[1,null,-3]") + "," +
           Tensor("b", "BOOL", "[3]", "[true,false,null]") + "," +
           Tensor("t", "BYTES", "[3]", R"(["1970-01-01","1970-01-01T00:00:01Z",null])")));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoding.rows(), json::parse(R"([["00123", null, 1, 0.1, true, 0],
                                             ["b", null, null, 2.0, false, 1000000],
                                             ["c", null, -3, null, null, null]])"));
  EXPECT_EQ(decoding.decoded().row_count, 3U);
}

TEST(TensorRows, HaveNoTimeWhereItsTextIsEmptySinceBinaryDataHaveNoNull) {
  TensorDecoding decoding;
  ASSERT_TRUE(decoding
                  .Decode(Body(Tensor("id", "BYTES", "[1]", R"([""])") + "," +
                               Tensor("t", "BYTES", "[1]", R"([""])")))
                  .ok());
  EXPECT_EQ(decoding.rows(), json::parse(R"([["", null, null, null, null, null]])"));
}

TEST(TensorRows, AreNoneOfTensorsWithoutValues) {
  TensorDecoding decoding;
  ASSERT_TRUE(decoding.Decode(Body(Tensor("id", "BYTES", "[0]", "[]"))).ok());
  EXPECT_EQ(decoding.decoded().row_count, 0U);
}

TEST(TensorRows, ThatAreWrongAreToldEach) {
  TensorDecoding decoding;
  ASSERT_TRUE(decoding
                  .Decode(Body(Tensor("id", "BYTES", "[4]", R"(["a",null,"c","d"])") + "," +
                               Tensor("n", "INT8", "[4]", "[1,2,128,1.5]")))
                  .ok());
  const std::vector<RowError>& errors = decoding.decoded().errors;
  ASSERT_EQ(errors.size(), 3U);
  EXPECT_EQ(errors[0].row, 1U);
  EXPECT_EQ(errors[0].error, (Error{kBad, "required field is missing", "id"}));
  EXPECT_EQ(errors[1].error, (Error{kBad, "expected INT8, got 128", "n"}));
  EXPECT_EQ(errors[2].error, (Error{kBad, "expected INT8, got 1.5", "n"}));
}

// ---- values of each type ----

struct ValueCase {
  const char* name;
  const char* type;
  const char* data;
  std::string bytes;  // saying the same
  json value;         // of the field of doubles, or, for BOOL, of booleans
};
std::ostream& operator<<(std::ostream& out, const ValueCase& value) { return out << value.name; }

class TensorValue : public testing::TestWithParam<ValueCase> {
 protected:
  static std::string FieldName() { return std::string_view(GetParam().type) == "BOOL" ? "b" : "x"; }
  static std::string With(const std::string& member) {
    return fmt::format(R"({{"inputs":[{{"name":"id","shape":[1],"datatype":"BYTES","data":["a"]}},)"
                       R"({{"name":"{}","shape":[1],"datatype":"{}",{}}}]}})",
                       FieldName(), GetParam().type, member);
  }
  static json Value(const TensorDecoding& decoding) {
    return decoding.rows().at(0).at(FieldName() == "b" ? 4 : 3);
  }
};

TEST_P(TensorValue, IsTheSameInJsonAndInBinary) {
  TensorDecoding decoding;
  ASSERT_TRUE(decoding.Decode(With(fmt::format(R"("data":[{}])", GetParam().data))).ok());
  ASSERT_TRUE(decoding.decoded().errors.empty()) << decoding.decoded().errors[0].error.message;
  EXPECT_EQ(Value(decoding), GetParam().value);
  const std::string size =
      fmt::format(R"("parameters":{{"binary_data_size":{}}})", GetParam().bytes.size());
  ASSERT_TRUE(decoding.Decode(With(size), GetParam().bytes).ok());
  ASSERT_TRUE(decoding.decoded().errors.empty()) << decoding.decoded().errors[0].error.message;
  EXPECT_EQ(Value(decoding), GetParam().value);
}

std::string Half(std::uint16_t bits) { return BytesOf(bits); }

INSTANTIATE_TEST_SUITE_P(
    Cases, TensorValue,
    testing::Values(
        ValueCase{"True", "BOOL", "true", BytesOf<std::uint8_t>(1), true},
        ValueCase{"False", "BOOL", "false", BytesOf<std::uint8_t>(0), false},
        ValueCase{"Uint8", "UINT8", "255", BytesOf<std::uint8_t>(255), 255.0},
        ValueCase{"Uint16", "UINT16", "65535", BytesOf<std::uint16_t>(65535), 65535.0},
        ValueCase{"Uint32", "UINT32", "4294967295", BytesOf<std::uint32_t>(4294967295),
                  4294967295.0},
        ValueCase{"Uint64", "UINT64", "18446744073709551615", BytesOf(~std::uint64_t{0}),
                  18446744073709551616.0},
        ValueCase{"Int8", "INT8", "-128", BytesOf<std::int8_t>(-128), -128.0},
        ValueCase{"Int16", "INT16", "-32768", BytesOf<std::int16_t>(-32768), -32768.0},
        ValueCase{"Int32", "INT32", "-2147483648", BytesOf<std::int32_t>(INT32_MIN), -2147483648.0},
        ValueCase{"Int64", "INT64", "-9223372036854775808", BytesOf(INT64_MIN),
                  -9223372036854775808.0},
        ValueCase{"Half", "FP16", "0.1", Half(0x2E66), 0.0999755859375},
        ValueCase{"LargestHalf", "FP16", "-65504", Half(0xFBFF), -65504.0},
        ValueCase{"SmallestHalf", "FP16", "6e-8", Half(0x0001), 5.9604644775390625e-08},
        ValueCase{"HalfBetweenTwoTheEvenOne", "FP16", "2049", Half(0x6800), 2048.0},
        ValueCase{"Brain", "BF16", "0.1", BytesOf<std::uint16_t>(0x3DCD), 0.10009765625},
        ValueCase{"Single", "FP32", "0.1", BytesOf(0.1F), 0.10000000149011612},
        ValueCase{"SmallestSingle", "FP32", "1e-45", BytesOf(1e-45F), 1.401298464324817e-45},
        ValueCase{"Double", "FP64", "0.1", BytesOf(0.1), 0.1},
        ValueCase{"HalfThatIsMissing", "FP16", "NaN", Half(0x7E00), nullptr},
        ValueCase{"SingleThatIsMissing", "FP32", "null", BytesOf(std::nanf("")), nullptr},
        ValueCase{"DoubleThatIsMissing", "FP64", "NaN", BytesOf(std::nan("")), nullptr}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadValue {
  const char* name;
  const char* field;
  const char* type;
  const char* data;
  std::optional<std::string> bytes;  // instead
  const char* message;
};
std::ostream& operator<<(std::ostream& out, const BadValue& value) { return out << value.name; }

class BadTensorValue : public testing::TestWithParam<BadValue> {};

TEST_P(BadTensorValue, IsAnErrorOfItsRow) {
  const BadValue& bad = GetParam();
  TensorDecoding decoding;
  const std::string member =
      bad.bytes ? fmt::format(R"("parameters":{{"binary_data_size":{}}})", bad.bytes->size())
                : fmt::format(R"("data":[{}])", bad.data);
  const std::string body =
      fmt::format(R"({{"inputs":[{{"name":"id","shape":[1],"datatype":"BYTES","data":["a"]}},)"
                  R"({{"name":"{}","shape":[1],"datatype":"{}",{}}}]}})",
                  bad.field, bad.type, member);
  const Status decoded = decoding.Decode(body, bad.bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_EQ(decoding.decoded().errors.size(), 1U);
  EXPECT_EQ(decoding.decoded().errors[0].error, (Error{kBad, bad.message, bad.field}))
      << decoding.decoded().errors[0].error.message;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTensorValue,
    testing::Values(
        BadValue{"TextForANumber", "x", "FP64", R"("1")", {}, "expected FP64, got \"1\""},
        BadValue{"TruthForANumber", "x", "INT8", "true", {}, "expected INT8, got true"},
        BadValue{"NumberForATruth", "b", "BOOL", "1", {}, "expected BOOL, got 1"},
        BadValue{"NumberForAText", "note", "BYTES", "1", {}, "expected BYTES, got 1"},
        BadValue{"NegativeUnsigned", "n", "UINT8", "-1", {}, "expected UINT8, got -1"},
        BadValue{"TooLargeUnsigned", "n", "UINT16", "65536", {}, "expected UINT16, got 65536"},
        BadValue{"TooLargeForTheField",
                 "n",
                 "UINT64",
                 "9223372036854775808",
                 {},
                 "expected an integer of 64 bits with a sign, got 9223372036854775808"},
        BadValue{"TooLargeHalf",
                 "x",
                 "FP16",
                 "65520",
                 {},
                 "expected a number that FP16 can hold, got an infinity"},
        BadValue{"Infinity", "x", "FP64", "-Infinity", {}, "expected FP64, got -Infinity"},
        BadValue{"InfinityInBinary", "x", "FP64", "", BytesOf(HUGE_VAL),
                 "expected a number that FP64 can hold, got an infinity"},
        BadValue{"ATruthOfTwo", "b", "BOOL", "", "\x02", "expected BOOL: 0 or 1, got 2"},
        BadValue{"ATextThatIsNotUtf8", "note", "BYTES", "", BytesOf("\xFF"),
                 "the text is not UTF-8"},
        BadValue{
            "ATimeThatIsNone",
            "t",
            "BYTES",
            R"("soon")",
            {},
            "expected a timestamp (YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or ISO 8601 with T and Z or "
            "an offset), got \"soon\""}),
    [](const auto& param) { return std::string(param.param.name); });

// ---- tensors that do not fit ----

struct BadInputs {
  const char* name;
  std::string tensors;
  Error error;
};
std::ostream& operator<<(std::ostream& out, const BadInputs& inputs) { return out << inputs.name; }

class BadTensors : public testing::TestWithParam<BadInputs> {};

TEST_P(BadTensors, AreAnErrorOfTheRequest) {
  TensorDecoding decoding(EveryType(), {.max_rows = 3});
  const Status decoded = decoding.Decode(Body(GetParam().tensors));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error(), GetParam().error) << decoded.error().message;
  EXPECT_EQ(decoding.decoded().row_count, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTensors,
    testing::Values(
        BadInputs{"None", "", {kBad, "is empty: expected some of id, note, n, x, b, t", "inputs"}},
        BadInputs{"OneThatNobodyKnows",
                  Tensor("noted", "BYTES", "[1]", R"(["a"])"),
                  {kBad,
                   "there is no such input; did you mean \"note\"?; there are: id, note, n, x, b, "
                   "t",
                   "noted"}},
        BadInputs{"OneTwice",
                  Tensor("id", "BYTES", "[1]", R"(["a"])") + "," +
                      Tensor("id", "BYTES", "[1]", R"(["a"])"),
                  {kBad, "the input is given twice", "id"}},
        BadInputs{"ARequiredOneIsMissing",
                  Tensor("x", "FP64", "[1]", "[1]"),
                  {kBad, "the required input (BYTES) is missing", "id"}},
        BadInputs{
            "OfDifferentLengths",
            Tensor("id", "BYTES", "[2]", R"(["a","b"])") + "," + Tensor("x", "FP64", "[1]", "[1]"),
            {kBad, "has 1 rows, but the input \"id\" has 2", "x"}},
        BadInputs{"OfAShapeThatIsNoColumn",
                  Tensor("id", "BYTES", "[1,2]", R"(["a","b"])"),
                  {kBad, "expected a value a row, in the shape [n] or [n,1]", "id"}},
        BadInputs{"OfNoShapeAtAll",
                  Tensor("id", "BYTES", "[]", R"(["a"])"),
                  {kBad, "expected a value a row, in the shape [n] or [n,1]", "id"}},
        BadInputs{"NumbersForATextField",
                  Tensor("id", "INT64", "[1]", "[1]"),
                  {kBad, "the field is text: expected BYTES, got INT64", "id"}},
        BadInputs{
            "RealsForAnIntegerField",
            Tensor("id", "BYTES", "[1]", R"(["a"])") + "," + Tensor("n", "FP64", "[1]", "[1]"),
            {kBad, "the field is int64: expected INT64 or another integer type, got FP64", "n"}},
        BadInputs{"TextForADoubleField",
                  Tensor("id", "BYTES", "[1]", R"(["a"])") + "," +
                      Tensor("x", "BYTES", "[1]", R"(["1"])"),
                  {kBad, "the field is double: expected FP64 or another type of numbers, got BYTES",
                   "x"}},
        BadInputs{
            "IntegersForATruth",
            Tensor("id", "BYTES", "[1]", R"(["a"])") + "," + Tensor("b", "UINT8", "[1]", "[1]"),
            {kBad, "the field is bool: expected BOOL, got UINT8", "b"}},
        BadInputs{
            "IntegersForATimeThatIsNoEpoch",
            Tensor("id", "BYTES", "[1]", R"(["a"])") + "," + Tensor("t", "INT64", "[1]", "[1]"),
            {kBad, "the field is timestamp: expected BYTES, times as text, got INT64", "t"}},
        BadInputs{"MoreRowsThanMayBe",
                  Tensor("id", "BYTES", "[4]", R"(["a","b","c","d"])"),
                  {ErrorCode::kTooLarge, "more than 3 rows in one request"}}),
    [](const auto& param) { return std::string(param.param.name); });

// ---- vectors ----

preprocessing::Schema Vector() {
  return {{{.name = "price", .type = ColumnType::kDouble, .nullable = true},
           {.name = "when", .type = ColumnType::kTimestamp, .nullable = true},
           {.name = "stock", .type = ColumnType::kDouble, .nullable = true}}};
}

TEST(TensorRows, OfPlainVectorsAreTheRowsOfOneTensor) {
  TensorDecoding decoding(Vector());
  ASSERT_TRUE(
      decoding.Decode(Body(Tensor("predict", "FP32", "[3,2]", "[[1,2],[3,null],[5,6]]"))).ok());
  EXPECT_EQ(decoding.rows(), json::parse("[[1.0,null,2.0],[3.0,null,null],[5.0,null,6.0]]"));
}

TEST(TensorRows, OfPlainVectorsMayBeColumnsAllTheSame) {
  TensorDecoding decoding(Vector());
  ASSERT_TRUE(decoding.Decode(Body(Tensor("stock", "INT64", "[2,1]", "[[1],[2]]"))).ok());
  EXPECT_EQ(decoding.rows(), json::parse("[[null,null,1.0],[null,null,2.0]]"));
}

TEST(TensorRows, OfVectorsOfAnotherLengthAreRefusedNamingTheFields) {
  TensorDecoding decoding(Vector());
  const Status decoded = decoding.Decode(Body(Tensor("predict", "FP32", "[1,3]", "[1,2,3]")));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error(),
            (Error{kBad, "has 3 values a row, expected 2: price, stock", "predict"}));
}

TEST(TensorRows, OfEpochsAreTimes) {
  preprocessing::Schema schema = EveryType();
  schema.columns[5].format.time = *preprocessing::TimeFormat::Make("epoch_s");
  TensorDecoding decoding(schema);
  const Status decoded = decoding.Decode(
      Body(Tensor("id", "BYTES", "[1]", R"(["a"])") + "," + Tensor("t", "INT32", "[1]", "[7]")));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoding.rows().at(0).at(5), 7000000);
}

}  // namespace
}  // namespace forkcast::wire
