#include "client/replay.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "client/scripted_server.hpp"
#include "support/test_files.hpp"

namespace forkcast::client {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

int ExitCode(const ReplayReport& report) { return static_cast<int>(ExitCodeOf(report)); }

/// `rows` orders with identifiers "00000", "00001", ...
std::string Orders(std::size_t rows) {
  std::string text = "id,zip\n";
  for (std::size_t i = 0; i < rows; ++i) text += fmt::format("{:05},01234\n", i);
  return text;
}

std::string GoodLine(std::size_t row) {
  return fmt::format("{{\"id\":\"{:05}\",\"recommendation\":\"Deliver\"}}\n", row);
}

std::string GoodLines(std::size_t rows) {
  std::string lines;
  for (std::size_t i = 0; i < rows; ++i) lines += GoodLine(i);
  return lines;
}

class ReplayTest : public testing::Test {
 protected:
  ReplayReport Replay(const ScriptedServer& server, std::size_t rows, ReplayOptions options = {}) {
    return ReplayTo(server.url(), rows, std::move(options));
  }

  ReplayReport ReplayTo(const std::string& url, std::size_t rows, ReplayOptions options = {}) {
    options.orders = folder_.Write("orders.csv", Orders(rows));
    options.url = *ParseServiceUrl(url);
    if (!options.out) options.out = folder_.path() / "results.jsonl";
    RetryRules rules;
    rules.first_delay = milliseconds(1);
    std::ostringstream silent;
    Progress progress(Progress::Style::kNone, silent);
    return RunReplay(options, rules, "run", progress);
  }

  [[nodiscard]] std::string Results() const { return ReadWhole(folder_.path() / "results.jsonl"); }

  TempFolder folder_;
};

TEST_F(ReplayTest, WritesAnswersInTheOrderOfTheInputThoughTheyComeInAnother) {
  // Every fourth request is late, so that those behind it overtake it.
  ScriptedServer server([](const SeenRequest& request) {
    Reply reply = GoodReply(request);
    if (request.number % 4 == 0) reply.late = milliseconds(5);
    return reply;
  });
  for (const std::size_t batch : {1U, 3U, 500U}) {
    const ReplayReport report = Replay(server, 100, {.batch = batch, .concurrency = 4});
    EXPECT_EQ(Results(), GoodLines(100)) << "batch " << batch;
    EXPECT_EQ(ExitCode(report), 0);
    EXPECT_EQ(report.rows, 100U);
    EXPECT_EQ(report.answered, 100U);
    EXPECT_EQ(report.requests, (100 + batch - 1) / batch);
    EXPECT_EQ(report.retried, 0U);
    ASSERT_EQ(report.counts.size(), 1U);
    EXPECT_EQ(report.counts[0], (Tally::Entry{"Deliver", 100}));
  }
}

TEST_F(ReplayTest, TalksOverAUnixSocket) {
  ScriptedServer server(GoodReply, nullptr, folder_.path() / "s.sock");
  const ReplayReport report = Replay(server, 20, {.batch = 2});
  EXPECT_EQ(ExitCode(report), 0);
  EXPECT_EQ(Results(), GoodLines(20));
  EXPECT_EQ(server.posts()[0].Header("Host"), "localhost");
}

TEST_F(ReplayTest, SendsWhatTheServiceAsksFor) {
  ScriptedServer server(GoodReply);
  ASSERT_EQ(
      ExitCode(ReplayTo(server.url() + "/a/b?features=true", 4, {.batch = 2, .concurrency = 1})),
      0);
  const std::vector<SeenRequest> posts = server.posts();
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0].target, "/a/b?features=true&partial=true");
  EXPECT_EQ(posts[0].Header("Content-Type"), "text/csv");
  EXPECT_EQ(posts[0].Header("Accept"), "application/jsonlines");
  EXPECT_EQ("http://" + posts[0].Header("Host"), server.url());
  EXPECT_EQ(posts[1].Header("X-Request-Id"), "run-2");
  EXPECT_EQ(posts[1].body, "id,zip\n00002,01234\n00003,01234\n");
}

TEST_F(ReplayTest, ShowsItsTokenWhereItHasOne) {
  ScriptedServer server(GoodReply);
  Replay(server, 1, {.concurrency = 1});
  Replay(server, 1, {.token = "forkcast_x", .concurrency = 1});
  EXPECT_EQ(server.posts().front().Header("Authorization"), "");
  EXPECT_EQ(server.posts().back().Header("Authorization"), "Bearer forkcast_x");
}

TEST_F(ReplayTest, KeepsItsConnections) {
  ScriptedServer server(GoodReply);
  Replay(server, 50, {.concurrency = 1});
  EXPECT_EQ(server.connections(), 2U);  // one of them for the ping
}

