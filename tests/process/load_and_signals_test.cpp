#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <ostream>

#include "support/load.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

using Bind = ServerOptions::Bind;
using Connections = LoadOptions::Connections;
using WhenRefused = LoadOptions::WhenRefused;
using testing::HasSubstr;
using namespace std::chrono_literals;

class ServerUnderTest : public testing::Test {
 protected:
  ServerUnderTest() { workspace_.Ingest(SampleData()); }

  Server& Start(const ServerOptions& options = {}) {
    server_.emplace(workspace_, options);
    server_->WaitUntilAllReady();
    return *server_;
  }
  /// All processes of the server but the master.
  static std::vector<ProcessWatch> WatchChildren(const Server& server) {
    std::vector<ProcessWatch> watches;
    for (const pid_t child : ChildrenOf(server.pid())) watches.emplace_back(child);
    return watches;
  }
  std::string CaptureConfig() const {
    return workspace_.Write("config.json",
                            R"({"hooks": [{"type": "capture", "share": 1, "folder": ")" +
                                (workspace_ / "capture").string() + R"(", "endpoint": "e"}]})");
  }

  Workspace workspace_;
  std::optional<Server> server_;
};

// ---- death of a process ----

using AWorkersDeath = ServerUnderTest;

TEST_F(AWorkersDeath, CostsOnlyWhatItWasAnswering) {
  Server& server = Start({.workers = 2});
  const std::size_t own = CountSockets(server.worker(0));
  Load load(server.endpoint(), {.clients = 8, .request = OneOrder()});
  ASSERT_TRUE(load.WaitForMore(500));
  const pid_t victim = server.worker(0);
  const std::size_t held = CountSockets(victim) - own;
  ::kill(victim, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return server.starts(0) == 2; })) << server.log();
  EXPECT_TRUE(load.WaitForMore(500));
  const LoadReport report = load.Stop();
  ExpectNoMoreFailedThan(held, report);
  EXPECT_NE(server.worker(0), victim);
  EXPECT_THAT(server.log(), HasSubstr("out of memory?"));
}

TEST_F(AWorkersDeath, LeavesPingAtTwoHundredWhileAnotherIsReady) {
  Server& server = Start({.workers = 2});
  for (int round = 0; round < 3; ++round) {
    ::kill(server.worker(1), SIGKILL);
    EXPECT_EQ(Ping(server.endpoint()), 200);
    const auto starts = static_cast<std::size_t>(round) + 2;
    EXPECT_TRUE(Eventually([&] { return server.starts(1) == starts; })) << server.log();
  }
}

TEST_F(AWorkersDeath, ByTermIsAnsweredByARestartAndNoFailure) {
  Server& server = Start({.workers = 2});
  Load load(server.endpoint(), {.clients = 8, .request = OneOrder()});
  ASSERT_TRUE(load.WaitForMore(500));
  ::kill(server.worker(0), SIGTERM);
  EXPECT_TRUE(Eventually([&] { return server.starts(0) == 2; })) << server.log();
  EXPECT_TRUE(load.WaitForMore(500));
  const LoadReport report = load.Stop();
  EXPECT_EQ(report.failed(), 0U) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
}

using TheMastersDeath = ServerUnderTest;

TEST_F(TheMastersDeath, TakesAllProcessesAlongAndFreesPortAndSocket) {
  const std::string config = CaptureConfig();
  Server& first = Start({.bind = Bind::kBoth, .flags = {"--config", config}, .name = "first"});
  const std::vector<ProcessWatch> children = WatchChildren(first);
  ASSERT_EQ(children.size(), 3U);
  // Kept connections must not keep their workers.
  HttpConnection idle(first.endpoint());
  ASSERT_EQ(idle.Ask(OneOrder()).outcome, Outcome::kAnswered);
  const std::uint16_t port = first.endpoint().port;
  first.Signal(SIGKILL);
  const auto until = std::chrono::steady_clock::now() + 2s;
  EXPECT_EQ(first.Wait(), -SIGKILL);
  for (const ProcessWatch& child : children) {
    const auto left = until - std::chrono::steady_clock::now();
    EXPECT_TRUE(child.EndsWithin(std::chrono::ceil<std::chrono::milliseconds>(left)));
  }
  Server second(workspace_, {.bind = Bind::kBoth, .port = port, .name = "second"});
  second.WaitUntilAllReady();
  EXPECT_EQ(AskOnce(second.endpoint(), OneOrder()).status, 200);
  EXPECT_EQ(AskOnce(second.unix_endpoint(), OneOrder()).status, 200);
}

