#include "serving/http/guarded_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/http/guarded_server.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Post(std::string_view target, std::string_view headers = {}) {
  return std::string("POST ").append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(headers) +
         "Content-Length: 0\r\n\r\n";
}
std::string Get(std::string_view target, std::string_view headers = {}) {
  return std::string("GET ").append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(headers) +
         "\r\n";
}
std::string Bearing(std::string_view token) {
  return std::string("Authorization: Bearer ").append(token).append("\r\n");
}

class GuardedEndpoints : public testing::Test {
 protected:
  json Audit() {
    const std::string lines = server_.audit();
    EXPECT_EQ(std::ranges::count(lines, '\n'), 1);
    return json::parse(lines);
  }

  GuardedServer server_;
};

TEST_F(GuardedEndpoints, AskWhoeverChangesSomethingForAToken) {
  const std::string token = server_.NewToken("ci", Role::kOperator);
  server_.Start();
  const Response& refused = server_.Send(Post("/models"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(HeaderValue(refused, "WWW-Authenticate"), R"(Bearer realm="forkcast")");
  EXPECT_THAT(server_.done(), IsEmpty());
  EXPECT_EQ(server_.Send(Post("/models", Bearing(token))).status, 200);
  EXPECT_THAT(server_.done(), ElementsAre("loadModel"));
}

TEST_F(GuardedEndpoints, SayWhyATokenIsNotTaken) {
  server_.NewToken("ci", Role::kOperator);
  server_.Start();
  const Response& refused = server_.Send(Post("/models", Bearing("forkcast_other")));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(HeaderValue(refused, "WWW-Authenticate"),
            R"(Bearer realm="forkcast", error="invalid_token")");
  EXPECT_EQ(json::parse(refused.body).at("error").at("code"), "unauthorized");
}

TEST_F(GuardedEndpoints, NameTheRoleThatWouldBeTaken) {
  const std::string token = server_.NewToken("reader", Role::kViewer);
  server_.Start();
  const Response& refused = server_.Send(Post("/tables/reset", Bearing(token)));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(json::parse(refused.body).at("error").at("message"),
            "this takes the role admin, the token has the role viewer");
}

TEST_F(GuardedEndpoints, KeepTheStatusOfARefusalWhereSdksWantTheirOwnForm) {
  server_.NewToken("ci", Role::kOperator);
  server_.Start({Access::kInvoke});
  EXPECT_EQ(server_.Send(Post("/endpoints/a/invocations")).status, 401);
}

TEST_F(GuardedEndpoints, AreOpenToWhoReadsUnlessThatIsLocked) {
  const std::string token = server_.NewToken("reader", Role::kViewer);
  server_.Start();
  EXPECT_EQ(server_.Send(Post("/invocations")).status, 200);
  EXPECT_EQ(server_.Send(Get("/metrics")).status, 200);
  server_.Start({Access::kInvoke, Access::kWatch});
  EXPECT_EQ(server_.Send(Post("/invocations")).status, 401);
  EXPECT_EQ(server_.Send(Get("/metrics")).status, 401);
  EXPECT_EQ(server_.Send(Post("/invocations", Bearing(token))).status, 200);
  EXPECT_EQ(server_.Send(Get("/metrics", Bearing(token))).status, 200);
  EXPECT_EQ(server_.Send(Get("/ping")).status, 200);
}

struct NearCase {
  const char* name;
  const char* address;
  const char* headers;
  int status;
};

class WithoutTokens : public GuardedEndpoints, public testing::WithParamInterface<NearCase> {};

TEST_P(WithoutTokens, ChangesAreForProgramsOnTheSameMachine) {
  server_.Start();
  const auto& [name, address, headers, status] = GetParam();
  EXPECT_EQ(server_.Send(Post("/models", headers), address).status, status);
  EXPECT_EQ(server_.done().size(), status == 200 ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WithoutTokens,
    testing::Values(
        NearCase{"AUnixSocket", "", "", 200}, NearCase{"Loopback", "127.0.0.1", "", 200},
        NearCase{"AnyLoopback", "127.1.2.3", "", 200}, NearCase{"Ipv6Loopback", "::1", "", 200},
        NearCase{"AnotherMachine", "203.0.113.9", "", 403},
        NearCase{"AnotherMachineByIpv6", "2001:db8::1", "", 403},
        NearCase{"APrivateNetwork", "10.0.0.7", "", 403},
        NearCase{"AProxyOnThisMachine", "127.0.0.1", "X-Forwarded-For: 203.0.113.9\r\n", 403},
        NearCase{"AProxyOnThisMachineThatSaysItIsForIt", "127.0.0.1",
                 "X-Forwarded-For: 127.0.0.1\r\n", 403},
        NearCase{"AProxyByTheStandardsHeader", "", "Forwarded: for=203.0.113.9\r\n", 403},
        NearCase{"AnotherMachineThatSaysItIsThisOne", "203.0.113.9",
                 "X-Forwarded-For: 127.0.0.1\r\n", 403},
        NearCase{"APageInABrowserOnThisMachine", "127.0.0.1", "Origin: https://a.example\r\n", 400},
        NearCase{"APageWithoutOrigin", "127.0.0.1", "Origin: null\r\n", 400},
        NearCase{"AToken", "203.0.113.9", "Authorization: Bearer forkcast_x\r\n", 403}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(GuardedEndpoints, RefuseWhatWasMeantForAnotherHost) {
  server_.Start({}, {"a.example"});
  const Response& refused = server_.Send("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(refused.status, 421);
  EXPECT_EQ(json::parse(refused.body).at("error").at("code"), "wrong_host");
  EXPECT_EQ(server_.Send("GET /metrics HTTP/1.1\r\nHost: a.example:8080\r\n\r\n").status, 200);
  EXPECT_EQ(server_.Send("GET /ping HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 200);
}

TEST_F(GuardedEndpoints, GoByTheHostOfTheTargetWhereItHasOne) {
  server_.Start({}, {"a.example"});
  EXPECT_EQ(
      server_.Send("GET http://evil.example/metrics HTTP/1.1\r\nHost: a.example\r\n\r\n").status,
      421);
  EXPECT_EQ(
      server_.Send("GET http://a.example/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n").status,
      200);
}

TEST_F(GuardedEndpoints, NoteWhoChangedSomething) {
  const std::string token = server_.NewToken("ci", Role::kOperator);
  server_.Start();
  server_.Send(Post("/models?x=1", Bearing(token) + "X-Request-Id: r1\r\n"));
  EXPECT_EQ(Audit(), (json{{"time", "2027-01-15T08:00:00Z"},
                           {"who", "ci"},
                           {"role", "operator"},
                           {"proof", "token"},
                           {"from", "203.0.113.9"},
                           {"action", "loadModel"},
                           {"method", "POST"},
                           {"path", "/models"},
                           {"outcome", "done"},
                           {"request_id", "r1"},
                           {"status", 200},
                           {"worker", 0}}));
}

TEST_F(GuardedEndpoints, NoteWhomAProxyAskedFor) {
  const std::string token = server_.NewToken("ci", Role::kOperator);
  server_.trusted_.unix_sockets = true;
  server_.Start();
  server_.Send(Post("/models", Bearing(token) + "X-Forwarded-For: 10.0.0.7\r\n"), "");
  EXPECT_EQ(Audit().at("from"), "10.0.0.7");
}

TEST_F(GuardedEndpoints, NoteNothingOfWhoMayRead) {
  server_.Start();
  server_.Send(Get("/metrics"));
  server_.Send(Post("/invocations"));
  EXPECT_EQ(server_.audit(), "");
}

struct OutcomeCase {
  const char* name;
  const char* query;
  const char* outcome;
  int status;
};

class NotedOutcomes : public GuardedEndpoints, public testing::WithParamInterface<OutcomeCase> {};

TEST_P(NotedOutcomes, AreThoseOfTheEndpoint) {
  const std::string token = server_.NewToken("ci", Role::kOperator);
  server_.Start();
  const auto& [name, query, outcome, status] = GetParam();
  server_.Send(Post(std::string("/models?") + query, Bearing(token)));
  if (server_.progress() != Progress::kDone) {
    EXPECT_EQ(server_.audit(), "");
    server_.GoOn();
  }
  EXPECT_EQ(Audit().at("outcome"), outcome);
  EXPECT_EQ(Audit().at("status"), status);
}

INSTANTIATE_TEST_SUITE_P(Cases, NotedOutcomes,
                         testing::Values(OutcomeCase{"AtOnce", "", "done", 200},
                                         OutcomeCase{"AfterAWhile", "waits", "done", 200},
                                         OutcomeCase{"NotBegun", "unfit", "failed", 409},
                                         OutcomeCase{"ABug", "throws", "failed", 500}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(GuardedEndpoints, AskNobodyWhoIsRefusedSinceTooMuchWaits) {
  server_.NewToken("ci", Role::kOperator);
  server_.Start();
  server_.retry_after = std::chrono::seconds(1);
  const Response& refused = server_.Send(Post("/models"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(HeaderValue(refused, "WWW-Authenticate"), "");
  EXPECT_EQ(server_.audit(), "");
}

TEST_F(GuardedEndpoints, NoteWhatWasBrokenOff) {
  const std::string token = server_.NewToken("ci", Role::kOperator);
  server_.Start();
  server_.Send(Post("/models?waits", Bearing(token)));
  ASSERT_EQ(server_.progress(), Progress::kWaits);
  server_.GiveUp();
  EXPECT_EQ(Audit().at("outcome"), "broken_off");
  EXPECT_EQ(Audit().at("who"), "ci");
}

TEST_F(GuardedEndpoints, NoteALocalChangeAsSuch) {
  server_.Start();
  server_.Send(Post("/models"), "127.0.0.1");
  EXPECT_EQ(Audit().at("proof"), "local");
  EXPECT_EQ(Audit().at("who"), "");
}

TEST_F(GuardedEndpoints, NoteWhoWasRefused) {
  const std::string token = server_.NewToken("reader", Role::kViewer);
  server_.Start();
  server_.Send(Post("/models", Bearing(token)));
  EXPECT_EQ(Audit().at("who"), "reader");
  EXPECT_EQ(Audit().at("outcome"), "refused");
  EXPECT_EQ(Audit().at("status"), 403);
}

}  // namespace
}  // namespace forkcast::serving
