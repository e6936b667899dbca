#include "serving/wire/tensor_request.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "serving/wire/tensor_decoding.hpp"

namespace forkcast::wire {
namespace {

TEST(TensorRequest, IsReadWithItsIdItsInputsAndWhatIsWantedOfItsOutputs) {
  TensorRequest request(32);
  const PaddedBody body(R"({"id": "a-1", "parameters": {"binary_data_output": true, "priority": 3},
    "inputs": [{"data": [[1, 2], [3, null]], "shape": [2, 2], "datatype": "INT32", "name": "v",
                "parameters": {"content_type": "np"}}],
    "outputs": [{"name": "p", "parameters": {"binary_data": false}}, {"name": "q"}]})");
  const Status read = request.Read(body.view(), {}, 100);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(request.id(), "a-1");
  EXPECT_TRUE(request.wants_binary());
  ASSERT_EQ(request.inputs().size(), 1U);
  const Tensor& input = request.inputs()[0];
  EXPECT_EQ(input.name, "v");
  EXPECT_EQ(input.datatype, Datatype::kInt32);
  EXPECT_EQ(input.shape, (std::vector<std::size_t>{2, 2}));
  EXPECT_EQ(**input.IntegerAt(2), 3);
  EXPECT_FALSE(input.IntegerAt(3)->has_value());
  ASSERT_EQ(request.outputs().size(), 2U);
  EXPECT_EQ(request.outputs()[0].name, "p");
  EXPECT_EQ(request.outputs()[0].binary, std::optional(false));
  EXPECT_EQ(request.outputs()[1].binary, std::nullopt);
}

TEST(TensorRequest, TakesNullForWhatIsAbsent) {
  TensorRequest request(32);
  const PaddedBody body(R"({"id": null, "parameters": null, "outputs": null,
    "inputs": [{"name": "v", "shape": [1], "datatype": "BOOL", "parameters": null, "data": [true]}]})");
  ASSERT_TRUE(request.Read(body.view(), {}, 100).ok());
  EXPECT_EQ(request.id(), "");
  EXPECT_TRUE(**request.inputs()[0].TruthAt(0));
}

TEST(TensorRequest, FindsBinaryDataBehindTheJsonInTheOrderOfTheInputs) {
  TensorRequest request(32);
  const std::string json = R"({"inputs": [
    {"name": "t", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 11}},
    {"name": "j", "shape": [1], "datatype": "INT8", "data": [-1]},
    {"name": "x", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}]})";
  const PaddedBody body(json + BytesOf("abc") + BytesOf("") + BytesOf(1.5F) + BytesOf(-2.0F));
  const Status read = request.Read(body.view(), json.size(), 100);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(**request.inputs()[0].TextAt(0), "abc");
  EXPECT_EQ(**request.inputs()[0].TextAt(1), "");
  EXPECT_EQ(**request.inputs()[1].IntegerAt(0), -1);
  EXPECT_EQ(**request.inputs()[2].NumberAt(0), 1.5);
  EXPECT_EQ(**request.inputs()[2].NumberAt(1), -2.0);
}

struct BadBody {
  const char* name;
  std::string json;
  Error error;
  std::optional<std::string> behind{};
};
std::ostream& operator<<(std::ostream& out, const BadBody& body) { return out << body.name; }

class BadTensorRequest : public testing::TestWithParam<BadBody> {};

TEST_P(BadTensorRequest, IsRefusedSayingWhatIsWrongWhere) {
  TensorRequest request(8);
  const PaddedBody body(GetParam().json + GetParam().behind.value_or(""));
  const std::optional<std::size_t> size =
      GetParam().behind ? std::optional(GetParam().json.size()) : std::nullopt;
  const Status read = request.Read(body.view(), size, 6);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error(), GetParam().error) << read.error().message;
}

/// A body with one input that has these members.
std::string Input(const std::string& members) {
  return R"({"inputs":[{"name":"x",)" + members + "}]}";
}