// ---- stopping ----

struct StopCase {
  const char* name;
  int signal;
};

class StopSignal : public ServerUnderTest, public testing::WithParamInterface<StopCase> {};

TEST_P(StopSignal, EndsAnIdleServerWithinTwoSeconds) {
  Server& server = Start({.bind = Bind::kBoth, .flags = {"--config", CaptureConfig()}});
  const std::vector<ProcessWatch> children = WatchChildren(server);
  HttpConnection idle(server.endpoint());
  ASSERT_EQ(idle.Ask(OneOrder()).outcome, Outcome::kAnswered);
  server.Signal(GetParam().signal);
  EXPECT_EQ(server.Wait(2s), 0) << server.log();
  for (const ProcessWatch& child : children) EXPECT_FALSE(child.alive());
  EXPECT_EQ(server.CountInLog("child_killed"), 0U) << server.log();
  EXPECT_TRUE(idle.IsClosedByServer());
  EXPECT_FALSE(std::filesystem::exists(server.unix_endpoint().socket));
}

INSTANTIATE_TEST_SUITE_P(Signals, StopSignal,
                         testing::Values(StopCase{"Term", SIGTERM}, StopCase{"Int", SIGINT},
                                         StopCase{"Quit", SIGQUIT}),
                         [](const auto& param) { return std::string(param.param.name); });

struct TermCase {
  const char* name;
  Bind bind;
  Connections connections;
};

class TermUnderLoad : public ServerUnderTest, public testing::WithParamInterface<TermCase> {};

TEST_P(TermUnderLoad, AnswersWhatHasComeAndThenRefuses) {
  Server& server = Start({.bind = GetParam().bind, .workers = 2});
  const std::vector<ProcessWatch> children = WatchChildren(server);
  Load load(server.endpoint(), {.clients = 8,
                                .connections = GetParam().connections,
                                .when_refused = WhenRefused::kStop,
                                .request = OneOrder()});
  ASSERT_TRUE(load.WaitForMore(500));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  for (const ProcessWatch& child : children) EXPECT_FALSE(child.alive());
  const LoadReport report = load.Join();
  EXPECT_EQ(report.failed(), report.failed(Outcome::kRefused)) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
  EXPECT_EQ(report.wrong_ids, 0U);
}

INSTANTIATE_TEST_SUITE_P(Clients, TermUnderLoad,
                         testing::Values(TermCase{"KeptTcp", Bind::kTcp, Connections::kKept},
                                         TermCase{"NewTcp", Bind::kTcp, Connections::kNewForEach},
                                         TermCase{"KeptUnix", Bind::kUnix, Connections::kKept},
                                         TermCase{"NewUnix", Bind::kUnix,
                                                  Connections::kNewForEach}),
                         [](const auto& param) { return std::string(param.param.name); });

using Stopping = ServerUnderTest;

