#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::size_t kSomeAnswers = 100;  // of each kind of client

std::vector<pid_t> Workers(const Server& server) {
  std::vector<pid_t> workers = ChildrenOf(server.pid());
  std::ranges::sort(workers);
  return workers;
}

// ---- a worker dies, freezes, hangs ----

struct WorkerFault {
  const char* name;
  std::vector<int> signals;
  std::chrono::milliseconds recovery;
};

constexpr std::chrono::seconds kTimeout{2};
constexpr std::chrono::milliseconds kRestartDelay{100};

class AWorker : public testing::TestWithParam<WorkerFault> {};

TEST_P(AWorker, CostsOnlyWhatItWasAnsweringAndIsReplaced) {
  FaultyServer faulty;
  Server& server =
      faulty.Start({.bind = Bind::kBoth,
                    .workers = 2,
                    .environment = {"MODEL_SERVER_TIMEOUT=" + std::to_string(kTimeout.count())},
                    .ends = Ends::kAnyHow});
  server.WaitUntilAllReady();
  const pid_t victim = server.worker(0);
  const ProcessWatch watch(victim);
  const std::size_t own = CountSockets(victim);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  const auto begun = Clock::now();
  ::kill(victim, SIGSTOP);  // so that it takes no more than is counted
  const std::size_t held = CountSockets(victim) - own;
  for (const int signal : GetParam().signals) ::kill(victim, signal);

  const auto limit = GetParam().recovery * kSlowdown;
  EXPECT_TRUE(Eventually([&] { return !watch.alive() && faulty.ReadyWorkers() == 2; }, limit))
      << server.log();
  EXPECT_LE(Clock::now() - begun, limit + 50ms);
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  ExpectNoMoreFailedThan(held, report);
}

INSTANTIATE_TEST_SUITE_P(
    That, AWorker,
    testing::Values(WorkerFault{"IsKilled", {SIGKILL}, kRestartDelay + 2s},
                    WorkerFault{"Crashes", {SIGSEGV, SIGCONT}, kRestartDelay + 2s},
                    WorkerFault{"Aborts", {SIGABRT, SIGCONT}, kRestartDelay + 2s},
                    WorkerFault{"IsFrozen", {}, kTimeout + 2s}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AFrozenWorker, LeavesPingAnsweredWithinTwoSeconds) {
  constexpr int kTries = 50;
  FaultyServer faulty;
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2, .ends = Ends::kAnyHow});
  server.WaitUntilAllReady();
  ::kill(server.worker(1), SIGSTOP);
  std::chrono::nanoseconds longest{0};
  for (int i = 0; i < kTries; ++i) {
    const auto begun = Clock::now();
    EXPECT_EQ(Ping(i % 2 == 0 ? server.endpoint() : server.unix_endpoint()), 200);
    longest = std::max<std::chrono::nanoseconds>(longest, Clock::now() - begun);
  }
  EXPECT_LT(longest, 2s);
}

TEST(AHangingRequest, HasItsWorkerAbortedWithABacktraceThatNamesItAndReplaced) {
  FaultyServer faulty;
  Server& server = faulty.Start(
      {.workers = 2, .environment = {"MODEL_SERVER_TIMEOUT=1"}, .ends = Ends::kAnyHow});
  server.WaitUntilAllReady();
  HttpConnection connection(server.endpoint());
  Request request = FaultyRequest("hang");
  request.headers += "X-Request-Id: the-culprit\r\n";
  connection.Send(ToBytes(request));
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("request_stuck") == 1; })) << server.log();
  EXPECT_TRUE(connection.IsClosedByServer());
  EXPECT_TRUE(faulty.WillHaveWorkers(2)) << server.log();
  const std::string log = server.log();
  const std::size_t report = log.find("worker_aborted request_id=\"the-culprit\" backtrace:");
  ASSERT_NE(report, std::string::npos) << log;
  EXPECT_THAT(log.substr(report), HasSubstr("HookChain"));
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
}

TEST(AHookInWhichWorkersDie, IsLeftOutAfterTheThirdTime) {
  FaultyServer faulty;
  Server& server = faulty.Start({.workers = 1, .ends = Ends::kAnyHow});
  for (std::size_t deaths = 1; deaths <= 3; ++deaths) {
    ASSERT_TRUE(faulty.WillHaveWorkers(1)) << server.log();
    HttpConnection connection(server.endpoint());
    connection.Send(ToBytes(FaultyRequest("segv")));
    ASSERT_TRUE(Eventually([&] { return server.CountInLog("worker_died_in_hook") == deaths; }))
        << server.log();
  }
  ASSERT_TRUE(faulty.WillHaveWorkers(1)) << server.log();
  EXPECT_EQ(AskOnce(server.endpoint(), FaultyRequest("segv")).status, 200) << server.log();
  EXPECT_THAT(server.log(), HasSubstr("worker_died_in_hook hook=fault place=0 deaths=3 off=true"));
  EXPECT_THAT(server.log(),
              HasSubstr(R"(hook_off hook=fault place=0 reason="workers died in it")"));
}

