#include "serving/upstream/inference_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/wire/tensor_decoding.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::ColumnType;
using preprocessing::IsMissing;
using preprocessing::Value;
using testing::HasSubstr;
using wire::BytesOf;
using wire::Datatype;
using wire::PaddedBody;

const RemoteAddress kAddress{.host = "::1", .port = 8000};

RemotePlan ThePlan() {
  return {.spec = {.model = "m", .version = "2", .outputs = {{.name = "value"}}},
          .features = {{.name = "price", .type = ColumnType::kDouble, .may_be_missing = true},
                       {.name = "stock", .type = ColumnType::kInt64},
                       {.name = "open", .type = ColumnType::kBool},
                       {.name = "kind", .type = ColumnType::kText, .may_be_missing = true}}};
}
RemoteBinding Columns(bool binary) {
  return {
      .inputs = {{.name = "kind", .datatype = Datatype::kBytes, .features = {3}},
                 {.name = "price", .datatype = Datatype::kFp32, .features = {0}, .is_matrix = true},
                 {.name = "stock", .datatype = Datatype::kInt64, .features = {1}},
                 {.name = "open", .datatype = Datatype::kBool, .features = {2}}},
      .outputs = {"value"},
      .is_binary = binary};
}

using Text = std::string_view;
/// Two requests, of two rows and one.
const std::vector<Value> kFirst{0.1, std::int64_t{3}, true,  Text("a\"b"),
                                {},  std::int64_t{4}, false, {}};
const std::vector<Value> kSecond{2.0, std::int64_t{5}, true, Text("c")};
const std::array<std::span<const Value>, 2> kRows{kFirst, kSecond};

TEST(InferenceRequest, HasTheRowsOfAllRequestsByColumn) {
  InferenceRequest request;
  WriteInferenceRequest(ThePlan(), Columns(false), kAddress, "w-1", kRows, request);
  EXPECT_THAT(request.head, HasSubstr("POST /v2/models/m/versions/2/infer HTTP/1.1\r\n"));
  EXPECT_THAT(request.head, HasSubstr("Host: [::1]:8000\r\n"));
  EXPECT_THAT(request.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(request.head,
              HasSubstr("Content-Length: " + std::to_string(request.body.size()) + "\r\n"));
  const json body = json::parse(request.body);
  EXPECT_EQ(body["id"], "w-1");
  EXPECT_EQ(body["outputs"], json::parse(R"([{"name": "value"}])"));
  EXPECT_EQ(body["inputs"], json::parse(R"([
    {"name": "kind", "datatype": "BYTES", "shape": [3], "parameters": {"content_type": "str"},
     "data": ["a\"b", null, "c"]},
    {"name": "price", "datatype": "FP32", "shape": [3, 1], "data": [0.1, null, 2]},
    {"name": "stock", "datatype": "INT64", "shape": [3], "data": [3, 4, 5]},
    {"name": "open", "datatype": "BOOL", "shape": [3], "data": [true, false, true]}])"));
}

TEST(InferenceRequest, HasThemInBinaryWhereThatIsTaken) {
  InferenceRequest request;
  WriteInferenceRequest(ThePlan(), Columns(true), kAddress, "w-1", kRows, request);
  const std::string binary = BytesOf("a\"b") + BytesOf("") + BytesOf("c") + BytesOf(0.1F) +
                             BytesOf(std::numeric_limits<float>::quiet_NaN()) + BytesOf(2.0F) +
                             BytesOf(std::int64_t{3}) + BytesOf(std::int64_t{4}) +
                             BytesOf(std::int64_t{5}) + std::string("\1\0\1", 3);
  ASSERT_GT(request.body.size(), binary.size());
  const std::size_t json_size = request.body.size() - binary.size();
  EXPECT_EQ(request.body.substr(json_size), binary);
  EXPECT_THAT(request.head,
              HasSubstr("Inference-Header-Content-Length: " + std::to_string(json_size) + "\r\n"));
  const json body = json::parse(request.body.substr(0, json_size));
  EXPECT_EQ(body["parameters"]["binary_data_output"], true);
  EXPECT_EQ(body["inputs"][1]["parameters"]["binary_data_size"], 12);
}

TEST(InferenceRequest, HasAPlainVectorRowByRow) {
  RemotePlan plan = ThePlan();
  plan.features.pop_back();
  const RemoteBinding binding{.inputs = {{.name = "X",
                                          .datatype = Datatype::kFp64,
                                          .features = {0, 1, 2},
                                          .is_matrix = true}},
                              .outputs = {"value"}};
  const std::vector<Value> rows{0.1, std::int64_t{3}, true, {}, std::int64_t{4}, false};
  const std::array<std::span<const Value>, 1> all{rows};
  InferenceRequest request;
  WriteInferenceRequest(plan, binding, kAddress, "w-1", all, request);
  EXPECT_EQ(json::parse(request.body)["inputs"],
            json::parse(R"([{"name": "X", "datatype": "FP64", "shape": [2, 3],
                             "data": [0.1, 3, 1, null, 4, 0]}])"));
}