TEST_F(ReplayTest, ConnectsAgainWithoutARetryWhenTheServerAnnouncedItsClose) {
  ScriptedServer server([](const SeenRequest& request) {
    return Reply{.bytes = HttpAnswer(200, GoodLine(request.number), "Connection: close\r\n"),
                 .then = Reply::Then::kClose};
  });
  const ReplayReport report = Replay(server, 5, {.concurrency = 1});
  EXPECT_EQ(ExitCode(report), 0);
  EXPECT_EQ(report.retried, 0U);
  EXPECT_EQ(server.connections(), 6U);
  EXPECT_EQ(Results(), GoodLines(5));
}

TEST_F(ReplayTest, OfNoRowsIsGood) {
  ScriptedServer server(GoodReply);
  const ReplayReport report = Replay(server, 0);
  EXPECT_EQ(ExitCode(report), 0);
  EXPECT_EQ(report.rows, 0U);
  EXPECT_EQ(Results(), "");
}

TEST_F(ReplayTest, ABadRowDoesNotHideTheGoodOnesOfItsBatch) {
  ScriptedServer server([](const SeenRequest&) {
    return Reply{.bytes = HttpAnswer(200, GoodLine(0) +
                                              "{\"error\":{\"code\":\"invalid_argument\","
                                              "\"message\":\"m\",\"row\":1}}\n" +
                                              GoodLine(2))};
  });
  const ReplayReport report = Replay(server, 3, {.batch = 3});
  EXPECT_EQ(ExitCode(report), 1);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(Results(),
            GoodLine(0) +
                "{\"row\":1,\"error\":{\"code\":\"invalid_argument\",\"message\":\"m\"}}\n" +
                GoodLine(2));
}

// What happens to the first try of the last of two rows, sent on one kept connection.

struct EventCase {
  const char* name;
  Reply first_reply;
  std::size_t retried;
  const char* error_code;  // of the second row; empty: it was answered in the end
};

class ReplayEvent : public ReplayTest, public testing::WithParamInterface<EventCase> {};