TEST(AHangingRequest, LeavesPingAnsweredByTheOthers) {
  FaultyServer faulty;
  Server& server = faulty.Start({.workers = 2, .ends = Ends::kAnyHow});
  server.WaitUntilAllReady();
  const std::string gate = faulty.workspace() / "gate";
  HttpConnection connection(server.endpoint());
  connection.Send(ToBytes(FaultyRequest("until=" + gate)));
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(gate + ".begun"); }));
  for (int i = 0; i < 50; ++i) {
    HttpConnection ping(server.endpoint(), 2s);
    const Exchange exchange = ping.Ask({.method = "GET", .target = "/ping"});
    EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
    EXPECT_EQ(exchange.answer.status, 200);
  }
  faulty.workspace().Write("gate", "");
  EXPECT_EQ(connection.Receive().answer.status, 200);
}

// ---- boots ----

TEST(ASlowFirstBoot, IsFiveHundredThreeAndThenTwoHundred) {
  FaultyServer faulty;
  faulty.OrderBoots("hang");
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2});
  EXPECT_EQ(Ping(server.endpoint()), 503);
  EXPECT_EQ(Ping(server.unix_endpoint()), 503);
  EXPECT_EQ(server.CountInLog(" ready "), 0U);
  faulty.OrderBoots("");
  std::vector<int> statuses;
  EXPECT_TRUE(Eventually([&] {
    statuses.push_back(Ping(server.endpoint()));
    return statuses.back() == 200;
  })) << server.log();
  EXPECT_THAT(statuses, testing::Each(testing::AnyOf(200, 503)));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Ping(server.endpoint()), 200);
}

class AFirstBoot : public testing::TestWithParam<const char*> {};

TEST_P(AFirstBoot, ThatFailsEndsTheServerWithThree) {
  FaultyServer faulty;
  faulty.OrderBoots(GetParam());
  Server& server = faulty.Start(
      {.bind = Bind::kBoth, .workers = 2, .flags = {"--boot-timeout", "1"}, .ends = Ends::kAnyHow});
  EXPECT_EQ(server.Wait(), 3) << server.log();
  EXPECT_EQ(server.CountInLog("first_boot_failed"), 1U) << server.log();
  EXPECT_FALSE(std::filesystem::exists(server.unix_endpoint().socket));
}

INSTANTIATE_TEST_SUITE_P(That, AFirstBoot, testing::Values("fail", "segv", "hang"),
                         [](const auto& param) { return std::string(param.param); });

TEST(ACrashLoop, BacksOffAndEndsWhenTheCauseDoes) {
  constexpr std::size_t kDeaths = 5;
  // 0.1 s, doubled each time, less a quarter at most; the first of them is that of the kill.
  constexpr std::chrono::milliseconds kLeast{75 + 150 + 300 + 600};
  FaultyServer faulty;
  Server& server = faulty.Start({.workers = 2, .ends = Ends::kAnyHow});
  server.WaitUntilAllReady();
  const std::size_t before = server.CountInLog("worker_started");
  faulty.OrderBoots("segv");
  const auto begun = Clock::now();
  ::kill(server.worker(0), SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    return server.CountInLog("worker_started") >= before + kDeaths - 1;
  })) << server.log();
  EXPECT_GE(Clock::now() - begun, kLeast) << server.log();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Ping(server.endpoint()), 200);
  faulty.OrderBoots("");
  EXPECT_TRUE(faulty.WillHaveWorkers(2)) << server.log();
}

// ---- the master is suspended, or dies ----

struct Suspension {
  const char* name;
  bool with_workers;
  std::chrono::milliseconds duration;
  const char* timeout;
};

class ASuspension : public testing::TestWithParam<Suspension> {};

