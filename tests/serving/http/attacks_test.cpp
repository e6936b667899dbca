// What somebody may try who wants to change something, or read what is locked, without being
// allowed to; by the numbers of OWASP's lists (Top 10 of 2021: A.., API Security Top 10 of 2023:
// API..; Application Security Verification Standard 4.0: V..). The server here has tokens and
// users, locks predictions and metrics, and answers to the name "a.example". Of each attack: its
// answer has the status that it should have, no endpoint behind a lock was reached, and neither
// answer nor log holds a secret or a place in the source.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <ostream>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/http/guarded_server.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Attack {
  const char* name;
  const char* owasp;
  int status;
  /// As it is sent, with {viewer}, {operator}, {admin}, {expired}, {revoked} in place of tokens,
  /// and {NAME.session}, {NAME.csrf} in place of what users have.
  std::string request;
};

void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.owasp << " | " << attack.status;
}

/// A request without a body, with the host that is allowed.
std::string Ask(std::string_view line, std::string_view headers = {}) {
  return std::string(line).append(" HTTP/1.1\r\nHost: a.example\r\n").append(headers) + "\r\n";
}
std::string Post(std::string_view target, std::string_view headers = {},
                 std::string_view body = {}) {
  return Ask(std::string("POST ").append(target),
             std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n")
      .append(body);
}
std::string Header(std::string_view name, std::string_view value) {
  return std::string(name).append(": ").append(value).append("\r\n");
}
std::string Bearing(std::string_view token) {
  return Header("Authorization", std::string("Bearer ").append(token));
}
/// Over the token's own header alone.
Attack ByToken(const char* name, std::string_view token) {
  return {name, "API2:2023", 401, Post("/models", Bearing(token))};
}
Attack ByHeader(const char* name, int status, const std::string& headers) {
  return {name, "A07:2021", status, Post("/models", headers)};
}
Attack AtPath(const char* name, std::string_view target, int status = 404) {
  return {name, "A01:2021", status, Post(target)};
}

class Attacks : public testing::TestWithParam<Attack> {
 protected:
  Attacks() {
    const Instant now = GuardedServer::kNow;
    bearers_ = {{"{viewer}", server_.NewToken("reader", Role::kViewer)},
                {"{operator}", server_.NewToken("ci", Role::kOperator)},
                {"{admin}", server_.NewToken("boss", Role::kAdmin)},
                {"{expired}", server_.NewToken("late", Role::kAdmin, now)},
                {"{revoked}", server_.NewToken("gone", Role::kAdmin, std::nullopt, now)}};
    for (const auto& [name, role] :
         {std::pair("ana", Role::kViewer), std::pair("bea", Role::kOperator),
          std::pair("eva", Role::kAdmin), std::pair("removed", Role::kAdmin)}) {
      server_.NewUser(name, role);
    }
    server_.Start({Access::kInvoke, Access::kWatch}, {"a.example"});
    for (const char* const name : {"ana", "bea", "eva", "removed"}) LogIn(name, name);
    server_.sessions().End(LogIn("eva", "ended"));
    server_.RemoveUser("removed");
  }
  /// As {NAME.session} and {NAME.csrf}.
  Session LogIn(const std::string& user, const std::string& name) {
    const Sessions::Begun begun = server_.LogIn(user);
    bearers_.emplace_back("{" + name + ".session}", begun.cookie);
    bearers_.emplace_back("{" + name + ".csrf}", server_.sessions().CsrfToken(begun.session));
    return begun.session;
  }
  [[nodiscard]] std::string Filled(std::string request) const {
    for (const auto& [place, secret] : bearers_) {
      for (std::size_t at = request.find(place); at != std::string::npos;
           at = request.find(place, at)) {
        request.replace(at, place.size(), secret);
      }
    }
    return request;
  }

  GuardedServer server_;
  std::vector<std::pair<std::string, std::string>> bearers_;
};

TEST_P(Attacks, AreRefused) {
  const std::string request = Filled(GetParam().request);
  const Response& response = server_.Send(request);
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_THAT(server_.done(), testing::Each(testing::StrEq("ping")));
  const std::string audit = server_.audit();
  for (const std::string& seen : {response.body, response.headers, server_.log(), audit}) {
    for (const std::string& secret : server_.secrets()) EXPECT_THAT(seen, Not(HasSubstr(secret)));
    EXPECT_THAT(seen, Not(HasSubstr(".cpp")));
  }
  for (std::string_view lines = audit; !lines.empty();) {
    const std::size_t end = lines.find('\n');
    EXPECT_EQ(nlohmann::json::parse(lines.substr(0, end)).at("outcome"), "refused");
    lines.remove_prefix(end + 1);
  }
}

/// `SUITE | NAME | OWASP | STATUS` of all that are tried here.
std::set<std::string> Tried() {
  constexpr std::string_view kSuite = "/Attacks";
  constexpr std::string_view kTest = "AreRefused/";
  std::set<std::string> rows;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    std::string name = suite.name();
    if (!name.ends_with(kSuite)) continue;
    name.resize(name.size() - kSuite.size());
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      rows.insert(name + " | " + std::string(test.name()).substr(kTest.size()) + " | " +
                  test.value_param());
    }
  }
  return rows;
}

