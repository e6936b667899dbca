#include "serving/upstream/remote_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "client/scripted_server.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/upstream/fetch_binding.hpp"
#include "support/loopback.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using client::HttpAnswer;
using client::Reply;
using client::ScriptedServer;
using client::SeenRequest;
using nlohmann::json;
using preprocessing::ColumnType;
using preprocessing::Value;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kPatience{10'000};

constexpr const char* kModel = R"({"name": "m", "inputs": [
  {"name": "price", "datatype": "FP64", "shape": [-1, 1]}],
  "outputs": [{"name": "value", "datatype": "FP64", "shape": [-1, 1]}]})";

/// What a good server says of itself and the model.
Reply Metadata(const SeenRequest& request) {
  if (request.target == "/v2") {
    return {.bytes = HttpAnswer(200, R"({"name": "fake", "extensions": []})")};
  }
  return {.bytes = HttpAnswer(200, kModel)};
}

/// Of each row ten times its price.
std::string TenTimes(const SeenRequest& request) {
  const json asked = json::parse(request.body);
  json data = json::array();
  for (const json& price : asked["inputs"][0]["data"]) {
    data.push_back(price.is_null() ? json() : json(10 * price.get<double>()));
  }
  return json{{"model_name", "m"},
              {"id", asked["id"]},
              {"outputs", json::array({{{"name", "value"},
                                        {"datatype", "FP64"},
                                        {"shape", {data.size(), 1}},
                                        {"data", data}}})}}
      .dump();
}
Reply Good(const SeenRequest& request) { return {.bytes = HttpAnswer(200, TenTimes(request))}; }

RemoteAddress AddressOf(const ScriptedServer& server) {
  const std::string& url = server.url();
  return {.host = "127.0.0.1",
          .port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)))};
}

std::shared_ptr<RemotePlan> PlanOf(std::vector<RemoteAddress> addresses) {
  return std::make_shared<RemotePlan>(
      RemotePlan{.spec = {.addresses = std::move(addresses),
                          .model = "m",
                          .timeout = milliseconds(2000),
                          .breaker_failures = 3,
                          .breaker_rest = milliseconds(20)},
                 .features = {{.name = "price", .may_be_missing = true}}});
}

/// A remote model on a loop of the test's thread.
class Asking {
 public:
  explicit Asking(std::shared_ptr<const RemotePlan> plan)
      : log_("test", std::make_shared<spdlog::sinks::ostream_sink_st>(lines_)),
        model_("demand", std::move(plan),
               {.loop = loop_,
                .clock = clock_,
                .log = log_,
                .series = series_.writer,
                .worker = "0"}) {}

  /// Runs the loop until `done`; false where that takes too long.
  bool RunUntil(const std::function<bool()>& done) {
    const MonotonicTime end = clock_.Monotonic() + kPatience;
    while (!done()) {
      if (clock_.Monotonic() > end) return false;
      loop_.restart();
      loop_.run_for(milliseconds(1));
    }
    return true;
  }
  bool WaitUntilReady() {
    return RunUntil([this] { return model_.CheckReady().ok(); });
  }
  [[nodiscard]] Result<std::unique_ptr<PendingScores>> Begin(const std::vector<Value>& features) {
    return model_.Ask({.features = features,
                       .deadline = clock_.Monotonic() + kPatience,
                       .wake = [this] { ++woken_; }});
  }
  /// The values of rows, or why there are none.
  Result<std::vector<Value>> Ask(const std::vector<Value>& features) {
    auto pending = Begin(features);
    if (!pending) return std::move(pending).error();
    return Await(**pending);
  }
  Result<std::vector<Value>> Await(PendingScores& pending) {
    EXPECT_TRUE(RunUntil([&] { return pending.reply().has_value(); }));
    if (!pending.reply()) return Error{ErrorCode::kInternal, "no reply"};
    if (!*pending.reply()) return pending.reply()->error();
    return (*pending.reply())->outputs;
  }
  [[nodiscard]] RemoteModel& model() noexcept { return model_; }
  /// How often the log says this.
  [[nodiscard]] std::size_t Logged(std::string_view event) const {
    const std::string lines = lines_.str();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = lines.find(event, at)) != std::string::npos; ++at) ++count;
    return count;
  }
  [[nodiscard]] int woken() const noexcept { return woken_; }
  /// The sum of a counter over all labels that hold `label`.
  [[nodiscard]] std::uint64_t Counted(std::string_view family, std::string_view label = "") const {
    std::uint64_t sum = 0;
    for (const SeriesSum& one : SumSeries(series_.blocks())) {
      if (kSeriesFamilies[one.family].family != family) continue;
      if (one.labels.find(label) != std::string::npos) sum += one.cells.front();
    }
    return sum;
  }

 private:
  boost::asio::io_context loop_;
  SystemClock clock_;
  std::ostringstream lines_;
  spdlog::logger log_;
  TestSeries series_;
  int woken_ = 0;
  RemoteModel model_;
};

