// What somebody may try who wants to change something, or read what is locked, without being
// allowed to; by the numbers of OWASP's lists (Top 10 of 2021: A.., API Security Top 10 of 2023:
// API..). The server here has tokens, locks predictions and metrics, and answers to the name
// "a.example". Of each attack: its answer has the status that it should have, no endpoint behind a
// lock was reached, and neither answer nor log holds a secret or a place in the source.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
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
  /// As it is sent, with {viewer}, {operator}, {admin}, {expired}, {revoked} in place of secrets.
  std::string request;
};

void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.owasp; }

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
    server_.Start({Access::kInvoke, Access::kWatch}, {"a.example"});
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

}  // namespace
}  // namespace forkcast::serving
