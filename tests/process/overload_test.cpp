#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// ---- bodies as large as may be ----

constexpr std::size_t kOrders = 40'000;
constexpr std::size_t kLargestBody = 6'291'456;

std::string IdOf(std::size_t order) { return "o-" + std::to_string(100'000 + order); }

struct FormatCase {
  std::string name;
  std::string type;
  std::string begin;
  std::string separator;
  std::string end;
};

void PrintTo(const FormatCase& one, std::ostream* out) { *out << one.name; }

const FormatCase kJson{"Json", "application/json", "[", ",", "]"};
const FormatCase kInstances{"Instances", "application/json", R"({"instances":[)", ",", "]}"};
const FormatCase kJsonLines{"JsonLines", "application/jsonlines", "", "\n", "\n"};
const FormatCase kCsv{"Csv", "text/csv", "note,order_id,timestamp,sku_code,zip_code\n", "\n", "\n"};

/// Orders with a note of such a length that the whole is as long as a body may be.
std::string LargestBody(const FormatCase& format) {
  const auto row = [&](std::size_t order, const std::string& note) {
    const std::string time = "2024-02-10 10:56:36";
    if (format.name == kCsv.name) {
      return note + "," + IdOf(order) + "," + time + ",8595481331792,94234";
    }
    return R"({"note":")" + note + R"(","order_id":")" + IdOf(order) + R"(","timestamp":")" + time +
           R"(","sku_code":"8595481331792","zip_code":"94234"})";
  };
  const std::size_t frame = format.begin.size() + format.end.size() - format.separator.size();
  const std::size_t bare = row(0, "").size() + format.separator.size();
  const std::size_t notes = kLargestBody - frame - bare * kOrders;
  std::string body = format.begin;
  for (std::size_t i = 0; i < kOrders; ++i) {
    // The first ones take what does not divide evenly.
    const std::size_t size = notes / kOrders + (i < notes % kOrders ? 1 : 0);
    if (i > 0) body += format.separator;
    body += row(i, std::string(size, 'n'));
  }
  return body + format.end;
}

/// The ids in the order of the answer.
std::vector<std::string> IdsIn(const std::string& answer) {
  std::vector<std::string> ids;
  for (std::size_t at = answer.find("o-1"); at != std::string::npos;
       at = answer.find("o-1", at + 1)) {
    ids.push_back(answer.substr(at, IdOf(0).size()));
  }
  return ids;
}

class TheLargestBody : public testing::TestWithParam<FormatCase> {};

TEST_P(TheLargestBody, IsAnsweredInOrderWhileTheSameWorkerAnswersOthers) {
  Workspace workspace;
  workspace.Ingest(SampleData());
  Server server(workspace, {.workers = 1});
  server.WaitUntilReady();
  const std::string body = LargestBody(GetParam());
  ASSERT_EQ(body.size(), kLargestBody);
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < kOrders; ++i) expected.push_back(IdOf(i));

  Load others(server.endpoint(), {.clients = 2, .request = OneOrder()});
  ASSERT_TRUE(others.WaitForMore(10));
  HttpConnection connection(server.endpoint());
  for (int round = 0; round < 3; ++round) {
    const Exchange exchange =
        connection.Ask({.headers = "Content-Type: " + GetParam().type + "\r\n", .body = body});
    ASSERT_EQ(exchange.outcome, Outcome::kAnswered);
    ASSERT_EQ(exchange.answer.status, 200) << exchange.answer.body.substr(0, 300);
    EXPECT_EQ(IdsIn(exchange.answer.body), expected);
  }
  EXPECT_TRUE(others.WaitForMore(10));
  EXPECT_TRUE(LostNothing(others.Stop()));
}

INSTANTIATE_TEST_SUITE_P(Formats, TheLargestBody,
                         testing::Values(kJson, kInstances, kJsonLines, kCsv),
                         [](const auto& param) { return param.param.name; });

// ---- more requests than a worker can answer ----

/// What clients that ask without a pause were told, and how long they waited for it.
class TimedLoad {
 public:
  TimedLoad(const Endpoint& endpoint, std::size_t clients, const Request& request) {
    for (std::size_t i = 0; i < clients; ++i) {
      threads_.emplace_back([this, endpoint, clients, request] {
        HttpConnection connection(endpoint);
        connection.Ask(OneOrder());  // until it is accepted it waits for a free worker, not in one
        ++connected_;
        while (connected_ < clients && !stop_) std::this_thread::yield();
        while (!stop_) {
          const Clock::time_point begin = Clock::now();
          const Exchange exchange = connection.Ask(request);
          Note(exchange, Clock::now() - begin);
          if (exchange.outcome != Outcome::kAnswered) return;
        }
      });
    }
  }
  TimedLoad(const TimedLoad&) = delete;
  TimedLoad& operator=(const TimedLoad&) = delete;
  ~TimedLoad() { Stop(); }

