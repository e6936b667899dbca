#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using preprocessing::ReadWhole;
using testing::HasSubstr;

Request OrderWithId(const std::string& id) {
  Request request = OneOrder();
  request.headers += "X-Request-Id: " + id + "\r\n";
  return request;
}

class Capture : public testing::Test {
 protected:
  Server& Start(double share, const ServerOptions& options = {}) {
    workspace_.Ingest(SampleData());
    const json hook{{"type", "capture"},
                    {"share", share},
                    {"folder", workspace_ / "capture"},
                    {"endpoint", "order-triage"}};
    ServerOptions with_config = options;
    with_config.flags.insert(
        with_config.flags.end(),
        {"--config", workspace_.Write("config.json", json{{"hooks", {hook}}}.dump())});
    server_.emplace(workspace_, with_config);
    server_->WaitUntilAllReady();
    connection_.emplace(server_->endpoint());
    return *server_;
  }

  Answer Ask(const Request& request) {
    Exchange exchange = connection_->Ask(request);
    EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
    return exchange.answer;
  }

  /// Every line of every capture file. Of a file that is being written the last one may be cut.
  [[nodiscard]] std::vector<json> Captured() const {
    std::vector<json> lines;
    std::error_code absent;
    for (const auto& entry : fs::recursive_directory_iterator(workspace_ / "capture", absent)) {
      if (entry.path().extension() != ".jsonl") continue;
      std::istringstream stream(ReadWhole(entry.path()));
      for (std::string line; std::getline(stream, line);) {
        const bool is_whole = !stream.eof();
        if (is_whole || !server_->running()) lines.push_back(json::parse(line));
      }
    }
    return lines;
  }
  /// How often each request id was captured.
  [[nodiscard]] std::map<std::string, int> CapturedIds() const {
    std::map<std::string, int> ids;
    for (const json& line : Captured()) ++ids[line.at("forkcast").at("requestId")];
    return ids;
  }

  Workspace workspace_;
  std::optional<Server> server_;
  std::optional<HttpConnection> connection_;
};

TEST_F(Capture, WithShareOneHasEveryInvocationOnceUnderTheIdOfItsAnswer) {
  Server& server = Start(1);
  std::map<std::string, int> asked;
  for (std::size_t round = 0; round < 10; ++round) {
    for (int i = 0; i < 20; ++i) ++asked[Ask(OneOrder()).Header("x-request-id")];
    // A full socket may drop; twenty fit. The last ones are left for the stop.
    if (round == 9) break;
    ASSERT_TRUE(Eventually([&] { return Captured().size() == (round + 1) * 20; }));
  }
  Ask({.headers = "X-Request-Id: refused\r\n", .body = "{}"});
  ++asked["refused"];
  EXPECT_EQ(asked.size(), 201U);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(CapturedIds(), asked);
  EXPECT_EQ(server.CountInLog("recorder_stopped written=201 dropped=0"), 1U) << server.log();
}

TEST_F(Capture, ALineHoldsRequestFeaturesAnswerAndWhoAsked) {
  Server& server = Start(1);
  Request order = OneOrder();
  order.headers +=
      "X-Amzn-SageMaker-Inference-Id: inference-1\r\n"
      "X-Amzn-SageMaker-Custom-Attributes: trace=7\r\n";
  const Answer answer = Ask(order);
  EXPECT_EQ(answer.Header("x-amzn-sagemaker-custom-attributes"), "trace=7");
  EXPECT_EQ(server.Stop(), 0);
  const std::vector<json> lines = Captured();
  ASSERT_EQ(lines.size(), 1U);
  const json& line = lines.front();
  EXPECT_EQ(line.at("captureData").at("endpointInput").at("data"), order.body);
  EXPECT_EQ(line.at("captureData").at("endpointOutput").at("data"), answer.body);
  EXPECT_EQ(line.at("eventMetadata").at("inferenceId"), "inference-1");
  EXPECT_EQ(line.at("eventMetadata").at("customAttributes"), json({"trace=7"}));
  EXPECT_EQ(line.at("forkcast").at("requestId"), "inference-1");
  EXPECT_EQ(line.at("forkcast").at("status"), 200);
  EXPECT_EQ(line.at("forkcast").at("rows").at(0).at("features").at("order_hour_of_day"), 10);
}

