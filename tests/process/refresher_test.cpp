// The server's own `forkcast ingest --follow`, as callers, operators and the kernel see it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using Ends = ServerOptions::Ends;

Request NumberedOrder() {
  return {.target = "/invocations?features=true",
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"order_id": "numbered", "timestamp": "2024-02-10 12:00:00", )"
                  R"("sku_code": "numbered", "zip_code": "94234"})"};
}

class ServedRefresher : public testing::Test {
 protected:
  ServedRefresher() {
    fs::create_directory(incoming());
    Bring("inventory-1.csv", 10, 1);
    const std::vector<std::string> ingest{
        kForkcast, "ingest",           "--pipeline", workspace_.pipeline(),
        "--store", workspace_.store(), "--from",     incoming(),
        "--quiet", "--table",          "inventory"};
    RunToEnd(workspace_ / "ingest", ingest);
    const json config{{"refresher",
                       {{"from", incoming().string()},
                        {"options", {"--table", "inventory", "--every", "100ms"}}}}};
    workspace_.Write("server.json", config.dump());
  }

  [[nodiscard]] ServerOptions Options(Ends ends = Ends::kCleanly) const {
    return {.flags = {"--config", workspace_ / "server.json", "--control", control()},
            .ends = ends};
  }
  /// A file with a newer count of the one key, whole from its first moment on.
  void Bring(const std::string& name, int minute, int count) const {
    const fs::path file = workspace_ / "coming";
    std::ofstream(file) << "sku_code,timestamp,inventory\nnumbered,2024-02-10 11:" << minute
                        << ":00," << count << "\n";
    fs::rename(file, incoming() / name);
  }
  /// The count that an answer was computed from.
  static int CountIn(const Server& server) {
    const Answer answer = AskOnce(server.endpoint(), NumberedOrder());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).at("features").at("inventory").get<int>();
  }
  [[nodiscard]] json Status() const {
    return json::parse(
        RunToEnd(workspace_ / "status", {kForkcast, "status", "--control", control(), "--json"}));
  }
  [[nodiscard]] pid_t Pid() const { return Status().at("refresher").at("pid").get<pid_t>(); }
  [[nodiscard]] fs::path incoming() const { return workspace_ / "incoming"; }
  [[nodiscard]] fs::path control() const { return workspace_ / "control"; }

  Workspace workspace_;
};

bool IsGone(pid_t process) { return ::kill(process, 0) != 0 && errno == ESRCH; }

TEST_F(ServedRefresher, BringsRowsThatArriveIntoTheAnswers) {
  const Server server(workspace_, Options());
  server.WaitUntilReady();
  EXPECT_EQ(CountIn(server), 1);
  Bring("inventory-2.csv", 20, 2);
  EXPECT_TRUE(Eventually([&] { return CountIn(server) == 2; })) << server.log();
  EXPECT_TRUE(Eventually([&] { return Status().at("refresher_rows") == 1; }));
  const json status = Status();
  EXPECT_EQ(status.at("refresher").at("state"), "following");
  EXPECT_EQ(status.at("refresher").at("error"), "");
  EXPECT_NE(status.at("refresher").at("last_success"), "");
  EXPECT_EQ(status.at("refresher_up"), 1);
  EXPECT_THAT(RunToEnd(workspace_ / "table", {kForkcast, "status", "--control", control()}),
              AllOf(HasSubstr("\nrefresher pid "), HasSubstr(", following, 1 rows, 0 rejected, ")));
}

TEST_F(ServedRefresher, KeepsDataFreshThatNothingIsAddedTo) {
  const Server server(workspace_, Options());
  server.WaitUntilReady();
  Request request = NumberedOrder();
  request.target = "/invocations?freshness=true";
  const auto inventory = [&] {
    const Answer answer = AskOnce(server.endpoint(), request);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).at("freshness").at("inventory");
  };
  EXPECT_TRUE(Eventually([&] { return inventory().contains("up_to_date"); })) << server.log();
  const json first = inventory();
  EXPECT_EQ(first.at("newest"), "2024-02-10T11:10:00Z") << "years ago";
  EXPECT_LT(first.at("age_seconds"), 3600);
  EXPECT_TRUE(Eventually([&] { return inventory().at("up_to_date") > first.at("up_to_date"); }))
      << "with each look, though nothing is published";
}

TEST_F(ServedRefresher, ThatIsKilledComesBackAndNoAnswerIsLost) {
  const Server server(workspace_, Options());
  server.WaitUntilReady();
  const pid_t first = Pid();
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  Bring("inventory-2.csv", 20, 2);
  EXPECT_TRUE(Eventually([&] { return CountIn(server) == 2; })) << server.log();
  const json status = Status();
  EXPECT_NE(status.at("refresher").at("pid"), first);
  EXPECT_EQ(status.at("refresher_restarts"), 1);
}

TEST_F(ServedRefresher, ThatCannotReadAFileSaysSoWhileTheServerAnswers) {
  const Server server(workspace_, Options());
  server.WaitUntilReady();
  const fs::path bad = workspace_.Write("coming", "sku_code,timestamp,inventory\nx,never,1\n");
  fs::rename(bad, incoming() / "inventory-2.csv");
  EXPECT_TRUE(Eventually([&] { return Status().at("refresher").at("error") != ""; }));
  EXPECT_THAT(Status().at("refresher").at("error").get<std::string>(),
              HasSubstr("inventory-2.csv"));
  EXPECT_EQ(Status().at("refresher_up"), 0);
  EXPECT_EQ(CountIn(server), 1);
  fs::remove(incoming() / "inventory-2.csv");
  Bring("inventory-3.csv", 30, 3);
  EXPECT_TRUE(Eventually([&] { return CountIn(server) == 3; })) << server.log();
}

TEST_F(ServedRefresher, GoesByTheNewSettingsAfterAReload) {
  const Server server(workspace_, Options());
  server.WaitUntilReady();
  const pid_t first = Pid();
  fs::create_directory(workspace_ / "elsewhere");
  const json config{{"refresher",
                     {{"from", (workspace_ / "elsewhere").string()},
                      {"options", {"--table", "inventory", "--every", "100ms"}}}}};
  workspace_.Write("server.json", config.dump());
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Pid() != first && Pid() != 0; })) << server.log();
  const fs::path file =
      workspace_.Write("coming", "sku_code,timestamp,inventory\nnumbered,2024-02-10 11:40:00,4\n");
  fs::rename(file, workspace_ / "elsewhere/inventory-9.csv");
  EXPECT_TRUE(Eventually([&] { return CountIn(server) == 4; })) << server.log();
  EXPECT_EQ(Status().at("refresher_restarts"), 0) << "it ended as asked";
}

TEST_F(ServedRefresher, EndsWithTheServer) {
  Server server(workspace_, Options());
  server.WaitUntilReady();
  const pid_t refresher = Pid();
  ASSERT_GT(refresher, 0);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_TRUE(IsGone(refresher));
}

TEST_F(ServedRefresher, EndsWithAMasterThatIsKilled) {
  Server server(workspace_, Options(Ends::kAnyHow));
  server.WaitUntilReady();
  const pid_t refresher = Pid();
  ASSERT_GT(refresher, 0);
  server.Signal(SIGKILL);
  EXPECT_EQ(server.Wait(), -SIGKILL);
  EXPECT_TRUE(Eventually([&] { return IsGone(refresher); }));
}

}  // namespace
}  // namespace forkcast::process_test
