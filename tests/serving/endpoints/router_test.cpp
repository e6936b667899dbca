#include "serving/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/process/worker_slot.hpp"
#include "support/http_message.hpp"
#include "support/test_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::MatchesRegex;

/// A router of the second of three workers, before its model is loaded.
class RouterTest : public testing::Test {
 protected:
  /// Forgets the answer before.
  const Response& Ask(const RequestView& request) {
    response_.Clear();
    test_.router.Handle(request, response_);
    return response_;
  }
  void SetState(std::size_t worker, WorkerState state) { slots_[worker].SetState(state); }
  [[nodiscard]] std::string CodeOf(const Response& response) {
    return json::parse(response.body).at("error").at("code");
  }

  std::array<WorkerSlot, 3> slots_;
  SystemClock clock_;
  TestService test_{slots_, 1, clock_};
  Response response_;
};

TEST_F(RouterTest, PingIsReadyWhileAnyWorkerIs) {
  constexpr RequestView kPing{.method = Method::kGet, .path = "/ping"};
  EXPECT_EQ(Ask(kPing).status, 503);
  for (const WorkerState other :
       {WorkerState::kEmpty, WorkerState::kBooting, WorkerState::kDraining}) {
    for (std::size_t worker = 0; worker < slots_.size(); ++worker) SetState(worker, other);
    EXPECT_EQ(Ask(kPing).status, 503);
    for (std::size_t worker = 0; worker < slots_.size(); ++worker) {
      SetState(worker, WorkerState::kReady);
      EXPECT_EQ(Ask(kPing).status, 200);
      SetState(worker, other);
    }
  }
}

TEST_F(RouterTest, PingIsEmptyForGetAndHead) {
  SetState(0, WorkerState::kReady);
  for (const Method method : {Method::kGet, Method::kHead}) {
    const Response& response = Ask({.method = method, .path = "/ping", .query = "x=1"});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.content_type, "");
    EXPECT_EQ(response.headers, "");
  }
}

TEST_F(RouterTest, DriftIsWhatTheRecorderLeftInMemory) {
  constexpr RequestView kDrift{.method = Method::kGet, .path = "/drift"};
  EXPECT_EQ(Ask(kDrift).body, R"({"deployments":[]})");
  const auto board = std::make_unique<DriftBoard>();
  test_.service.drift = board.get();
  EXPECT_EQ(Ask(kDrift).body, R"({"deployments":[]})");
  board->Set(R"({"deployments":[{"deployment":"weekly"}]})");
  EXPECT_EQ(Ask(kDrift).status, 200);
  EXPECT_EQ(Ask(kDrift).content_type, "application/json");
  EXPECT_EQ(Ask(kDrift).body, R"({"deployments":[{"deployment":"weekly"}]})");
}

struct CapacityCase {
  const char* name;
  std::vector<WorkerState> workers;
  std::size_t max_body_bytes;
  const char* parameters;
};
class ExecutionParametersTest : public testing::TestWithParam<CapacityCase> {};

TEST_P(ExecutionParametersTest, SayWhatTheServerTakesAtOnce) {
  std::vector<WorkerSlot> slots(GetParam().workers.size());
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i].SetState(GetParam().workers[i]);
  const SystemClock clock;
  TestService test(slots, 0, clock);
  test.service.max_body_bytes = GetParam().max_body_bytes;
  Response response;
  test.router.Handle({.method = Method::kGet, .path = "/execution-parameters"}, response);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, GetParam().parameters);
}

constexpr std::size_t kMebibyte = 1'048'576;

INSTANTIATE_TEST_SUITE_P(
    Servers, ExecutionParametersTest,
    testing::Values(
        CapacityCase{
            "ARequestOfADefaultBodyForEachWorker", std::vector(4, WorkerState::kReady),
            6 * kMebibyte,
            R"({"MaxConcurrentTransforms":4,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6})"},
        CapacityCase{
            "NoneForAWorkerThatIsNotThereOrLeaves",
            {WorkerState::kReady, WorkerState::kEmpty, WorkerState::kDraining,
             WorkerState::kBooting},
            6 * kMebibyte,
            R"({"MaxConcurrentTransforms":2,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6})"},
        CapacityCase{
            "OneWhileTheLastWorkerLeaves",
            {WorkerState::kDraining},
            6 * kMebibyte,
            R"({"MaxConcurrentTransforms":1,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6})"},
        CapacityCase{
            "WholeMebibytesAlone",
            {WorkerState::kReady},
            3 * kMebibyte - 1,
            R"({"MaxConcurrentTransforms":1,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":2})"},
        CapacityCase{
            "NotMoreAtOnceThanSageMakerTakes", std::vector(64, WorkerState::kReady), 6 * kMebibyte,
            R"({"MaxConcurrentTransforms":16,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6})"},
        CapacityCase{
            "NotMoreInOneThanSageMakerTakes", std::vector(2, WorkerState::kReady), 500 * kMebibyte,
            R"({"MaxConcurrentTransforms":1,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":100})"},
        CapacityCase{
            "EachRowByItselfInSmallBodies",
            {WorkerState::kReady},
            kMebibyte - 1,
            R"({"MaxConcurrentTransforms":1,"BatchStrategy":"SINGLE_RECORD","MaxPayloadInMB":1})"}),
    [](const auto& param) { return std::string(param.param.name); });

