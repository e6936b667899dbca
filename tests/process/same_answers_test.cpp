#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPython = "/usr/bin/python3";  // Debian's, for which python3-boto3 is
const std::string kBoto3Script = kSource / "tests/process/invoke_with_boto3.py";

/// Every order of a data set, asked in different ways of one server. The right answers are those
/// of single rows of CSV, one after the other over TCP.
class SameAnswers : public testing::Test {
 protected:
  SameAnswers() : data_(RealData().value_or(SampleData())) {
    workspace_.Ingest(data_);
    server_.emplace(workspace_, ServerOptions{.bind = ServerOptions::Bind::kBoth});
    server_->WaitUntilAllReady();
    Replay(server_->endpoint(), Out("right"), {"--concurrency", "1"});
  }

  [[nodiscard]] fs::path Out(const std::string& name) const {
    return workspace_ / (name + ".jsonl");
  }
  void Replay(const Endpoint& endpoint, const fs::path& out,
              const std::vector<std::string>& flags) const {
    std::vector<std::string> command{kClient,        "replay", "--orders", data_.orders, "--url",
                                     endpoint.url(), "--out",  out,        "--json"};
    command.insert(command.end(), flags.begin(), flags.end());
    RunToEnd(out, command);
  }
  /// Byte by byte.
  void ExpectRight(const fs::path& out) const {
    const std::string right = ReadWhole(Out("right"));
    const std::string other = ReadWhole(out);
    if (right == other) return;
    const auto differ = std::ranges::mismatch(right, other).in1;
    ADD_FAILURE() << out << " differs in line " << std::count(right.begin(), differ, '\n') + 1;
  }
  void ExpectRightAnswers(const std::string& name, const Endpoint& endpoint,
                          std::vector<std::string> flags) const {
    SCOPED_TRACE(name);
    flags.insert(flags.end(), {"--expect", Out("right")});
    Replay(endpoint, Out(name), flags);
    ExpectRight(Out(name));
  }

  DataSet data_;
  Workspace workspace_;
  std::optional<Server> server_;
};

TEST_F(SameAnswers, WhateverTheFormTheBatchAndTheSocket) {
  const Endpoint tcp = server_->endpoint();
  const Endpoint on_unix = server_->unix_endpoint();
  ExpectRightAnswers("one_by_one_json", tcp, {"--format", "json"});
  ExpectRightAnswers("json_batches", on_unix, {"--format", "json", "--batch", "64"});
  ExpectRightAnswers("json_lines", tcp, {"--format", "jsonlines", "--batch", "7"});
  ExpectRightAnswers("csv_batches", on_unix, {"--format", "csv", "--batch", "64"});
  ExpectRightAnswers("one_request", tcp, {"--batch", "100000", "--concurrency", "1"});
}

/// nginx's own refusals, and the ids that it passes on.
TEST_F(SameAnswers, ThroughNginxHaveOneIdAndTheErrorsOfAnEndpointTheirForm) {
  if (!Nginx::IsInstalled()) GTEST_SKIP() << "nginx is not installed";
  const Nginx nginx(workspace_, server_->unix_endpoint().socket);
  HttpConnection client(nginx.endpoint());
  Request order = OneOrder();
  order.headers += "X-Amzn-SageMaker-Inference-Id: inference-7\r\nX-Request-Id: another\r\n";
  EXPECT_EQ(client.Ask(order).answer.Header("x-request-id"), "inference-7");

  client.Send(
      "POST /endpoints/e/invocations HTTP/1.1\r\nHost: a\r\nX-Request-Id: r-17\r\n"
      "Content-Length: 6291457\r\n\r\n");
  const Answer refused = client.Receive().answer;
  EXPECT_EQ(refused.status, 424);
  EXPECT_EQ(refused.Header("x-amzn-errortype"), "ModelError");
  EXPECT_EQ(refused.Header("x-request-id"), "r-17");
  EXPECT_EQ(json::parse(refused.body).at("OriginalStatusCode"), 413);

  const fs::path access_log = workspace_ / "nginx" / "access.log";
  EXPECT_TRUE(Eventually([&] {
    const std::string log = ReadWhole(access_log);
    return log.find("request_id=\"inference-7\"") != std::string::npos &&
           log.find("request_id=\"r-17\"") != std::string::npos;
  })) << ReadWhole(access_log);
}

