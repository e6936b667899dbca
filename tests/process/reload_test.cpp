#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <thread>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::HasSubstr;
using Ends = ServerOptions::Ends;
using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 2;
constexpr std::size_t kSomeAnswers = 100;  // of each kind of client

/// Also for a sanitizer, when nothing is wrong.
const std::string kBootTimeoutSeconds = std::to_string(2 * kSlowdown);

class ReloadUnderLoad : public testing::Test {
 protected:
  Server& Start(Ends ends = Ends::kCleanly) {
    Server& server = faulty_.Start({.bind = ServerOptions::Bind::kBoth,
                                    .workers = kWorkers,
                                    .flags = {"--boot-timeout", kBootTimeoutSeconds},
                                    .ends = ends});
    server.WaitUntilAllReady();
    return server;
  }
  /// The reloads that were begun are over and one of them came after `others` were done.
  static bool WillReload(const Server& server, std::size_t others = 0) {
    return Eventually([&] {
      const std::size_t begun = server.CountInLog("reload_begun");
      const std::size_t abandoned = server.CountInLog("reload_abandoned");
      const std::size_t done = server.CountInLog("reload_done");
      return done > others && done + abandoned == begun;
    });
  }
  /// Gives the pipeline another name, which workers tell when they are ready.
  void Rename(const std::string& from, const std::string& to) {
    const fs::path file = faulty_.workspace().pipeline();
    const std::string before = R"("name": ")" + from + '"';
    std::string text = ReadWhole(file);
    text.replace(text.find(before), before.size(), R"("name": ")" + to + '"');
    // At once, for whoever is reading it.
    fs::rename(faulty_.workspace().Write("pipelines/new", text), file);
  }
  static std::vector<pid_t> Workers(const Server& server) {
    std::vector<pid_t> workers = ChildrenOf(server.pid());
    std::ranges::sort(workers);
    return workers;
  }

  FaultyServer faulty_;
};

TEST_F(ReloadUnderLoad, ReplacesAllWorkersAndLosesNothing) {
  Server& server = Start();
  const std::vector<pid_t> old = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  server.Signal(SIGHUP);
  EXPECT_TRUE(WillReload(server)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  EXPECT_TRUE(faulty_.WillHaveWorkers(kWorkers)) << server.log();
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
  for (const pid_t worker : Workers(server))
    EXPECT_THAT(old, testing::Not(testing::Contains(worker)));
}

TEST_F(ReloadUnderLoad, WaitsForTheBootWhileTheOldOnesAnswer) {
  Server& server = Start();
  const std::vector<pid_t> old = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  faulty_.OrderBoots("hang");
  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("reload_begun") == 1; }));
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  EXPECT_EQ(server.CountInLog("worker_retired"), 0U) << server.log();
  for (const pid_t worker : old) EXPECT_TRUE(ProcessWatch(worker).alive());
  faulty_.OrderBoots("");
  EXPECT_TRUE(WillReload(server)) << server.log();
  EXPECT_TRUE(faulty_.WillHaveWorkers(kWorkers)) << server.log();
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

TEST_F(ReloadUnderLoad, ReplacesAnOldWorkerThatDiesWhileANewOneBoots) {
  Server& server = Start(Ends::kAnyHow);
  faulty_.OrderBoots("slow " + std::to_string(1500 * kSlowdown));
  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return fs::exists(faulty_.workspace() / "boot.begun"); }));
  faulty_.OrderBoots("");
  ::kill(server.worker(0), SIGKILL);
  EXPECT_TRUE(WillReload(server)) << server.log();
  EXPECT_TRUE(faulty_.WillHaveWorkers(kWorkers)) << server.log();
  const std::string log = server.log();
  const std::regex old_one_ready("worker_ready .* generation=1 ");
  const auto replaced = log.find("worker_ready", log.find("child_killed"));
  EXPECT_TRUE(
      std::regex_search(log.substr(replaced, log.find('\n', replaced) - replaced), old_one_ready))
      << log;
  EXPECT_EQ(server.CountInLog("reload_done generation=2 workers=2"), 1U) << log;
}

