#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;
using Connections = LoadOptions::Connections;
using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 3;
constexpr std::size_t kSeries = 3;
/// From a publication to the moment at which every worker serves it.
constexpr std::chrono::milliseconds kSoon = 2000ms * kSlowdown;

/// An order whose features are of two series, which are published together. Each publication has
/// its number in both.
Request NumberedOrder() {
  return {.target = "/invocations?features=true",
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"order_id": "numbered", "timestamp": "2024-02-10 12:00:00", )"
                  R"("sku_code": "numbered", "zip_code": "94234"})"};
}

/// The number in an answer; -1 when its features are of different publications.
int NumberIn(const Answer& answer) {
  const json features = json::parse(answer.body).at("features");
  const int inventory = features.at("inventory").get<int>();
  const bool agrees = features.at("payment_status") == std::to_string(inventory);
  return agrees ? inventory : -1;
}

/// Mappings of snapshots in a process, and how many of these are of files that have been replaced.
struct Mappings {
  std::size_t all = 0;
  std::size_t replaced = 0;
};
Mappings SnapshotsIn(pid_t process) {
  Mappings mappings;
  std::ifstream file("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(file, line);) {
    const bool is_mark = line.find(".uptodate") != std::string::npos;
    if (is_mark || line.find(".snapshot") == std::string::npos) continue;
    ++mappings.all;
    if (line.ends_with("(deleted)")) ++mappings.replaced;
  }
  return mappings;
}

class ASwap : public testing::Test {
 protected:
  ASwap() { Publish(1); }

  Server& Start(Ends ends = Ends::kCleanly, std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--control", control()});
    Server& server = faulty_.Start(
        {.bind = Bind::kBoth, .workers = kWorkers, .flags = std::move(flags), .ends = ends});
    server.WaitUntilAllReady();
    return server;
  }
  /// Publishes all snapshots, with `number` in two of them.
  void Publish(int number) {
    const fs::path from = faulty_.workspace() / "published";
    fs::create_directory(from);
    const std::string text = std::to_string(number);
    // Of two rows of one time the later one counts.
    std::ofstream(from / "inventory.csv") << "sku_code,timestamp,inventory\n"
                                          << "numbered,2024-02-10 11:00:00," << text << "\n";
    std::ofstream(from / "payments.csv")
        << "order_id,customer_id,timestamp,payment_method,payment_status\n"
        << "numbered,c,2024-02-10 11:00:00,CREDIT_CARD," << text << "\n";
    const Workspace& workspace = faulty_.workspace();
    RunToEnd(workspace / "ingest",
             {kForkcast, "ingest", "--again", "--pipeline", workspace.pipeline(), "--store",
              workspace.store(), "--from", from, "--table", "inventory", "--table", "payments",
              "--quiet"});
  }
  /// As whoever publishes does it.
  void Replace(const fs::path& snapshot, const std::string& bytes) {
    fs::rename(faulty_.workspace().Write("new.bytes", bytes), snapshot);
  }
  /// Whether every worker soon has mapped what is published, and nothing else.
  static bool AllWillServeTheNewest(const Server& server) {
    return Eventually(
        [&] {
          return std::ranges::all_of(ChildrenOf(server.pid()), [](pid_t worker) {
            const Mappings mappings = SnapshotsIn(worker);
            return mappings.all == kSeries && mappings.replaced == 0;
          });
        },
        kSoon);
  }
  /// The number that is answered with. Asked of many connections, so of all workers.
  static std::vector<int> Numbers(const Server& server) {
    std::vector<int> numbers;
    for (int i = 0; i < 30; ++i) {
      numbers.push_back(NumberIn(AskOnce(server.endpoint(), NumberedOrder())));
    }
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
  }
  json Status() {
    return json::parse(RunToEnd(faulty_.workspace() / "status",
                                {kForkcast, "status", "--control", control(), "--json"}));
  }
  std::string StatusTable() {
    return RunToEnd(faulty_.workspace() / "status", {kForkcast, "status", "--control", control()});
  }
  bool AllWillSay(const std::string& member, const testing::Matcher<std::string>& what) {
    return Eventually([&] {
      const json status = Status();
      return std::ranges::all_of(status.at("workers"), [&](const json& worker) {
        return testing::Matches(what)(worker.at(member).get<std::string>());
      });
    });
  }
  [[nodiscard]] fs::path control() { return faulty_.workspace() / "control"; }

  FaultyServer faulty_;
};

