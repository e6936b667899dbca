// Users who log in to a server, as their browsers, their operators and those who try to get in
// without being users see it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AnyOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Serves = ServerOptions::Serves;

constexpr std::size_t kWorkers = 3;
/// Enough connections that each worker gets several.
constexpr std::size_t kOfEachWorker = 20 * kWorkers;
const std::string kPassword = "correct horse battery";
const std::string kJson = "Content-Type: application/json\r\n";
const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

/// What a browser has of a user who has logged in.
struct Browser {
  std::string cookie{};  ///< NAME=VALUE
  std::string csrf{};

  [[nodiscard]] std::string reading() const { return "Cookie: " + cookie + "\r\n"; }
  [[nodiscard]] std::string changing() const {
    return reading() + "X-CSRF-Token: " + csrf + "\r\n";
  }
};

/// A server whose models may be loaded by whoever may, with none of its own.
class LoggedIn : public testing::Test {
 protected:
  [[nodiscard]] fs::path users() const { return workspace_ / "users.json"; }
  [[nodiscard]] fs::path audit() const { return workspace_ / "audit.log"; }

  /// `forkcast user`, with a line on its standard input; what it prints.
  std::string User(const std::string& words, int expected = 0,
                   const std::string& password = kPassword) {
    return RunToEnd(workspace_ / ("user" + std::to_string(++commands_)),
                    {"/bin/sh", "-c",
                     "printf '%s\\n' '" + password + "' | " + kForkcast + " user " + words +
                         " --users " + users().string()},
                    expected);
  }
  Server& Start(std::vector<std::string> flags = {}, std::size_t workers = kWorkers,
                ServerOptions::Bind bind = ServerOptions::Bind::kTcp) {
    fs::create_directories(workspace_ / "ml");
    for (const std::string& flag :
         std::vector<std::string>{"--users", users(), "--audit-log", audit(), "--multi-model",
                                  "true", "--model-root", workspace_ / "ml"}) {
      flags.push_back(flag);
    }
    server_ = std::make_unique<Server>(workspace_, ServerOptions{.bind = bind,
                                                                 .serves = Serves::kNothing,
                                                                 .workers = workers,
                                                                 .flags = std::move(flags)});
    server_->WaitUntilAllReady();
    return *server_;
  }
  [[nodiscard]] Answer Ask(const std::string& method, const std::string& target,
                           const std::string& headers = {}, const std::string& body = {}) const {
    return AskOnce(server_->endpoint(),
                   {.method = method, .target = target, .headers = headers, .body = body});
  }
  [[nodiscard]] Answer TryToLogIn(const std::string& user, const std::string& password = kPassword,
                                  const std::string& headers = {}) const {
    return Ask("POST", "/session", kJson + headers,
               json{{"user", user}, {"password", password}}.dump());
  }
  static std::string CookieOf(const Answer& answer) {
    const std::string set = answer.Header("set-cookie");
    return set.substr(0, set.find(';'));
  }
  [[nodiscard]] Browser LogIn(const std::string& user) const {
    const Answer answer = TryToLogIn(user);
    EXPECT_EQ(answer.status, 204) << answer.body;
    Browser browser{.cookie = CookieOf(answer)};
    const json session = json::parse(Ask("GET", "/session", browser.reading()).body);
    EXPECT_EQ(session.at("user"), user);
    browser.csrf = session.at("csrf_token").get<std::string>();
    return browser;
  }
  /// Of a model that is not there: 404 is the answer of whoever may load one.
  [[nodiscard]] Answer Load(const std::string& headers) const {
    return Ask("POST", "/models", headers,
               json{{"model_name", "m"}, {"url", (workspace_ / "ml" / "none").string()}}.dump());
  }
  /// Those of many connections, so that every worker answers some.
  [[nodiscard]] std::vector<int> LoadsOf(const Browser& browser) const {
    std::vector<int> statuses;
    for (std::size_t i = 0; i < kOfEachWorker; ++i) {
      statuses.push_back(Load(browser.changing()).status);
    }
    return statuses;
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

TEST_F(LoggedIn, UsersAreSoInAllWorkers) {
  User("add ana --role operator");
  Start();
  EXPECT_THAT(LoadsOf(LogIn("ana")), Each(404));
}

TEST_F(LoggedIn, UsersStaySoWhenTheServerReloads) {
  User("add ana --role operator");
  Server& server = Start();
  const Browser browser = LogIn("ana");
  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("reload_done") > 0; })) << server.log();
  EXPECT_THAT(LoadsOf(browser), Each(404));
}

