#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;

constexpr std::size_t kSomeAnswers = 100;  // of each kind of client

std::vector<pid_t> Workers(const Server& server) {
  std::vector<pid_t> workers = ChildrenOf(server.pid());
  std::ranges::sort(workers);
  return workers;
}

// ---- how many workers ----

TEST(Scaling, ByTtinAndTtouLosesNothingAndLeavesAtLeastOne) {
  struct Step {
    int signal;
    std::size_t workers;
  };
  FaultyServer faulty;
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2});
  server.WaitUntilAllReady();
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  std::size_t changes = 0;
  for (const Step& step : {Step{SIGTTIN, 3},
                           {SIGTTIN, 4},
                           {SIGTTOU, 3},
                           {SIGTTOU, 2},
                           {SIGTTOU, 1},
                           {SIGTTOU, 1},
                           {SIGTTIN, 2}}) {
    SCOPED_TRACE(step.workers);
    server.Signal(step.signal);
    ++changes;
    EXPECT_TRUE(Eventually([&] { return server.CountInLog("workers_wanted") == changes; }));
    EXPECT_TRUE(faulty.WillHaveWorkers(step.workers)) << server.log();
    EXPECT_TRUE(load.WaitForMore(kSomeAnswers / 4));
  }
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

TEST(Scaling, IsUndoneByAReload) {
  FaultyServer faulty;
  Server& server = faulty.Start({.workers = 2});
  server.WaitUntilAllReady();
  server.Signal(SIGTTIN);
  EXPECT_TRUE(faulty.WillHaveWorkers(3)) << server.log();
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  EXPECT_TRUE(faulty.WillHaveWorkers(2)) << server.log();
}

// ---- recycling ----

TEST(Recycling, AfterFiftyRequestsLosesNothing) {
  constexpr std::size_t kRounds = 6;
  FaultyServer faulty;
  Server& server = faulty.Start({.bind = Bind::kBoth,
                                 .workers = 2,
                                 .flags = {"--max-requests", "50", "--max-requests-jitter", "20"}});
  server.WaitUntilAllReady();
  MixedLoad load(server);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("recycling requests=") >= kRounds; }))
      << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
  EXPECT_TRUE(Eventually([&] { return faulty.ReadyWorkers() >= 2; })) << server.log();
}

std::uint64_t ResidentMebibytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

