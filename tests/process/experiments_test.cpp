#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using nlohmann::json;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;
using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 2;
constexpr std::size_t kSomeAnswers = 100;

Request SalesOfAShop(const std::string& shop = "000") {
  return {.target = "/endpoints/sales/invocations",
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"shop": ")" + shop + R"("})"};
}

/// A server of the orders and of a forecast behind the alias champion, which has three versions:
/// 1 and 2 are alike, 3 is damaged.
class AChallenger : public testing::Test {
 protected:
  AChallenger() {
    const fs::path published = kSource / "tests/data/published/sales/1";
    for (const char* version : {"1", "2", "3"}) {
      fs::create_directories(model());
      fs::copy(published, model() / version, fs::copy_options::recursive);
    }
    std::ofstream(model() / "3/model/1/0.ubj", std::ios::app) << "more";  // than its manifest says
    fs::create_directory_symlink("1", model() / "champion");
    std::string sales = "shop,day,amount\n";
    for (int day = 10; day < 30; ++day) sales += "000,2024-01-" + std::to_string(day) + ",10\n";
    fs::create_directories(workspace() / "sales");
    workspace().Write("sales/sales.csv", sales);
    RunToEnd(workspace() / "ingest",
             {kForkcast, "ingest", "--again", "--pipeline", model() / "1/pipeline.json", "--store",
              workspace().store(), "--from", workspace() / "sales", "--quiet"});
  }

  Server& Start(Ends ends = Ends::kCleanly, std::size_t workers = kWorkers) {
    Server& server =
        faulty_.Start({.bind = Bind::kBoth,
                       .workers = workers,
                       .flags = {"--control", control(), "--models", models(), "--deploy", "sales"},
                       .ends = ends});
    server.WaitUntilAllReady();
    return server;
  }
  /// Words behind `forkcast deploy sales`; what it prints.
  std::string Deploy(const std::vector<std::string>& words, int code = 0,
                     const std::string& deployment = "sales") {
    std::vector<std::string> all{kForkcast, "deploy", deployment, "--control", control()};
    all.insert(all.end(), words.begin(), words.end());
    Program program(workspace() / "deploy", all);
    EXPECT_EQ(program.Wait(), code) << program.out() << program.err();
    return program.out() + program.err();
  }
  json Status() {
    return json::parse(
        RunToEnd(workspace() / "status", {kForkcast, "status", "--control", control(), "--json"}));
  }
  json Experiment() { return Status().at("experiments").at(0); }
  bool WillBe(const std::string& state) {
    return Eventually([&] { return Experiment().at("state") == state; });
  }
  bool WillHaveScored(std::uint64_t more) {
    const std::uint64_t before = Experiment().at("challenger_requests");
    return Eventually([&] { return Experiment().at("challenger_requests") >= before + more; });
  }
  std::string Scrape(const Server& server) {
    return AskOnce(server.endpoint(), {.method = "GET", .target = "/metrics"}).body;
  }

  [[nodiscard]] Workspace& workspace() { return faulty_.workspace(); }
  [[nodiscard]] fs::path control() { return workspace() / "control"; }
  [[nodiscard]] fs::path models() { return workspace() / "models-published"; }
  [[nodiscard]] fs::path model() { return models() / "sales"; }

  FaultyServer faulty_;
};

