#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>

#include "data_preprocessing/document/json.hpp"
#include "support/load.hpp"
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
  /// `further`: settings of the hook.
  Server& Start(double share, const ServerOptions& options = {},
                const json& further = json::object()) {
    workspace_.Ingest(SampleData());
    json hook{{"type", "capture"},
              {"share", share},
              {"folder", workspace_ / "capture"},
              {"endpoint", "order-triage"}};
    hook.update(further);
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
  /// Records in the files, as a strict reader of the form counts them.
  [[nodiscard]] std::size_t CountStrictly() const {
    const std::string counted = RunToEnd(
        workspace_ / "read",
        {"/usr/bin/python3", kSource / "tests/support/read_captures.py", workspace_ / "capture"});
    return std::stoul(counted);
  }
  /// What `forkcast capture` prints of the store.
  [[nodiscard]] std::string AskStore(std::vector<std::string> words) const {
    words.insert(words.begin(), {kForkcast, "capture"});
    words.insert(words.end(), {"--store", workspace_ / "captures.db"});
    return RunToEnd(workspace_ / "ask", words);
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
  Server& server = Start(1, {}, {{"statuses", "all"}});
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
  EXPECT_EQ(CountStrictly(), 201U);
}

TEST_F(Capture, HasNoFailedInvocationUnlessToldTo) {
  Server& server = Start(1);
  EXPECT_EQ(Ask({.headers = "X-Request-Id: refused\r\n", .body = "{}"}).status, 400);
  EXPECT_EQ(Ask(OrderWithId("answered")).status, 200);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(CapturedIds(), (std::map<std::string, int>{{"answered", 1}}));
}

TEST_F(Capture, OfBoundedFilesIsReadableToTheLastLineAfterDeathsAndFreezesUnderLoad) {
  Server& server = Start(1, {.workers = 2},
                         {{"max_file_bytes", 20'000},
                          {"compress", true},
                          {"keep_files", 40},
                          {"max_total_bytes", 2'000'000}});
  Load load(server.endpoint(), {.clients = 4, .request = OneOrder()});
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(load.WaitForMore(200));
    ::kill(server.recorder(), SIGSTOP);
    ASSERT_TRUE(load.WaitForMore(200));
    ::kill(server.recorder(), SIGCONT);
    ASSERT_TRUE(load.WaitForMore(200));
    const std::size_t ready = server.CountInLog("recorder_ready");
    ::kill(server.recorder(), SIGKILL);
    ASSERT_TRUE(Eventually([&] { return server.CountInLog("recorder_ready") == ready + 1; }))
        << server.log();
  }
  const LoadReport report = load.Stop();
  EXPECT_EQ(report.failed(), 0U) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_GT(CountStrictly(), 0U);
  std::size_t files = 0;
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(workspace_ / "capture")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    bytes += entry.file_size();
  }
  EXPECT_LE(files, 40U);
  EXPECT_LE(bytes, 2'000'000U);
}

TEST_F(Capture, IntoAStoreIsListedShownAndExported) {
  Server& server = Start(1, {}, {{"store", workspace_ / "captures.db"}, {"statuses", "all"}});
  EXPECT_EQ(Ask(OrderWithId("first")).status, 200);
  EXPECT_EQ(Ask({.headers = "X-Request-Id: refused\r\n", .body = "{}"}).status, 400);
  EXPECT_EQ(Ask(OrderWithId("last")).status, 200);
  EXPECT_EQ(server.Stop(), 0);

  const json all = json::parse(AskStore({"list", "--json"}));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].at("request_id"), "first");
  EXPECT_EQ(all[1].at("status"), 400);
  EXPECT_EQ(json::parse(AskStore({"list", "--json", "--status", "4xx"})).size(), 1U);
  EXPECT_EQ(json::parse(AskStore({"list", "--json", "--limit", "1"}))[0].at("request_id"), "last");
  EXPECT_EQ(json::parse(AskStore({"list", "--json", "--until", "2020-01-01"})).size(), 0U);
  EXPECT_THAT(AskStore({"list", "--status", "200"}),
              testing::AllOf(HasSubstr("request id"), HasSubstr("first"), HasSubstr("last"),
                             testing::Not(HasSubstr("refused"))));

  const json shown = json::parse(AskStore({"show", "first"}));
  EXPECT_EQ(shown.at("request").at("data"), OneOrder().body);
  EXPECT_EQ(shown.at("features").at(0).at("features").at("order_hour_of_day"), 10);

  const json row = json::parse(AskStore({"export", "--limit", "1"}));
  EXPECT_EQ(row.at("request").at("order_id"), row.at("answer").at("order_id"));
  const std::string csv = AskStore({"export", "--format", "csv", "--status", "2xx"});
  EXPECT_THAT(csv, testing::StartsWith("id,received,deployment,model_version,request_id,status,row,"
                                       "request."));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 3);
}

TEST_F(Capture, HasNoDroppedFieldAndOfHashedOnesTheSameHashInJsonAndCsv) {
  Server& server = Start(1, {},
                         {{"drop_fields", {"zip_code"}},
                          {"hash_fields",
                           {{"names", {"order_id"}},
                            {"key_file", workspace_.Write("key", "0123456789abcdef\n").string()}}},
                          {"store", workspace_ / "captures.db"}});
  const Request order = OneOrder();
  EXPECT_EQ(Ask(order).status, 200);
  const json fields = json::parse(order.body);
  std::string names;
  std::string values;
  for (const auto& [name, value] : fields.items()) {
    names += (names.empty() ? "" : ",") + name;
    values +=
        (values.empty() ? "" : ",") + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  EXPECT_EQ(
      Ask({.headers = "Content-Type: text/csv\r\n", .body = names + "\n" + values + "\n"}).status,
      200);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(CountStrictly(), 2U);
  const std::vector<json> lines = Captured();
  ASSERT_EQ(lines.size(), 2U);
  const std::string id =
      json::parse(lines[0].at("captureData").at("endpointInput").at("data").get<std::string>())
          .at("order_id");
  EXPECT_EQ(id.size(), 64U);
  EXPECT_THAT(lines[1].at("captureData").at("endpointInput").at("data").get<std::string>(),
              HasSubstr(id));
  for (const auto& entry : fs::recursive_directory_iterator(workspace_ / "")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("captures.db") && entry.path().extension() != ".jsonl") continue;
    EXPECT_THAT(ReadWhole(entry.path()),
                testing::Not(HasSubstr(fields.at("order_id").get<std::string>())))
        << name;
    // Its name is in that of a feature, too.
    EXPECT_THAT(ReadWhole(entry.path()),
                testing::Not(HasSubstr(fields.at("zip_code").get<std::string>())))
        << name;
  }
}

TEST_F(Capture, OfSixMegabytesHoldsUpNoOtherRequest) {
  Server& server = Start(1, {.workers = 1});
  std::string body = "[";
  const std::string one = OneOrder().body;
  constexpr int kMostOrders = 20'000;
  for (int i = 0; i < kMostOrders && body.size() + one.size() + 2 < 6'000'000; ++i) {
    body += (i > 0 ? "," : "") + one;
  }
  body += "]";
  EXPECT_EQ(
      Ask({.headers = "Content-Type: application/json\r\nX-Request-Id: great\r\n", .body = body})
          .status,
      200);
  ASSERT_TRUE(Eventually([&] { return CapturedIds().contains("great"); })) << server.log();
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(CountStrictly(), 1U);
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