TEST(Recycling, OfAWorkerThatGrowsLosesNothing) {
  FaultyServer faulty;
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2});
  server.WaitUntilAllReady();
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  // How much a worker has without growing depends on the build, so the limit comes by a reload.
  const std::uint64_t own =
      std::max(ResidentMebibytes(server.worker(0)), ResidentMebibytes(server.worker(1)));
  const std::uint64_t spare = 100;
  faulty.WriteConfig(R"("max_memory_mb": )" + std::to_string(own + spare) + ", ");
  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  EXPECT_EQ(server.CountInLog("recycling"), 0U) << server.log();
  const Request grow = FaultyRequest("grow_mb=" + std::to_string(own + 2 * spare));
  EXPECT_EQ(AskOnce(server.endpoint(), grow).status, 200);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("recycling resident_bytes=") == 1; }))
      << server.log();
  EXPECT_TRUE(faulty.WillHaveWorkers(2)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

// ---- upgrade ----

/// A program at a path of the workspace, so that another can take its place.
class Upgrade : public testing::Test {
 protected:
  Upgrade() {
    // The new master is to be ours when the old one is gone.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    Install(kFaulty);
  }
  ~Upgrade() override {
    if (upgraded_ > 0) ::kill(upgraded_, SIGKILL);
  }

  void Install(const fs::path& program) {
    fs::remove(next());
    fs::create_symlink(program, next());
    fs::rename(next(), program_);
  }
  void InstallScript(const std::string& text) {
    Install(faulty_.workspace().Write("script", text));
    ::chmod((faulty_.workspace() / "script").c_str(), 0700);
  }
  Server& Start(Ends ends = Ends::kCleanly) {
    Server& server = faulty_.Start({.bind = Bind::kBoth,
                                    .workers = 2,
                                    .flags = {"--boot-timeout", std::to_string(2 * kSlowdown)},
                                    .program = program_,
                                    .ends = ends});
    server.WaitUntilAllReady();
    return server;
  }
  /// The new master, once it has taken over; 0 when it does not.
  pid_t WaitForNewMaster(const Server& server) {
    const std::regex pattern("upgrade_done child=(\\d+)");
    std::smatch match;
    std::string log;
    const bool done = Eventually([&] {
      log = server.log();
      return std::regex_search(log, match, pattern);
    });
    upgraded_ = done ? std::stoi(match[1]) : 0;
    return upgraded_;
  }
  /// TERM, then the exit code.
  std::optional<int> StopNewMaster() {
    const ProcessWatch watch(upgraded_);
    ::kill(upgraded_, SIGTERM);
    if (!watch.EndsWithin(kPatience)) return std::nullopt;
    int status = 0;
    ::waitpid(upgraded_, &status, 0);
    upgraded_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  FaultyServer faulty_;

 private:
  fs::path next() { return faulty_.workspace() / "next"; }

  fs::path program_ = faulty_.workspace() / "program";
  pid_t upgraded_ = 0;
};

TEST_F(Upgrade, ByUsr2HandsTheSocketsOverAndLosesNothing) {
  Server& server = Start();
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  server.Signal(SIGUSR2);
  ASSERT_GT(WaitForNewMaster(server), 0) << server.log();
  EXPECT_EQ(server.Wait(), 0) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
  EXPECT_TRUE(fs::exists(server.unix_endpoint().socket));
  EXPECT_EQ(StopNewMaster(), 0) << server.log();
  EXPECT_FALSE(fs::exists(server.unix_endpoint().socket));
}

TEST_F(Upgrade, GoesOnCountingWhereTheOldServerStopped) {
  Server& server = Start();
  Load load(server.endpoint(), {.clients = 4, .request = OneOrder()});
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  server.Signal(SIGUSR2);
  ASSERT_GT(WaitForNewMaster(server), 0) << server.log();
  EXPECT_EQ(server.Wait(), 0) << server.log();
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  const std::string scraped =
      AskOnce(server.endpoint(), {.method = "GET", .target = "/metrics"}).body;
  EXPECT_THAT(scraped, testing::HasSubstr("forkcast_requests_total{deployment=\"order_triage\","
                                          "route=\"/invocations\",code=\"200\"} " +
                                          std::to_string(report.answered()) + "\n"));
  EXPECT_EQ(report.failed(), 0U) << report;
  EXPECT_EQ(StopNewMaster(), 0) << server.log();
}

struct FailedUpgrade {
  const char* name;
  const char* script;
};

class AFailedUpgrade : public Upgrade, public testing::WithParamInterface<FailedUpgrade> {};

TEST_P(AFailedUpgrade, ChangesNothingAndCanBeTriedAgain) {
  Server& server = Start(Ends::kAnyHow);
  const std::vector<pid_t> old = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  InstallScript(GetParam().script);
  server.Signal(SIGUSR2);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("upgrade_failed") == 1; })) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  EXPECT_TRUE(Eventually([&] { return Workers(server) == old; })) << server.log();

  Install(kFaulty);
  server.Signal(SIGUSR2);
  ASSERT_GT(WaitForNewMaster(server), 0) << server.log();
  EXPECT_EQ(server.Wait(), 0) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
  EXPECT_EQ(StopNewMaster(), 0) << server.log();
}

INSTANTIATE_TEST_SUITE_P(
    To, AFailedUpgrade,
    testing::Values(FailedUpgrade{"AProgramThatEnds", "#!/bin/sh\nexit 9\n"},
                    FailedUpgrade{"AProgramThatCannotBeExecuted", "#!/nowhere\n"},
                    FailedUpgrade{"AProgramThatIsNeverReady", "#!/bin/sh\nexec sleep 1000\n"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(Upgrade, WhoseNewWorkersCannotBootLosesNothing) {
  Server& server = Start(Ends::kAnyHow);
  const std::vector<pid_t> old = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  faulty_.OrderBoots("fail");
  server.Signal(SIGUSR2);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("upgrade_failed") == 1; })) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_EQ(Workers(server), old);
  // Its workers take connections before they are ready, as those of a first boot must: they say so.
  EXPECT_EQ(report.failed(), 0U) << report << server.log();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

TEST_F(Upgrade, WithWinchLetsTheOldWorkersGoAndGetsThemBackWhenItFails) {
  Server& server = Start(Ends::kAnyHow);
  const std::vector<pid_t> old = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  InstallScript("#!/bin/sh\nexec sleep 1000\n");
  server.Signal(SIGUSR2);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("upgrade_begun") == 1; }));
  server.Signal(SIGWINCH);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("worker_retired") == 2; })) << server.log();
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("upgrade_failed") == 1; })) << server.log();
  EXPECT_TRUE(faulty_.WillHaveWorkers(2)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

TEST_F(Upgrade, IsWhatWinchNeeds) {
  Server& server = Start();
  const std::vector<pid_t> old = Workers(server);
  server.Signal(SIGWINCH);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("signal_ignored") == 1; })) << server.log();
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  EXPECT_EQ(Workers(server), old);
}

}  // namespace
}  // namespace forkcast::process_test