class Answer : public testing::Test {
 protected:
  Status Read(const std::string& body, std::size_t rows = 2,
              std::optional<std::size_t> json_size = {}) {
    body_.emplace(body);
    return answer_.Read(plan_, binding_, "w-1", rows, body_->view(), json_size);
  }
  std::vector<Value> Take(std::size_t first, std::size_t rows) {
    std::vector<Value> values(rows * plan_.spec.outputs.size());
    answer_.Take(first, values, texts_);
    return values;
  }

  RemotePlan plan_ = ThePlan();
  RemoteBinding binding_{.inputs = {}, .outputs = {"value"}};
  InferenceAnswer answer_;
  std::optional<PaddedBody> body_;
  std::deque<std::string> texts_;
};

TEST_F(Answer, GivesAValueARowWhateverElseItHas) {
  ASSERT_TRUE(Read(R"({"model_name": "m", "id": "w-1", "parameters": {"a": [1]}, "outputs": [
    {"name": "other", "shape": [1], "datatype": "BYTES", "data": ["x"]},
    {"name": "value", "shape": [3, 1], "datatype": "FP32", "data": [[1], [null], [2.5]]}]})",
                   3)
                  .ok());
  EXPECT_EQ(Take(0, 1), (std::vector<Value>{1.0}));
  const std::vector<Value> rest = Take(1, 2);
  EXPECT_TRUE(IsMissing(rest[0]));
  EXPECT_EQ(rest[1], Value(2.5));
}

TEST_F(Answer, IsMissingWhereItIsNanAsPythonWritesIt) {
  ASSERT_TRUE(Read(R"({"outputs": [
    {"name": "value", "shape": [2], "datatype": "FP64", "data": [NaN, 2.5]}]})")
                  .ok());
  const std::vector<Value> values = Take(0, 2);
  EXPECT_TRUE(IsMissing(values[0]));
  EXPECT_EQ(values[1], Value(2.5));
}

TEST_F(Answer, GivesSeveralOutputsSideBySide) {
  plan_.spec.outputs = {{.name = "class", .type = RemoteOutput::Type::kText}, {.name = "sure"}};
  binding_.outputs = {"class", "sure"};
  ASSERT_TRUE(Read(R"({"outputs": [
    {"name": "sure", "shape": [2], "datatype": "BOOL", "data": [true, false]},
    {"name": "class", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}]})")
                  .ok());
  EXPECT_EQ(Take(0, 2), (std::vector<Value>{Text("a"), 1.0, Text("b"), 0.0}));
}

TEST_F(Answer, IsReadInBinaryWhereNanIsMissing) {
  const std::string head = R"({"id": "w-1", "outputs": [{"name": "value", "shape": [2],
    "datatype": "FP64", "parameters": {"binary_data_size": 16}}]})";
  ASSERT_TRUE(
      Read(head + BytesOf(1.5) + BytesOf(std::numeric_limits<double>::quiet_NaN()), 2, head.size())
          .ok());
  const std::vector<Value> values = Take(0, 2);
  EXPECT_EQ(values[0], Value(1.5));
  EXPECT_TRUE(IsMissing(values[1]));
}