struct RouteCase {
  std::string name;
  Method method;
  std::string_view path;
  int status;
  std::string_view code;
  std::string_view allow;
};

void PrintTo(const RouteCase& param, std::ostream* out) { *out << param.name; }

class Routes : public RouterTest, public testing::WithParamInterface<RouteCase> {};

TEST_P(Routes, LeadWhereTheySay) {
  const Response& response = Ask({.method = GetParam().method, .path = GetParam().path});
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(CodeOf(response), GetParam().code);
  EXPECT_EQ(HeaderOf(response.headers, "Allow"), GetParam().allow);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, Routes,
    testing::Values(
        RouteCase{"Root", Method::kGet, "/", 404, "not_found", ""},
        RouteCase{"UnknownPath", Method::kPost, "/predict", 404, "not_found", ""},
        RouteCase{"PathsAreExact", Method::kGet, "/ping/", 404, "not_found", ""},
        RouteCase{"PathsHaveOneSpelling", Method::kGet, "/Ping", 404, "not_found", ""},
        RouteCase{"PostPing", Method::kPost, "/ping", 405, "method_not_allowed", "GET, HEAD"},
        RouteCase{"OtherPing", Method::kOther, "/ping", 405, "method_not_allowed", "GET, HEAD"},
        RouteCase{"GetInvocations", Method::kGet, "/invocations", 405, "method_not_allowed",
                  "POST"},
        RouteCase{"HeadInvocations", Method::kHead, "/invocations", 405, "method_not_allowed",
                  "POST"},
        RouteCase{"InvocationsWhileLoading", Method::kPost, "/invocations", 503, "not_ready", ""},
        RouteCase{"Endpoints", Method::kPost, "/endpoints", 404, "not_found", ""}),
    [](const auto& param) { return param.param.name; });

TEST_F(RouterTest, RefusesUnknownPathsBelowEndpointsAsAwsSdksReadIt) {
  for (const std::string_view path : {"/endpoints//invocations", "/endpoints/a",
                                      "/endpoints/invocations", "/endpoints/a/b/invocations"}) {
    const Response& response = Ask({.method = Method::kPost, .path = path});
    EXPECT_EQ(response.status, 424) << path;
    EXPECT_EQ(json::parse(response.body).at("OriginalStatusCode"), 404) << path;
  }
}

TEST_F(RouterTest, TellsWhenToComeBackWhileLoading) {
  EXPECT_EQ(HeaderOf(Ask({.method = Method::kPost, .path = "/invocations"}).headers, "Retry-After"),
            "1");
}

TEST_F(RouterTest, WrapsEveryErrorOfAnEndpointForTheSdk) {
  const Response& loading = Ask({.method = Method::kPost, .path = "/endpoints/a/invocations"});
  EXPECT_EQ(loading.status, 503);
  EXPECT_EQ(HeaderOf(loading.headers, "x-amzn-ErrorType"), "ServiceUnavailable");
  const Response& wrong_method = Ask({.method = Method::kGet, .path = "/endpoints/a/invocations"});
  EXPECT_EQ(wrong_method.status, 424);
  EXPECT_EQ(json::parse(wrong_method.body).at("OriginalStatusCode"), 405);
  const Response& bad_id =
      Ask({.method = Method::kPost, .path = "/endpoints/a/invocations", .request_id = "\x7f"});
  EXPECT_EQ(bad_id.status, 424);
  EXPECT_EQ(json::parse(bad_id.body).at("OriginalStatusCode"), 400);
}

class RequestIds : public RouterTest {
 protected:
  const Response& Invoke(std::string_view inference_id, std::string_view request_id) {
    return Ask({.method = Method::kPost,
                .path = "/invocations",
                .inference_id = inference_id,
                .request_id = request_id});
  }
};

TEST_F(RequestIds, ComeFromTheInferenceIdFirst) {
  const Response& response = Invoke("inference", "request");
  EXPECT_EQ(HeaderOf(response.headers, "X-Request-Id"), "inference");
  EXPECT_EQ(HeaderOf(response.headers, "X-Amzn-SageMaker-Inference-Id"), "inference");
  EXPECT_EQ(json::parse(response.body).at("error").at("request_id"), "inference");
}

