#include "serving/wire/tensor_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "serving/wire/tensor_decoding.hpp"

namespace forkcast::wire {
namespace {

using nlohmann::json;
using preprocessing::Value;

constexpr TensorWriter::Head kHead{.model_name = "m", .model_version = "7", .id = "r\"1"};

/// An answer of these outputs and lines.
struct Answer {
  Answer(const std::vector<OutputTensor>& outputs, const std::vector<std::vector<Value>>& lines) {
    TensorWriter writer;
    writer.Start(outputs);
    for (const std::vector<Value>& line : lines) writer.AddLine(line);
    json_size = writer.Finish(kHead, body);
    const std::size_t size = json_size == 0 ? body.size() : json_size;
    head = json::parse(body.substr(0, size));
    behind = body.substr(size);
  }
  std::string body;
  std::size_t json_size = 0;
  json head;
  std::string behind;
};

TEST(TensorWriter, WritesColumnsWithTheHeadOfTheAnswer) {
  const Answer answer({{.name = "value", .datatype = Datatype::kFp64},
                       {.name = "step", .datatype = Datatype::kInt64},
                       {.name = "day", .datatype = Datatype::kBytes},
                       {.name = "known", .datatype = Datatype::kBool},
                       {.name = "class", .datatype = Datatype::kBytes}},
                      {{1.5, std::int64_t{1}, FromMicros(0), true, std::string_view("a\"b")},
                       {{}, {}, {}, {}, {}},
                       {std::nan(""), std::int64_t{-2}, FromMicros(1), false, {}}});
  EXPECT_EQ(answer.json_size, 0U);
  EXPECT_EQ(answer.head, json::parse(R"({"model_name": "m", "model_version": "7", "id": "r\"1",
    "outputs": [
      {"name": "value", "datatype": "FP64", "shape": [3], "data": [1.5, null, null]},
      {"name": "step", "datatype": "INT64", "shape": [3], "data": [1, null, -2]},
      {"name": "day", "datatype": "BYTES", "shape": [3],
       "data": ["1970-01-01T00:00:00Z", null, "1970-01-01T00:00:00.000001Z"]},
      {"name": "known", "datatype": "BOOL", "shape": [3], "data": [true, null, false]},
      {"name": "class", "datatype": "BYTES", "shape": [3], "data": ["a\"b", null, null]}]})"));
}

TEST(TensorWriter, WritesBinaryDataBehindTheJsonInTheOrderOfTheOutputs) {
  const Answer answer({{.name = "day", .datatype = Datatype::kBytes, .binary = true},
                       {.name = "step", .datatype = Datatype::kInt64},
                       {.name = "value", .datatype = Datatype::kFp64, .binary = true},
                       {.name = "known", .datatype = Datatype::kBool, .binary = true}},
                      {{std::string_view("ab"), std::int64_t{1}, 1.5, true},
                       {{}, std::int64_t{2}, std::int64_t{2}, false}});
  EXPECT_EQ(answer.head["outputs"], json::parse(R"([
    {"name": "day", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 10}},
    {"name": "step", "datatype": "INT64", "shape": [2], "data": [1, 2]},
    {"name": "value", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 16}},
    {"name": "known", "datatype": "BOOL", "shape": [2], "parameters": {"binary_data_size": 2}}])"));
  EXPECT_EQ(answer.behind, BytesOf("ab") + BytesOf("") + BytesOf(1.5) + BytesOf(2.0) +
                               BytesOf<std::uint8_t>(1) + BytesOf<std::uint8_t>(0));
}

TEST(TensorWriter, WritesIntegersAndTruthsInJsonWhereOneIsMissing) {
  const Answer answer({{.name = "n", .datatype = Datatype::kInt64, .binary = true},
                       {.name = "b", .datatype = Datatype::kBool, .binary = true},
                       {.name = "x", .datatype = Datatype::kFp64, .binary = true}},
                      {{std::int64_t{-5}, true, 1.0}, {{}, {}, {}}, {std::int64_t{6}, false, 2.0}});
  EXPECT_EQ(answer.head["outputs"][0]["data"], json::parse("[-5, null, 6]"));
  EXPECT_EQ(answer.head["outputs"][1]["data"], json::parse("[true, null, false]"));
  EXPECT_EQ(answer.head["outputs"][2]["parameters"]["binary_data_size"], 24);
  double missing = 0;
  std::memcpy(&missing, answer.behind.data() + sizeof missing, sizeof missing);
  EXPECT_TRUE(std::isnan(missing));
}

TEST(TensorWriter, WritesNoLinesAsEmptyTensors) {
  const Answer answer({{.name = "a", .datatype = Datatype::kFp64},
                       {.name = "b", .datatype = Datatype::kFp64, .binary = true}},
                      {});
  EXPECT_EQ(answer.head["outputs"], json::parse(R"([
    {"name": "a", "datatype": "FP64", "shape": [0], "data": []},
    {"name": "b", "datatype": "FP64", "shape": [0], "parameters": {"binary_data_size": 0}}])"));
  EXPECT_EQ(answer.json_size, answer.body.size());
}

}  // namespace
}  // namespace forkcast::wire