TEST_F(AChallenger, InTheShadowChangesNoAnswerAndIsComparedInStatusAndMetrics) {
  Server& server = Start();
  const std::string before = AskOnce(server.endpoint(), SalesOfAShop()).body;
  Deploy({"--challenger", "2", "--shadow", "100%"});
  Load load(
      server.endpoint(),
      {.clients = 2, .pace = 5ms, .request = SalesOfAShop(), .is_right = [&](const Answer& answer) {
         return answer.body == before;
       }});
  EXPECT_TRUE(WillHaveScored(50));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report;

  const json experiment = Experiment();
  EXPECT_EQ(experiment.at("state"), "running");
  EXPECT_EQ(experiment.at("champion"), "1");
  EXPECT_EQ(experiment.at("challenger"), "2");
  EXPECT_EQ(experiment.at("challenger_failures"), 0);
  EXPECT_EQ(experiment.at("agreed"), experiment.at("lines")) << "both are the same forecast";
  EXPECT_EQ(experiment.at("difference").at("value"), 0);
  EXPECT_THAT(Scrape(server),
              AllOf(HasSubstr("forkcast_experiment_requests_total{deployment=\"sales\","
                              "arm=\"challenger\",outcome=\"answered\"} "),
                    HasSubstr("forkcast_experiment_lines_total{deployment=\"sales\","
                              "output=\"same\"} "),
                    HasSubstr("forkcast_experiment_info{deployment=\"sales\",mode=\"shadow\","
                              "champion=\"1\",challenger=\"2\",state=\"running\"} 1"),
                    HasSubstr("forkcast_experiment_agreement{deployment=\"sales\","
                              "bound=\"value\"} 1")));
  EXPECT_THAT(Deploy({"--status"}),
              HasSubstr("shadow of sales: version 2 (sales@2) against version 1, 100 % of the "
                        "requests: running"));
}

TEST_F(AChallenger, ThatComesChangesAndGoesUnderLoadLosesNothing) {
  Server& server = Start();
  Load load(server.endpoint(), {.clients = 4, .request = SalesOfAShop()});
  for (int i = 0; i < 3; ++i) {
    Deploy({"--challenger", "2", "--canary", "50%"});
    ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
    Deploy({"--share", "100%"});
    ASSERT_TRUE(WillHaveScored(20));
    Deploy({"--challenger", "2", "--shadow", "100%"});
    ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
    EXPECT_THAT(Deploy({"--stop"}), HasSubstr("stopped"));
  }
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

TEST_F(AChallenger, GoesOnWhereItWasWhenAWorkerIsKilledAndTheServerReloads) {
  Server& server = Start(Ends::kAnyHow);
  Deploy({"--challenger", "2", "--canary", "100%"});
  const std::uint64_t id = Experiment().at("id");
  constexpr int kRequests = 20;
  for (int i = 0; i < kRequests; ++i) AskOnce(server.endpoint(), SalesOfAShop());
  ASSERT_TRUE(Eventually([&] { return Experiment().at("challenger_requests") == kRequests; }));
  ::kill(server.worker(0), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return server.starts(0) == 2; })) << server.log();
  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  for (int i = 0; i < kRequests; ++i) AskOnce(server.endpoint(), SalesOfAShop());
  EXPECT_TRUE(Eventually([&] { return Experiment().at("challenger_requests") == 2 * kRequests; }))
      << Experiment();
  EXPECT_EQ(Experiment().at("id"), id);
  EXPECT_EQ(Experiment().at("champion_requests"), 0) << "a worker has it before it is ready";
  EXPECT_TRUE(WillBe("running"));
}

TEST_F(AChallenger, GoesOnWithAnUpgradedMaster) {
  Server& server = Start();
  Deploy({"--challenger", "2", "--canary", "100%"});
  const json before = Experiment();
  constexpr int kRequests = 20;
  for (int i = 0; i < kRequests; ++i) AskOnce(server.endpoint(), SalesOfAShop());
  server.Signal(SIGUSR2);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  for (int i = 0; i < kRequests; ++i) AskOnce(server.endpoint(), SalesOfAShop());
  const json status = Status();
  EXPECT_EQ(status.at("experiments").at(0).at("id"), before.at("id"));
  EXPECT_EQ(status.at("experiments").at(0).at("challenger_requests"), 2 * kRequests) << status;
  const pid_t master = status.at("pid");
  ::kill(master, SIGTERM);
  EXPECT_TRUE(Eventually([master] { return ::kill(master, 0) != 0; }));
}

struct BadChallenger {
  const char* name;
  std::vector<std::string> words;
  const char* deployment;
  int code;
  const char* message;

  friend std::ostream& operator<<(std::ostream& out, const BadChallenger& one) {
    return out << one.message;
  }
};

