// What may be wrong with a store that is a server: each is named with what and where, ends in time,
// and leaves nothing half-written. (Of every kind of store alike: the contract test of TableDao; of
// topics and messages: the tests of kafka; of files and SQLite: those of ingest.)

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/document/json.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"
#include "support/store_kinds.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

/// A port of this machine at which somebody listens who never says anything.
class SilentHost {
 public:
  SilentHost() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), any, size), 0);
    EXPECT_EQ(::listen(socket_.get(), 8), 0);
    EXPECT_EQ(::getsockname(socket_.get(), any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] int port() const noexcept { return port_; }

 private:
  Fd socket_;
  int port_ = 0;
};

/// What is wrong in one test.
struct Wrong {
  std::string store;                       ///< As a user names it.
  json pipeline;                           ///< As a user writes it.
  std::vector<std::string> environment{};  ///< NAME=VALUE.
  std::vector<std::string> tables{"inventory", "zip_codes", "payments", "orders"};
};

class BadStores : public testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    if (!GetParam().is_installed()) GTEST_SKIP() << GetParam().name << " is not installed";
    wrong_.store = GetParam().new_store();
    wrong_.pipeline = json::parse(preprocessing::ReadWhole(workspace_.pipeline()));
  }
  [[nodiscard]] static bool is_postgres() { return GetParam().name == "Postgres"; }
  void Run(const std::string& sql) const { GetParam().ask(wrong_.store, sql); }
  /// A user besides ours, with a password where one is given, who may do this in the store.
  void AddUser(const std::string& name, const std::string& password, const std::string& may) {
    if (is_postgres()) {
      Run(fmt::format("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN PASSWORD '{1}'", name,
                      password));
      wrong_.store = Replaced(wrong_.store, "user=forkcast", "user=" + name);
      return;
    }
    const std::string identified = password.empty() ? "" : " IDENTIFIED BY '" + password + "'";
    Run(
        fmt::format("CREATE OR REPLACE USER '{0}'@'localhost'{1}; GRANT {2} ON *.* TO "
                    "'{0}'@'localhost'",
                    name, identified, may));
    wrong_.store = Replaced(wrong_.store, "root@", name + "@");
  }
  [[nodiscard]] std::vector<std::string> Command(const std::vector<std::string>& more) const {
    std::vector<std::string> command{
        kForkcast,
        "ingest",
        "--quiet",
        "--pipeline",
        workspace_.Write("pipelines/order_triage.json", wrong_.pipeline.dump()),
        "--store",
        wrong_.store,
        "--snapshots",
        workspace_ / "snapshots"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  /// Takes the sample in, which must end with this code, and gives what was said.
  [[nodiscard]] std::string IngestFails(int code) const {
    std::vector<std::string> more{"--from", SampleData().folder};
    for (const std::string& table : wrong_.tables) more.insert(more.end(), {"--table", table});
    Program ingest(workspace_ / "ingest", Command(more), wrong_.environment);
    EXPECT_EQ(ingest.Wait(), code) << ingest.err();
    EXPECT_FALSE(IsPublished());
    return ingest.err();
  }
  /// Whether any snapshot is there.
  [[nodiscard]] bool IsPublished() const {
    std::error_code absent;
    for (const auto& entry :
         std::filesystem::directory_iterator(workspace_ / "snapshots", absent)) {
      if (entry.path().extension() == ".snapshot") return true;
    }
    return false;
  }

  Workspace workspace_;
  Wrong wrong_;
};

INSTANTIATE_TEST_SUITE_P(Servers, BadStores, testing::ValuesIn(ServerKinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(BadStores, AWrongPasswordIsToldWithoutShowingIt) {
  AddUser("locked", "right", "ALL");
  const std::string variable = is_postgres() ? "PGPASSWORD" : "MYSQL_PWD";
  wrong_.environment = {variable + "=swordfish"};
  EXPECT_THAT(IngestFails(5), AllOf(HasSubstr("cannot be reached"), HasSubstr("locked"),
                                    Not(HasSubstr("swordfish"))));
}

TEST_P(BadStores, AHostThatDoesNotAnswerIsGivenUp) {
  const SilentHost host;
  wrong_.store =
      is_postgres()
          ? fmt::format("postgresql://me@127.0.0.1:{}/shop?connect_timeout=2", host.port())
          : fmt::format("mysql://me@127.0.0.1:{}/shop?connect-timeout=2", host.port());
  EXPECT_THAT(IngestFails(5), HasSubstr("cannot be reached"));
}

TEST_P(BadStores, AHostThatDoesNotAnswerIsToldOnceByAFollowerAndTriedAgain) {
  const SilentHost host;
  wrong_.store =
      is_postgres()
          ? fmt::format("postgresql://me@127.0.0.1:{}/shop?connect_timeout=2", host.port())
          : fmt::format("mysql://me@127.0.0.1:{}/shop?connect-timeout=2", host.port());
  Program follower(workspace_ / "follower", Command({"--follow", "--every", "100ms"}));
  EXPECT_TRUE(Eventually([&] {
    return follower.err().find("cannot be reached") != std::string::npos;
  })) << follower.err();
  EXPECT_TRUE(follower.running());
  follower.Signal(SIGTERM);
  EXPECT_EQ(follower.Wait(), 0) << follower.err();
  const std::string told = follower.err();
  EXPECT_EQ(std::ranges::count(told, '\n'), 1) << told;
}

TEST_P(BadStores, ADatabaseThatIsReadOnlyIsTold) {
  if (is_postgres()) {
    wrong_.store += "%20-cdefault_transaction_read_only%3Don";
    EXPECT_THAT(IngestFails(5), HasSubstr("read-only"));
  } else {
    AddUser("reader", "", "SELECT");
    EXPECT_THAT(IngestFails(5), HasSubstr("denied to user 'reader'"));
  }
}

TEST_P(BadStores, ATableOfAShopWithoutAColumnIsNamedWithIt) {
  wrong_.tables = {"inventory", "payments", "orders"};
  Run("CREATE TABLE zip_codes (zip_code varchar(5) NOT NULL, opened timestamp NOT NULL)");
  EXPECT_THAT(IngestFails(2), AllOf(HasSubstr("zip_codes"), HasSubstr("available_from")));
}

TEST_P(BadStores, ATableOfAShopWithAnotherTypeIsNamedWithIt) {
  wrong_.tables = {"inventory", "payments", "orders"};
  Run("CREATE TABLE zip_codes (zip_code varchar(5) NOT NULL, available_from varchar(20) NOT "
      "NULL)");
  Run("INSERT INTO zip_codes VALUES ('1', 'soon')");
  EXPECT_THAT(IngestFails(2),
              AllOf(HasSubstr("zip_codes"), HasSubstr("available_from"), HasSubstr("timestamp")));
}

TEST_P(BadStores, AQueryThatIsNoSelectIsNamed) {
  wrong_.pipeline["series"]["gone"] = {{"query", "DELETE FROM orders"},
                                       {"columns", {{"order_id", "text"}}},
                                       {"key", {"order_id"}},
                                       {"values", {"order_id"}}};
  EXPECT_THAT(IngestFails(2), AllOf(HasSubstr("\"gone\""), HasSubstr("SELECT")));
}

TEST_P(BadStores, AQueryThatTouchesTheLabelIsNamed) {
  wrong_.pipeline["series"]["peek"] = {
      {"query", "SELECT order_id FROM orders WHERE order_fulfilled"},
      {"columns", {{"order_id", "text"}}},
      {"key", {"order_id"}},
      {"values", {"order_id"}}};
  EXPECT_THAT(IngestFails(2), AllOf(HasSubstr("\"peek\""), HasSubstr("order_fulfilled")));
}

TEST_P(BadStores, ASecondFollowerOfTheSameTablesIsTold) {
  Program first(workspace_ / "first",
                Command({"--follow", "--every", "100ms", "--from", SampleData().folder}));
  ASSERT_TRUE(Eventually([&] { return IsPublished(); })) << first.err();
  Program second(workspace_ / "second", Command({"--follow", "--from", SampleData().folder}));
  EXPECT_EQ(second.Wait(), 5);
  EXPECT_THAT(second.err(), HasSubstr("another forkcast ingest --follow takes the rows of"));
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(), 0) << first.err();
}

}  // namespace
}  // namespace forkcast::process_test