TEST_F(ASwap, OfTwentyUnderLoadLosesNothingMixesNothingAndLeavesNothingBehind) {
  constexpr int kPublications = 20;
  Server& server = Start();
  std::vector<std::unique_ptr<Load>> loads;
  for (const Connections connections : {Connections::kKept, Connections::kNewForEach}) {
    loads.push_back(std::make_unique<Load>(
        server.endpoint(),
        LoadOptions{.clients = 8,
                    .connections = connections,
                    .request = NumberedOrder(),
                    .is_right = [](const Answer& answer) { return NumberIn(answer) > 0; }}));
  }
  for (const auto& load : loads) ASSERT_TRUE(load->WaitForMore(100));
  for (int number = 2; number <= kPublications + 1; ++number) Publish(number);
  EXPECT_TRUE(AllWillServeTheNewest(server)) << server.log();
  for (const auto& load : loads) EXPECT_TRUE(load->WaitForMore(100));
  for (const auto& load : loads) {
    const LoadReport report = load->Stop();
    EXPECT_TRUE(LostNothing(report)) << report << server.log();
  }
  EXPECT_THAT(Numbers(server), testing::ElementsAre(kPublications + 1));
  EXPECT_TRUE(AllWillServeTheNewest(server));

  const json status = Status();
  for (const json& worker : status.at("workers")) {
    EXPECT_EQ(worker.at("edition"), status.at("newest_edition")) << status;
    EXPECT_GT(worker.at("swaps"), 0) << status;
    EXPECT_EQ(worker.at("failed_swaps"), 0) << status;
    EXPECT_EQ(worker.at("serves"), "order_triage version 1");
    EXPECT_LT(worker.at("snapshot_age_seconds"), 60) << status;
  }
  EXPECT_EQ(server.CountInLog("reload_begun"), 0U);
  EXPECT_EQ(server.starts(0), 1U);
}

TEST_F(ASwap, ThatCannotBeMadeLeavesTheOldServingAndSaysWhichFileAndWhy) {
  Server& server = Start();
  const fs::path snapshot = faulty_.workspace().Snapshot("inventory");
  std::string bytes = ReadWhole(snapshot);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Replace(snapshot, bytes);
  EXPECT_TRUE(
      AllWillSay("failure", AllOf(HasSubstr(snapshot.string()), HasSubstr("checksum mismatch"))))
      << StatusTable();
  EXPECT_THAT(StatusTable(), HasSubstr("not taken by workers 0, 1, 2: order_triage: " +
                                       snapshot.string() + ": checksum mismatch"));
  EXPECT_THAT(Numbers(server), testing::ElementsAre(1));
  for (std::size_t i = 0; i < kWorkers; ++i) {
    EXPECT_EQ(server.CountInLog("worker=" + std::to_string(i) +
                                " pid=" + std::to_string(server.worker(i)) + " swap_failed"),
              1U)
        << server.log();
  }

  Publish(2);
  EXPECT_TRUE(AllWillServeTheNewest(server)) << server.log();
  EXPECT_TRUE(AllWillSay("failure", ""));
  EXPECT_THAT(Numbers(server), testing::ElementsAre(2));
}

TEST_F(ASwap, OfASnapshotThatIsGoneSaysSo) {
  Server& server = Start();
  const fs::path snapshot = faulty_.workspace().Snapshot("zip_codes");
  fs::remove(snapshot);
  EXPECT_TRUE(
      AllWillSay("failure", AllOf(HasSubstr(snapshot.string()), HasSubstr("run forkcast ingest"))));
  EXPECT_THAT(Numbers(server), testing::ElementsAre(1));
}

TEST_F(ASwap, TakesWhatIsPublishedWhileItLoadsBehindIt) {
  Server& server = Start();
  faulty_.OrderBoots("slow 500");
  Publish(2);
  ASSERT_TRUE(Eventually([&] { return fs::exists(faulty_.workspace() / "boot.begun"); }));
  Publish(3);
  faulty_.OrderBoots("");
  EXPECT_TRUE(AllWillServeTheNewest(server)) << server.log();
  EXPECT_THAT(Numbers(server), testing::ElementsAre(3));
}

TEST_F(ASwap, IsWhatAWorkerThatBootsMeanwhileEndsWith) {
  Server& server = Start(Ends::kAnyHow);
  faulty_.OrderBoots("slow 500");
  ::kill(server.worker(0), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return fs::exists(faulty_.workspace() / "boot.begun"); }));
  faulty_.OrderBoots("");
  for (int number = 2; number <= 4; ++number) Publish(number);
  EXPECT_TRUE(faulty_.WillHaveWorkers(kWorkers)) << server.log();
  EXPECT_TRUE(AllWillServeTheNewest(server)) << server.log();
  EXPECT_THAT(Numbers(server), testing::ElementsAre(4));
}

TEST_F(ASwap, ThatHangsHoldsUpNeitherAnswersNorTheStop) {
  Server& server = Start();
  faulty_.OrderBoots("hang");
  Publish(2);
  EXPECT_TRUE(Eventually([&] { return Status().at("newest_edition") == 2; }));
  EXPECT_THAT(Numbers(server), testing::ElementsAre(1));
  EXPECT_EQ(server.Stop(), 0) << server.log();
}