class ABadChallenger : public AChallenger, public testing::WithParamInterface<BadChallenger> {};

TEST_P(ABadChallenger, LeavesTheChampionAloneAndSaysWhy) {
  Server& server = Start();
  const std::string before = AskOnce(server.endpoint(), SalesOfAShop()).body;
  EXPECT_THAT(Deploy(GetParam().words, GetParam().code, GetParam().deployment),
              HasSubstr(GetParam().message));
  EXPECT_EQ(AskOnce(server.endpoint(), SalesOfAShop()).body, before);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ABadChallenger,
    testing::Values(
        BadChallenger{
            "ThatIsDamaged", {"--challenger", "3", "--shadow", "10%"}, "sales", 3, "model/1/0.ubj"},
        BadChallenger{"ThatIsNotThere", {"--challenger", "9", "--canary", "10%"}, "sales", 3, "9"},
        BadChallenger{"OfAnotherDeploymentThanThereIs",
                      {"--challenger", "2", "--shadow", "10%"},
                      "salse",
                      3,
                      "no deployment \"salse\" is declared; there are: order_triage, sales"},
        BadChallenger{"OfAFileThatHasNoVersions",
                      {"--challenger", "2", "--shadow", "10%"},
                      "order_triage",
                      3,
                      "serves a file, which has no version \"2\""},
        BadChallenger{"ThatAsksOtherThings",
                      {"--challenger", "sales:2", "--shadow", "10%"},
                      "order_triage",
                      3,
                      "the challenger does not fit"},
        BadChallenger{"WithoutAMode",
                      {"--challenger", "2"},
                      "sales",
                      2,
                      "expected either \"shadow\" or \"canary\""},
        BadChallenger{"WithoutAnything", {}, "sales", 2, "expected one of --challenger"},
        BadChallenger{"ThatIsToStop", {"--stop"}, "sales", 3, "has no challenger"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(AChallenger, ThatIsPromotedIsTheChampionOfAllWorkers) {
  Server& server = Start();
  Deploy({"--challenger", "2", "--shadow", "100%"});
  EXPECT_THAT(Deploy({"--promote", "--models", models()}), HasSubstr("promoted"));
  EXPECT_TRUE(Eventually([&] {
    const json status = Status();
    return std::ranges::all_of(status.at("workers"), [](const json& worker) {
      return worker.at("serves").get<std::string>().find("sales version 2") != std::string::npos;
    });
  })) << Status();
  EXPECT_EQ(AskOnce(server.endpoint(), SalesOfAShop()).status, 200);
  EXPECT_EQ(Experiment().at("state"), "promoted");
}

TEST_F(AChallenger, OfAChampionThatIsReplacedIsOne) {
  Start();
  Deploy({"--challenger", "2", "--shadow", "100%"});
  RunToEnd(workspace() / "promote",
           {kForkcast, "models", "promote", "sales", "2", "--models", models(), "--force-promote"});
  EXPECT_TRUE(WillBe("ended")) << Experiment();
  EXPECT_EQ(Experiment().at("reason"), "the champion is version 2 now, and was 1");
}

/// The orders' pipeline, but that each row computes hundreds of features.
std::string SlowPipeline(const Workspace& workspace) {
  auto pipeline = nlohmann::ordered_json::parse(ReadWhole(workspace.pipeline()));
  pipeline["serving"]["model"] = workspace.model().string();
  for (int i = 0; i < 500; ++i) {
    nlohmann::ordered_json feature = pipeline["features"][0];
    feature["name"] = "inventory_" + std::to_string(i);
    pipeline["features"].push_back(feature);
  }
  return pipeline.dump();
}

/// What stands behind these words.
double ValueIn(const std::string& scraped, const std::string& words) {
  const std::size_t at = scraped.find(words);
  return at == std::string::npos ? 0 : std::stod(scraped.substr(at + words.size()));
}

/// One that asks the same of many.
Request ManyOrders() {
  constexpr int kOrders = 200;
  Request request = OneOrder();
  const std::string order = request.body;
  request.body = "[" + order;
  for (int i = 1; i < kOrders; ++i) request.body += "," + order;
  request.body += "]";
  return request;
}

TEST_F(AChallenger, ThatIsSlowHoldsUpNoAnswer) {
  constexpr int kRequests = 200;
  Server& server = Start(Ends::kCleanly, /*workers=*/1);
  const fs::path slow = workspace().Write("pipelines/slow.json", SlowPipeline(workspace()));
  const auto median = [&] {
    std::vector<Clock::duration> took;
    for (int i = 0; i < kRequests; ++i) {
      const auto begun = Clock::now();
      EXPECT_EQ(AskOnce(server.endpoint(), ManyOrders()).status, 200);
      took.push_back(Clock::now() - begun);
    }
    std::ranges::nth_element(took, took.begin() + kRequests / 2);
    return took[kRequests / 2];
  };
  const auto without = median();
  Deploy({"--pipeline", slow, "--shadow", "100%", "--max-slowdown", "100000"}, 0, "order_triage");
  const auto with = median();
  EXPECT_TRUE(Eventually([&] { return Experiment().at("challenger_requests") > 0; }));
  // Whatever else the machine does: an answer that waited for the challenger would take as long.
  const std::string scraped = Scrape(server);
  const std::chrono::duration<double> challengers(
      ValueIn(scraped,
              "forkcast_experiment_scoring_seconds_sum{deployment=\"order_triage\","
              "arm=\"challenger\"} ") /
      ValueIn(scraped,
              "forkcast_experiment_scoring_seconds_count{deployment=\"order_triage\","
              "arm=\"challenger\"} "));
  EXPECT_LT(with, 3 * without + challengers / 2);
  const json experiment = Experiment();
  EXPECT_EQ(experiment.at("agreed"), experiment.at("lines"));
}

TEST_F(AChallenger, IsRecordedUnderANameOfItsOwn) {
  const fs::path captures = workspace() / "captures";
  faulty_.WriteConfig({}, R"(, {"type": "capture", "share": 1, "endpoint": "all", "folder": ")" +
                              captures.string() + R"("})");
  Server& server = Start();
  Deploy({"--challenger", "2", "--shadow", "100%"});
  AskOnce(server.endpoint(), SalesOfAShop());
  const auto records = [&] {
    std::vector<json> found;
    for (const auto& entry : fs::recursive_directory_iterator(captures)) {
      if (entry.path().extension() != ".jsonl") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) found.push_back(json::parse(line));
    }
    return found;
  };
  ASSERT_TRUE(Eventually([&] { return fs::exists(captures) && records().size() == 2; }));
  const std::vector<json> both = records();
  const json& champion = both[0].at("forkcast");
  const json& challenger = both[1].at("forkcast");
  EXPECT_EQ(champion.at("deployment"), "sales");
  EXPECT_EQ(champion.at("modelVersion"), "1");
  EXPECT_EQ(challenger.at("deployment"), "sales:challenger");
  EXPECT_EQ(challenger.at("modelVersion"), "2");
  EXPECT_EQ(challenger.at("requestId"), champion.at("requestId"));
  EXPECT_EQ(both[1].at("captureData"), both[0].at("captureData")) << "they forecast alike";
}

TEST_F(AChallenger, CanBeDeclaredInTheConfigFile) {
  faulty_.WriteConfig(R"("models": ")" + models().string() + R"(", "deployments": [
      {"name": "sales", "model": "sales", "challenger": {"version": "2", "canary": 1}}], )");
  Server& server =
      faulty_.Start({.bind = Bind::kBoth, .workers = kWorkers, .flags = {"--control", control()}});
  server.WaitUntilAllReady();
  EXPECT_TRUE(WillBe("running")) << Experiment();
  EXPECT_EQ(AskOnce(server.endpoint(), SalesOfAShop()).status, 200);
  EXPECT_EQ(Experiment().at("challenger_requests"), 1);
}

}  // namespace
}  // namespace forkcast::process_test
