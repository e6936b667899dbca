#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;
using WhenRefused = LoadOptions::WhenRefused;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::size_t kSomeAnswers = 100;  // of each kind of client

class StoppingWithWork : public testing::Test {
 protected:
  Server& Start(const ServerOptions& options) {
    Server& server = faulty_.Start(options);
    server.WaitUntilAllReady();
    return server;
  }
  /// Sends a request that is in work until Release().
  HttpConnection BeginRequest(const Server& server) {
    HttpConnection connection(server.endpoint());
    connection.Send(ToBytes(FaultyRequest("until=" + gate().string())));
    EXPECT_TRUE(Eventually([this] { return std::filesystem::exists(gate().string() + ".begun"); }))
        << server.log();
    return connection;
  }
  void Release() { faulty_.workspace().Write("gate", ""); }

  FaultyServer faulty_;

 private:
  std::filesystem::path gate() { return faulty_.workspace() / "gate"; }
};

TEST_F(StoppingWithWork, ByTermAnswersAllThatHasComeAndThenRefuses) {
  Server& server = Start({.bind = Bind::kBoth, .workers = 2});
  MixedLoad load(server, WhenRefused::kStop);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  const LoadReport report = load.Join();
  EXPECT_EQ(report.failed(), report.failed(Outcome::kRefused)) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
  EXPECT_EQ(report.wrong_ids, 0U);
}

TEST_F(StoppingWithWork, ByTermDuringAReloadDoesTheSame) {
  Server& server = Start({.bind = Bind::kBoth, .workers = 2});
  MixedLoad load(server, WhenRefused::kStop);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  faulty_.OrderBoots("hang");
  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("reload_begun") == 1; }));
  server.Signal(SIGTERM);
  const auto begun = Clock::now();
  EXPECT_EQ(server.Wait(), 0) << server.log();
  // Whoever is still loading has nothing to finish.
  EXPECT_LT(Clock::now() - begun, 5s * kSlowdown) << server.log();
  const LoadReport report = load.Join();
  EXPECT_EQ(report.failed(), report.failed(Outcome::kRefused)) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
}

TEST_F(StoppingWithWork, ByTermWaitsForARequestOfThreeSeconds) {
  Server& server = Start({.workers = 1});
  HttpConnection connection(server.endpoint());
  connection.Send(ToBytes(FaultyRequest("sleep_ms=3000")));
  server.Signal(SIGTERM);
  const Exchange exchange = connection.Receive();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.answer.status, 200);
  EXPECT_EQ(server.Wait(), 0) << server.log();
}

TEST_F(StoppingWithWork, RefusesARequestThatTakesLongerThanTheGracefulTimeout) {
  Server& server = Start({.workers = 1, .flags = {"--graceful-timeout", "1"}});
  HttpConnection connection = BeginRequest(server);
  const auto asked = Clock::now();
  server.Signal(SIGTERM);
  // The ladder's first step: the timeout is over.
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("signal=Terminated") == 1; }))
      << server.log();
  Release();
  const Exchange exchange = connection.Receive();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered) << server.log();
  EXPECT_EQ(exchange.answer.status, 503);
  EXPECT_TRUE(exchange.answer.closes());
  EXPECT_EQ(server.Wait(), 0) << server.log();
  EXPECT_LT(Clock::now() - asked, 1s + 3s * kSlowdown) << server.log();
  EXPECT_EQ(server.CountInLog("stopped code=0 clipped=1"), 1U) << server.log();
}

TEST_F(StoppingWithWork, EndsARequestThatNeverComesBack) {
  Server& server =
      Start({.workers = 2, .flags = {"--graceful-timeout", "1"}, .ends = Ends::kAnyHow});
  HttpConnection connection(server.endpoint());
  Request request = FaultyRequest("hang");
  request.headers += "X-Request-Id: never-back\r\n";
  connection.Send(ToBytes(request));
  const auto asked = Clock::now();
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  EXPECT_LT(Clock::now() - asked, 1s + 3s * kSlowdown) << server.log();
  EXPECT_TRUE(connection.IsClosedByServer());
  EXPECT_THAT(server.log(), HasSubstr("worker_aborted request_id=\"never-back\""));
}

TEST_F(StoppingWithWork, ByQuitTakesTwoSecondsAtMost) {
  Server& server = Start({.workers = 2, .ends = Ends::kAnyHow});
  HttpConnection connection = BeginRequest(server);
  const auto asked = Clock::now();
  server.Signal(SIGQUIT);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  EXPECT_LT(Clock::now() - asked, 2s + 1s * kSlowdown);
}

TEST_F(StoppingWithWork, ByASecondIntHappensAtOnce) {
  Server& server = Start({.workers = 2, .ends = Ends::kAnyHow});
  HttpConnection connection = BeginRequest(server);
  server.Signal(SIGINT);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("stopping signal") == 1; }));
  const auto asked = Clock::now();
  server.Signal(SIGINT);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  EXPECT_LT(Clock::now() - asked, 1s * kSlowdown);
}

}  // namespace
}  // namespace forkcast::process_test