TEST_F(LoggedIn, UsersAreSoNoMoreWhenTheServerIsStartedAnew) {
  User("add ana --role operator");
  Start();
  const Browser browser = LogIn("ana");
  server_.reset();
  Start();
  EXPECT_EQ(Load(browser.changing()).status, 401);
}

TEST_F(LoggedIn, UsersChangeNothingWithoutTheTokenThatAPageShows) {
  User("add ana --role operator");
  Start();
  const Browser browser = LogIn("ana");
  const Answer refused = Load(browser.reading());
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(json::parse(refused.body).at("error").at("code"), "csrf_token_missing");
  EXPECT_EQ(Load(browser.changing() + "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(Load(browser.changing() + "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(Load(browser.changing()).status, 404);
}

TEST_F(LoggedIn, UsersAreSoNoMoreInAnyWorkerOnceTheyLoggedOut) {
  User("add ana --role operator");
  Start();
  const Browser browser = LogIn("ana");
  const Answer out = Ask("DELETE", "/session", browser.changing());
  EXPECT_EQ(out.status, 204);
  EXPECT_THAT(out.Header("set-cookie"), HasSubstr("Max-Age=0"));
  EXPECT_THAT(LoadsOf(browser), Each(401));
  EXPECT_EQ(Ask("DELETE", "/session", browser.changing()).status, 204);
}

TEST_F(LoggedIn, UsersWhoLogInAgainInAnotherTabHaveOneSession) {
  User("add ana --role operator");
  Start();
  const Browser first = LogIn("ana");
  const Answer again = TryToLogIn("ana", kPassword, first.reading());
  EXPECT_EQ(again.status, 204);
  EXPECT_EQ(Load(first.changing()).status, 401);
  // The tab that was there first has the new cookie, too, but not what it has to show.
  const Browser mixed{.cookie = CookieOf(again), .csrf = first.csrf};
  EXPECT_EQ(Load(mixed.changing()).status, 403);
  const json session = json::parse(Ask("GET", "/session", mixed.reading()).body);
  const Browser second{.cookie = mixed.cookie, .csrf = session.at("csrf_token")};
  EXPECT_EQ(Load(second.changing()).status, 404);
}

TEST_F(LoggedIn, UsersHaveWhatTheFileSaysFromTheNextRequestOn) {
  User("add ana --role admin");
  Start();
  for (const char* const change :
       {"role ana --role viewer", "role ana --role admin", "logout ana", "remove ana"}) {
    const Browser browser = LogIn("ana");
    User(change);
    EXPECT_THAT(LoadsOf(browser), Each(401)) << change;
  }
  EXPECT_EQ(TryToLogIn("ana").status, 401);
}

TEST_F(LoggedIn, UsersNeedTheirNewPassword) {
  User("add ana --role admin");
  Start();
  const Browser browser = LogIn("ana");
  User("passwd ana", 0, "another horse, another battery");
  EXPECT_EQ(Load(browser.changing()).status, 401);
  EXPECT_EQ(TryToLogIn("ana").status, 401);
  EXPECT_EQ(TryToLogIn("ana", "another horse, another battery").status, 204);
}

TEST_F(LoggedIn, UsersMayWhatTheirRoleMay) {
  User("add ana --role viewer");
  Start({"--locked", "invocations,metrics"});
  const Browser browser = LogIn("ana");
  EXPECT_EQ(Ask("GET", "/metrics").status, 401);
  EXPECT_EQ(Ask("GET", "/metrics", browser.reading()).status, 200);
  const Answer refused = Load(browser.changing());
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("this takes the role operator, ana has the role viewer"));
}

TEST_F(LoggedIn, NobodyIsToldWhatNobodyMay) {
  User("add ana --role viewer");
  Start();
  EXPECT_EQ(
      json::parse(Ask("GET", "/session").body),
      (json{{"user", nullptr}, {"role", "viewer"}, {"csrf_token", nullptr}, {"login", true}}));
  server_.reset();
  Start({"--locked", "metrics"});
  EXPECT_EQ(json::parse(Ask("GET", "/session").body).at("role"), nullptr);
}

TEST_F(LoggedIn, NobodyIsByAWrongPasswordOrName) {
  User("add ana --role viewer");
  Start();
  const Answer wrong = TryToLogIn("ana", "correct horse batteries");
  const Answer unknown = TryToLogIn("mallory");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(unknown.status, 401);
  EXPECT_THAT(wrong.Header("set-cookie"), IsEmpty());
  json one = json::parse(wrong.body).at("error");
  json other = json::parse(unknown.body).at("error");
  one.erase("request_id");
  other.erase("request_id");
  EXPECT_EQ(one, other);
}

TEST_F(LoggedIn, NobodyLearnsByTheTimeThatAnAnswerTakesWhoIsAUser) {
  User("add ana --role viewer");
  Start({}, 1);
  const auto took = [this](const std::string& user) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(TryToLogIn(user, "wrong horse battery").status, 401);
    return std::chrono::steady_clock::now() - begun;
  };
  std::vector<std::chrono::nanoseconds> known;
  std::vector<std::chrono::nanoseconds> unknown;
  for (int i = 0; i < 9; ++i) {  // one fewer than one may try of a name
    known.push_back(took("ana"));
    unknown.push_back(took("user" + std::to_string(i)));
  }
  std::ranges::nth_element(known, known.begin() + 4);
  std::ranges::nth_element(unknown, unknown.begin() + 4);
  // Without a hash to try, an answer would take less than a hundredth.
  EXPECT_LT(known[4], 3 * unknown[4]);
  EXPECT_LT(unknown[4], 3 * known[4]);
}

