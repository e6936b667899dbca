// Rows that callers bring to a server, as they, operators and the kernel see it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"
#include "support/store_kinds.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using Ends = ServerOptions::Ends;

constexpr const char* kCsv = "Content-Type: text/csv\r\n";
constexpr const char* kLines = "Content-Type: application/jsonlines\r\n";
constexpr const char* kForm = "Content-Type: multipart/form-data; boundary=b\r\n";

Request NumberedOrder() {
  return {.target = "/invocations?features=true",
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"order_id": "numbered", "timestamp": "2024-02-10 12:00:00", )"
                  R"("sku_code": "numbered", "zip_code": "94234"})"};
}

std::string Packed(const std::string& text) {
  const preprocessing::TempFolder folder;
  return preprocessing::ReadWhole(folder.WriteGzip("packed", text));
}

std::string Part(const std::string& name, const std::string& file, const std::string& content) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + file +
         "\"\r\n\r\n" + content + "\r\n";
}

/// A server that takes rows into a store: of SQLite, or of a server's kind.
class Pushes : public testing::Test {
 protected:
  explicit Pushes(const ServerKind* kind = nullptr)
      : kind_(kind), store_(kind == nullptr ? workspace_.store() : kind->new_store()) {
    fs::create_directory(originals());
    workspace_.Write("originals/inventory.csv",
                     "sku_code,timestamp,inventory\nnumbered,2024-02-10 11:10:00,1\n");
    std::vector<std::string> ingest{kForkcast, "ingest",  "--from",   originals(),
                                    "--quiet", "--table", "inventory"};
    const std::vector<std::string> what = What();
    ingest.insert(ingest.end(), what.begin(), what.end());
    RunToEnd(workspace_ / "ingest", ingest);
    Configure(
        {{"push", true}, {"originals", originals().string()}, {"options", {"--every", "100ms"}}});
  }

  void Configure(const json& refresher) const {
    const json config{{"refresher", refresher},
                      {"admin_address", "unix:" + admin().socket.string()}};
    workspace_.Write("server.json", config.dump());
  }
  Server& Start(const std::vector<std::string>& more = {}, Ends ends = Ends::kCleanly) {
    server_.reset();
    std::vector<std::string> flags{"--config", workspace_ / "server.json", "--control", control()};
    const std::vector<std::string> what = What();
    flags.insert(flags.end(), what.begin(), what.end());
    flags.insert(flags.end(), more.begin(), more.end());
    server_ = std::make_unique<Server>(
        workspace_,
        ServerOptions{.serves = ServerOptions::Serves::kNothing, .flags = flags, .ends = ends});
    server_->WaitUntilReady();
    // Whoever is told to end before it has begun ends by the signal.
    EXPECT_TRUE(Eventually([this] { return Status().at("refresher").at("state") != ""; }));
    return *server_;
  }
  [[nodiscard]] Answer Push(const std::string& table, const std::string& headers,
                            const std::string& body, const std::string& query = {}) const {
    return AskOnce(
        admin(),
        {.target = "/tables/" + table + "/rows" + query, .headers = headers, .body = body});
  }
  /// Sends it again and again until it is taken; not all that went wrong on the way is an answer.
  void PushUntilTaken(const std::string& table, const std::string& headers,
                      const std::string& body) const {
    EXPECT_TRUE(Eventually([&] {
      HttpConnection connection(admin());
      if (!connection.connected()) return false;
      const Exchange exchange = connection.Ask(
          {.target = "/tables/" + table + "/rows", .headers = headers, .body = body});
      return exchange.outcome == Outcome::kAnswered && exchange.answer.status == 200;
    })) << server_->log();
  }
  /// The first number that a query has.
  [[nodiscard]] int Number(const std::string& sql) const {
    if (kind_ != nullptr) return std::stoi(kind_->ask(store_, sql));
    sqlite3* database = nullptr;
    sqlite3_open_v2((workspace_ / "o.db").c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_busy_timeout(database, 30'000);
    sqlite3_stmt* select = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, sql.c_str(), -1, &select, nullptr), SQLITE_OK) << sql;
    EXPECT_EQ(sqlite3_step(select), SQLITE_ROW) << sqlite3_errmsg(database);
    const int number = sqlite3_column_int(select, 0);
    sqlite3_finalize(select);
    sqlite3_close(database);
    return number;
  }
  /// The count that an answer was computed from.
  [[nodiscard]] int CountIn() const {
    const Answer answer = AskOnce(server_->endpoint(), NumberedOrder());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).at("features").at("inventory").get<int>();
  }
  [[nodiscard]] json Status() const {
    return json::parse(
        RunToEnd(workspace_ / "status", {kForkcast, "status", "--control", control(), "--json"}));
  }
  [[nodiscard]] pid_t Refresher() const {
    pid_t pid = 0;
    EXPECT_TRUE(Eventually([&] { return (pid = Status().at("refresher").at("pid")) > 0; }));
    return pid;
  }
  /// The pipeline, its store and where its snapshots are.
  [[nodiscard]] std::vector<std::string> What() const {
    return {"--pipeline", workspace_.pipeline(), "--store",
            store_,       "--snapshots",         workspace_ / "snapshots"};
  }
  [[nodiscard]] fs::path originals() const { return workspace_ / "originals"; }
  [[nodiscard]] fs::path control() const { return workspace_ / "control"; }
  [[nodiscard]] Endpoint admin() const { return {.socket = workspace_ / "admin.sock"}; }

  const ServerKind* kind_;
  Workspace workspace_;
  std::string store_;
  std::unique_ptr<Server> server_;
};

