#include "support/malformed_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"
#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::IsSubsetOf;
using Bind = ServerOptions::Bind;

enum class Pieces { kWhole, kLines, kBytes };

/// Sends `bytes` as so many writes. What follows them goes with the last one.
void SendIn(Pieces pieces, std::string_view bytes, const std::string& following,
            HttpConnection& connection) {
  while (pieces != Pieces::kWhole && !bytes.empty()) {
    const std::size_t line = std::min(bytes.find("\r\n"), bytes.size() - 1) + 2;
    const std::size_t size = pieces == Pieces::kBytes ? 1 : std::min(line, bytes.size());
    connection.Send(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  connection.Send(std::string(bytes) + following);
}

/// Calls `work` with each number below `count`, several at a time.
void ForEach(std::size_t count, const std::function<void(std::size_t)>& work) {
  constexpr std::size_t kAtATime = 16;
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kAtATime; ++i) {
    threads.emplace_back([&] {
      for (std::size_t n = next++; n < count; n = next++) work(n);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

/// That an answer's head is lines of visible ASCII, each a header of ours that was named.
void ExpectHeadOf(const std::vector<std::string>& names, const Answer& answer) {
  std::string_view rest = answer.head;
  std::vector<std::string> found;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t end = rest.find("\r\n");
    ASSERT_NE(end, std::string_view::npos);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7F; })) << line;
    if (!first && !line.empty()) found.emplace_back(line.substr(0, line.find(": ")));
  }
  EXPECT_THAT(found, IsSubsetOf(names));
}

/// A server whose invocations can be told to leave a trace, and clients that try to smuggle one.
class HostileRequests : public testing::Test {
 protected:
  Server& Start(Bind bind) {
    fs::create_directory(traces());
    Server& server = faulty_.Start({.bind = bind, .flags = {"--control", control()}});
    server.WaitUntilAllReady();
    return server;
  }
  [[nodiscard]] fs::path traces() { return faulty_.workspace() / "traces"; }
  [[nodiscard]] fs::path control() { return faulty_.workspace() / "control"; }

  /// An order that leaves a trace when it is executed, whoever gets its answer.
  std::string Traced(const std::string& name) {
    faulty_.workspace().Write("traces/" + name, "");  // lets the hook go on at once
    return ToBytes(FaultyRequest("until=" + (traces() / name).string()));
  }
  [[nodiscard]] bool WasExecuted(const std::string& name) {
    return fs::exists(traces() / (name + ".begun"));
  }
  void ExpectTracesAreLeft(const Endpoint& endpoint) {
    HttpConnection connection(endpoint);
    connection.Send(Traced("valid"));
    EXPECT_EQ(connection.Receive().answer.status, 200);
    EXPECT_TRUE(WasExecuted("valid"));
  }

  struct Workers {
    std::vector<std::int64_t> pids;
    std::uint64_t answers = 0;
    std::uint64_t restarts = 0;
  };
  /// What the server says of them.
  Workers AskStatus() {
    Workers workers;
    const std::string status = RunToEnd(faulty_.workspace() / "status",
                                        {kForkcast, "status", "--control", control(), "--json"}, 0);
    const json parsed = json::parse(status);
    for (const json& worker : parsed.at("workers")) {
      workers.pids.push_back(worker.at("pid"));
      workers.answers += worker.at("requests").get<std::uint64_t>();
      workers.restarts += worker.at("restarts").get<std::uint64_t>();
    }
    return workers;
  }
  /// That the workers live that lived `before`, and gave so many more answers.
  void ExpectSameWorkers(const Workers& before, std::uint64_t answers) {
    const Workers after = AskStatus();
    EXPECT_EQ(after.pids, before.pids);
    EXPECT_EQ(after.restarts, before.restarts);
    EXPECT_EQ(after.answers - before.answers, answers);
  }

  FaultyServer faulty_;
};

struct Way {
  const char* name;
  Bind bind;
  Pieces pieces;
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class MalformedRequestTest : public HostileRequests, public testing::WithParamInterface<Way> {
 protected:
  void ExpectRefused(const MalformedRequest& malformed, const Endpoint& endpoint) {
    SCOPED_TRACE(malformed.name);
    HttpConnection connection(endpoint);
    SendIn(GetParam().pieces, malformed.bytes, Traced(malformed.name), connection);
    const Exchange refusal = connection.Receive();
    ASSERT_EQ(refusal.outcome, Outcome::kAnswered);
    EXPECT_EQ(refusal.answer.status, malformed.status);
    EXPECT_EQ(json::parse(refusal.answer.body).at("error").at("code"), malformed.code);
    EXPECT_TRUE(refusal.answer.closes());
    ExpectHeadOf({"Date", "Content-Type", "Content-Length", "X-Request-Id", "Connection"},
                 refusal.answer);
    EXPECT_TRUE(connection.IsClosedByServer()) << "nor anything behind the refusal";
    EXPECT_FALSE(WasExecuted(malformed.name));
    EXPECT_EQ(AskOnce(endpoint, OneOrder()).status, 200) << "on another connection";
  }
};

TEST_P(MalformedRequestTest, IsRefusedAndNothingBehindItIsExecuted) {
  const Endpoint endpoint = Start(GetParam().bind).endpoint();
  ExpectTracesAreLeft(endpoint);
  const Workers before = AskStatus();
  const std::vector<MalformedRequest>& cases = MalformedRequests();
  ForEach(cases.size(), [&](std::size_t i) { ExpectRefused(cases[i], endpoint); });
  ExpectSameWorkers(before, 2 * cases.size());
}

INSTANTIATE_TEST_SUITE_P(Ways, MalformedRequestTest,
                         testing::Values(Way{"InOneWriteOverTcp", Bind::kTcp, Pieces::kWhole},
                                         Way{"InOneWriteOverUnix", Bind::kUnix, Pieces::kWhole},
                                         Way{"LineByLineOverTcp", Bind::kTcp, Pieces::kLines},
                                         Way{"LineByLineOverUnix", Bind::kUnix, Pieces::kLines},
                                         Way{"ByteByByteOverTcp", Bind::kTcp, Pieces::kBytes},
                                         Way{"ByteByByteOverUnix", Bind::kUnix, Pieces::kBytes}),
                         [](const auto& param) { return param.param.name; });

// ---- requests that end too early ----

/// The same order with its body in one chunk.
std::string InAChunk(const std::string& request) {
  const std::size_t length = request.find("Content-Length: ");
  const std::size_t body = request.find("\r\n\r\n") + 4;
  std::string head = request.substr(0, body);
  head.replace(length, head.find("\r\n", length) - length, "Transfer-Encoding: chunked");
  std::ostringstream size;
  size << std::hex << request.size() - body;
  return head + size.str() + "\r\n" + request.substr(body) + "\r\n0\r\n\r\n";
}

TEST_F(HostileRequests, NoBeginningOfARequestIsExecutedWhenItsConnectionEnds) {
  const Endpoint endpoint = Start(Bind::kTcp).endpoint();
  ExpectTracesAreLeft(endpoint);
  const Workers before = AskStatus();
  for (const bool chunked : {false, true}) {
    const std::string order = Traced("cut_off");
    const std::string request = chunked ? InAChunk(order) : order;
    ForEach(request.size(), [&](std::size_t size) {
      HttpConnection connection(endpoint);
      connection.Send(std::string_view(request).substr(0, size));
      connection.EndSending();
      EXPECT_EQ(connection.Receive().outcome, Outcome::kClosed) << "after " << size << " bytes";
    });
    EXPECT_FALSE(WasExecuted("cut_off"));
  }
  ExpectSameWorkers(before, 0);
  HttpConnection whole(endpoint);
  whole.Send(InAChunk(Traced("whole")));
  whole.EndSending();
  EXPECT_EQ(whole.Receive().answer.status, 200);
  EXPECT_TRUE(WasExecuted("whole"));
}

// ---- what comes back in an answer's header ----

struct ReflectedCase {
  const char* name;
  std::string value;
  bool taken;
};

const ReflectedCase kReflected[]{
    {"Escapes", "a%0d%0aSet-Cookie:%20b=c", true},
    {"Backslashes", R"(a\r\nSet-Cookie: b=c)", true},
    {"Entities", "a&#13;&#10;Set-Cookie: b=c", true},
    {"ColonsAndQuotes", R"(": "; a=b, c)", true},
    {"BytesBeyondAscii", "caf\xC3\xA9", false},
    {"LatinOne", "caf\xE9", false},
    {"ACharacterWhoseLastByteIsLf",
     "a\xC4\x8A"
     "b",
     false},                                                                    // U+010A
    {"CharactersWhoseLastBytesAreCrAndLf", "\xE5\x98\x8D\xE5\x98\x8A", false},  // U+560D, U+560A
    {"OverlongLf",
     "a\xC0\x8A"
     "b",
     false},
    {"NextLine",
     "a\xC2\x85"
     "b",
     false},  // U+0085
    {"LineSeparator",
     "a\xE2\x80\xA8"
     "b",
     false},  // U+2028
    {"HighBitCrLf",
     "a\x8D\x8A"
     "Set-Cookie: b",
     false},
    {"Tab", "a\tb", false}};

TEST_F(HostileRequests, WhatComesBackInAnAnswersHeadStaysWithinItsLine) {
  const Endpoint endpoint = Start(Bind::kTcp).endpoint();
  HttpConnection connection(endpoint);
  for (const std::string header :
       {"X-Request-Id", "X-Amzn-SageMaker-Inference-Id", "X-Amzn-SageMaker-Custom-Attributes"}) {
    for (const ReflectedCase& one : kReflected) {
      SCOPED_TRACE(header + ", " + one.name);
      Request request = OneOrder();
      request.headers += header + ": " + one.value + "\r\n";
      const Exchange exchange = connection.Ask(request);
      ASSERT_EQ(exchange.outcome, Outcome::kAnswered);
      EXPECT_EQ(exchange.answer.status, one.taken ? 200 : 400);
      std::string name = header;
      std::ranges::transform(name, name.begin(), forkcast::Lower);
      // What is refused has an id of ours.
      const std::string answered = exchange.answer.Header(name);
      if (one.taken) {
        EXPECT_EQ(answered, one.value);
      } else {
        EXPECT_THAT(answered,
                    testing::MatchesRegex(header == "X-Request-Id" ? "[0-9a-f]{32}" : ""));
      }
      ExpectHeadOf({"Date", "Content-Type", "Content-Length", "X-Request-Id", "X-Forkcast-Stale",
                    "X-Amzn-SageMaker-Inference-Id", "X-Amzn-SageMaker-Custom-Attributes"},
                   exchange.answer);
    }
  }
}

}  // namespace
}  // namespace forkcast::process_test