TEST_F(LoggedIn, NobodyIsByTryingAgainAndAgainInWhateverWorker) {
  User("add ana --role viewer");
  Start();
  const auto begun = std::chrono::steady_clock::now();
  int refused = 0;
  Answer last = TryToLogIn("ana", "wrong");
  for (; last.status == 401 && refused < 30; last = TryToLogIn("ana", "wrong")) ++refused;
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_EQ(last.status, 429);
  EXPECT_GE(refused, 10);
  // One more for each minute that the ten took.
  EXPECT_LE(refused, 10 + std::chrono::floor<std::chrono::minutes>(took).count());
  const Answer limited = TryToLogIn("ana");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(json::parse(limited.body).at("error").at("code"), "too_many_attempts");
  EXPECT_GT(std::stoi(limited.Header("retry-after")), 0);
  EXPECT_THAT(Ask("GET", "/metrics").body,
              HasSubstr("forkcast_logins_total{result=\"limited\"} 2"));
}

TEST_F(LoggedIn, OthersAreAnsweredWhilePasswordsAreTried) {
  User("add ana --role viewer");
  Start({}, 1);
  std::vector<std::unique_ptr<HttpConnection>> logins;
  for (int i = 0; i < 6; ++i) {
    logins.push_back(std::make_unique<HttpConnection>(server_->endpoint()));
    logins.back()->Send(ToBytes({.target = "/session",
                                 .headers = kJson,
                                 .body = json{{"user", "ana"}, {"password", "wrong"}}.dump()}));
  }
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(Ask("GET", "/ping").status, 200);
  const auto ping = std::chrono::steady_clock::now() - begun;
  for (const auto& login : logins) EXPECT_EQ(login->Receive().answer.status, 401);
  EXPECT_LT(2 * ping, std::chrono::steady_clock::now() - begun);
}

