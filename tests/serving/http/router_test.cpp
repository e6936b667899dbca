#include "serving/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/wire/gzip.hpp"
#include "support/allocation_counter.hpp"
#include "support/http_message.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {

/// What these endpoints work with.
struct Service {
  int made = 0;  ///< Jobs, of all kinds.
};

namespace {

using nlohmann::json;

/// Says what it was asked, in as many slices as the query's `slices` says (by default one).
class EchoJob final : public Job {
 public:
  explicit EchoJob(Service& service) { ++service.made; }

  Status Begin(Exchange& exchange) override {
    exchange_ = &exchange;
    if (exchange.PathParameter("key") == "refused") {
      return Error{ErrorCode::kNotReady, "not now"};
    }
    const auto slices = exchange.QueryParameter("slices");
    if (!slices) return slices.error();
    left_ = *slices ? std::stoi(**slices) : 1;
    return {};
  }
  Progress Work() override {
    if (--left_ > 0) return Progress::kMore;
    if (exchange_->PathParameter("key") == "throws") throw std::runtime_error("a bug");
    exchange_->response().body.assign("key=").append(exchange_->PathParameter("key"));
    return Progress::kDone;
  }
  [[nodiscard]] bool is_great() const noexcept override {
    return exchange_->PathParameter("key") == "great";
  }

 private:
  Exchange* exchange_ = nullptr;
  int left_ = 0;
};

void SayPosted(Exchange& exchange, Service&) { exchange.response().body = "posted"; }

constexpr std::array kTable{
    Endpoint{.path = "/probe", .operation = "probe", .make = MakeJob<EchoJob>},
    Endpoint{
        .path = "/echo/{key}", .operation = "echo", .load = Load::kWork, .make = MakeJob<EchoJob>},
    Endpoint{.method = Method::kPost,
             .path = "/echo/{key}",
             .operation = "post",
             .load = Load::kWork,
             .make = MakeJob<CallJob<SayPosted>>},
    Endpoint{.path = "/sdk/{key}/echo",
             .operation = "sdkEcho",
             .load = Load::kWork,
             .errors = ErrorForm::kSageMaker,
             .make = MakeJob<EchoJob>},
};

class RouterTest : public testing::Test {
 protected:
  /// Forgets the answer before.
  const Response& Ask(const RequestView& request) {
    response_.Clear();
    router_.Handle(request, response_);
    return response_;
  }
  const Response& AskFaulty(const RequestFault& fault, const RequestView& seen) {
    response_.Clear();
    router_.AnswerFault(fault, seen, response_);
    return response_;
  }
  const Response& Get(std::string_view path, std::string_view query = {}) {
    return Ask({.method = Method::kGet, .path = path, .query = query, .request_id = "r"});
  }
  json Error() { return json::parse(response_.body).at("error"); }