/// Null: SQLite.
using Kind = const ServerKind*;

class PushesIntoAStore : public Pushes, public testing::WithParamInterface<Kind> {
 protected:
  PushesIntoAStore() : Pushes(GetParam()) {}
};

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds{nullptr};
  for (const ServerKind& kind : ServerKinds()) {
    if (kind.is_installed()) kinds.push_back(&kind);
  }
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Of, PushesIntoAStore, testing::ValuesIn(Kinds()), [](const auto& kind) {
  return kind.param == nullptr ? std::string("Sqlite") : kind.param->name;
});

TEST_P(PushesIntoAStore, AreStoredWhenTheyAreAnsweredAndInTheAnswersSoonAfter) {
  Start();
  EXPECT_EQ(CountIn(), 1);
  const Answer answer =
      Push("inventory", kCsv, "sku_code,timestamp,inventory\nnumbered,2024-02-10 11:20:00,2\n");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body).at("added"), 1);
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE inventory = 2"), 1);
  EXPECT_TRUE(Eventually([&] { return CountIn() == 2; })) << server_->log();
  const std::string metrics = AskOnce(admin(), {.method = "GET", .target = "/metrics"}).body;
  EXPECT_THAT(metrics, AllOf(HasSubstr("forkcast_pushes_total{result=\"taken\"} 1\n"),
                             HasSubstr("forkcast_pushed_rows_total 1\n"),
                             HasSubstr("forkcast_pushes_waiting 0\n")));
}

TEST_F(Pushes, AreNotTakenWhereCallersOfModelsAsk) {
  Start();
  const Answer answer = AskOnce(server_->endpoint(),
                                {.target = "/tables/inventory/rows", .headers = kCsv, .body = "x"});
  EXPECT_EQ(answer.status, 404);
}

TEST_P(PushesIntoAStore, OfSeveralFilesAreTakenTogetherOrNotAtAll) {
  Start();
  const std::string good =
      Part("file", "a.csv", "sku_code,timestamp,inventory\nf,2024-02-10 11:20:00,5\n");
  const Answer refused =
      Push("inventory", kForm,
           good + Part("zip_codes", "z.csv", "zip_code,available_from\n1,never\n") + "--b--\r\n");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(json::parse(refused.body).at("error").at("rows").at(0).at("file"), "z.csv");
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'f'"), 0);
  const Answer taken = Push(
      "inventory", kForm,
      good + Part("zip_codes", "z.csv", "zip_code,available_from\n1,2024-01-01\n") + "--b--\r\n");
  EXPECT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'f'"), 1);
  EXPECT_EQ(Number("SELECT count(*) FROM zip_codes"), 1);
}

