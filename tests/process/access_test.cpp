// Who may do what to a server, as callers, operators and the programs around it see it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using Serves = ServerOptions::Serves;

constexpr std::size_t kWorkers = 3;
/// Enough connections that each worker gets several.
constexpr std::size_t kOfEachWorker = 20 * kWorkers;

/// A server whose models may be loaded by whoever may, with none of its own.
class Access : public testing::Test {
 protected:
  [[nodiscard]] fs::path tokens() const { return workspace_ / "tokens.json"; }
  [[nodiscard]] fs::path audit() const { return workspace_ / "audit.log"; }

  /// `forkcast token`; what it prints, without the line's end.
  std::string Token(std::vector<std::string> words, int expected = 0) {
    words.insert(words.begin(), {kForkcast, "token"});
    words.insert(words.end(), {"--tokens", tokens()});
    std::string out =
        RunToEnd(workspace_ / ("token" + std::to_string(++commands_)), words, expected);
    while (out.ends_with('\n')) out.pop_back();
    return out;
  }
  std::string Create(const std::string& name, const std::string& role) {
    return Token({"create", name, "--role", role});
  }
  Server& Start(std::vector<std::string> flags) {
    fs::create_directories(workspace_ / "ml");
    flags.insert(flags.end(), {"--multi-model", "true", "--model-root", workspace_ / "ml"});
    server_ = std::make_unique<Server>(
        workspace_,
        ServerOptions{.serves = Serves::kNothing, .workers = kWorkers, .flags = std::move(flags)});
    server_->WaitUntilAllReady();
    return *server_;
  }
  Server& StartWithTokens(std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--tokens", tokens(), "--audit-log", audit()});
    return Start(std::move(flags));
  }
  static std::string Bearing(const std::string& token) {
    return token.empty() ? "" : "Authorization: Bearer " + token + "\r\n";
  }
  /// Of a model that is not there: 404 is the answer of whoever may load one.
  [[nodiscard]] Answer Load(const std::string& headers) const {
    return AskOnce(
        server_->endpoint(),
        {.target = "/models",
         .headers = headers,
         .body = json{{"model_name", "m"}, {"url", (workspace_ / "ml" / "none").string()}}.dump()});
  }
  /// Those of many connections, so that every worker answers some.
  [[nodiscard]] std::vector<int> LoadsOf(const std::string& token) const {
    std::vector<int> statuses;
    for (std::size_t i = 0; i < kOfEachWorker; ++i) {
      statuses.push_back(Load(Bearing(token)).status);
    }
    return statuses;
  }
  [[nodiscard]] int Get(const std::string& target, const std::string& headers = {}) const {
    return AskOnce(server_->endpoint(), {.method = "GET", .target = target, .headers = headers})
        .status;
  }
  [[nodiscard]] std::vector<json> Audits() const {
    std::vector<json> lines;
    std::string text = preprocessing::ReadWhole(audit());
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      lines.push_back(json::parse(text.substr(0, end)));
      text.erase(0, end + 1);
    }
    return lines;
  }

  Workspace workspace_;
  int commands_ = 0;
  std::unique_ptr<Server> server_;
};

TEST_F(Access, IsGivenAndTakenInAllWorkersFromTheNextRequestOn) {
  Create("first", "viewer");
  StartWithTokens();
  const std::string token = Create("ci", "operator");
  EXPECT_THAT(LoadsOf(token), Each(404));
  Token({"revoke", "ci"});
  EXPECT_THAT(LoadsOf(token), Each(401));
  EXPECT_THAT(Load(Bearing(token)).body, HasSubstr("the token is revoked"));
}

TEST_F(Access, ToChangesTakesAToken) {
  const std::string viewer = Create("reader", "viewer");
  StartWithTokens();
  const Answer nobody = Load("");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.Header("www-authenticate"), "Bearer realm=\"forkcast\"");
  const Answer low = Load(Bearing(viewer));
  EXPECT_EQ(low.status, 403);
  EXPECT_THAT(low.body, HasSubstr("operator"));
  EXPECT_EQ(Get("/models"), 200);
  EXPECT_EQ(Get("/metrics"), 200);
}

TEST_F(Access, ToWhatIsLockedTakesATokenToo) {
  const std::string viewer = Create("reader", "viewer");
  StartWithTokens({"--locked", "invocations,metrics"});
  for (const char* const target : {"/metrics", "/drift", "/models", "/openapi.json"}) {
    EXPECT_EQ(Get(target), 401) << target;
    EXPECT_EQ(Get(target, Bearing(viewer)), 200) << target;
  }
  const Request invocation{.headers = "Content-Type: application/json\r\n", .body = "{}"};
  EXPECT_EQ(AskOnce(server_->endpoint(), invocation).status, 401);
  EXPECT_EQ(Ping(server_->endpoint()), 200);
}