TEST_F(SameAnswers, ThroughNginxOnAUnixSocket) {
  if (!Nginx::IsInstalled()) GTEST_SKIP() << "nginx is not installed";
  const Nginx nginx(workspace_, server_->unix_endpoint().socket);
  ExpectRightAnswers("nginx", nginx.endpoint(), {});
  ExpectRightAnswers("nginx_json_batches", nginx.endpoint(), {"--format", "json", "--batch", "64"});
}

/// Through the AWS SDK, unchanged but for its endpoint_url.
class Boto3 : public SameAnswers {
 protected:
  void SetUp() override {
    Program probe(workspace_ / "probe", {kPython, "-c", "import boto3"});
    if (probe.Wait() != 0) GTEST_SKIP() << "python3-boto3 is not installed";
  }
  std::string Script(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{kPython, "-B", kBoto3Script, server_->endpoint().url()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return RunToEnd(workspace_ / "boto3", command);
  }
};

TEST_F(Boto3, GetsTheSameAnswersOneByOneAndInBatches) {
  Script({"answers", data_.orders, "100", Out("boto3")});
  ExpectRight(Out("boto3"));
  // The SDK takes milliseconds a request: not all of the real ones alone.
  Script({"answers", data_.orders, "1", Out("boto3_alone"), "200"});
  const std::string alone = ReadWhole(Out("boto3_alone"));
  EXPECT_EQ(std::ranges::count(alone, '\n'), 200);
  EXPECT_TRUE(ReadWhole(Out("right")).starts_with(alone));
}

TEST_F(Boto3, SeesABadRowAsAModelErrorWithTheOriginalStatus) {
  const json error = json::parse(Script({"refused", R"({"order_id": 7})"}));
  EXPECT_EQ(error.at("Error").at("Code"), "ModelError") << error;
  EXPECT_EQ(error.at("OriginalStatusCode"), 400) << error;
  const json original = json::parse(error.at("OriginalMessage").get<std::string>());
  EXPECT_EQ(original.at("error").at("field"), "order_id");
  EXPECT_EQ(error.at("ResponseMetadata").at("HTTPStatusCode"), 424);
}

TEST_F(Boto3, SeesABodyThatIsTooLargeAsAModelErrorInWords) {
  const json error = json::parse(Script({"refused", "@6291457"}));
  EXPECT_EQ(error.at("Error").at("Code"), "ModelError") << error;
  EXPECT_THAT(error.at("Error").at("Message").get<std::string>(),
              AllOf(HasSubstr("413"), HasSubstr("6291457 bytes, at most 6291456")));
  EXPECT_EQ(error.at("OriginalStatusCode"), 413) << error;
  EXPECT_NE(error.at("ResponseMetadata").at("HTTPHeaders").at("x-request-id"), "");
}

/// As invoke_endpoint_with_response_stream asks, which Debian's boto3 does not have yet.
TEST_F(Boto3, IsToldThatAnswersAreNotStreamed) {
  Request request = OneOrder();
  request.target = "/endpoints/order-triage/invocations-response-stream";
  const Answer answer = AskOnce(server_->endpoint(), request);
  EXPECT_EQ(answer.Header("x-amzn-errortype"), "ModelError");
  const json error = json::parse(answer.body);
  EXPECT_EQ(error.at("OriginalStatusCode"), 501) << error;
  EXPECT_THAT(error.at("Message").get<std::string>(), HasSubstr("not streamed"));
}

TEST_F(Boto3, GetsItsIdsAndAttributesBack) {
  const json answer =
      json::parse(Script({"headers", OneOrder().body, "inference-7", "trace=\"a,b\"; user=17"}));
  EXPECT_EQ(answer.at("CustomAttributes"), "trace=\"a,b\"; user=17");
  EXPECT_EQ(answer.at("ContentType"), "application/json");
  EXPECT_EQ(answer.at("headers").at("x-request-id"), "inference-7");
}

}  // namespace
}  // namespace forkcast::process_test