struct WrongCase {
  const char* name;
  std::string body;
  const char* message;
};

class WrongAnswer : public Answer, public testing::WithParamInterface<WrongCase> {};

TEST_P(WrongAnswer, IsRefused) {
  const Status read = Read(GetParam().body);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message + " " + read.error().field, HasSubstr(GetParam().message));
}

std::string With(const std::string& tensor) {
  return R"({"id": "w-1", "outputs": [)" + tensor + "]}";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongAnswer,
    testing::Values(
        WrongCase{"NoJson", "<html>oops</html>", "expected a JSON object"},
        WrongCase{"HalfOfIt", R"({"id": "w-1", "outputs": [{"name": "val)", ""},
        WrongCase{"Empty", "", ""}, WrongCase{"NoOutputs", R"({"id": "w-1"})", "missing"},
        WrongCase{"AnotherId",
                  R"({"id": "w-2", "outputs": [{"name": "value", "shape": [2],
                      "datatype": "FP64", "data": [1, 2]}]})",
                  "to request \"w-2\", not to \"w-1\""},
        WrongCase{"AnotherOutput",
                  With(R"({"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 2]})"),
                  "no output \"value\""},
        WrongCase{"TooFewRows",
                  With(R"({"name": "value", "shape": [1], "datatype": "FP64", "data": [1]})"),
                  "shape [1] for 2 rows"},
        WrongCase{"TooManyRows",
                  With(R"({"name": "value", "shape": [3], "datatype": "FP64", "data": [1,2,3]})"),
                  "shape [3] for 2 rows"},
        WrongCase{"TwoValuesARow", With(R"({"name": "value", "shape": [2,2], "datatype": "FP64",
                           "data": [1,2,3,4]})"),
                  "shape [2,2]"},
        WrongCase{"OtherDataThanItsShape",
                  With(R"({"name": "value", "shape": [2], "datatype": "FP64", "data": [1]})"),
                  "has 1 values"},
        WrongCase{"Texts", With(R"({"name": "value", "shape": [2], "datatype": "BYTES",
                           "data": ["1", "2"]})"),
                  "is BYTES"},
        WrongCase{"NoNumber", With(R"({"name": "value", "shape": [2], "datatype": "FP64",
                           "data": [1, "2"]})"),
                  "row 1"},
        WrongCase{"AnInfinity", With(R"({"name": "value", "shape": [2], "datatype": "FP64",
                           "data": [1, 1e999]})"),
                  "row 1"},
        WrongCase{"AnInfinityAsPythonWritesIt",
                  With(R"({"name": "value", "shape": [2], "datatype": "FP64",
                           "data": [1, Infinity]})"),
                  "row 1"},
        WrongCase{"BinaryDataThatAreNotThere",
                  With(R"({"name": "value", "shape": [2], "datatype": "FP64",
                           "parameters": {"binary_data_size": 16}})"),
                  "does not say where the"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ErrorText, IsWhatTheServerSays) {
  EXPECT_EQ(ErrorTextIn(R"({"error": "no such model"})"), "no such model");
  EXPECT_EQ(ErrorTextIn(R"({"detail": [{"loc": 1}]})"), R"([{"loc":1}])");
  EXPECT_EQ(ErrorTextIn("<b>\nno</b>"), "<b>?no</b>");
  EXPECT_EQ(ErrorTextIn(std::string(1000, 'x')).size(), 200U);
  EXPECT_EQ(ErrorTextIn(R"({"error": ")" + std::string(499, 'x') + "\u00e9\"}"),
            std::string(499, 'x') + "...")
      << "not half a character";
}

TEST(ErrorText, OfMillionsOfBracketsIsTheirBegin) {
  const std::string deep = R"({"error": )" + std::string(4'000'000, '[');
  EXPECT_EQ(ErrorTextIn(deep + std::string(4'000'000, ']') + "}"), deep.substr(0, 200));
}

}  // namespace
}  // namespace forkcast::serving