/// The same of docs/security.md: the rows below the headings that name a suite.
std::set<std::string> Documented() {
  std::set<std::string> rows;
  std::ifstream file(FORKCAST_SOURCE_DIR "/docs/security.md");
  const std::regex heading(R"(### `(\w+)`.*)");
  const std::regex row(R"(\| `(\w+)` \| (\S+) \| (\d+) \|)");
  std::string suite;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, heading)) suite = match[1];
    if (!std::regex_match(line, match, row)) continue;
    rows.insert(suite + " | " + match[1].str() + " | " + match[2].str() + " | " + match[3].str());
  }
  return rows;
}

TEST(TheTableOfAttacks, IsThatOfTheDocumentation) {
  const std::set<std::string> tried = Tried();
  EXPECT_GT(tried.size(), 60U);
  EXPECT_EQ(tried, Documented());
}

TEST(TheTableOfAttacks, NamesTestsThatThereAre) {
  const std::string text = preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/docs/security.md");
  const std::regex row(R"(\| `(tests/\S+)`: `(\w+)` \|)");
  std::size_t count = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it, ++count) {
    const std::string file = preprocessing::ReadWhole(FORKCAST_SOURCE_DIR "/" + (*it)[1].str());
    EXPECT_THAT(file, HasSubstr((*it)[2].str()));
  }
  EXPECT_GT(count, 20U);
}