TEST_P(ReplayEvent, IsTriedAgainOnlyWhenThatIsSafe) {
  std::size_t tries_of_second = 0;
  ScriptedServer server([&](const SeenRequest& request) {
    const bool is_second = request.Header("X-Request-Id") == "run-1";
    return is_second && tries_of_second++ == 0 ? GetParam().first_reply : GoodReply(request);
  });
  const ReplayReport report = Replay(server, 2, {.concurrency = 1, .timeout = milliseconds(300)});
  EXPECT_EQ(report.retried, GetParam().retried);
  const bool answered = std::string_view(GetParam().error_code).empty();
  EXPECT_EQ(ExitCode(report), answered ? 0 : 1);
  if (answered) {
    EXPECT_EQ(Results(), GoodLines(2));
  } else {
    EXPECT_THAT(Results(), testing::StartsWith(GoodLine(0) + "{\"row\":1,\"error\":{\"code\":\"" +
                                               GetParam().error_code + "\""));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ReplayEvent,
    testing::Values(
        EventCase{"AKeptConnectionClosesBeforeTheAnswer", {"", Reply::Then::kClose}, 1, ""},
        EventCase{"Busy", {HttpAnswer(503, "")}, 1, ""},
        EventCase{"BusyAndClosing",
                  {HttpAnswer(503, "", "Connection: close\r\n"), Reply::Then::kClose},
                  1,
                  ""},
        EventCase{"TooManyRequests", {HttpAnswer(429, "", "Retry-After: 0\r\n")}, 1, ""},
        EventCase{"InternalError", {HttpAnswer(500, "")}, 0, "http_500"},
        EventCase{"BadGateway", {HttpAnswer(502, "")}, 0, "http_502"},
        EventCase{"BadRequest",
                  {HttpAnswer(400, R"({"error":{"code":"invalid_argument","message":"m"}})")},
                  0,
                  "invalid_argument"},
        EventCase{"HeadCutShort", {"HTTP/1.1 200", Reply::Then::kClose}, 0, "answer_cut_short"},
        EventCase{"BodyCutShort",
                  {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", Reply::Then::kClose},
                  0,
                  "answer_cut_short"},
        EventCase{"NotHttp", {"SSH-2.0\r\n\r\n", Reply::Then::kClose}, 0, "bad_answer"},
        EventCase{"NoAnswerInTime", {"", Reply::Then::kHoldUntilPeerLeaves}, 0, "timed_out"},
        EventCase{"HalfAnAnswerInTime",
                  {"HTTP/1.1 200 OK\r\n", Reply::Then::kHoldUntilPeerLeaves},
                  0,
                  "timed_out"},
        EventCase{"WrongNumberOfLines", {HttpAnswer(200, "")}, 0, "bad_answer"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ReplayTest, ANewConnectionThatClosesBeforeTheAnswerIsNotTriedAgain) {
  ScriptedServer server([](const SeenRequest&) { return Reply{.then = Reply::Then::kClose}; });
  const ReplayReport report = Replay(server, 3, {.concurrency = 1});
  EXPECT_EQ(report.retried, 0U);
  EXPECT_EQ(report.failed, 3U);
  EXPECT_THAT(Results(), HasSubstr(R"({"row":2,"error":{"code":"connection_closed")"));
}

TEST_F(ReplayTest, AServerThatStaysBusyIsAskedThreeTimes) {
  ScriptedServer server([](const SeenRequest&) { return Reply{.bytes = HttpAnswer(503, "")}; });
  const ReplayReport report = Replay(server, 1);
  EXPECT_EQ(server.posts().size(), 3U);
  EXPECT_EQ(report.retried, 2U);
  EXPECT_EQ(report.requests, 1U);
  EXPECT_EQ(report.failed, 1U);
  std::set<std::string> ids;
  for (const SeenRequest& post : server.posts()) ids.insert(post.Header("X-Request-Id"));
  EXPECT_EQ(ids, std::set<std::string>{"run-0"});
}

TEST_F(ReplayTest, ARefusedConnectionIsTriedThreeTimes) {
  ScriptedServer server(GoodReply, [](const SeenRequest&) {
    return Reply{.bytes = HttpAnswer(200, ""), .stop_listening = true};
  });
  const ReplayReport report = Replay(server, 2, {.concurrency = 1});
  EXPECT_EQ(report.retried, 4U);
  EXPECT_EQ(report.failed, 2U);
  EXPECT_THAT(Results(), HasSubstr(R"({"row":1,"error":{"code":"not_connected")"));
}

TEST_F(ReplayTest, GivesUpAServerThatIsGoneAndKeepsWhatItAnswered) {
  ScriptedServer server([](const SeenRequest& request) {
    if (request.number >= 10) return Reply{.then = Reply::Then::kClose, .stop_listening = true};
    return GoodReply(request);
  });
  const ReplayReport report = Replay(server, 10'000, {.concurrency = 1, .max_failures = 20});
  EXPECT_EQ(report.end, ReplayEnd::kGaveUp);
  EXPECT_EQ(ExitCode(report), 6);
  EXPECT_EQ(report.answered, 10U);
  EXPECT_EQ(report.failed, 20U);
  EXPECT_THAT(report.problem, AllOf(HasSubstr("gave up: 20 requests in a row got no answer"),
                                    HasSubstr("the rows from 30 on were not sent")));
  EXPECT_THAT(Results(), StartsWith(GoodLines(10)));
  const std::string results = Results();
  EXPECT_EQ(std::ranges::count(results, '\n'), 30);
}

TEST_F(ReplayTest, DoesNotGiveUpAServerThatAnswersNowAndThen) {
  ScriptedServer server([](const SeenRequest& request) {
    return request.number % 5 == 0 ? GoodReply(request) : Reply{.bytes = HttpAnswer(500, "")};
  });
  const ReplayReport report = Replay(server, 50, {.concurrency = 1, .max_failures = 5});
  EXPECT_EQ(report.end, ReplayEnd::kDone);
  EXPECT_EQ(report.failed, 40U);
}

TEST_F(ReplayTest, DoesNotGiveUpOverRowsThatTheServerRefuses) {
  ScriptedServer server([](const SeenRequest&) { return Reply{.bytes = HttpAnswer(422, "{}")}; });
  const ReplayReport report = Replay(server, 50, {.concurrency = 1, .max_failures = 5});
  EXPECT_EQ(report.end, ReplayEnd::kDone);
  EXPECT_EQ(report.failed, 50U);
}

TEST_F(ReplayTest, WaitsForTheServerToBecomeReady) {
  std::size_t pings = 0;
  ScriptedServer server(GoodReply, [&](const SeenRequest&) {
    return Reply{.bytes = HttpAnswer(++pings < 3 ? 503 : 200, "")};
  });
  EXPECT_EQ(ExitCode(Replay(server, 1)), 0);
  EXPECT_EQ(pings, 3U);
}

TEST_F(ReplayTest, SendsNothingToAServerThatNeverBecomesReady) {
  ScriptedServer server(GoodReply,
                        [](const SeenRequest&) { return Reply{.bytes = HttpAnswer(503, "")}; });
  const ReplayReport report = Replay(server, 1, {.wait = milliseconds(50)});
  EXPECT_EQ(ExitCode(report), 3);
  EXPECT_THAT(report.problem, HasSubstr(server.url()));
  EXPECT_THAT(report.problem, HasSubstr("within 0.05 s (last: status 503)"));
  EXPECT_TRUE(server.posts().empty());
}

TEST_F(ReplayTest, SaysWhyAServerThatIsNotThereIsNotReady) {
  const ReplayReport report =
      ReplayTo("unix:" + (folder_.path() / "absent.sock").string(), 1, {.wait = milliseconds(0)});
  EXPECT_EQ(ExitCode(report), 3);
  EXPECT_THAT(report.problem, HasSubstr("No such file or directory"));
}

TEST_F(ReplayTest, ComparesWithWhatAnEarlierReplayWrote) {
  ScriptedServer server(GoodReply);
  const auto expected = folder_.path() / "expected.jsonl";
  ASSERT_EQ(ExitCode(Replay(server, 10, {.batch = 4, .out = expected})), 0);
  const ReplayReport equal = Replay(server, 10, {.batch = 3, .expect = expected});
  EXPECT_EQ(ExitCode(equal), 0);
  EXPECT_EQ(equal.expectation->compared, 10U);
  const ReplayReport longer = Replay(server, 12, {.expect = expected});
  EXPECT_EQ(ExitCode(longer), 1);
  EXPECT_EQ(longer.expectation->different, 2U);
  const ReplayReport shorter = Replay(server, 7, {.expect = expected});
  EXPECT_EQ(ExitCode(shorter), 1);
  EXPECT_EQ(shorter.expectation->different, 3U);
}

TEST_F(ReplayTest, StopsWhenTheResultsCannotBeWritten) {
  ScriptedServer server([](const SeenRequest&) {
    return Reply{.bytes = HttpAnswer(200, "\"" + std::string(100'000, 'x') + "\"")};
  });
  const ReplayReport report = Replay(server, 1000, {.out = "/dev/full", .concurrency = 1});
  EXPECT_EQ(ExitCode(report), 5);
  EXPECT_THAT(report.problem, HasSubstr("/dev/full: cannot be written: No space left"));
  EXPECT_LT(server.posts().size(), 100U);
}

TEST_F(ReplayTest, SaysThatASmallResultCouldNotBeWritten) {
  ScriptedServer server(GoodReply);
  const ReplayReport report = Replay(server, 1, {.out = "/dev/full"});
  EXPECT_EQ(ExitCode(report), 5);
  EXPECT_THAT(report.problem, HasSubstr("/dev/full: cannot be written"));
}

TEST_F(ReplayTest, SendsNothingOfAFileThatCannotBeReadToItsEnd) {
  ScriptedServer server(GoodReply);
  ReplayOptions options;
  options.orders = folder_.Write("bad.csv", Orders(100) + "one field\n");
  options.url = *ParseServiceUrl(server.url());
  std::ostringstream silent;
  Progress progress(Progress::Style::kNone, silent);
  const ReplayReport report = RunReplay(options, {}, "run", progress);
  EXPECT_EQ(ExitCode(report), 5);
  EXPECT_THAT(report.problem, HasSubstr("bad.csv: line 102"));
  EXPECT_TRUE(server.posts().empty());
}

// One stall of 200 ms, behind which nine quick requests wait for the only connection.
Reply StallOnce(const SeenRequest& request) {
  Reply reply = GoodReply(request);
  if (request.number == 0) reply.late = milliseconds(200);
  return reply;
}

TEST_F(ReplayTest, AnOpenLoopCountsAStallForEveryRequestThatItDelayed) {
  ScriptedServer server(StallOnce);
  const ReplayReport report = Replay(server, 10, {.concurrency = 1, .rate = 1000});
  ASSERT_TRUE(report.latency.has_value());
  EXPECT_GE(report.latency->p50, milliseconds(190));  // due 5 ms after the start, sent after 200 ms
}

TEST_F(ReplayTest, AClosedLoopCountsAStallOnce) {
  ScriptedServer server(StallOnce);
  const ReplayReport report = Replay(server, 10, {.concurrency = 1});
  ASSERT_TRUE(report.latency.has_value());
  EXPECT_LT(report.latency->p50, milliseconds(190));
  EXPECT_GE(report.latency->max, milliseconds(190));
}

TEST_F(ReplayTest, AnOpenLoopIsNotFasterThanItsRate) {
  ScriptedServer server(GoodReply);
  const ReplayReport report = Replay(server, 21, {.concurrency = 4, .rate = 100});
  EXPECT_GE(report.elapsed, milliseconds(200));
  EXPECT_EQ(ExitCode(report), 0);
}

}  // namespace
}  // namespace forkcast::client