TEST_F(Pushes, ThatArePackedAreUnpacked) {
  Start();
  std::string body = "sku_code,timestamp,inventory\n";
  for (int i = 0; i < 20'000; ++i) body += fmt::format("p,2024-02-10 11:20:00,{}\n", i);
  const std::string packed = Packed(body);
  ASSERT_LT(packed.size(), body.size() / 3);
  const Answer answer = Push("inventory", std::string(kCsv) + "Content-Encoding: gzip\r\n", packed);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Number("SELECT count(DISTINCT inventory) FROM inventory WHERE sku_code = 'p'"), 20'000);
}

TEST_P(PushesIntoAStore, WithAKeyThatWasThereAreAnsweredAndAddNothing) {
  Start();
  const std::string headers = std::string(kCsv) + "Idempotency-Key: one\r\n";
  const std::string body = "sku_code,timestamp,inventory\nk,2024-02-10 11:20:00,2\n";
  EXPECT_EQ(Push("inventory", headers, body).status, 200);
  const Answer again = Push("inventory", headers, body);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body).at("repeated"), true) << again.body;
  const Answer other = Push("inventory", headers, body + "k,2024-02-10 11:30:00,3\n");
  EXPECT_EQ(other.status, 409) << other.body;
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'k'"), 1);
}

TEST_P(PushesIntoAStore, OfRowsThatBreakARuleAreRefusedNamingFieldValueAndBound) {
  workspace_.Write("constraints.json",
                   R"({"format": "forkcast.constraints", "format_version": 1,
                       "tables": {"inventory": {"inventory": {"min": 0, "max": 500}}}})");
  Configure(
      {{"push", true}, {"options", {"--constraints", (workspace_ / "constraints.json").string()}}});
  Start();
  const std::string body =
      "sku_code,timestamp,inventory\nr,2024-02-10 11:20:00,5\nr,2024-02-10 11:21:00,600\n";
  const Answer refused = Push("inventory", kCsv, body);
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, AllOf(HasSubstr("line 3"), HasSubstr("inventory"), HasSubstr("got 600"),
                                  HasSubstr("at most 500")));
  const Answer partial = Push("inventory", kCsv, body, "?partial=true");
  EXPECT_EQ(partial.status, 200) << partial.body;
  EXPECT_EQ(json::parse(partial.body).at("left_out"), 1);
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'r'"), 1);
}

TEST_P(PushesIntoAStore, AreTakenOnceEachWhateverIsKilledWhen) {
  constexpr int kRounds = 12;
  Start({}, Ends::kAnyHow);
  for (int round = 0; round < kRounds; ++round) {
    const std::string number = std::to_string(round);
    const std::string headers = std::string(kLines) + "Idempotency-Key: round-" + number + "\r\n";
    const std::string body = R"({"sku_code": "once", "timestamp": "2024-02-10 11:20:00", )"
                             R"("inventory": )" +
                             number + "}";
    const bool is_masters_turn = round % 4 == 3;
    const pid_t victim = is_masters_turn ? server_->pid() : Refresher();
    // Each round kills at another moment of what is under way.
    std::thread killer([victim, round] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2 * round));
      ::kill(victim, SIGKILL);
    });
    if (is_masters_turn) {
      HttpConnection connection(admin());
      connection.Ask({.target = "/tables/inventory/rows", .headers = headers, .body = body});
      killer.join();
      server_->Wait();
      Start({}, Ends::kAnyHow);
    }
    PushUntilTaken("inventory", headers, body);
    if (killer.joinable()) killer.join();
    EXPECT_EQ(
        Number("SELECT count(*) FROM inventory WHERE sku_code = 'once' AND inventory = " + number),
        1);
  }
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'once'"), kRounds);
}

class PushesIntoAServer : public PushesIntoAStore {};

std::vector<Kind> InstalledServers() {
  std::vector<Kind> kinds = Kinds();
  kinds.erase(kinds.begin());
  return kinds;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PushesIntoAServer);