TEST_F(Capture, SamplesARetryAsTheFirstTryWhicheverWorkerAnswers) {
  Server& server = Start(0.5, {.workers = 2});
  constexpr int kIds = 60;
  for (int i = 0; i < kIds; ++i) {
    const Request order = OrderWithId("retry-" + std::to_string(i));
    // Workers take new connections in turn.
    for (int attempt = 0; attempt < 2; ++attempt) AskOnce(server.endpoint(), order);
  }
  EXPECT_EQ(server.Stop(), 0);
  const auto ids = CapturedIds();
  // That few or all of 60 are sampled has a probability below 1e-7; which ones is fixed.
  EXPECT_GT(ids.size(), 10U);
  EXPECT_LT(ids.size(), 50U);
  for (const auto& [id, count] : ids) EXPECT_EQ(count, 2) << id;
}

TEST_F(Capture, ARecordersDeathDisturbsNoAnswerAndAnotherOneGoesOn) {
  Server& server = Start(1);
  EXPECT_EQ(Ask(OrderWithId("before")).status, 200);
  ASSERT_TRUE(Eventually([&] { return CapturedIds().contains("before"); }));
  const pid_t victim = server.recorder();
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("child_killed recorder") == 1; }));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Ask(OrderWithId("meanwhile")).status, 200);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("recorder_ready") == 2; })) << server.log();
  EXPECT_NE(server.recorder(), victim);
  EXPECT_EQ(Ask(OrderWithId("after")).status, 200);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_TRUE(CapturedIds().contains("after"));
}

TEST_F(Capture, AStoppedRecorderCostsSamplesAndNoAnswer) {
  Server& server = Start(1, {.workers = 1});
  ::kill(server.recorder(), SIGSTOP);
  // Far more than the socket holds.
  Request order = OneOrder();
  order.body.append(20'000, ' ');
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(Ask(order).status, 200);
  ::kill(server.recorder(), SIGCONT);
  ASSERT_TRUE(Eventually([&] {
    EXPECT_EQ(Ask(OrderWithId("after")).status, 200);
    return CapturedIds().contains("after");
  }));
  EXPECT_LT(Captured().size(), 2000U);
}

TEST_F(Capture, AFolderThatCanNoLongerBeWrittenCostsALogLineAndNoAnswer) {
  Server& server = Start(1);
  fs::remove_all(workspace_ / "capture");
  workspace_.Write("capture", "a file where the folder should be");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Ask(OneOrder()).status, 200);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("capture_write_failed") == 1; }))
      << server.log();
}

TEST(Log, NamesTheRequestIdOfWhatFailed) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  const Server server(workspace, {.workers = 1, .flags = {"--log-level", "debug"}});
  server.WaitUntilAllReady();
  const Answer answer =
      AskOnce(server.endpoint(), {.headers = "X-Request-Id: my-7\r\n", .body = "{}"});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("\"request_id\":\"my-7\""));
  EXPECT_THAT(server.log(), HasSubstr("request_id=\"my-7\" status=400"));
}

TEST_F(Capture, NoProcessOfTheServerHoldsALibraryOfTraining) {
  const Server& server = Start(1);
  for (const pid_t pid : {server.pid(), server.worker(0), server.worker(1), server.recorder()}) {
    const std::string maps = ReadWhole("/proc/" + std::to_string(pid) + "/maps");
    EXPECT_THAT(maps, HasSubstr("/bin/forkcast\n"));
    for (const char* library : {"libxgboost", "libgomp", "libdmlc"}) {
      EXPECT_THAT(maps, testing::Not(HasSubstr(library))) << pid;
    }
  }
}

}  // namespace
}  // namespace forkcast::process_test