TEST_F(LoggedIn, UsersAreSoByAFormOfAPageWithoutScripts) {
  User("add ana --role operator");
  Start();
  const Answer page = Ask("GET", "/login");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.Header("content-security-policy"), StartsWith("default-src 'none'"));
  EXPECT_THAT(page.body, HasSubstr("<form method=\"post\" action=\"session\">"));
  EXPECT_THAT(Ask("GET", "/login", "Accept-Language: es-ES,es;q=0.9\r\n").body,
              HasSubstr("Contraseña"));
  const Answer in = Ask("POST", "/session", kForm, "user=ana&password=correct+horse%20battery");
  EXPECT_EQ(in.status, 303);
  EXPECT_THAT(in.Header("location"), AnyOf("./", "login"));  // whether it has a page
  const std::string cookie = "Cookie: " + CookieOf(in) + "\r\n";
  const Answer known = Ask("GET", "/login", cookie);
  EXPECT_THAT(known.body, HasSubstr("You are logged in as ana."));
  const std::string csrf =
      json::parse(Ask("GET", "/session", cookie).body).at("csrf_token").get<std::string>();
  EXPECT_THAT(known.body, HasSubstr(csrf));
  EXPECT_EQ(Ask("POST", "/session", kForm + cookie, "log_out=x").status, 403);
  EXPECT_EQ(Ask("POST", "/session", kForm + cookie, "log_out=" + csrf).status, 303);
  EXPECT_THAT(Ask("GET", "/login", cookie).body, Not(HasSubstr("logged in as")));
}

TEST_F(LoggedIn, AFormThatIsWrongIsShownAgain) {
  User("add ana --role operator");
  Start();
  const Answer wrong = Ask("POST", "/session", kForm, "user=ana&password=%3Cscript%3E");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_THAT(wrong.body, HasSubstr("role=\"alert\""));
  EXPECT_THAT(wrong.body, Not(HasSubstr("script")));
}

struct BadLogin {
  const char* name;
  std::string headers;
  std::string body;
  int status;
};
class BadLogins : public LoggedIn, public testing::WithParamInterface<BadLogin> {};