INSTANTIATE_TEST_SUITE_P(Of, PushesIntoAServer, testing::ValuesIn(InstalledServers()),
                         [](const auto& kind) { return kind.param->name; });

TEST_P(PushesIntoAServer, AreTakenOnceEachThoughTheDatabaseIsKilled) {
  constexpr int kRounds = 6;
  Start();
  for (int round = 0; round < kRounds; ++round) {
    const std::string number = std::to_string(round);
    const std::string headers = std::string(kLines) + "Idempotency-Key: round-" + number + "\r\n";
    const std::string body = R"({"sku_code": "once", "timestamp": "2024-02-10 11:20:00", )"
                             R"("inventory": )" +
                             number + "}";
    // Each round kills at another moment of what is under way.
    std::thread killer([this, round] {
      std::this_thread::sleep_for(std::chrono::milliseconds(round));
      kind_->crash();
    });
    static_cast<void>(
        AskOnce(admin(), {.target = "/tables/inventory/rows", .headers = headers, .body = body}));
    killer.join();
    const Answer refused = Push("inventory", headers, body);
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(CountIn(), 1) << "answers need no database";
    kind_->start();
    PushUntilTaken("inventory", headers, body);
    EXPECT_EQ(
        Number("SELECT count(*) FROM inventory WHERE sku_code = 'once' AND inventory = " + number),
        1);
  }
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'once'"), kRounds);
}