std::string NameOf(const testing::TestParamInfo<Attack>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    WithoutAToken, Attacks,
    testing::Values(Attack{"LoadAModel", "API5:2023", 401, Post("/models")},
                    Attack{"UnloadAModel", "API5:2023", 401, Ask("DELETE /models/m")},
                    Attack{"AddRows", "API5:2023", 401, Post("/tables/t/rows")},
                    Attack{"ResetTables", "API5:2023", 401, Post("/tables/reset")},
                    Attack{"Invoke", "A01:2021", 401, Post("/invocations")},
                    Attack{"InvokeAsAnSdk", "A01:2021", 401, Post("/endpoints/m/invocations")},
                    Attack{"ReadMetrics", "A01:2021", 401, Ask("GET /metrics")},
                    Attack{"ReadMetricsHead", "A01:2021", 401, Ask("HEAD /metrics")},
                    Attack{"ListModels", "API9:2023", 401, Ask("GET /models")},
                    Attack{"ListModelsHead", "API9:2023", 401, Ask("HEAD /models")},
                    Attack{"AsAPageInABrowser", "A01:2021", 401,
                           Post("/models", Header("Origin", "https://evil.example"))}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    WithTooLowARole, Attacks,
    testing::Values(
        Attack{"ViewerLoads", "API5:2023", 403, Post("/models", Bearing("{viewer}"))},
        Attack{"ViewerUnloads", "API5:2023", 403, Ask("DELETE /models/m", Bearing("{viewer}"))},
        Attack{"ViewerAddsRows", "API5:2023", 403, Post("/tables/t/rows", Bearing("{viewer}"))},
        Attack{"ViewerResets", "API5:2023", 403, Post("/tables/reset", Bearing("{viewer}"))},
        Attack{"OperatorResets", "API5:2023", 403, Post("/tables/reset", Bearing("{operator}"))},
        Attack{"ViewerClaimsARole", "API3:2023", 403,
               Post("/models", Bearing("{viewer}") + Header("X-Role", "admin"))},
        Attack{"ViewerClaimsAScope", "API3:2023", 403,
               Post("/models?scope=admin&role=admin", Bearing("{viewer}"))},
        Attack{"ViewerClaimsARoleInTheBody", "API3:2023", 403,
               Post("/models", Bearing("{viewer}"), R"({"role":"admin"})")},
        Attack{"ViewerLeavesTheFolder", "API1:2023", 403,
               Post("/tables/..%2Freset/rows", Bearing("{viewer}"))}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    WithABadToken, Attacks,
    testing::Values(ByToken("Expired", "{expired}"), ByToken("Revoked", "{revoked}"),
                    ByToken("CutOff", "forkcast_"), ByToken("WithMoreBehind", "{admin}x"),
                    ByToken("WithMoreBefore", "x{admin}"), ByToken("WithAnEscape", "{admin}%20"),
                    ByToken("WithANullByteEscaped", "{admin}%00"),
                    ByToken("WithASignOfBase64", "{admin}="), ByToken("TheNameOfAToken", "boss"),
                    ByToken("TheRole", "admin"), ByToken("Null", "null"),
                    ByToken("Undefined", "undefined"), ByToken("True", "true"),
                    ByToken("AWildcard", "*"), ByToken("SqlInjection", "'OR'1'='1"),
                    ByToken("APath", "../../tokens.json"),
                    ByToken("AJwtWithoutSignature", "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."),
                    ByToken("TheHashOfNothing",
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                    ByToken("VeryLong", std::string(8000, 'A')), ByToken("Empty", "")),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    WithAGoodTokenInAWrongPlace, Attacks,
    testing::Values(
        ByHeader("WithoutItsScheme", 401, Header("Authorization", "{admin}")),
        ByHeader("AsBasic", 401, Header("Authorization", "Basic {admin}")),
        ByHeader("AsDigest", 401, Header("Authorization", "Digest {admin}")),
        ByHeader("BehindTwoBlanks", 401, Header("Authorization", "Bearer  {admin}")),
        ByHeader("BehindATabulator", 401, Header("Authorization", "Bearer\t{admin}")),
        ByHeader("BeforeAnotherWord", 401, Header("Authorization", "Bearer {admin} x")),
        ByHeader("InAList", 401, Header("Authorization", "Bearer x, Bearer {admin}")),
        ByHeader("InQuotes", 401, Header("Authorization", "Bearer \"{admin}\"")),
        ByHeader("InTheSecondOfTwoHeaders", 400, Bearing("x") + Bearing("{admin}")),
        ByHeader("InTheFirstOfTwoHeaders", 400, Bearing("{admin}") + Bearing("x")),
        ByHeader("InBothHeaders", 400, Bearing("{admin}") + Bearing("{admin}")),
        ByHeader("InHeadersOfTwoCases", 400,
                 Bearing("{viewer}") + Header("aUTHORIZATION", "Bearer {admin}")),
        ByHeader("InAContinuationLine", 400, "Authorization: Bearer\r\n {admin}\r\n"),
        ByHeader("WithABlankBeforeTheColon", 400, "Authorization : Bearer {admin}\r\n"),
        ByHeader("BehindALineFeed", 400, "X: y\nAuthorization: Bearer {admin}\r\n"),
        ByHeader("BehindACarriageReturn", 400, "X: y\rAuthorization: Bearer {admin}\r\n"),
        ByHeader("InANameWithAnUnderscore", 401, Header("Authorization_", "Bearer {admin}")),
        ByHeader("InAnotherHeader", 401, Header("X-Authorization", "Bearer {admin}")),
        ByHeader("ForAProxy", 401, Header("Proxy-Authorization", "Bearer {admin}")),
        ByHeader("AsForwarded", 401, Header("X-Forwarded-Authorization", "Bearer {admin}")),
        ByHeader("AsAnApiKey", 401, Header("X-Api-Key", "{admin}")),
        ByHeader("InACookie", 401, Header("Cookie", "token={admin}; session={admin}")),
        Attack{"InTheQuery", "A04:2021", 401, Post("/models?access_token={admin}")},
        Attack{"InTheBody", "A04:2021", 401,
               Post("/models", Header("Content-Type", "application/x-www-form-urlencoded"),
                    "access_token=forkcast_x")},
        Attack{"InTheTarget", "A04:2021", 400, Post("http://boss:{admin}@a.example/models")},
        Attack{"InATrailer", "A03:2021", 400,
               Ask("POST /models", Header("Transfer-Encoding", "chunked")) +
                   "0\r\nAuthorization: Bearer {admin}\r\n\r\n"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    ByAnotherPath, Attacks,
    testing::Values(
        AtPath("TwoSlashes", "//models"), AtPath("ASlashBehind", "/models/"),
        AtPath("AnEscapedLetter", "/%6Dodels"), AtPath("AnEscapedSlash", "/%2Fmodels"),
        AtPath("AParameter", "/models;a=b"), AtPath("AParameterBefore", "/;a=b/models"),
        AtPath("CapitalLetters", "/MODELS"), AtPath("ADot", "/./models"),
        AtPath("ADotBehind", "/models/.", 405), AtPath("TwoDots", "/ping/../models"),
        AtPath("EscapedDots", "/ping/%2e%2e/models"),
        AtPath("EscapedDotsAndSlashes", "/ping%2f..%2fmodels"), AtPath("ANullByte", "/models%00"),
        AtPath("ABlank", "/models%20"), AtPath("ALineFeed", "/models%0A"),
        AtPath("ABackslash", "/ping\\..\\models", 400), AtPath("AFragment", "/models#x", 400),
        AtPath("AnOverlongSlash", "/%c0%afmodels"), AtPath("AnotherAction", "/tables/reset/"),
        AtPath("NoNameOfATable", "/tables//rows"), AtPath("AnExtension", "/models.json")),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    ByAnotherMethod, Attacks,
    testing::Values(
        Attack{"Put", "A01:2021", 405, Ask("PUT /models", "Content-Length: 0\r\n")},
        Attack{"Patch", "A01:2021", 405, Ask("PATCH /models/m", "Content-Length: 0\r\n")},
        Attack{"Trace", "A05:2021", 405, Ask("TRACE /models", Bearing("{admin}"))},
        Attack{"Connect", "A10:2021", 501,
               "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n"},
        Attack{"Options", "A05:2021", 405, Ask("OPTIONS /models")},
        Attack{"OptionsFromAPage", "A05:2021", 405,
               Ask("OPTIONS /models", Header("Origin", "https://evil.example") +
                                          Header("Access-Control-Request-Method", "POST"))},
        Attack{"InSmallLetters", "A01:2021", 405, Ask("post /models", "Content-Length: 0\r\n")},
        Attack{"AnUnknownOne", "A01:2021", 405, Ask("POSTX /models", "Content-Length: 0\r\n")},
        Attack{"Overridden", "A01:2021", 200,
               Ask("GET /ping", Header("X-HTTP-Method-Override", "DELETE") +
                                    Header("X-HTTP-Method", "DELETE") +
                                    Header("X-Method-Override", "DELETE"))},
        Attack{"OverriddenInTheQuery", "A01:2021", 200, Ask("GET /ping?_method=DELETE")},
        Attack{"OverriddenTarget", "A01:2021", 200,
               Ask("GET /ping", Header("X-Original-URL", "/tables/reset") +
                                    Header("X-Rewrite-URL", "/tables/reset"))}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    AsSomebodyElse, Attacks,
    testing::Values(
        Attack{"UnderAnotherName", "A05:2021", 421,
               "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n" + Bearing("{admin}") + "\r\n"},
        Attack{"UnderANameThatEndsAlike", "A05:2021", 421,
               "GET /metrics HTTP/1.1\r\nHost: not-a.example\r\n\r\n"},
        Attack{"UnderANameThatBeginsAlike", "A05:2021", 421,
               "GET /metrics HTTP/1.1\r\nHost: a.example.evil.test\r\n\r\n"},
        Attack{"UnderAnAddress", "A05:2021", 421,
               "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"},
        Attack{"UnderANameForProxies", "A05:2021", 421,
               "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: "
               "a.example\r\n\r\n"},
        Attack{"UnderAnotherNameInTheTarget", "A05:2021", 421,
               "GET http://evil.example/metrics HTTP/1.1\r\nHost: a.example\r\n\r\n"},
        Attack{"UnderNoName", "A05:2021", 421, "GET /metrics HTTP/1.1\r\nHost:\r\n\r\n"},
        Attack{"UnderNoNameByAnOldVersion", "A05:2021", 421, "GET /metrics HTTP/1.0\r\n\r\n"},
        Attack{"WithoutHost", "A05:2021", 400, "GET /metrics HTTP/1.1\r\n\r\n"},
        Attack{"UnderTwoNames", "A05:2021", 400,
               "GET /metrics HTTP/1.1\r\nHost: a.example\r\nHost: evil.example\r\n\r\n"},
        Attack{"UnderANameWithAPath", "A05:2021", 400,
               "GET /metrics HTTP/1.1\r\nHost: a.example/x\r\n\r\n"},
        Attack{"FromThisMachineAsItSays", "A01:2021", 401,
               Post("/models", Header("X-Forwarded-For", "127.0.0.1"))},
        Attack{"FromThisMachineByTheStandard", "A01:2021", 401,
               Post("/models", Header("Forwarded", "for=127.0.0.1"))},
        Attack{"FromThisMachineByOtherHeaders", "A01:2021", 401,
               Post("/models", Header("X-Real-IP", "127.0.0.1") +
                                   Header("True-Client-IP", "127.0.0.1") +
                                   Header("X-Client-IP", "127.0.0.1"))},
        Attack{"AsAUserThatAProxyKnows", "A07:2021", 401,
               Post("/models", Header("X-Remote-User", "boss") + Header("Remote-User", "boss") +
                                   Header("X-Forwarded-User", "boss"))}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    BySmuggling, Attacks,
    testing::Values(
        Attack{
            "BehindTwoLengths", "A03:2021", 400,
            Ask("POST /models", Bearing("{admin}") + "Content-Length: 0\r\nContent-Length: 9\r\n")},
        Attack{"BehindALengthAndChunks", "A03:2021", 400,
               Ask("POST /models",
                   Bearing("{admin}") + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") +
                   "0\r\n\r\n"},
        Attack{"BehindAnotherEncoding", "A03:2021", 501,
               Ask("POST /models", Bearing("{admin}") + "Transfer-Encoding: xchunked\r\n")},
        Attack{"BehindABadChunk", "A03:2021", 400,
               Ask("POST /models", Bearing("{admin}") + "Transfer-Encoding: chunked\r\n") +
                   "-1\r\n\r\n"},
        Attack{"BehindALengthWithASign", "A03:2021", 400,
               Ask("POST /models", Bearing("{admin}") + "Content-Length: +0\r\n")},
        Attack{"BehindAHeadThatIsTooLarge", "API4:2023", 431,
               Ask("POST /models", Bearing("{admin}") + Header("X", std::string(20'000, 'x')))},
        Attack{"BehindTooManyFields", "API4:2023", 431,
               [] {
                 std::string headers = Bearing("{admin}");
                 for (int i = 0; i < 101; ++i) headers += "X: y\r\n";
                 return Ask("GET /metrics", headers);
               }()},
        Attack{"BehindABodyThatIsTooLarge", "API4:2023", 413,
               Ask("POST /models", Bearing("{admin}") + "Content-Length: 99999999999\r\n")},
        Attack{"InTheLog", "A09:2021", 401,
               Post("/models", Header("X-Request-Id", R"(","who":"boss","outcome":"done)"))}),
    NameOf);

/// As a page of ours sends it from the browser of a user, with `more` in its head.
std::string ByBrowser(std::string_view line, std::string_view session, std::string_view more = {}) {
  return Ask(line, Header("Cookie", "forkcast_session=" + std::string(session)) +
                       std::string(more) + "Content-Length: 0\r\n");
}
std::string Csrf(std::string_view token) { return Header("X-CSRF-Token", token); }
Attack BySession(const char* name, std::string_view session) {
  return {name, "V3.5.3", 401, ByBrowser("POST /models", session, Csrf("{eva.csrf}"))};
}
Attack ByCsrfToken(const char* name, const std::string& headers) {
  return {name, "V4.2.2", 403, ByBrowser("POST /models", "{eva.session}", headers)};
}

INSTANTIATE_TEST_SUITE_P(
    WithASessionOfTooLowARole, Attacks,
    testing::Values(Attack{"ViewerLoads", "API5:2023", 403,
                           ByBrowser("POST /models", "{ana.session}", Csrf("{ana.csrf}"))},
                    Attack{"ViewerResets", "API5:2023", 403,
                           ByBrowser("POST /tables/reset", "{ana.session}", Csrf("{ana.csrf}"))},
                    Attack{"OperatorResets", "API5:2023", 403,
                           ByBrowser("POST /tables/reset", "{bea.session}", Csrf("{bea.csrf}"))},
                    Attack{"ViewerWithTheCsrfTokenOfAnAdmin", "API5:2023", 403,
                           ByBrowser("POST /models", "{ana.session}", Csrf("{eva.csrf}"))},
                    Attack{"ViewerClaimsARoleInACookie", "API3:2023", 403,
                           ByBrowser("POST /models", "{ana.session}; role=admin",
                                     Csrf("{ana.csrf}"))}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    WithABadSession, Attacks,
    testing::Values(
        BySession("Ended", "{ended.session}"), BySession("OfARemovedUser", "{removed.session}"),
        BySession("Empty", ""), BySession("CutOff", "AAAA"),
        BySession("WithMoreBehind", "{eva.session}A"),
        BySession("WithMoreBefore", "A{eva.session}"), BySession("InQuotes", "\"{eva.session}\""),
        BySession("WithAnEscape", "{eva.session}%00"),
        BySession("WithASignOfBase64", "{eva.session}="),
        BySession("OfTwoUsers", "{ana.session}{eva.session}"), BySession("TheNameOfAUser", "eva"),
        BySession("TheCsrfToken", "{eva.csrf}"), BySession("AToken", "{admin}"),
        BySession("VeryLong", std::string(8000, 'A')),
        BySession("AJwtWithoutSignature", "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."),
        BySession("SqlInjection", "' OR '1'='1"),
        Attack{"UnderTheNameForTls", "V3.4.4", 401,
               Ask("POST /models", Header("Cookie", "__Host-forkcast_session={eva.session}") +
                                       Csrf("{eva.csrf}") + "Content-Length: 0\r\n")},
        Attack{"UnderAnotherCase", "V3.5.3", 401,
               Ask("POST /models", Header("Cookie", "FORKCAST_SESSION={eva.session}") +
                                       Csrf("{eva.csrf}") + "Content-Length: 0\r\n")},
        Attack{"Twice", "V3.5.3", 400,
               ByBrowser("POST /models", "{ana.session}; forkcast_session={eva.session}",
                         Csrf("{eva.csrf}"))},
        Attack{"InTwoHeaders", "V3.5.3", 400,
               ByBrowser("POST /models", "{ana.session}",
                         Header("Cookie", "forkcast_session={eva.session}") + Csrf("{eva.csrf}"))},
        Attack{"AsABearer", "V3.5.3", 401, Post("/models", Bearing("{eva.session}"))},
        Attack{"InTheQuery", "V3.1.1", 401, Post("/models?forkcast_session={eva.session}")},
        Attack{"BesideABadToken", "V3.5.3", 401,
               ByBrowser("POST /models", "{eva.session}", Bearing("x") + Csrf("{eva.csrf}"))}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    FromAPageOfSomebodyElse, Attacks,
    testing::Values(
        ByCsrfToken("WithoutACsrfToken", ""), ByCsrfToken("WithAnEmptyCsrfToken", Csrf("")),
        ByCsrfToken("WithAnotherOnesCsrfToken", Csrf("{ana.csrf}")),
        ByCsrfToken("WithTheSessionAsCsrfToken", Csrf("{eva.session}")),
        ByCsrfToken("WithACsrfTokenOfZeros", Csrf(std::string(43, 'A'))),
        ByCsrfToken("WithACsrfTokenAndMore", Csrf("{eva.csrf}A")),
        ByCsrfToken("WithTheCsrfTokenInAnotherHeader", Header("X-XSRF-Token", "{eva.csrf}")),
        ByCsrfToken("CrossSite", Csrf("{eva.csrf}") + Header("Sec-Fetch-Site", "cross-site")),
        ByCsrfToken("SameSite", Csrf("{eva.csrf}") + Header("Sec-Fetch-Site", "same-site")),
        ByCsrfToken("OfAnotherOrigin",
                    Csrf("{eva.csrf}") + Header("Origin", "https://evil.example")),
        ByCsrfToken("OfAnOpaqueOrigin", Csrf("{eva.csrf}") + Header("Origin", "null")),
        ByCsrfToken("OfAnOriginThatBeginsAlike",
                    Csrf("{eva.csrf}") + Header("Origin", "https://a.example.evil.test")),
        Attack{"LogsSomebodyIn", "V3.2.1", 403,
               Post("/session", Header("Origin", "https://evil.example"))},
        Attack{"LogsSomebodyInAsASister", "V3.2.1", 403,
               Post("/session", Header("Sec-Fetch-Site", "same-site"))},
        Attack{"LogsSomebodyOut", "V4.2.2", 403, ByBrowser("DELETE /session", "{eva.session}")},
        Attack{"LogsSomebodyOutByAnImage", "V4.2.2", 405,
               ByBrowser("PUT /session", "{eva.session}")},
        Attack{"UnderANameOfItsOwn", "A05:2021", 421,
               "GET /session HTTP/1.1\r\nHost: evil.example\r\nCookie: "
               "forkcast_session={eva.session}\r\n\r\n"}),
    NameOf);

}  // namespace
}  // namespace forkcast::serving