  Service service_;
  WorkerSlot slot_;
  spdlog::logger log_{"test"};
  TestSeries series_;
  Router router_{kTable, service_, slot_, series_.writer, log_, 7};
  Response response_;
};

TEST_F(RouterTest, NamesEveryPathWhenThereIsNoSuchOne) {
  EXPECT_EQ(Get("/nowhere").status, 404);
  EXPECT_EQ(Error().at("message"),
            "no such path; there are /probe, /echo/{key} and /sdk/{key}/echo");
}

TEST_F(RouterTest, DecodesTheParametersOfThePath) {
  EXPECT_EQ(Get("/echo/7").body, "key=7");
  EXPECT_EQ(Get("/echo/a%2Fb+c").body, "key=a/b+c");
  EXPECT_EQ(Get("/probe").body, "key=");
}

TEST_F(RouterTest, RefusesAMalformedEscapeAndNamesTheParameter) {
  EXPECT_EQ(Get("/echo/%2").status, 400);
  EXPECT_EQ(Error().at("code"), "invalid_argument");
  EXPECT_EQ(Error().at("field"), "key");
  EXPECT_EQ(Error().at("request_id"), "r");
  EXPECT_EQ(Get("/echo/7", "slices=%zz").status, 400);
  EXPECT_EQ(Error().at("field"), "slices");
}

TEST_F(RouterTest, ChoosesTheRowByItsMethodAndDerivesAllow) {
  EXPECT_EQ(Ask({.method = Method::kPost, .path = "/echo/7"}).body, "posted");
  EXPECT_EQ(Ask({.method = Method::kHead, .path = "/echo/7"}).body, "key=7");
  EXPECT_EQ(Ask({.method = Method::kOther, .path = "/echo/7"}).status, 405);
  EXPECT_EQ(Error().at("message"), "expected GET, HEAD or POST");
  EXPECT_EQ(HeaderOf(response_.headers, "Allow"), "GET, HEAD, POST");
  EXPECT_EQ(Ask({.method = Method::kPost, .path = "/probe"}).status, 405);
  EXPECT_EQ(HeaderOf(response_.headers, "Allow"), "GET, HEAD");
}

TEST_F(RouterTest, GivesAnIdToWorkAndNoneToAProbe) {
  EXPECT_EQ(HeaderOf(Get("/echo/7").headers, "X-Request-Id"), "r");
  EXPECT_EQ(Get("/probe").headers, "");
}

TEST_F(RouterTest, RefusesWorkWhenTooMuchWaitsAndAnswersAProbe) {
  constexpr std::chrono::seconds kLater{3};
  EXPECT_EQ(
      Ask({.method = Method::kGet, .path = "/echo/7", .request_id = "r", .retry_after = kLater})
          .status,
      503);
  EXPECT_EQ(Error().at("code"), "overloaded");
  EXPECT_EQ(HeaderOf(response_.headers, "Retry-After"), "3");
  EXPECT_EQ(slot_.metrics.Get("refused"), 1U);
  EXPECT_EQ(Ask({.method = Method::kGet, .path = "/probe", .retry_after = kLater}).status, 200);
  EXPECT_EQ(slot_.metrics.Get("refused"), 1U);
}

TEST_F(RouterTest, AnswersWithWhatAJobRefuses) {
  EXPECT_EQ(Get("/echo/refused").status, 503);
  EXPECT_EQ(Error().at("message"), "not now");
  EXPECT_EQ(Error().at("request_id"), "r");
}

TEST_F(RouterTest, MakesWhatAJobThrowsAnInternalError) {
  EXPECT_EQ(Get("/echo/throws").status, 500);
  EXPECT_EQ(Error().at("code"), "internal");
  EXPECT_EQ(slot_.metrics.Get("server_errors"), 1U);
  EXPECT_EQ(Get("/echo/7").body, "key=7");
}

TEST_F(RouterTest, WrapsErrorsWhereTheTableSaysSo) {
  EXPECT_EQ(Get("/sdk/7/echo").body, "key=7");
  EXPECT_EQ(Get("/sdk/refused/echo").status, 503);
  EXPECT_EQ(HeaderOf(response_.headers, "x-amzn-ErrorType"), "ServiceUnavailable");
  EXPECT_EQ(Ask({.method = Method::kPost, .path = "/sdk/7/echo"}).status, 424);
  EXPECT_EQ(json::parse(response_.body).at("OriginalStatusCode"), 405);
}

TEST_F(RouterTest, WrapsEveryErrorBelowAPathWhoseErrorsAre) {
  EXPECT_EQ(Get("/sdk/7/elsewhere").status, 424);
  EXPECT_EQ(json::parse(response_.body).at("OriginalStatusCode"), 404);
  EXPECT_EQ(Get("/sdkless").status, 404);
  const RequestFault fault{.code = ErrorCode::kTooLarge, .message = "too large"};
  EXPECT_EQ(AskFaulty(fault, {.path = "/sdk/7/echo"}).status, 424);
  EXPECT_EQ(HeaderOf(response_.headers, "x-amzn-ErrorType"), "ModelError");
  EXPECT_EQ(json::parse(response_.body).at("OriginalStatusCode"), 413);
  EXPECT_EQ(AskFaulty(fault, {.path = "/echo/7"}).status, 413);
}

TEST_F(RouterTest, TellsAnErrorAsAProblemToWhoAsksForThat) {
  constexpr std::string_view kAccept = "application/json, application/problem+json;q=0.9";
  Ask({.method = Method::kGet, .path = "/echo/%2", .accept = kAccept, .request_id = "a b:c"});
  EXPECT_EQ(response_.status, 400);
  EXPECT_EQ(response_.content_type, "application/problem+json");
  EXPECT_EQ(json::parse(response_.body),
            json::parse(R"({"type": "about:blank", "title": "Bad Request", "status": 400,
                            "detail": "expected % and two hexadecimal digits", "instance": "a%20b%3Ac",
                            "code": "invalid_argument", "field": "key",
                            "request_id": "a b:c"})"));
  AskFaulty({.code = ErrorCode::kMalformed, .message = "no \"request\""},
            {.path = "/echo/1", .accept = kAccept, .request_id = "f"});
  EXPECT_EQ(json::parse(response_.body).at("detail"), "no \"request\"");
  EXPECT_EQ(json::parse(response_.body).at("instance"), "f");
}

struct NoProblemCase {
  const char* name;
  const char* path;
  const char* accept;
};
void PrintTo(const NoProblemCase& one, std::ostream* out) { *out << one.name; }

class NoProblem : public RouterTest, public testing::WithParamInterface<NoProblemCase> {};

TEST_P(NoProblem, IsWhatNobodyAskedForOrHasAFormOfItsOwn) {
  Ask({.method = Method::kGet,
       .path = GetParam().path,
       .accept = GetParam().accept,
       .request_id = "r"});
  EXPECT_NE(response_.content_type, "application/problem+json");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, NoProblem,
    testing::Values(NoProblemCase{"NotNamed", "/echo/%2", "application/json, */*"},
                    NoProblemCase{"Excluded", "/echo/%2", "application/problem+json;q=0"},
                    NoProblemCase{"NoError", "/echo/1", "application/problem+json"},
                    NoProblemCase{"ForSdks", "/sdk/%2/echo", "application/problem+json"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(RouterTest, CountsAnswersByRouteAndStatus) {
  Get("/echo/7");
  Get("/echo/8");
  Get("/echo/%2");
  Get("/nowhere");
  AskFaulty({.code = ErrorCode::kMalformed, .message = "no request"}, {.path = "/echo/1"});
  std::vector<std::string> counted;
  for (const SeriesSum& one : SumSeries(series_.blocks())) {
    counted.push_back(one.labels + ": " + std::to_string(one.cells.front()));
  }
  EXPECT_THAT(counted, testing::ElementsAre(R"(deployment="",route="/echo/{key}",code="200": 2)",
                                            R"(deployment="",route="/echo/{key}",code="400": 1)",
                                            R"(deployment="",route="other",code="400": 1)",
                                            R"(deployment="",route="other",code="404": 1)"));
}

TEST_F(RouterTest, GivesAnIdToEveryError) {
  EXPECT_EQ(HeaderOf(Get("/nowhere").headers, "X-Request-Id"), "r");
  EXPECT_EQ(Error().at("request_id"), "r");
  const std::string made(
      HeaderOf(Ask({.method = Method::kPost, .path = "/probe"}).headers, "X-Request-Id"));
  EXPECT_EQ(made.size(), 32U);
  EXPECT_EQ(Error().at("request_id"), made);
  const std::string long_id(129, 'x');
  EXPECT_EQ(Ask({.method = Method::kGet, .path = "/echo/7", .request_id = long_id}).status, 400);
  const std::string instead(HeaderOf(response_.headers, "X-Request-Id"));
  EXPECT_EQ(instead.size(), 32U);
  EXPECT_EQ(Error().at("request_id"), instead);
}

TEST_F(RouterTest, GivesTheCallersIdToWhatIsNoRequestOrANewOne) {
  const RequestFault fault{.message = "not a valid HTTP request"};
  EXPECT_EQ(HeaderOf(AskFaulty(fault, {.request_id = "r"}).headers, "X-Request-Id"), "r");
  EXPECT_EQ(Error().at("request_id"), "r");
  EXPECT_EQ(
      HeaderOf(AskFaulty(fault, {.inference_id = "i", .request_id = "r"}).headers, "X-Request-Id"),
      "i");
  EXPECT_EQ(HeaderOf(AskFaulty(fault, {.request_id = "a\nb"}).headers, "X-Request-Id").size(), 32U);
  EXPECT_EQ(slot_.metrics.Get("client_errors"), 3U);
}

TEST_F(RouterTest, LogsWhatIsNoRequestButNotEachThatComesAtOnce) {
  std::ostringstream lines;
  log_.sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(lines));
  const RequestFault fault{.code = ErrorCode::kTooLarge, .message = "the body has 7 bytes"};
  for (const int second : {1, 2, 12}) {
    AskFaulty(fault, {.path = "/echo/7",
                      .request_id = "r",
                      .started = MonotonicTime(std::chrono::seconds(second))});
  }
  const std::string text = lines.str();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  EXPECT_THAT(text, testing::HasSubstr("request_refused request_id=\"r\" path=\"/echo/7\" "
                                       "status=413 reason=\"the body has 7 bytes\" suppressed=0"));
  EXPECT_THAT(text, testing::HasSubstr("suppressed=1"));
}

TEST_F(RouterTest, RefusesOptionsOfTheServerWithAllItsMethods) {
  EXPECT_EQ(Ask({.method = Method::kOptions, .path = "*"}).status, 405);
  EXPECT_EQ(HeaderOf(response_.headers, "Allow"), "GET, HEAD, POST");
}

TEST_F(RouterTest, SaysNothingOfOriginsUnlessTold) {
  const Response& answer = Ask({.method = Method::kGet, .path = "/probe", .origin = "https://a"});
  EXPECT_EQ(answer.headers, "");
  EXPECT_EQ(Ask({.method = Method::kOptions,
                 .path = "/echo/7",
                 .origin = "https://a",
                 .preflight_method = "POST"})
                .status,
            405);
}

/// A browser asks for a page of `origin`, where pages of `allowed` may.
struct OriginCase {
  const char* name;
  std::vector<std::string> allowed;
  const char* origin;
  const char* answered;  // Access-Control-Allow-Origin
  const char* vary;
};
void PrintTo(const OriginCase& one, std::ostream* out) { *out << one.name; }

class Origin : public RouterTest, public testing::WithParamInterface<OriginCase> {
 protected:
  TestSeries series_;
  Router router_{kTable, service_, slot_, series_.writer, log_, 7, {.origins = GetParam().allowed}};
  Response response_;
};

TEST_P(Origin, IsAnsweredAsTold) {
  const OriginCase& one = GetParam();
  router_.Handle({.method = Method::kGet, .path = "/probe", .origin = one.origin}, response_);
  EXPECT_EQ(response_.status, 200);
  EXPECT_EQ(HeaderOf(response_.headers, "Access-Control-Allow-Origin"), one.answered);
  EXPECT_EQ(HeaderOf(response_.headers, "Vary"), one.vary);
}

TEST_P(Origin, IsToldBeforeAPostWhetherItMay) {
  const OriginCase& one = GetParam();
  router_.Handle({.method = Method::kOptions,
                  .path = "/echo/7",
                  .origin = one.origin,
                  .preflight_method = "POST"},
                 response_);
  const bool may = !std::string_view(one.answered).empty();
  EXPECT_EQ(response_.status, may ? 200 : 405);
  EXPECT_EQ(HeaderOf(response_.headers, "Access-Control-Allow-Origin"), one.answered);
  EXPECT_EQ(HeaderOf(response_.headers, "Access-Control-Allow-Methods"),
            may ? "GET, HEAD, POST" : "");
  EXPECT_EQ(HeaderOf(response_.headers, "Vary"), one.vary);
}

TEST_P(Origin, MayReadErrorsToo) {
  const OriginCase& one = GetParam();
  router_.AnswerFault({.code = ErrorCode::kTooLarge, .message = "too large"},
                      {.path = "/echo/7", .origin = one.origin}, response_);
  EXPECT_EQ(HeaderOf(response_.headers, "Access-Control-Allow-Origin"), one.answered);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Origin,
    testing::Values(
        OriginCase{"ThatIsNamed", {"https://a", "https://b"}, "https://b", "https://b", "Origin"},
        OriginCase{"ThatIsNot", {"https://a"}, "https://c", "", "Origin"},
        OriginCase{"ThatIsNotToldAtAll", {"https://a"}, "", "", "Origin"},
        OriginCase{"OfASandboxWhereSomeAreNamed", {"https://a"}, "null", "", "Origin"},
        OriginCase{"ThatMayBeAny", {"*"}, "https://c", "*", ""}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(RouterTest, WorksInSlicesWithOthersInBetween) {
  const RequestView request{.method = Method::kGet, .path = "/echo/a", .query = "slices=3"};
  Exchange exchange;
  Response response;
  EXPECT_EQ(router_.Start(request, response, exchange), Progress::kMore);
  EXPECT_EQ(Get("/echo/b").body, "key=b");
  EXPECT_EQ(router_.Continue(exchange), Progress::kMore);
  EXPECT_EQ(slot_.metrics.Get("requests"), 1U);
  EXPECT_EQ(router_.Continue(exchange), Progress::kDone);
  EXPECT_EQ(response.body, "key=a");
  EXPECT_EQ(slot_.metrics.Get("requests"), 2U);
}

TEST_F(RouterTest, PacksALongAnswerInSlicesWithOthersInBetween) {
  const std::string key(200'000, 'k');
  const std::string path = "/echo/" + key;
  const RequestView request{.method = Method::kGet, .path = path, .accept_encoding = "gzip"};
  Exchange exchange;
  Response response;
  EXPECT_EQ(router_.Start(request, response, exchange), Progress::kMore);
  EXPECT_EQ(Get("/echo/b").body, "key=b");
  EXPECT_EQ(slot_.metrics.Get("requests"), 1U);
  int slices = 1;
  while (router_.Continue(exchange) == Progress::kMore) ++slices;
  EXPECT_EQ(slices, 3);
  EXPECT_EQ(slot_.metrics.Get("requests"), 2U);
  EXPECT_EQ(HeaderOf(response.headers, "Content-Encoding"), "gzip");
  wire::GzipReader reader;
  reader.Start(response.body, key.size() + 4);
  ASSERT_TRUE(reader.Continue(key.size() + 5).value());
  EXPECT_EQ(reader.text(), "key=" + key);
}

TEST_F(RouterTest, AnAnswerThatIsGivenUpWhileItIsPackedLeavesNoTrace) {
  const std::string path = "/echo/" + std::string(200'000, 'k');
  const RequestView request{.method = Method::kGet, .path = path, .accept_encoding = "gzip"};
  Exchange exchange;
  Response response;
  EXPECT_EQ(router_.Start(request, response, exchange), Progress::kMore);
  const RequestView next{.method = Method::kGet, .path = "/echo/b"};
  response.Clear();
  EXPECT_EQ(router_.Start(next, response, exchange), Progress::kDone);
  EXPECT_EQ(response.body, "key=b");
  EXPECT_EQ(HeaderOf(response.headers, "Content-Encoding"), "");
}

TEST_F(RouterTest, KeepsJobsForTheNextRequestUnlessTheyAreGreat) {
  for (int i = 0; i < 3; ++i) Get("/echo/7");
  Get("/echo/refused");
  EXPECT_EQ(service_.made, 1);
  Get("/echo/great");
  EXPECT_EQ(service_.made, 1);
  Get("/echo/7");
  EXPECT_EQ(service_.made, 2);
}

TEST_F(RouterTest, AllocatesNothingInSteadyState) {
  const RequestView request{.method = Method::kGet,
                            .path = "/echo/a-key-of-more-than-a-few-characters",
                            .request_id = "an-id-of-more-than-a-few-characters"};
  Ask(request);
  Ask(request);
  const std::size_t before = AllocationCount();
  Ask(request);
  EXPECT_EQ(AllocationCount(), before);
}

TEST_F(RouterTest, RefusesARowThatIsWrong) {
  for (const Endpoint& wrong :
       {Endpoint{.path = "no_path"}, Endpoint{.method = Method::kOther, .path = "/a"},
        Endpoint{.method = Method::kHead, .path = "/a"}}) {
    EXPECT_THROW(Router({&wrong, 1}, service_, slot_, series_.writer, log_, 7),
                 std::invalid_argument);
  }
}

}  // namespace
}  // namespace forkcast::serving