TEST_P(BadLogins, AreRefusedBeforeAnyPasswordIsTried) {
  User("add ana --role operator");
  Start({}, 1);
  const Answer answer = Ask("POST", "/session", GetParam().headers, GetParam().body);
  EXPECT_EQ(answer.status, GetParam().status) << answer.body;
  EXPECT_THAT(answer.Header("set-cookie"), IsEmpty());
  EXPECT_THAT(answer.body, Not(HasSubstr("battery")));
  EXPECT_THAT(Ask("GET", "/metrics").body,
              HasSubstr("forkcast_logins_total{result=\"refused\"} 0"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadLogins,
    testing::Values(
        BadLogin{"OfNothing", kJson, "", 400}, BadLogin{"OfHalfAnObject", kJson, "{\"user\":", 400},
        BadLogin{"WithoutAPassword", kJson, R"({"user":"ana"})", 400},
        BadLogin{"OfNumbers", kJson, R"({"user":1,"password":2})", 400},
        BadLogin{"OfAList", kJson, R"(["ana","correct horse battery"])", 400},
        BadLogin{"WithMore", kJson,
                 R"({"user":"ana","password":"correct horse battery","role":"admin"})", 400},
        BadLogin{"GivenTwice", kJson,
                 R"({"user":"ana","user":"eva","password":"correct horse battery"})", 400},
        BadLogin{"TooLarge", kJson, "{\"user\":\"" + std::string(5000, 'a') + "\"}", 413},
        BadLogin{"OfTextThatAnyPageMaySend", "Content-Type: text/plain\r\n",
                 R"({"user":"ana","password":"correct horse battery"})", 415},
        BadLogin{"OfNoType", "", R"({"user":"ana","password":"correct horse battery"})", 415},
        BadLogin{"Packed", kJson + "Content-Encoding: gzip\r\n", "\x1f\x8b", 415},
        BadLogin{"FromAnotherSite", kJson + "Origin: https://evil.example\r\n",
                 R"({"user":"ana","password":"correct horse battery"})", 403},
        BadLogin{"OfAFormGivenTwice", kForm, "user=ana&user=eva&password=correct+horse+battery",
                 400},
        BadLogin{"OfAFormWithABadEscape", kForm, "user=ana&password=%zz", 400},
        BadLogin{"OfAnEmptyForm", kForm, "", 400}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(LoggedIn, UsersAreSoOverTlsAloneWhereAProxySaysThatTheyUseIt) {
  User("add ana --role operator");
  Start({}, 1, ServerOptions::Bind::kBoth);
  const std::string tls = "X-Forwarded-Proto: https\r\n";
  const Request login{.target = "/session",
                      .headers = kJson + tls,
                      .body = json{{"user", "ana"}, {"password", kPassword}}.dump()};
  const Answer trusted = AskOnce(server_->unix_endpoint(), login);
  EXPECT_THAT(trusted.Header("set-cookie"), StartsWith("__Host-forkcast_session="));
  EXPECT_THAT(trusted.Header("set-cookie"), HasSubstr("; Secure"));
  // Over TCP nobody is believed unless he is named.
  EXPECT_THAT(TryToLogIn("ana", kPassword, tls).Header("set-cookie"), Not(HasSubstr("Secure")));
}

TEST_F(LoggedIn, UsersAreSoOverTlsAloneWhereThatIsSet) {
  User("add ana --role operator");
  Start({"--secure-cookies", "always"}, 1);
  EXPECT_THAT(TryToLogIn("ana").Header("set-cookie"), HasSubstr("; Secure"));
}

TEST_F(LoggedIn, UsersAreNotedWithoutTheirSecrets) {
  User("add ana --role operator");
  const Server& server = Start({"--access-log", "json", "--access-log-file",
                                workspace_ / "access.log", "--log-level", "debug"});
  const Browser browser = LogIn("ana");
  EXPECT_EQ(Load(browser.changing()).status, 404);
  EXPECT_EQ(TryToLogIn("ana", "not the password").status, 401);
  EXPECT_EQ(TryToLogIn("a password in the wrong field", "x").status, 401);
  EXPECT_EQ(Ask("DELETE", "/session", browser.changing()).status, 204);
  const std::vector<json> audits = Audits();
  ASSERT_EQ(audits.size(), 5U);
  const auto expect = [&audits](std::size_t line, const char* action, const char* who,
                                const char* proof, const char* outcome) {
    EXPECT_EQ(audits[line].at("action"), action);
    EXPECT_EQ(audits[line].at("who"), who);
    EXPECT_EQ(audits[line].at("proof"), proof);
    EXPECT_EQ(audits[line].at("outcome"), outcome);
    EXPECT_EQ(audits[line].at("from"), "127.0.0.1");
  };
  expect(0, "logIn", "ana", "password", "done");
  expect(1, "loadModel", "ana", "session", "failed");
  expect(2, "logIn", "ana", "none", "refused");
  expect(3, "logIn", "", "none", "refused");
  expect(4, "logOut", "ana", "session", "done");
  const std::string value = browser.cookie.substr(browser.cookie.find('=') + 1);
  for (const std::string& log :
       {preprocessing::ReadWhole(audit()), preprocessing::ReadWhole(workspace_ / "access.log"),
        server.log(), preprocessing::ReadWhole(users())}) {
    for (const std::string& secret :
         {value, browser.csrf, kPassword, std::string("not the password"),
          std::string("wrong field")}) {
      EXPECT_THAT(log, Not(HasSubstr(secret)));
    }
  }
}

TEST_F(LoggedIn, NobodyIsWhileTheUsersAreDamaged) {
  User("add ana --role operator");
  const Server& server = Start();
  const Browser browser = LogIn("ana");
  const std::string good = preprocessing::ReadWhole(users());
  workspace_.Write("users.json", "{\"users\": [");
  EXPECT_EQ(Load(browser.changing()).status, 503);
  EXPECT_EQ(TryToLogIn("ana").status, 503);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("users_unreadable") > 0; }));
  workspace_.Write("users.json", good);
  EXPECT_EQ(Load(browser.changing()).status, 404);
}

TEST_F(LoggedIn, NobodyIsAtAServerThatCannotReadItsUsers) {
  Program server(workspace_ / "refused",
                 {kForkcast, "serve", "--multi-model", "true", "--bind",
                  "unix:" + (workspace_ / "s").string(), "--users", workspace_ / "none.json"});
  EXPECT_EQ(server.Wait(), 5);
  EXPECT_THAT(server.err(), HasSubstr("none.json: cannot be read"));
}

TEST_F(LoggedIn, NobodyIsWhereThereAreNoUsers) {
  fs::create_directories(workspace_ / "ml");
  server_ = std::make_unique<Server>(
      workspace_,
      ServerOptions{.serves = Serves::kNothing,
                    .flags = {"--multi-model", "true", "--model-root", workspace_ / "ml"}});
  server_->WaitUntilAllReady();
  for (const char* const method : {"GET", "POST", "DELETE"}) {
    EXPECT_EQ(Ask(method, "/session").status, 404) << method;
  }
}

TEST_F(LoggedIn, UsersAreListedWithoutTheirHashes) {
  EXPECT_THAT(User("add ana --role operator"), HasSubstr("ana may log in"));
  struct stat status {};
  ASSERT_EQ(::stat(users().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const json listed = json::parse(User("list --json"));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].at("name"), "ana");
  EXPECT_EQ(listed[0].at("role"), "operator");
  EXPECT_THAT(User("list"), Not(HasSubstr("argon2")));
}

struct BadCommand {
  const char* name;
  const char* words;
  const char* password;
  int code;
};
class BadUserCommands : public LoggedIn, public testing::WithParamInterface<BadCommand> {};

TEST_P(BadUserCommands, ChangeNothing) {
  User("add ana --role operator");
  const std::string before = preprocessing::ReadWhole(users());
  User(GetParam().words, GetParam().code, GetParam().password);
  EXPECT_EQ(preprocessing::ReadWhole(users()), before);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadUserCommands,
    testing::Values(BadCommand{"TheSameNameAgain", "add ana --role admin", "correct horse battery",
                               3},
                    BadCommand{"ANameThatLeadsElsewhere", "add ../eva --role admin",
                               "correct horse battery", 2},
                    BadCommand{"AnUnknownRole", "add eva --role root", "correct horse battery", 2},
                    BadCommand{"NoRole", "add eva", "correct horse battery", 2},
                    BadCommand{"AShortPassword", "add eva --role admin", "short", 2},
                    BadCommand{"NoPassword", "add eva --role admin", "", 2},
                    BadCommand{"AShortNewPassword", "passwd ana", "short", 2},
                    BadCommand{"APasswordOfNobody", "passwd eva", "correct horse battery", 3},
                    BadCommand{"ARoleOfNobody", "role eva --role admin", "", 3},
                    BadCommand{"NobodyLogsOut", "logout eva", "", 3},
                    BadCommand{"NobodyIsRemoved", "remove eva", "", 3}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::process_test
