#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdint>
#include <regex>
#include <sstream>
#include <string>
#include <thread>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

constexpr std::size_t kSomeAnswers = 100;

/// The value of a series, 0 when it is not there.
std::uint64_t ValueOf(const std::string& series, const std::string& scraped) {
  std::istringstream lines(scraped);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return std::stoull(line.substr(series.size() + 1));
  }
  return 0;
}

std::string Scrape(const Server& server) {
  const Answer answer = AskOnce(server.endpoint(), {.method = "GET", .target = "/metrics"});
  EXPECT_EQ(answer.status, 200);
  return answer.body;
}

const std::string kAnswered =
    R"(forkcast_requests_total{deployment="order_triage",route="/invocations",code="200"})";
const std::string kTimed =
    R"(forkcast_request_duration_seconds_count{deployment="order_triage",route="/invocations"})";

/// Asks for the metrics again and again, each time on a connection of its own.
class Scraper {
 public:
  explicit Scraper(const Server& server) : thread_([this, &server] { Run(server.endpoint()); }) {}
  ~Scraper() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::size_t scrapes = 0;  ///< Of the rest, once it is stopped.
  std::size_t failed = 0;
  std::size_t went_back = 0;

 private:
  void Run(const Endpoint& endpoint) {
    std::uint64_t before = 0;
    while (!stop_) {
      HttpConnection connection(endpoint);
      const Exchange exchange = connection.Ask({.method = "GET", .target = "/metrics"});
      ++scrapes;
      if (exchange.outcome != Outcome::kAnswered || exchange.answer.status != 200) {
        ++failed;
        continue;
      }
      const std::uint64_t now = ValueOf(kAnswered, exchange.answer.body);
      if (now < before) ++went_back;
      before = now;
    }
  }

  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class ServerMetrics : public testing::Test {
 protected:
  Server& Start(std::vector<std::string> flags = {}) {
    Server& server = faulty_.Start({.workers = 2, .flags = std::move(flags)});
    server.WaitUntilAllReady();
    return server;
  }
  static LoadOptions Clients() { return {.clients = 4, .request = OneOrder()}; }

  FaultyServer faulty_;
};

TEST_F(ServerMetrics, AddUpToWhatClientsGotThroughReloadsAndRecycling) {
  Server& server = Start({"--max-requests", "150", "--max-requests-jitter", "50"});
  Scraper scraper(server);
  Load load(server.endpoint(), Clients());
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("recycling requests=") >= 3; }))
      << server.log();
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  scraper.Stop();
  EXPECT_EQ(report.failed(), 0U) << report;
  EXPECT_GT(scraper.scrapes, 1U);
  EXPECT_EQ(scraper.failed, 0U);
  EXPECT_EQ(scraper.went_back, 0U);
  const std::string scraped = Scrape(server);
  EXPECT_EQ(ValueOf(kAnswered, scraped), report.answered()) << scraped;
  EXPECT_EQ(ValueOf(kTimed, scraped), report.answered()) << scraped;
}

/// What a killed worker had counted when it could not send it is counted all the same.
TEST_F(ServerMetrics, LoseNothingWithAWorkerThatIsKilled) {
  Server& server = Start();
  Load load(server.endpoint(), Clients());
  for (std::size_t kills = 0; kills < 3; ++kills) {
    ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
    const std::size_t starts = server.starts(0);
    ::kill(server.worker(0), SIGKILL);
    ASSERT_TRUE(Eventually([&] { return server.starts(0) > starts; })) << server.log();
  }
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  const std::string scraped = Scrape(server);
  EXPECT_GE(ValueOf(kAnswered, scraped), report.answered()) << report;
  EXPECT_LE(ValueOf(kAnswered, scraped), report.answered() + report.failed()) << report;
  EXPECT_EQ(ValueOf("forkcast_restarts_total", scraped), 3U) << scraped;
  EXPECT_EQ(ValueOf(R"(forkcast_workers{state="ready"})", scraped), 2U) << scraped;
}

TEST_F(ServerMetrics, AreNotAnsweredWhereTheyAreOff) {
  Server& server = Start({"--metrics", "off"});
  EXPECT_EQ(AskOnce(server.endpoint(), {.method = "GET", .target = "/metrics"}).status, 404);
}

}  // namespace
}  // namespace forkcast::process_test