TEST_F(Stopping, AnswersWhatWaitsInTheBacklog) {
  Server& server = Start({.workers = 2});
  for (const std::size_t index : {0U, 1U}) ::kill(server.worker(index), SIGSTOP);
  const Endpoint endpoint = server.endpoint();
  std::vector<std::unique_ptr<HttpConnection>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<HttpConnection>(endpoint));
    waiting.back()->Send(ToBytes(OneOrder()));
  }
  server.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("stopping signal") == 1; }));
  for (const std::size_t index : {0U, 1U}) ::kill(server.worker(index), SIGCONT);
  for (auto& connection : waiting) {
    const Exchange exchange = connection->Receive();
    EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
    EXPECT_EQ(exchange.answer.status, 200);
  }
  EXPECT_EQ(server.Wait(), 0) << server.log();
}

TEST_F(Stopping, WaitsForABodyThatIsOnItsWay) {
  Server& server = Start({.workers = 1});
  const Request order = OneOrder();
  HttpConnection connection(server.endpoint());
  connection.Send(
      "POST /invocations HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: " +
      std::to_string(order.body.size()) + "\r\n\r\n");
  ASSERT_EQ(connection.Receive().answer.status, 100);
  server.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog(" draining ") == 1; }));
  connection.Send(order.body);
  const Exchange exchange = connection.Receive();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.answer.status, 200);
  EXPECT_TRUE(exchange.answer.closes());
  EXPECT_EQ(server.Wait(), 0) << server.log();
}

TEST_F(Stopping, DoesNotWaitLongerThanTheGracefulTimeout) {
  Server& server = Start({.workers = 1, .flags = {"--graceful-timeout", "1"}});
  HttpConnection connection(server.endpoint());
  connection.Send(
      "POST /invocations HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Content-Length: 10\r\n\r\n");
  ASSERT_EQ(connection.Receive().answer.status, 100);
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(5s), 0) << server.log();
  // The worker still says so, where the master's clock, which runs as long, leaves it the time.
  const Exchange last = connection.Receive();
  if (last.outcome == Outcome::kAnswered) {
    EXPECT_EQ(last.answer.status, 503);
  }
  EXPECT_TRUE(connection.IsClosedByServer());
}

// ---- what does not stop it ----

using StraySignals = ServerUnderTest;

TEST_F(StraySignals, DoNotHurtAWorkerOrTheRecorder) {
  Server& server = Start({.workers = 1, .flags = {"--config", CaptureConfig()}});
  for (const pid_t pid : {server.worker(0), server.recorder()}) {
    const ProcessWatch watch(pid);
    for (const int signal :
         {SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGINT, SIGQUIT, SIGTTIN, SIGTTOU, SIGPIPE}) {
      if (pid == server.recorder() && (signal == SIGUSR1 || signal == SIGUSR2)) continue;
      SCOPED_TRACE(::strsignal(signal));
      ::kill(pid, signal);
      EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
      ASSERT_TRUE(watch.alive()) << server.log();
    }
  }
}

// ---- how connections spread ----

using Spread = ServerUnderTest;

TEST_F(Spread, FourWorkersHoldAboutAsManyOfFourHundredConnections) {
  constexpr std::size_t kWorkers = 4;
  constexpr std::size_t kConnections = 400;
  Server& server = Start({.workers = kWorkers});
  std::array<std::size_t, kWorkers> own{};
  for (std::size_t i = 0; i < kWorkers; ++i) own[i] = CountSockets(server.worker(i));
  const auto held = [&] {
    std::array<std::size_t, kWorkers> counts{};
    for (std::size_t i = 0; i < kWorkers; ++i) counts[i] = CountSockets(server.worker(i)) - own[i];
    return counts;
  };
  const Endpoint endpoint = server.endpoint();
  std::vector<std::unique_ptr<HttpConnection>> idle;
  for (std::size_t i = 0; i < kConnections; ++i) {
    idle.push_back(std::make_unique<HttpConnection>(endpoint));
    ASSERT_EQ(idle.back()->Ask(OneOrder()).outcome, Outcome::kAnswered);
  }
  // 100 each when they take turns.
  EXPECT_THAT(held(), testing::Each(testing::Le(kConnections / kWorkers * 13 / 10)));
}

}  // namespace
}  // namespace forkcast::process_test