  void Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  [[nodiscard]] std::size_t count(int status) {
    const std::lock_guard lock(mutex_);
    return waits_[status].size();
  }
  [[nodiscard]] milliseconds longest(int status) {
    const std::lock_guard lock(mutex_);
    return std::chrono::duration_cast<milliseconds>(*std::ranges::max_element(waits_[status]));
  }
  /// Of all that was answered.
  [[nodiscard]] std::size_t total() {
    const std::lock_guard lock(mutex_);
    std::size_t sum = 0;
    for (const auto& [status, waits] : waits_) sum += waits.size();
    return sum;
  }
  [[nodiscard]] const std::vector<Answer>& refusals() const noexcept { return refusals_; }

 private:
  void Note(const Exchange& exchange, Clock::duration wait) {
    const std::lock_guard lock(mutex_);
    waits_[exchange.outcome == Outcome::kAnswered ? exchange.answer.status : 0].push_back(wait);
    if (exchange.answer.status == 503) refusals_.push_back(exchange.answer);
  }

  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> connected_ = 0;
  std::mutex mutex_;
  std::map<int, std::vector<Clock::duration>> waits_;
  std::vector<Answer> refusals_;
  std::vector<std::thread> threads_;
};

TEST(AnOverloadedWorker, RefusesAtOnceWhatItCouldOnlyAnswerLateAndRecovers) {
  constexpr std::size_t kClients = 48;
  constexpr milliseconds kWork{20};  // so that the last of them would wait for almost a second
  constexpr milliseconds kLimit{200};
  constexpr milliseconds kSlack{500 * kSlowdown};
  FaultyServer faulty;
  const std::string control = (faulty.workspace() / "control.sock").string();
  faulty.WriteConfig(R"("workers": 1, "max_queue_delay_ms": 200, "control": ")" + control +
                     R"(", )");
  Server& server = faulty.Start({.workers = 1});
  server.WaitUntilAllReady();

  TimedLoad load(server.endpoint(), kClients, FaultyRequest("sleep_ms=20"));
  ASSERT_TRUE(Eventually([&] { return load.count(200) >= 100 && load.count(503) >= 100; }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ping(server.endpoint()), 200);
  load.Stop();

  EXPECT_EQ(load.total(), load.count(200) + load.count(503));
  EXPECT_LE(load.longest(200), kLimit + kWork + kSlack);
  EXPECT_LE(load.longest(503), kLimit + kWork + kSlack);
  std::size_t marked = 0;
  for (const Answer& refusal : load.refusals()) {
    EXPECT_GE(std::stoi(refusal.Header("retry-after")), 1);
    EXPECT_NE(refusal.Header("x-request-id"), "");
    marked += json::parse(refusal.body).at("error").at("code") == "overloaded" ? 1 : 0;
  }
  EXPECT_EQ(marked, load.count(503));
  const json status = json::parse(RunToEnd(faulty.workspace() / "status",
                                           {kForkcast, "status", "--control", control, "--json"}));
  EXPECT_EQ(status.at("workers").at(0).at("refused"), load.count(503));
  EXPECT_EQ(status.at("workers").at(0).at("server_errors"), load.count(503));
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200) << "does not recover";
}

TEST(AnOverloadedWorker, RefusesLargeBodiesBehindOthersAndAnswersSmallOnes) {
  Workspace workspace;
  workspace.Ingest(SampleData());
  Server server(workspace, {.workers = 1, .flags = {"--max-queue-delay-ms", "300"}});
  server.WaitUntilReady();
  const Request large{.headers = "Content-Type: application/json\r\n", .body = LargestBody(kJson)};

  Load small(server.endpoint(), {.clients = 1, .request = OneOrder()});
  TimedLoad load(server.endpoint(), 16, large);
  ASSERT_TRUE(Eventually([&] { return load.count(200) >= 4 && load.count(503) >= 20; }));
  load.Stop();
  EXPECT_EQ(load.total(), load.count(200) + load.count(503));
  // A worker that gets no processor for so long refuses small ones, too; that is not the rule.
  const LoadReport report = small.Stop();
  EXPECT_EQ(report.failed(), 0U) << report;
  EXPECT_GE(report.answered(), 100U) << report;
  EXPECT_GE(report.answered() * 100, report.answered(503) * 10'000) << report;
}

}  // namespace
}  // namespace forkcast::process_test