constexpr auto kBad = ErrorCode::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTensorRequest,
    testing::Values(
        BadBody{"Empty", "", {kBad, "not valid JSON: it is empty"}},
        BadBody{"AnArray", "[]", {kBad, "expected a JSON object with \"inputs\", got an array"}},
        BadBody{"NoInputs", "{}", {kBad, "missing: expected an array of tensors", "inputs"}},
        BadBody{"InputsTwice", R"({"inputs":[],"inputs":[]})", {kBad, "given twice", "inputs"}},
        BadBody{"InputsAreNoArray",
                R"({"inputs":{}})",
                {kBad, "expected an array, got an object", "inputs"}},
        BadBody{"AnInputIsNoObject",
                R"({"inputs":[1]})",
                {kBad, "expected an object, got a number", "inputs"}},
        BadBody{"AnIdThatIsANumber",
                R"({"id":1,"inputs":[]})",
                {kBad, "expected text, got a number", "id"}},
        BadBody{"NotJson",
                R"({"inputs":[],})",
                {kBad,
                 "not valid JSON: a comma, colon, key or bracket is missing or out of place, near "
                 "byte 10"}},
        BadBody{"SomethingBehind",
                R"({"inputs":[]} {})",
                {kBad, "not valid JSON: there is something behind its end, near byte 10"}},
        BadBody{"TooDeep",
                R"({"inputs":[],"p":[[[[[[[[]]]]]]]]})",
                {kBad, "JSON is nested more than 8 deep"}},
        BadBody{"NoName",
                R"({"inputs":[{"shape":[0],"datatype":"BOOL","data":[]}]})",
                {kBad, "input 0 has no name", "inputs"}},
        BadBody{"NoDatatype", Input(R"("shape":[0],"data":[])"), {kBad, "has no datatype", "x"}},
        BadBody{"NoShape", Input(R"("datatype":"FP64","data":[])"), {kBad, "has no shape", "x"}},
        BadBody{"NoData",
                Input(R"("datatype":"FP64","shape":[1])"),
                {kBad, "has neither data nor binary_data_size", "x"}},
        BadBody{"ADatatypeThatThereIsNot",
                Input(R"("datatype":"FP8","shape":[1],"data":[1])"),
                {kBad,
                 "there is no \"FP8\"; there are: BOOL, UINT8, UINT16, UINT32, UINT64, INT8, "
                 "INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES",
                 "datatype"}},
        BadBody{"ANegativeSize",
                Input(R"("datatype":"FP64","shape":[-1],"data":[1])"),
                {kBad, "expected sizes, 0 or more", "shape"}},
        BadBody{"FewerValuesThanTheShape",
                Input(R"("datatype":"FP64","shape":[2,2],"data":[[1,2],[3]])"),
                {kBad, "has 3 values, but the shape [2,2] asks for 4", "x"}},
        BadBody{"MoreValuesThanMayBe",
                Input(R"("datatype":"FP64","shape":[7],"data":[1,2,3,4,5,6,7])"),
                {ErrorCode::kTooLarge,
                 "the tensor has more than 6 values, which are those of as many rows as one "
                 "request may have",
                 "x"}},
        BadBody{"AShapeThatOverflows",
                Input(R"("datatype":"FP64","shape":[4294967296,4294967296],"data":[])"),
                {ErrorCode::kTooLarge,
                 "the tensor has more than 6 values, which are those of as many rows as one "
                 "request may have",
                 "x"}},
        BadBody{"AnObjectAmongTheData",
                Input(R"("datatype":"FP64","shape":[1],"data":[{}])"),
                {kBad, "expected values, got an object", "data"}},
        BadBody{"SharedMemory",
                Input(R"("datatype":"FP64","shape":[1],"parameters":{"shared_memory_region":"r"})"),
                {kBad, "shared memory is not read here: send the data in the body",
                 "shared_memory_region"}},
        BadBody{"Classification",
                R"({"inputs":[],"outputs":[{"name":"o","parameters":{"classification":3}}]})",
                {kBad, "outputs are not to be had so: they come in the body, as they are",
                 "classification"}},
        BadBody{"ABinarySizeWithoutTheHeader",
                Input(R"("datatype":"INT8","shape":[1],"parameters":{"binary_data_size":1})"),
                {kBad,
                 "has a binary_data_size, but the header Inference-Header-Content-Length does not "
                 "say where the JSON ends",
                 "x"}},
        BadBody{"MoreBinaryDataThanThereAre",
                Input(R"("datatype":"INT8","shape":[2],"parameters":{"binary_data_size":2})"),
                {kBad, "has 2 bytes by its binary_data_size, but the body has 1 more", "x"},
                "a"},
        BadBody{"BinaryDataThatAreNotWholeValues",
                Input(R"("datatype":"INT16","shape":[1],"parameters":{"binary_data_size":3})"),
                {kBad, "has 3 bytes, but INT16 of the shape [1] are 2", "x"},
                "abc"},
        BadBody{"BinaryDataOfNobody",
                R"({"inputs":[]})",
                {kBad, "3 bytes are behind those that the inputs have by their binary_data_size"},
                "abc"},
        BadBody{"ATextThatGoesOnBehindTheEnd",
                Input(R"("datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5})"),
                {kBad, "text 0 goes on behind the tensor's end", "x"},
                std::string("\x02\0\0\0a", 5)},
        BadBody{"FewerTextsThanTheShape",
                Input(R"("datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":5})"),
                {kBad, "has 1 texts, but the shape [2] asks for 2", "x"},
                std::string("\x01\0\0\0a", 5)},
        BadBody{"MoreTextsThanTheShape",
                Input(R"("datatype":"BYTES","shape":[0],"parameters":{"binary_data_size":8})"),
                {kBad, "has more than 0 texts, but the shape [0] asks for 0", "x"},
                std::string(8, '\0')}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(TensorRequest, ThatSaysMoreJsonThanThereIsIsRefused) {
  TensorRequest request(8);
  const PaddedBody body("{}");
  EXPECT_EQ(request.Read(body.view(), 3, 6).error(),
            (Error{kBad, "says that 3 bytes are JSON, but the body has 2",
                   "Inference-Header-Content-Length"}));
}

}  // namespace
}  // namespace forkcast::wire
