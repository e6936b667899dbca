#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kInfer = "/v2/models/order_triage/infer";

/// The sample's order so many times, as rows and as tensors.
json Rows(std::size_t count) {
  json rows = json::array();
  for (std::size_t row = 0; row < count; ++row) {
    rows.push_back(json::parse(OneOrder().body));
    rows.back()["order_id"] = std::to_string(row);
  }
  return rows;
}
json Tensors(const json& rows) {
  json inputs = json::array();
  for (const auto& [name, ignored] : rows.front().items()) {
    json data = json::array();
    for (const json& row : rows) data.push_back(row[name]);
    inputs.push_back({{"name", name}, {"datatype", "BYTES"}, {"shape", {rows.size()}}});
    inputs.back()["data"] = std::move(data);
  }
  return {{"inputs", inputs}};
}

std::string Packed(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// The tensors with their texts behind the JSON; its size is in `headers`.
Request InBinary(json body, bool packed) {
  std::string behind;
  for (json& input : body["inputs"]) {
    std::string texts;
    for (const json& one : input["data"]) {
      const auto text = one.get<std::string>();
      const auto size = static_cast<std::uint32_t>(text.size());
      texts.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
    }
    input.erase("data");
    input["parameters"]["binary_data_size"] = texts.size();
    behind += texts;
  }
  const std::string head = body.dump();
  const std::string all = head + behind;
  return {.target = kInfer,
          .headers = "Inference-Header-Content-Length: " + std::to_string(head.size()) + "\r\n" +
                     (packed ? "Content-Encoding: gzip\r\n" : ""),
          .body = packed ? Packed(all) : all};
}

class OpenInference : public testing::Test {
 protected:
  OpenInference() {
    workspace_.Ingest(SampleData());
    server_.emplace(workspace_);
    server_->WaitUntilAllReady();
  }
  Answer Ask(const Request& request) { return AskOnce(server_->endpoint(), request); }
  Answer Infer(const json& body) { return Ask({.target = kInfer, .body = body.dump()}); }
  Answer Invoke(const json& rows) {
    return Ask({.headers = "Content-Type: application/json\r\n", .body = rows.dump()});
  }
  static void ExpectSame(const json& rows, const json& outputs) {
    ASSERT_EQ(outputs.size() + rows.front().count("stale"), rows.front().size());
    for (const json& output : outputs) {
      const std::string name = output["name"];
      for (std::size_t row = 0; row < rows.size(); ++row) {
        ASSERT_EQ(output["data"][row], rows[row][name]) << name;
      }
    }
  }

  Workspace workspace_;
  std::optional<Server> server_;
};

TEST_F(OpenInference, GivesTheAnswersOfInvocationsAlsoOfManyRows) {
  const json rows = Rows(3000);
  const Answer expected = Invoke(rows);
  ASSERT_EQ(expected.status, 200) << expected.body;
  const Answer answer = Infer(Tensors(rows));
  ASSERT_EQ(answer.status, 200) << answer.body;
  ExpectSame(json::parse(expected.body), json::parse(answer.body)["outputs"]);
  for (const bool packed : {false, true}) {
    const Answer binary = Ask(InBinary(Tensors(rows), packed));
    ASSERT_EQ(binary.status, 200) << binary.body;
    EXPECT_EQ(json::parse(binary.body)["outputs"], json::parse(answer.body)["outputs"]);
  }
}

TEST_F(OpenInference, KeepsItsConnectionWhateverIsAsked) {
  HttpConnection connection(server_->endpoint());
  for (int round = 0; round < 3; ++round) {
    const auto bad = connection.Ask({.target = kInfer, .body = "{"});
    EXPECT_EQ(bad.answer.status, 400);
    EXPECT_THAT(json::parse(bad.answer.body).at("error").get<std::string>(),
                HasSubstr("not valid JSON"));
    const auto good = connection.Ask(InBinary(Tensors(Rows(2)), false));
    EXPECT_EQ(good.answer.status, 200) << good.answer.body;
    EXPECT_EQ(connection.Ask({.method = "GET", .target = "/v2/health/ready"}).answer.body,
              R"({"ready":true})");
  }
}

TEST_F(OpenInference, RefusesABodyThatIsTooLargeInItsOwnForm) {
  const Answer answer = Ask({.target = kInfer, .body = std::string(7'000'000, ' ')});
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(json::parse(answer.body).at("error").get<std::string>(), HasSubstr("max_body_bytes"));
}

TEST_F(OpenInference, CountsItsRequestsByItsPath) {
  ASSERT_EQ(Infer(Tensors(Rows(1))).status, 200);
  EXPECT_THAT(Ask({.method = "GET", .target = "/metrics"}).body,
              HasSubstr("route=\"/v2/models/{name}/infer\""));
}

}  // namespace
}  // namespace forkcast::process_test