TEST_F(ASwap, LeavesThePipelinesFileToAReload) {
  Server& server = Start();
  faulty_.workspace().Write("pipelines/order_triage.json", "{");
  // As ingest would, which cannot read that pipeline any more.
  const fs::path snapshot = faulty_.workspace().Snapshot("inventory");
  Replace(snapshot, ReadWhole(snapshot));
  EXPECT_TRUE(AllWillServeTheNewest(server)) << server.log();
  EXPECT_TRUE(Eventually([&] { return server.CountInLog(" swapped ") == kWorkers; }));
  EXPECT_THAT(Numbers(server), testing::ElementsAre(1));
}

/// A forecast behind the alias champion, beside the orders: two versions of it, the first is
/// served.
class AnAlias : public ASwap {
 protected:
  AnAlias() {
    const fs::path published = kSource / "tests/data/published/sales/1";
    for (const char* version : {"1", "2", "3"}) {
      fs::create_directories(model());
      fs::copy(published, model() / version, fs::copy_options::recursive);
    }
    std::ofstream(model() / "3/model/1/0.ubj", std::ios::app) << "more";  // than its manifest says
    fs::create_directory_symlink("1", model() / "champion");
    PublishSales(10);
  }

  /// Each shop sold so much on each day.
  void PublishSales(int amount) {
    std::string sales = "shop,day,amount\n";
    for (int day = 10; day < 30; ++day) {
      sales += "000,2024-01-" + std::to_string(day) + "," + std::to_string(amount) + "\n";
    }
    const Workspace& workspace = faulty_.workspace();
    fs::create_directories(workspace / "sales");
    workspace.Write("sales/sales.csv", sales);
    RunToEnd(workspace / "ingest",
             {kForkcast, "ingest", "--again", "--pipeline", model() / "1/pipeline.json", "--store",
              workspace.store(), "--from", workspace / "sales", "--quiet"});
  }
  void Promote(const std::string& version) {
    RunToEnd(faulty_.workspace() / "promote", {kForkcast, "models", "promote", "sales", version,
                                               "--models", models(), "--force-promote"});
  }
  Server& StartBoth() { return Start(Ends::kCleanly, {"--models", models(), "--deploy", "sales"}); }
  bool AllWillServe(const std::string& version) {
    return AllWillSay("serves", AllOf(HasSubstr("order_triage version 1"),
                                      HasSubstr("sales version " + version)));
  }
  [[nodiscard]] fs::path models() { return faulty_.workspace() / "models-published"; }
  [[nodiscard]] fs::path model() { return models() / "sales"; }
};

Request SalesOfAShop() {
  return {.target = "/endpoints/sales/invocations",
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"shop": "000"})"};
}

TEST_F(AnAlias, ThatMovesUnderLoadIsFollowedByEveryWorkerAndNothingIsLost) {
  Server& server = StartBoth();
  EXPECT_TRUE(AllWillServe("1")) << StatusTable();
  Load orders(server.endpoint(), {.clients = 4, .request = NumberedOrder()});
  Load sales(server.endpoint(), {.clients = 4, .request = SalesOfAShop()});
  for (const char* version : {"2", "1", "2"}) {
    ASSERT_TRUE(sales.WaitForMore(20));
    Promote(version);
    EXPECT_TRUE(AllWillServe(version)) << StatusTable();
  }
  PublishSales(20);
  EXPECT_TRUE(Eventually([&] { return Status().at("newest_edition") == 5; })) << StatusTable();
  ASSERT_TRUE(sales.WaitForMore(20));
  for (Load* load : {&orders, &sales}) {
    const LoadReport report = load->Stop();
    EXPECT_TRUE(LostNothing(report)) << report << server.log();
  }
}

TEST_F(AnAlias, OfAVersionThatCannotBeLoadedLeavesTheOldOneUntilItMovesOn) {
  Server& server = StartBoth();
  Promote("2");
  EXPECT_TRUE(AllWillServe("2")) << StatusTable();
  // As a copy that went wrong: `models promote` would have seen it.
  fs::create_directory_symlink("3", model() / "next");
  fs::rename(model() / "next", model() / "champion");
  EXPECT_TRUE(AllWillSay("failure", AllOf(HasSubstr("sales: "), HasSubstr("model/1/0.ubj"))))
      << StatusTable();
  EXPECT_TRUE(AllWillServe("2")) << StatusTable();
  EXPECT_EQ(AskOnce(server.endpoint(), SalesOfAShop()).status, 200);

  Promote("2");
  EXPECT_TRUE(AllWillSay("failure", "")) << StatusTable();
  Promote("1");
  EXPECT_TRUE(AllWillServe("1")) << StatusTable();
}

}  // namespace
}  // namespace forkcast::process_test