TEST_F(RequestIds, ComeFromTheRequestIdNext) {
  const Response& response = Invoke("", "my request 1");
  EXPECT_EQ(HeaderOf(response.headers, "X-Request-Id"), "my request 1");
  EXPECT_EQ(HeaderOf(response.headers, "X-Amzn-SageMaker-Inference-Id"), "");
}

TEST_F(RequestIds, AreMadeHereOtherwiseAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id(HeaderOf(Invoke("", "").headers, "X-Request-Id"));
    ASSERT_THAT(id, MatchesRegex("[0-9a-f]{32}"));
    ASSERT_EQ(json::parse(response_.body).at("error").at("request_id"), id);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000U);
}

TEST_F(RequestIds, AreNotedInTheSlotAsFarAsTheyFit) {
  const auto noted = [this] { return std::string(slots_[1].request_id.Load().data()); };
  Invoke("", std::string(128, 'x'));
  EXPECT_EQ(noted(), std::string(NotedText::kCapacity - 1, 'x'));
  Invoke("", "short");
  EXPECT_EQ(noted(), "short");
}

TEST_F(RequestIds, AreMadeFromTheSeed) {
  Router other(Endpoints(), test_.service, slots_[1], test_.series.writer, test_.log, 8);
  Response response;
  other.Handle({.method = Method::kPost, .path = "/invocations"}, response);
  EXPECT_NE(HeaderOf(response.headers, "X-Request-Id"),
            HeaderOf(Invoke("", "").headers, "X-Request-Id"));
}

TEST_F(RequestIds, HaveAtMost128Characters) {
  const std::string longest(128, 'x');
  EXPECT_EQ(HeaderOf(Invoke("", longest).headers, "X-Request-Id"), longest);
  const std::string too_long(129, 'x');
  for (const bool inference : {false, true}) {
    const Response& response = inference ? Invoke(too_long, "good") : Invoke("", too_long);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.headers, MatchesRegex("X-Request-Id: [0-9a-f]{32}\r\n")) << "of ours";
    EXPECT_EQ(json::parse(response.body).at("error").at("field"),
              inference ? "X-Amzn-SageMaker-Inference-Id" : "X-Request-Id");
  }
}

TEST_F(RequestIds, HoldPrintableAsciiOnly) {
  for (const std::string_view bad : {"a\tb", "a\x7f", "caf\xc3\xa9", "a\x80"}) {
    EXPECT_EQ(Invoke("", bad).status, 400);
    EXPECT_EQ(Invoke(bad, "").status, 400);
  }
  EXPECT_EQ(Invoke("", "a ~!\"\\").status, 503);
}

TEST_F(RouterTest, CarriesCustomAttributesBack) {
  const std::string longest(1024, 'x');
  for (const std::string_view attributes : {std::string_view("trace=1; a b"), {longest}}) {
    const Response& response =
        Ask({.method = Method::kPost, .path = "/invocations", .custom_attributes = attributes});
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(HeaderOf(response.headers, "X-Amzn-SageMaker-Custom-Attributes"), attributes);
  }
}

TEST_F(RouterTest, RefusesCustomAttributesThatItCouldNotSendBack) {
  for (const std::string& attributes : {std::string(1025, 'x'), std::string("a\tb")}) {
    const Response& response = Ask({.method = Method::kPost,
                                    .path = "/invocations",
                                    .request_id = "r",
                                    .custom_attributes = attributes});
    EXPECT_EQ(response.status, 400);
    const json error = json::parse(response.body).at("error");
    EXPECT_EQ(error.at("field"), "X-Amzn-SageMaker-Custom-Attributes");
    EXPECT_EQ(error.at("request_id"), "r");
    EXPECT_EQ(HeaderOf(response.headers, "X-Amzn-SageMaker-Custom-Attributes"), "");
  }
}

TEST_F(RouterTest, CountsRequestsAndErrorsInItsOwnSlot) {
  SetState(1, WorkerState::kReady);
  Ask({.method = Method::kGet, .path = "/ping"});
  Ask({.method = Method::kGet, .path = "/nowhere"});
  Ask({.method = Method::kGet, .path = "/endpoints/a/invocations"});
  Ask({.method = Method::kPost, .path = "/invocations"});
  EXPECT_EQ(slots_[1].metrics.Get("requests"), 4U);
  EXPECT_EQ(slots_[1].metrics.Get("client_errors"), 2U);
  EXPECT_EQ(slots_[1].metrics.Get("server_errors"), 1U);
  for (const std::size_t other : {0U, 2U}) {
    const MetricReadings counted = slots_[other].metrics.Read();
    EXPECT_EQ(*counted["requests"] + *counted["client_errors"] + *counted["server_errors"], 0U);
  }
}

}  // namespace
}  // namespace forkcast::serving