TEST_P(PushesIntoAStore, OfManyClientsAtOnceAreAllTaken) {
  constexpr int kClients = 4;
  constexpr int kEach = 10;
  Start();
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([this, client] {
      for (int i = 0; i < kEach; ++i) {
        const Answer answer = Push("inventory", kCsv,
                                   "sku_code,timestamp,inventory\nmany,2024-02-10 11:20:00," +
                                       std::to_string(client * kEach + i) + "\n");
        EXPECT_EQ(answer.status, 200) << answer.body;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(Number("SELECT count(DISTINCT inventory) FROM inventory WHERE sku_code = 'many'"),
            kClients * kEach);
}

TEST_F(Pushes, ArePutOffWhileTheRefresherHangsAndRequestsGoOn) {
  Start({"--timeout", "2"}, Ends::kAnyHow);
  const pid_t refresher = Refresher();
  ::kill(refresher, SIGSTOP);
  const Answer answer =
      Push("inventory", kCsv, "sku_code,timestamp,inventory\nh,2024-02-10 11:20:00,2\n");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.Header("retry-after"), "1");
  EXPECT_THAT(answer.body, HasSubstr("may have been stored"));
  EXPECT_EQ(CountIn(), 1);
  ::kill(refresher, SIGCONT);
  PushUntilTaken("inventory", kCsv, "sku_code,timestamp,inventory\nh,2024-02-10 11:30:00,3\n");
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'h' AND inventory = 2"), 0)
      << "nobody waited for it any more";
}

TEST_P(PushesIntoAStore, CanBeUndoneAndSeen) {
  Start();
  EXPECT_EQ(
      Push("inventory", kCsv, "sku_code,timestamp,inventory\nnumbered,2024-02-10 11:20:00,2\n")
          .status,
      200);
  const auto inventory = [this] {
    const Answer tables = AskOnce(admin(), {.method = "GET", .target = "/tables"});
    EXPECT_EQ(tables.status, 200) << tables.body;
    return json::parse(tables.body).at("tables").at(1);
  };
  EXPECT_EQ(inventory().at("rows"), 2);
  EXPECT_EQ(inventory().at("last"), "2024-02-10T11:20:00Z");
  const Answer reset = AskOnce(admin(), {.target = "/tables/reset"});
  EXPECT_EQ(reset.status, 200) << reset.body;
  EXPECT_EQ(inventory().at("rows"), 1);
  EXPECT_TRUE(Eventually([&] { return CountIn() == 1; }));
}

TEST_F(Pushes, HaveOtherIdsThanRequestsAtTheOtherAddress) {
  constexpr std::size_t kOfEach = 10;
  Start();
  std::set<std::string> ids;
  for (std::size_t i = 0; i < kOfEach; ++i) {
    for (const Endpoint& door : {admin(), server_->endpoint()}) {
      const Answer answer = AskOnce(door, {.method = "GET", .target = "/nowhere"});
      ids.emplace(answer.Header("x-request-id"));
    }
  }
  EXPECT_EQ(ids.size(), 2 * kOfEach);
}

struct BadPush {
  std::string name;
  Request request;
  int status;
  std::string text;
};
void PrintTo(const BadPush& one, std::ostream* out) { *out << one.name; }

class ABadPush : public Pushes, public testing::WithParamInterface<BadPush> {};

TEST_P(ABadPush, IsRefusedSayingWhyAndStoresNothing) {
  Start({"--max-body-bytes", "10000"});
  const Answer answer = AskOnce(admin(), GetParam().request);
  EXPECT_EQ(answer.status, GetParam().status) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(GetParam().text));
  EXPECT_EQ(Number("SELECT count(*) FROM inventory"), 1);
}

const std::string kInventory = "/tables/inventory/rows";

INSTANTIATE_TEST_SUITE_P(
    Of, ABadPush,
    testing::Values(
        BadPush{"AnUnknownTable",
                {.target = "/tables/nothing/rows", .headers = kCsv, .body = "a\n1\n"},
                404,
                "there is no table \\\"nothing\\\"; there are orders, inventory"},
        BadPush{"AnUnknownForm",
                {.target = kInventory, .headers = "Content-Type: image/png\r\n", .body = "x"},
                415,
                "image/png"},
        BadPush{"APackedBodyThatIsNone",
                {.target = kInventory,
                 .headers = std::string(kCsv) + "Content-Encoding: gzip\r\n",
                 .body = "sku"},
                400,
                "no gzip"},
        BadPush{"ABodyPackedOtherwise",
                {.target = kInventory,
                 .headers = std::string(kCsv) + "Content-Encoding: br\r\n",
                 .body = "x"},
                415,
                "expected gzip or identity"},
        BadPush{"TooManyBytesWhenUnpacked",
                {.target = kInventory,
                 .headers = std::string(kCsv) + "Content-Encoding: gzip\r\n",
                 .body = Packed(std::string(10'001, 'x'))},
                413,
                "10000"},
        BadPush{"AFormOfAWebPage",
                {.target = kInventory,
                 .headers = std::string(kForm) + "Origin: https://example.com\r\n",
                 .body = "x"},
                400,
                "web pages"},
        BadPush{"TooManyBytes",
                {.target = kInventory, .headers = kCsv, .body = std::string(10'001, 'x')},
                413,
                "10000"},
        BadPush{"NoForm",
                {.target = kInventory, .headers = kForm, .body = "--c--"},
                400,
                "does not begin with its boundary"},
        BadPush{
            "AKeyThatIsTooLong",
            {.target = kInventory,
             .headers = std::string(kCsv) + "Idempotency-Key: " + std::string(257, 'k') + "\r\n",
             .body = "x"},
            400,
            "Idempotency-Key"},
        BadPush{"AnotherMethod", {.method = "GET", .target = kInventory}, 405, "POST"},
        BadPush{"NoBody", {.target = kInventory, .headers = kCsv}, 400, "body"}),
    [](const auto& one) { return one.param.name; });

TEST_F(Pushes, ThatAreBrokenOffStoreNothing) {
  Start();
  {
    HttpConnection connection(admin());
    connection.Send(
        "POST /tables/inventory/rows HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n"
        "Content-Length: 500\r\n\r\nsku_code,timestamp,inventory\nbroken,2024-02-10 11:20:00,2\n");
  }
  EXPECT_EQ(
      Push("inventory", kCsv, "sku_code,timestamp,inventory\nw,2024-02-10 11:20:00,2\n").status,
      200);
  EXPECT_EQ(Number("SELECT count(*) FROM inventory WHERE sku_code = 'broken'"), 0);
}

}  // namespace
}  // namespace forkcast::process_test
