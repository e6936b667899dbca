#include "serving/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/wire/gzip.hpp"
#include "support/allocation_counter.hpp"
#include "support/http_message.hpp"

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
  const Response& Get(std::string_view path, std::string_view query = {}) {
    return Ask({.method = Method::kGet, .path = path, .query = query, .request_id = "r"});
  }
  json Error() { return json::parse(response_.body).at("error"); }

  Service service_;
  WorkerSlot slot_;
  spdlog::logger log_{"test"};
  Router router_{kTable, service_, slot_, log_, 7};
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
    EXPECT_THROW(Router({&wrong, 1}, service_, slot_, log_, 7), std::invalid_argument);
  }
}

}  // namespace
}  // namespace forkcast::serving
