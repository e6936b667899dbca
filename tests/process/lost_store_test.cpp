// A server whose data come from a shop's own table in a database, while processes and the database
// die: no request fails, old data are told as such, and all of it goes on by itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/eventually.hpp"
#include "support/load.hpp"
#include "support/server.hpp"
#include "support/store_kinds.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;

/// Of now, since it has no time.
Request NumberedOrder() {
  return {.target = "/invocations?features=true",
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"order_id": "o", "sku_code": "numbered", "zip_code": "94234"})"};
}

class AServerOfAShop : public testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    if (!GetParam().is_installed()) GTEST_SKIP() << GetParam().name << " is not installed";
    store_ = GetParam().new_store();
    const bool is_postgres = GetParam().name == "Postgres";
    Run(std::string("CREATE TABLE inventory (id ") +
        (is_postgres ? "bigserial" : "bigint AUTO_INCREMENT") +
        " PRIMARY KEY, sku_code varchar(40) NOT NULL, timestamp " +
        (is_postgres ? "timestamp" : "datetime(6)") +
        " NOT NULL, inventory integer NOT NULL, clerk varchar(40))");
    Count(1);
    WritePipeline();
    std::filesystem::create_directory(workspace_ / "files");
    workspace_.Write("files/zip_codes.csv", "zip_code,available_from\n94234,2024-01-01\n");
    RunToEnd(workspace_ / "ingest", WithStore({kForkcast, "ingest", "--quiet", "--from",
                                               workspace_ / "files", "--table", "zip_codes"}));
    workspace_.Write("server.json", R"({"refresher": {"options": ["--every", "100ms"]}})");
  }

  /// The data of the shop's table may be 2 s old.
  void WritePipeline() const {
    json pipeline = json::parse(preprocessing::ReadWhole(workspace_.pipeline()));
    pipeline["series"]["inventory"]["max_staleness"] = "2s";
    pipeline["series"]["payments"]["when_stale"] = "serve";
    json& request = pipeline["request"];
    request["fields"]["timestamp"] = {{"type", "timestamp"}, {"nullable", true}};
    request["time"] = {{"field", "timestamp"}, {"default", "now"}};
    workspace_.Write("pipelines/order_triage.json", pipeline.dump());
  }
  [[nodiscard]] std::vector<std::string> WithStore(std::vector<std::string> words) const {
    words.insert(words.end(), {"--pipeline", workspace_.pipeline(), "--store", store_,
                               "--snapshots", workspace_ / "snapshots"});
    return words;
  }
  void Run(const std::string& sql) const { GetParam().ask(store_, sql); }
  /// The shop counts its pieces once more.
  void Count(int pieces) const {
    Run("INSERT INTO inventory (sku_code, timestamp, inventory) VALUES ('numbered', '2024-02-10 "
        "11:10:00', " +
        std::to_string(pieces) + ")");
  }
  /// The count that an answer of now was computed from.
  static int CountIn(const Server& server) {
    const Answer answer = AskOnce(server.endpoint(), NumberedOrder());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).at("features").at("inventory").get<int>();
  }
  static bool IsStale(const Server& server) {
    return !AskOnce(server.endpoint(), NumberedOrder()).Header("x-forkcast-stale").empty();
  }
  [[nodiscard]] json Status() const {
    return json::parse(RunToEnd(workspace_ / "status", {kForkcast, "status", "--control",
                                                        workspace_ / "control", "--json"}));
  }
  void ExpectToFollow(const Server& server, int pieces) const {
    Count(pieces);
    EXPECT_TRUE(Eventually([&] { return CountIn(server) == pieces; })) << server.log();
    EXPECT_TRUE(Eventually([&] { return !IsStale(server); })) << server.log();
  }

  Workspace workspace_;
  std::string store_;
};

INSTANTIATE_TEST_SUITE_P(In, AServerOfAShop, testing::ValuesIn(ServerKinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(AServerOfAShop, AnswersWhoeverIsKilledAndSaysWhenItsDataAreOld) {
  const Server server(workspace_, {.serves = ServerOptions::Serves::kNothing,
                                   .flags = WithStore({"--config", workspace_ / "server.json",
                                                       "--control", workspace_ / "control"}),
                                   .ends = ServerOptions::Ends::kAnyHow});
  server.WaitUntilReady();
  Load load(server.endpoint(),
            {.clients = 4, .pace = std::chrono::milliseconds(5), .request = NumberedOrder()});
  ExpectToFollow(server, 2);

  const pid_t refresher = Status().at("refresher").at("pid");
  ASSERT_GT(refresher, 0);
  ::kill(refresher, SIGKILL);
  ExpectToFollow(server, 3);

  GetParam().crash();
  EXPECT_TRUE(Eventually([&] { return IsStale(server); }));
  EXPECT_EQ(CountIn(server), 3) << "what there was is answered";
  EXPECT_TRUE(Eventually([&] { return Status().at("refresher").at("state") == "failing"; }));
  EXPECT_NE(Status().at("refresher").at("error"), "");
  GetParam().start();
  ExpectToFollow(server, 4);

  GetParam().end_others();
  ExpectToFollow(server, 5);

  ASSERT_TRUE(load.WaitForMore(10));
  const LoadReport report = load.Stop();
  EXPECT_EQ(report.failed(), 0U) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
  EXPECT_GT(report.answered(), 0U);
}

}  // namespace
}  // namespace forkcast::process_test