TEST_P(ASuspension, KillsNobodyInRevenge) {
  FaultyServer faulty;
  Server& server =
      faulty.Start({.bind = Bind::kBoth,
                    .workers = 2,
                    .environment = {std::string("MODEL_SERVER_TIMEOUT=") + GetParam().timeout}});
  server.WaitUntilAllReady();
  const std::vector<pid_t> workers = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  std::vector<pid_t> frozen{server.pid()};
  if (GetParam().with_workers) frozen.insert(frozen.end(), workers.begin(), workers.end());
  for (const pid_t pid : frozen) ::kill(pid, SIGSTOP);
  std::this_thread::sleep_for(GetParam().duration);  // how long it lasts is what is tested
  for (const pid_t pid : frozen) ::kill(pid, SIGCONT);
  // Revenge would come with the master's next turns.
  EXPECT_FALSE(ProcessWatch(workers.front()).EndsWithin(1s)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  // A request that was in work all the while may have missed its deadline (504); none is lost.
  EXPECT_EQ(report.failed(), 0U) << report << server.log();
  EXPECT_EQ(Workers(server), workers) << server.log();
  EXPECT_EQ(server.CountInLog("worker_signalled"), 0U) << server.log();
}

INSTANTIATE_TEST_SUITE_P(Of, ASuspension,
                         testing::Values(Suspension{"TheMaster", false, 3s, "2"},
                                         Suspension{"AllProcesses", true, 3s, "2"},
                                         Suspension{"AllProcessesForAMoment", true, 1500ms, "1"}),
                         [](const auto& param) { return std::string(param.param.name); });

struct MastersDeath {
  const char* name;
  const char* order;  // of a request in work, or none
  const char* boots;  // of a worker that is booting, or none
  bool frozen = false;
};

class TheMastersDeathWith : public testing::TestWithParam<MastersDeath> {};

TEST_P(TheMastersDeathWith, EndsAllWithinASecondAndANewStartSucceedsAtOnce) {
  FaultyServer faulty;
  Server& first =
      faulty.Start({.bind = Bind::kBoth, .workers = 2, .name = "first", .ends = Ends::kAnyHow});
  first.WaitUntilAllReady();
  const std::uint16_t port = first.endpoint().port;
  std::optional<HttpConnection> connection;
  if (*GetParam().order != '\0') {
    const std::string gate = faulty.workspace() / "gate";
    connection.emplace(first.endpoint());
    connection->Send(ToBytes(FaultyRequest(GetParam().order + gate)));
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(gate + ".begun"); }));
  }
  if (*GetParam().boots != '\0') {
    faulty.OrderBoots(GetParam().boots);
    first.Signal(SIGTTIN);
    ASSERT_TRUE(Eventually([&] { return ChildrenOf(first.pid()).size() == 3; }));
    ASSERT_TRUE(Eventually([&] { return first.CountInLog("worker_started") == 3; }));
  }
  std::vector<ProcessWatch> children;
  for (const pid_t child : ChildrenOf(first.pid())) children.emplace_back(child);
  MixedLoad load(first);
  if (*GetParam().order == '\0') {
    ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  }

  faulty.OrderBoots("");
  if (GetParam().frozen) {
    for (const pid_t child : ChildrenOf(first.pid())) ::kill(child, SIGSTOP);
  }
  const auto until = Clock::now() + 1s * kSlowdown;
  first.Signal(SIGKILL);
  EXPECT_EQ(first.Wait(), -SIGKILL);
  Server second(faulty.workspace(), {.bind = Bind::kBoth, .port = port, .name = "second"});
  for (const ProcessWatch& child : children) {
    EXPECT_TRUE(
        child.EndsWithin(std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now())));
  }
  second.WaitUntilReady();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers)) << second.log();
  const LoadReport report = load.Stop();
  EXPECT_EQ(report.failed(Outcome::kTimedOut), 0U) << report;
}

INSTANTIATE_TEST_SUITE_P(Workers, TheMastersDeathWith,
                         testing::Values(MastersDeath{"ThatAnswer", "", ""},
                                         MastersDeath{"ThatHang", "until=", ""},
                                         MastersDeath{"ThatAreFrozen", "", "", true},
                                         MastersDeath{"ThatHangAndAreFrozen", "until=", "", true},
                                         MastersDeath{"ThatHangWhileTheyBoot", "", "hang"}),
                         [](const auto& param) { return std::string(param.param.name); });

// ---- strays ----

TEST(AStrayDeathSignal, DoesNotEndAWorkerWhoseMasterLives) {
  FaultyServer faulty;
  Server& server = faulty.Start({.workers = 1});
  server.WaitUntilAllReady();
  const ProcessWatch watch(server.worker(0));
  ::kill(server.worker(0), SIGCONT);
  // Twice as long as a worker without a master has.
  EXPECT_FALSE(watch.EndsWithin(1600ms)) << server.log();
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
}

}  // namespace
}  // namespace forkcast::process_test