TEST_F(Access, ToChangesIsThisMachinesWithoutTokens) {
  Start({"--audit-log", audit()});
  EXPECT_EQ(Load("").status, 404);
  EXPECT_EQ(Load("X-Forwarded-For: 203.0.113.9\r\n").status, 403);
  EXPECT_EQ(Load("Origin: https://evil.example\r\n").status, 400);
  const std::vector<json> audits = Audits();
  ASSERT_EQ(audits.size(), 3U);
  EXPECT_EQ(audits[0].at("proof"), "local");
  EXPECT_EQ(audits[0].at("from"), "127.0.0.1");
}

TEST_F(Access, IsRefusedUnderAnotherNameOfTheHost) {
  Start({"--allowed-hosts", "forecasts.example"});
  EXPECT_EQ(Get("/metrics"), 421);
  EXPECT_EQ(Ping(server_->endpoint()), 200);
  HttpConnection connection(server_->endpoint());
  connection.Send("GET /metrics HTTP/1.1\r\nHost: forecasts.example\r\n\r\n");
  EXPECT_EQ(connection.Receive().answer.status, 200);
}

TEST_F(Access, IsNotedByAllWorkersInOneLogWithoutSecrets) {
  const std::string token = Create("ci", "operator");
  const Server& server = StartWithTokens({"--access-log", "json", "--access-log-file",
                                          workspace_ / "access.log", "--log-level", "debug"});
  EXPECT_THAT(LoadsOf(token), Each(404));
  EXPECT_EQ(Load(Bearing("forkcast_of-somebody-else")).status, 401);
  const std::vector<json> audits = Audits();
  ASSERT_EQ(audits.size(), kOfEachWorker + 1);
  EXPECT_EQ(audits.back().at("outcome"), "refused");
  EXPECT_EQ(std::ranges::count_if(audits, [](const json& line) { return line.at("who") == "ci"; }),
            static_cast<std::ptrdiff_t>(kOfEachWorker));
  for (const std::string& log :
       {preprocessing::ReadWhole(audit()), preprocessing::ReadWhole(workspace_ / "access.log"),
        server.log(), preprocessing::ReadWhole(tokens())}) {
    EXPECT_THAT(log, Not(HasSubstr(token)));
    EXPECT_THAT(log, Not(HasSubstr("of-somebody-else")));
  }
}

TEST_F(Access, IsNotedInAnotherFileWhenThatWasMovedAway) {
  const std::string token = Create("ci", "operator");
  Server& server = StartWithTokens();
  EXPECT_EQ(Load(Bearing(token)).status, 404);
  fs::rename(audit(), workspace_ / "audit.log.1");
  server.Signal(SIGUSR1);
  const auto is_opened = [this] { return fs::exists(audit()); };
  ASSERT_TRUE(Eventually(is_opened));
  // Workers open it after the master; whoever has not yet writes to the old one.
  EXPECT_TRUE(Eventually([&] { return Load(Bearing(token)).status == 404 && !Audits().empty(); }));
}

TEST_F(Access, IsNobodysWhileTheTokensAreDamaged) {
  const std::string token = Create("ci", "operator");
  const Server& server = StartWithTokens();
  const std::string good = preprocessing::ReadWhole(tokens());
  workspace_.Write("tokens.json", "{\"tokens\": [");
  EXPECT_EQ(Load(Bearing(token)).status, 503);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("tokens_unreadable") > 0; }));
  workspace_.Write("tokens.json", good);
  EXPECT_EQ(Load(Bearing(token)).status, 404);
}

TEST_F(Access, IsNotGivenByAServerThatCannotReadItsTokens) {
  Program server(workspace_ / "refused",
                 {kForkcast, "serve", "--multi-model", "true", "--bind",
                  "unix:" + (workspace_ / "s").string(), "--tokens", workspace_ / "none.json"});
  EXPECT_EQ(server.Wait(), 5);
  EXPECT_THAT(server.err(), HasSubstr("none.json: cannot be read"));
}

TEST_F(Access, TokensArePrintedOnceAndKeptAsHashes) {
  const std::string token = Create("ci", "operator");
  EXPECT_THAT(token, testing::MatchesRegex("forkcast_[A-Za-z0-9_-]{43}"));
  struct stat status {};
  ASSERT_EQ(::stat(tokens().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const json listed = json::parse(Token({"list", "--json"}));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].at("name"), "ci");
  EXPECT_EQ(listed[0].at("role"), "operator");
  EXPECT_EQ(listed[0].at("state"), "valid");
  EXPECT_THAT(Token({"list"}), Not(HasSubstr(token)));
}

TEST_F(Access, TokensOfOneNameAreMadeOneAfterTheOther) {
  const std::string first = Create("ci", "operator");
  Token({"create", "ci", "--role", "admin"}, 3);
  Token({"revoke", "ci"});
  EXPECT_NE(Create("ci", "admin"), first);
  Token({"revoke", "nobody"}, 3);
}

TEST_F(Access, TokensAreRefusedWhoseNameOrRoleOrSpanIsNone) {
  Token({"create", "a b", "--role", "viewer"}, 2);
  Token({"create", "a", "--role", "root"}, 2);
  Token({"create", "a", "--role", "viewer", "--expires", "soon"}, 2);
  EXPECT_FALSE(fs::exists(tokens()));
}

}  // namespace
}  // namespace forkcast::process_test