TEST_F(ReloadUnderLoad, OfTenInTwoSecondsLosesNothingAndEndsWithTheNewestFiles) {
  constexpr int kStorm = 10;
  Server& server = Start();
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  faulty_.OrderBoots("slow 300");  // so that most come while another is under way
  for (int i = 0; i < kStorm; ++i) {
    if (i == kStorm - 1) Rename("order_triage", "newest");
    server.Signal(SIGHUP);
    std::this_thread::sleep_for(200ms);  // the storm's own pace
  }
  EXPECT_TRUE(WillReload(server)) << server.log();
  EXPECT_TRUE(faulty_.WillHaveWorkers(kWorkers)) << server.log();
  for (const pid_t worker : Workers(server)) {
    const std::string ready = " pid=" + std::to_string(worker) + " ready pipeline=";
    EXPECT_EQ(server.CountInLog(ready + "\"newest\""), 1U) << server.log();
  }
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report;
  EXPECT_LT(server.CountInLog("reload_begun"), kStorm + 1U);
}

struct FailedReload {
  const char* name;
  /// Breaks something and returns what repairs it.
  std::function<std::function<void()>(FaultyServer&)> spoil;
  const char* complaint;
};

std::function<void()> Overwrite(const fs::path& file, const std::string& text) {
  const std::string before = ReadWhole(file);
  std::ofstream(file, std::ios::binary) << text;
  return [file, before] { std::ofstream(file, std::ios::binary) << before; };
}

auto Boots(const char* order) {
  return [order](FaultyServer& faulty) -> std::function<void()> {
    faulty.OrderBoots(order);
    return [&faulty] { faulty.OrderBoots(""); };
  };
}

class AFailedReload : public ReloadUnderLoad, public testing::WithParamInterface<FailedReload> {};

TEST_P(AFailedReload, SaysWhyKeepsTheOldGenerationAndLosesNothing) {
  Server& server = Start(Ends::kAnyHow);
  const std::vector<pid_t> old = Workers(server);
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  const auto repair = GetParam().spoil(faulty_);
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_abandoned") == 1; }))
      << server.log();
  EXPECT_THAT(server.log(), HasSubstr(GetParam().complaint));
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  EXPECT_EQ(Workers(server), old) << server.log();

  repair();
  server.Signal(SIGHUP);
  EXPECT_TRUE(WillReload(server)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  EXPECT_TRUE(faulty_.WillHaveWorkers(kWorkers)) << server.log();
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
  for (const pid_t worker : Workers(server))
    EXPECT_THAT(old, testing::Not(testing::Contains(worker)));
}

INSTANTIATE_TEST_SUITE_P(
    Of, AFailedReload,
    testing::Values(
        FailedReload{"AConfigFileThatIsNoJson",
                     [](FaultyServer& faulty) { return Overwrite(faulty.config(), "{"); },
                     "reload_refused"},
        FailedReload{
            "AnUnknownSetting",
            [](FaultyServer& faulty) { return Overwrite(faulty.config(), R"({"wrokers": 3})"); },
            "wrokers"},
        FailedReload{"AnUnknownHook",
                     [](FaultyServer& faulty) {
                       return Overwrite(faulty.config(), R"({"hooks": [{"type": "hock"}]})");
                     },
                     "unknown hook"},
        FailedReload{
            "APipelineThatIsNoJson",
            [](FaultyServer& faulty) { return Overwrite(faulty.workspace().pipeline(), "{"); },
            "boot_failed"},
        FailedReload{"ADamagedModel",
                     [](FaultyServer& faulty) {
                       std::string text = ReadWhole(faulty.workspace().model());
                       text[text.size() / 2] ^= 1;
                       return Overwrite(faulty.workspace().model(), text);
                     },
                     "boot_failed"},
        FailedReload{"AWorkerThatCannotLoad", Boots("fail"), "code=3"},
        FailedReload{"AWorkerThatCrashes", Boots("segv"), "child_"},
        FailedReload{"AWorkerThatHangs", Boots("hang"), "boot_timeout"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::process_test