TEST(RemoteModel, IsNotReadyUntilItHasSaidWhatItIs) {
  ScriptedServer server(Good, Metadata);
  Asking asking(PlanOf({AddressOf(server)}));
  const auto early = asking.Ask({1.0});
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code, ErrorCode::kNotReady);
  ASSERT_TRUE(asking.WaitUntilReady());
  const auto answered = asking.Ask({1.0, 2.5, Value()});
  ASSERT_TRUE(answered.ok()) << answered.error().message;
  EXPECT_EQ(*answered, (std::vector<Value>{10.0, 25.0, Value()}));
  EXPECT_EQ(asking.woken(), 1);
  EXPECT_EQ(asking.Counted("remote_requests", "answered"), 1U);
}

TEST(RemoteModel, SendsRowsOfSeveralRequestsTogetherAndGivesEachItsOwn) {
  ScriptedServer server(Good, Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.max_batch = 3;
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  const std::vector<std::vector<Value>> rows{{1.0}, {2.0}, {3.0}, {4.0, 5.0}};
  std::vector<std::unique_ptr<PendingScores>> pending;
  for (const auto& one : rows) pending.push_back(std::move(asking.Begin(one)).value());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto answered = asking.Await(*pending[i]);
    ASSERT_TRUE(answered.ok()) << answered.error().message;
    for (std::size_t row = 0; row < rows[i].size(); ++row) {
      EXPECT_EQ((*answered)[row], Value(10 * std::get<double>(rows[i][row])));
    }
  }
  EXPECT_EQ(server.posts().size(), 2U);
}

TEST(RemoteModel, CutsARequestOfManyRowsAndPutsItTogetherAgain) {
  ScriptedServer server(Good, Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.max_batch = 4;
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  std::vector<Value> rows;
  for (int i = 0; i < 11; ++i) rows.emplace_back(static_cast<double>(i));
  const auto answered = asking.Ask(rows);
  ASSERT_TRUE(answered.ok()) << answered.error().message;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ((*answered)[i], Value(10.0 * static_cast<double>(i)));
  }
  EXPECT_EQ(server.posts().size(), 3U);
  EXPECT_EQ(asking.woken(), 1) << "when all of it is there";
}

TEST(RemoteModel, LetsABatchGrowForAsLongAsItMay) {
  ScriptedServer server(Good, Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.max_delay = milliseconds(100);
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  const std::vector<Value> one{1.0};
  auto first = asking.Begin(one);
  ASSERT_TRUE(asking.RunUntil([looks = 0]() mutable { return ++looks > 20; }));
  EXPECT_EQ(server.posts().size(), 0U);
  auto second = asking.Begin(one);
  ASSERT_TRUE(asking.Await(**first).ok());
  ASSERT_TRUE(asking.Await(**second).ok());
  EXPECT_EQ(server.posts().size(), 1U);
}

TEST(RemoteModel, KeepsItsConnections) {
  ScriptedServer server(Good, Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.connections = 1;
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(asking.Ask({1.0}).ok());
  EXPECT_EQ(server.connections(), 1U);
}

struct FaultCase {
  const char* name;
  client::ScriptedServer::Script fault;
  const char* message;
  ErrorCode code = ErrorCode::kRemoteFailed;
};

Reply Answered(int status, const std::string& body) { return {.bytes = HttpAnswer(status, body)}; }
std::string Replaced(std::string text, const std::string& part, const std::string& with) {
  text.replace(text.find(part), part.size(), with);
  return text;
}

const std::vector<FaultCase> kFaults{
    {"Closes", [](const SeenRequest&) { return Reply{.bytes = "", .then = Reply::Then::kClose}; },
     "did not answer"},
    {"HalfAnAnswer",
     [](const SeenRequest& request) {
       const std::string whole = HttpAnswer(200, TenTimes(request));
       return Reply{.bytes = whole.substr(0, whole.size() / 2), .then = Reply::Then::kClose};
     },
     "before its answer was whole"},
    {"NeverAnswers",
     [](const SeenRequest&) {
       return Reply{.bytes = "", .then = Reply::Then::kHoldUntilPeerLeaves};
     },
     "did not answer within", ErrorCode::kDeadlineExceeded},
    {"StopsInTheMiddle",
     [](const SeenRequest& request) {
       const std::string whole = HttpAnswer(200, TenTimes(request));
       return Reply{.bytes = whole.substr(0, whole.size() / 2),
                    .then = Reply::Then::kHoldUntilPeerLeaves};
     },
     "did not answer within", ErrorCode::kDeadlineExceeded},
    {"NoHttp", [](const SeenRequest&) { return Reply{.bytes = "hello\r\n\r\n"}; }, "no HTTP"},
    {"InternalError",
     [](const SeenRequest&) { return Answered(500, R"({"error": "out of memory"})"); },
     "status 500: out of memory"},
    {"NoSuchModel", [](const SeenRequest&) { return Answered(404, R"({"error": "unloaded"})"); },
     "status 404: unloaded"},
    {"InterimAnswersWithoutEnd",
     [](const SeenRequest&) {
       std::string interim;
       for (int i = 0; i < 1000; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
       return Reply{.bytes = interim};
     },
     "head has more than"},
    {"AnErrorOfMillionsOfBrackets",
     [](const SeenRequest&) {
       return Answered(
           500, R"({"error": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}");
     },
     "status 500: {\"error\": [["},
    {"AnOutputWithALongName",
     [](const SeenRequest&) {
       return Answered(200, R"({"outputs": [{"name": ")" + std::string(100'000, 'n') + R"("}]})");
     },
     "nnn..."},
    {"Unavailable", [](const SeenRequest&) { return Answered(503, ""); }, "status 503"},
    {"NoJson", [](const SeenRequest&) { return Answered(200, "<html>"); }, "wrong answer"},
    {"AnotherId",
     [](const SeenRequest& request) {
       return Answered(200, Replaced(TenTimes(request), R"("id":"0-)", R"("id":"1-)"));
     },
     "not to"},
    {"AnotherShape",
     [](const SeenRequest& request) {
       return Answered(200, Replaced(TenTimes(request), R"("shape":[1,1])", R"("shape":[1,2])"));
     },
     "wrong answer"},
    {"AnotherType",
     [](const SeenRequest& request) {
       return Answered(200, Replaced(TenTimes(request), R"("FP64")", R"("BOOL")"));
     },
     "wrong answer"},
    {"Infinity",
     [](const SeenRequest& request) {
       return Answered(200, Replaced(TenTimes(request), R"([10.0])", "[Infinity]"));
     },
     "wrong answer"},
    {"Huge",
     [](const SeenRequest&) {
       return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"};
     },
     "99999999999 bytes"},
    {"ASecondAnswer",
     [](const SeenRequest& request) {
       return Reply{.bytes = HttpAnswer(200, TenTimes(request)) + "HTTP/1.1 200 OK\r\n"};
     },
     "behind its end"}};

class Fault : public testing::TestWithParam<FaultCase> {};

TEST_P(Fault, IsAnErrorThatNamesTheAddress) {
  ScriptedServer server(GetParam().fault, Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.timeout = milliseconds(200);
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  const auto answered = asking.Ask({1.0});
  ASSERT_FALSE(answered.ok());
  EXPECT_EQ(answered.error().code, GetParam().code) << answered.error().message;
  EXPECT_THAT(answered.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(answered.error().message, HasSubstr("running the model"));
  EXPECT_THAT(answered.error().message, HasSubstr(ToString(AddressOf(server))));
  const bool is_late = GetParam().code == ErrorCode::kDeadlineExceeded;
  EXPECT_EQ(asking.Counted("remote_requests", is_late ? "late" : "failed"), 1U);
}

TEST_P(Fault, IsMadeGoodByAnotherAddress) {
  ScriptedServer bad(GetParam().fault, Metadata);
  ScriptedServer good(Good, Metadata);
  auto plan = PlanOf({AddressOf(bad), AddressOf(good)});
  plan->spec.timeout = milliseconds(1000);
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  // Both: one that is asked before the other has said what it is gets no second chance.
  ASSERT_TRUE(asking.RunUntil([&] {
    static_cast<void>(asking.Ask({1.0}));
    return !bad.posts().empty() && !good.posts().empty();
  }));
  for (int i = 0; i < 6; ++i) {
    const auto answered = asking.Ask({1.0});
    ASSERT_TRUE(answered.ok()) << answered.error().message;
    EXPECT_EQ(answered->front(), Value(10.0));
  }
  EXPECT_GE(asking.Counted("remote_retries"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Cases, Fault, testing::ValuesIn(kFaults),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(RemoteModel, GivesTheServersWordsWhereItRefusesAndAsksItOn) {
  ScriptedServer server(
      [](const SeenRequest& request) {
        return request.number < 4 ? Answered(400, R"({"error": "price: too high"})")
                                  : Good(request);
      },
      Metadata);
  Asking asking(PlanOf({AddressOf(server)}));
  ASSERT_TRUE(asking.WaitUntilReady());
  for (int i = 0; i < 4; ++i) {
    const auto refused = asking.Ask({1.0});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kRemoteFailed);
    EXPECT_THAT(refused.error().message, HasSubstr("status 400: price: too high"));
  }
  EXPECT_TRUE(asking.Ask({1.0}).ok()) << "four refusals in a row are no reason to leave it alone";
  EXPECT_EQ(asking.Counted("remote_requests", "refused"), 4U);
}

TEST(RemoteModel, LetsNobodysRowsFailWithThoseOfAnother) {
  ScriptedServer server(
      [](const SeenRequest& request) {
        const bool is_bad = request.body.find("13") != std::string::npos;
        return is_bad ? Answered(400, R"({"error": "thirteen"})") : Good(request);
      },
      Metadata);
  Asking asking(PlanOf({AddressOf(server)}));
  ASSERT_TRUE(asking.WaitUntilReady());
  const std::vector<std::vector<Value>> rows{{1.0}, {13.0, 2.0}, {3.0}};
  std::vector<std::unique_ptr<PendingScores>> pending;
  for (const auto& one : rows) pending.push_back(std::move(asking.Begin(one)).value());
  EXPECT_EQ(*asking.Await(*pending[0]), std::vector<Value>{10.0});
  EXPECT_EQ(*asking.Await(*pending[2]), std::vector<Value>{30.0});
  const auto refused = asking.Await(*pending[1]);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("status 400: thirteen"));
  EXPECT_EQ(server.posts().size(), 4U) << "all at once, and then each alone";
}

TEST(RemoteModel, SaysSeldomThatAServerComesAndGoes) {
  ScriptedServer server(
      [](const SeenRequest& request) { return Answered(500, std::to_string(request.number)); },
      Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.breaker_failures = 1;
  plan->spec.breaker_rest = milliseconds(10);
  Asking asking(plan);
  const SystemClock clock;
  const MonotonicTime begin = clock.Monotonic();
  constexpr std::size_t kTimes = 20;
  for (std::size_t i = 0; i < kTimes; ++i) {
    ASSERT_TRUE(asking.WaitUntilReady());
    ASSERT_FALSE(asking.Ask({1.0}).ok());
  }
  EXPECT_EQ(server.posts().size(), kTimes);
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(clock.Monotonic() - begin);
  const auto most = static_cast<std::size_t>(1 + took.count() / 10);
  EXPECT_GE(asking.Logged("remote_left_alone"), 1U);
  EXPECT_LE(asking.Logged("remote_left_alone"), most);
  EXPECT_LE(asking.Logged("remote_failed"), most);
  EXPECT_LE(asking.Logged("remote_ready"), 1 + most);
}

TEST(RemoteModel, DoesNotHoldItsOwnQueueAgainstAServer) {
  // Whether the first is in time hangs on the machine, too.
  for (int tries = 0; tries < 5; ++tries) {
    ScriptedServer server(
        [](const SeenRequest& request) {
          Reply reply = Good(request);
          reply.late = milliseconds(request.number == 0 ? 1600 : 1000);
          return reply;
        },
        Metadata);
    auto plan = PlanOf({AddressOf(server)});
    plan->spec.connections = 1;
    plan->spec.max_batch = 1;
    plan->spec.breaker_failures = 1;
    plan->spec.breaker_rest = std::chrono::minutes(1);
    Asking asking(plan);
    ASSERT_TRUE(asking.WaitUntilReady());
    const std::vector<Value> one{1.0};
    auto first = asking.Begin(one);
    auto second = asking.Begin(one);
    if (!asking.Await(**first).ok()) continue;
    const auto late = asking.Await(**second);
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
    EXPECT_TRUE(asking.model().CheckReady().ok()) << "it had a fifth of the time";
    return;
  }
  FAIL() << "no server was in time";
}

TEST(RemoteModel, HoldsNothingAgainstAServerThatItWasAskedBeforeItCameBack) {
  ScriptedServer server(
      [](const SeenRequest& request) {
        if (request.number > 1) return Good(request);
        Reply reply = Answered(500, "");
        if (request.number == 0) reply.late = milliseconds(500);
        return reply;
      },
      Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.max_batch = 1;
  plan->spec.breaker_failures = 1;
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  const std::vector<Value> one{1.0};
  auto slow = asking.Begin(one);
  auto quick = asking.Begin(one);
  ASSERT_FALSE(asking.Await(**quick).ok());
  ASSERT_TRUE(asking.WaitUntilReady());
  ASSERT_FALSE(asking.Await(**slow).ok());
  EXPECT_TRUE(asking.model().CheckReady().ok());
}

TEST(RemoteModel, LeavesAloneWhatKeepsFailingAndComesBackByItself) {
  std::atomic<bool> fails = true;
  ScriptedServer server(
      [&fails](const SeenRequest& request) { return fails ? Answered(500, "") : Good(request); },
      Metadata);
  Asking asking(PlanOf({AddressOf(server)}));
  ASSERT_TRUE(asking.WaitUntilReady());
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(asking.Ask({1.0}).ok());
  const auto refused = asking.Ask({1.0});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kRemoteFailed);
  EXPECT_THAT(refused.error().message, HasSubstr("left alone"));
  EXPECT_EQ(server.posts().size(), 3U) << "it is not asked meanwhile";
  fails = false;
  ASSERT_TRUE(asking.WaitUntilReady());
  EXPECT_TRUE(asking.Ask({1.0}).ok());
}

TEST(RemoteModel, AsksWhatHasComeBackWhatItIsBeforeItTrustsIt) {
  std::atomic<bool> is_another = false;
  std::atomic<int> looks = 0;
  ScriptedServer server([](const SeenRequest&) { return Answered(500, ""); },
                        [&](const SeenRequest& request) {
                          if (is_another && request.target != "/v2") {
                            ++looks;
                            return Answered(200, R"({"inputs": [
                              {"name": "cost", "datatype": "FP64", "shape": [-1]}]})");
                          }
                          return Metadata(request);
                        });
  Asking asking(PlanOf({AddressOf(server)}));
  ASSERT_TRUE(asking.WaitUntilReady());
  is_another = true;
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(asking.Ask({1.0}).ok());
  ASSERT_TRUE(asking.RunUntil([&] { return looks >= 2; }));
  const auto refused = asking.Ask({1.0});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("\"cost\""));
  is_another = false;
  EXPECT_TRUE(asking.WaitUntilReady());
}

TEST(RemoteModel, AsksAgainOverANewConnectionWhereAKeptOneHadBeenClosed) {
  ScriptedServer server(
      [](const SeenRequest& request) {
        Reply reply = Good(request);
        reply.then = Reply::Then::kClose;  // without saying so
        return reply;
      },
      Metadata);
  Asking asking(PlanOf({AddressOf(server)}));
  ASSERT_TRUE(asking.WaitUntilReady());
  for (int i = 0; i < 10; ++i) {
    const auto answered = asking.Ask({1.0});
    ASSERT_TRUE(answered.ok()) << answered.error().message;
  }
  EXPECT_EQ(asking.Counted("remote_requests", "failed"), 0U);
}

TEST(RemoteModel, RefusesMoreRowsThanMayBeUnderWay) {
  ScriptedServer server(
      [](const SeenRequest&) {
        return Reply{.bytes = "", .then = Reply::Then::kHoldUntilPeerLeaves};
      },
      Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.max_in_flight = 3;
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  const std::vector<Value> two{1.0, 2.0};
  auto first = asking.Begin(two);
  ASSERT_TRUE(first.ok());
  const auto second = asking.Begin(two);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kOverloaded);
  EXPECT_THAT(second.error().message, HasSubstr("max_in_flight"));
  first->reset();  // whose caller has gone
  EXPECT_TRUE(asking.Begin(two).ok());
}

TEST(RemoteModel, AnswersInTimeWhereAllConnectionsAreInUse) {
  ScriptedServer server(
      [](const SeenRequest&) {
        return Reply{.bytes = "", .then = Reply::Then::kHoldUntilPeerLeaves};
      },
      Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.timeout = milliseconds(150);
  plan->spec.connections = 1;
  plan->spec.max_batch = 1;
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  const std::vector<Value> one{1.0};
  auto first = asking.Begin(one);
  auto second = asking.Begin(one);
  const auto late = asking.Await(**second);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  ASSERT_FALSE(asking.Await(**first).ok());
}

TEST(RemoteModel, ForgetsWhoHasGone) {
  ScriptedServer server(Good, Metadata);
  auto plan = PlanOf({AddressOf(server)});
  plan->spec.max_delay = milliseconds(30);
  Asking asking(plan);
  ASSERT_TRUE(asking.WaitUntilReady());
  {
    const std::vector<Value> gone{1.0};
    auto pending = asking.Begin(gone);
    ASSERT_TRUE(pending.ok());
  }
  ASSERT_TRUE(asking.Ask({2.0}).ok());
  ASSERT_EQ(server.posts().size(), 1U);
  EXPECT_EQ(json::parse(server.posts()[0].body)["inputs"][0]["data"], json::array({2.0}));
  EXPECT_EQ(asking.woken(), 1);
}

TEST(RemoteModel, IsFoundWhenItIsThereAtLast) {
  const std::uint16_t port = process_test::FreePort();
  Asking asking(PlanOf({{.host = "127.0.0.1", .port = port}}));
  ASSERT_TRUE(asking.RunUntil([&] {
    return asking.model().CheckReady().error().message.find("refused") != std::string::npos;
  }));
  ScriptedServer server(Good, Metadata, {}, port);
  ASSERT_TRUE(asking.WaitUntilReady());
  EXPECT_TRUE(asking.Ask({1.0}).ok());
}

TEST(ProbeRemote, NamesTheAddressWhoseModelDoesNotFitAndForgivesOneThatIsAway) {
  ScriptedServer fits(Good, Metadata);
  ScriptedServer differs(Good, [](const SeenRequest&) {
    return Answered(200, R"({"inputs": [{"name": "cost", "datatype": "FP64", "shape": [-1]}]})");
  });
  const RemoteAddress away{.host = "127.0.0.1", .port = process_test::FreePort()};
  const auto good = PlanOf({AddressOf(fits), away});
  EXPECT_TRUE(ProbeRemote(good, kPatience).ok());
  const Status wrong = ProbeRemote(PlanOf({AddressOf(fits), AddressOf(differs)}), kPatience);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().message, HasSubstr(ToString(AddressOf(differs))));
  EXPECT_THAT(wrong.error().message, HasSubstr("\"cost\""));
}

}  // namespace
}  // namespace forkcast::serving
