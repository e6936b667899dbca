#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "serving/endpoints/endpoint_table.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/endpoints/post.hpp"
#include "serving/endpoints/sales_service.hpp"
#include "serving/endpoints/scoring_job.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kRoutes = R"([
  {"method": "GET", "path": "/triage/{order_id}", "description": "One order.",
   "query": {"at": {"field": "timestamp", "format": "DD.MM.YYYY HH:MM"},
             "sku": "sku_code", "zip": {"field": "zip_code", "default": "01001"}},
   "answer": {"order": "$order_id", "when": {"$value": "timestamp", "format": "YYYY-MM-DD"},
              "decision": {"text": "$class"}, "by": "$model_name"},
   "errors": {"status": {"invalid_argument": 422}, "body": {"detail": "$message", "loc": "$field"}}},
  {"method": "POST", "path": "/triage", "rows": "orders",
   "row": {"id": "order_id", "sku": "sku_code", "zip": "zip_code"}, "all": {"at": "timestamp"},
   "answer": {"decisions": {"$rows": {"asked": "$request", "id": {"$request": "id"}, "do": "$class"}}},
   "errors": {"row": {"asked": "$request", "wrong": "$field", "why": "$code"}}},
  {"method": "POST", "path": "/decisions", "rows": "$", "answer": {"$rows": "$class"}},
  {"method": "GET", "path": "/health", "answer": {"status": "OK", "features": "$features"}}
])";

constexpr std::string_view kOrder =
    R"({"order_id": "paid", "timestamp": "2021-07-01 09:30:00", "sku_code": "00123",)"
    R"( "zip_code": "01001"})";

class OrderRoutes : public testing::Test {
 protected:
  Response Get(std::string_view path, std::string_view query = {}) {
    return Ask(service_.router(), {}, {.method = Method::kGet, .path = path, .query = query});
  }
  Response Post(std::string_view path, std::string_view body) {
    return service_.Post(body, {.path = path});
  }

  OrderService service_{{}, {}, kRoutes};
};

TEST_F(OrderRoutes, AnswerAPathAndAQuery) {
  const Response answer = Get("/triage/paid", "at=01.07.2021+09:30&sku=00123");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, R"({"order":"paid","when":"2021-07-01","decision":{"text":"Deliver"},)"
                         R"("by":"order_triage"})");
}

TEST_F(OrderRoutes, TellInTheHeadHowOldTheDataAre) {
  const std::string query = "at=01.07.2021+09:30&sku=00123";
  service_.clock().SetNow(*preprocessing::ParseTimestamp("2021-07-11 00:00:00", {}));
  const Response silent = Get("/triage/paid", query);
  EXPECT_EQ(HeaderValue(silent, "X-Forkcast-Data-Age"), "");
  const Response told = Get("/triage/paid", query + "&freshness=true");
  EXPECT_EQ(told.body, silent.body);
  EXPECT_EQ(HeaderValue(told, "X-Forkcast-Data-Age"),
            HeaderValue(service_.Post(kOrder, {.query = "freshness=true"}), "X-Forkcast-Data-Age"));
  EXPECT_NE(HeaderValue(told, "X-Forkcast-Data-Age"), "");
  EXPECT_EQ(Get("/triage/paid", query + "&freshness=perhaps").status, 422);
}

TEST_F(OrderRoutes, DecodeAPathsParameter) {
  const Response answer = Get("/triage/p%61id", "at=01.07.2021+09:30&sku=00123");
  EXPECT_THAT(answer.body, HasSubstr(R"("order":"paid")"));
}

TEST_F(OrderRoutes, AnswerRowsInTheOrderAsked) {
  const Response answer = Post("/triage", R"({"at": "2021-07-01 09:30:00", "orders": [
      {"id": "declined", "sku": "00123", "zip": "01001"},
      {"id": "paid", "sku": "00123", "zip": "01001", "note": 1.50}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, R"({"decisions":[{"asked":{"id":"declined","sku":"00123","zip":"01001"},)"
                         R"("id":"declined","do":"HoldCheckPayment"},)"
                         R"({"asked":{"id":"paid","sku":"00123","zip":"01001","note":1.5},)"
                         R"("id":"paid","do":"Deliver"}]})");
}

TEST_F(OrderRoutes, TellABadRowInItsPlaceAsDeclared) {
  const Response answer = Post("/triage", R"({"at": "2021-07-01 09:30:00", "orders": [
      {"id": "paid", "sku": "00123", "zip": "01001"}, {"id": [], "sku": "1", "zip": "1"}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body)["decisions"][0]["do"], "Deliver");
  EXPECT_EQ(json::parse(answer.body)["decisions"][1],
            json::parse(R"({"asked": {"id": [], "sku": "1", "zip": "1"}, "wrong": "id",
                            "why": "invalid_argument"})"));
}

TEST_F(OrderRoutes, AnswerNoRowsWithAnEmptyArray) {
  EXPECT_EQ(Post("/decisions", "[]").body, "[]");
  EXPECT_EQ(Post("/triage", R"({"orders": [], "at": "2021-07-01"})").body, R"({"decisions":[]})");
}

TEST_F(OrderRoutes, FailWholeOverABadRowUnlessTheySayOtherwise) {
  const Response answer = Post("/decisions", R"([{"order_id": "paid"}])");
  EXPECT_EQ(answer.status, 400);
  const json error = json::parse(answer.body)["error"];
  EXPECT_EQ(error["code"], "invalid_argument");
  EXPECT_EQ(error["field"], "timestamp");
  EXPECT_EQ(error["row"], 0);
  EXPECT_EQ(error["request_id"], "r");
}

TEST_F(OrderRoutes, ShapeErrorsAsDeclared) {
  const Response answer = Get("/triage/paid", "at=yesterday&sku=00123");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(json::parse(answer.body)["loc"], "at");
  EXPECT_THAT(json::parse(answer.body)["detail"], HasSubstr("DD.MM.YYYY HH:MM"));
}

TEST_F(OrderRoutes, CallAFieldAsCallersDo) {
  const Response answer = Get("/triage/paid", "sku=00123");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(json::parse(answer.body)["loc"], "at");
}

TEST_F(OrderRoutes, AnswerHealthWithoutAModelsWork) {
  const Response answer = Get("/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            R"({"status":"OK","features":["inventory","zip_code_available","payment_status",)"
            R"("order_hour_of_day"]})");
}

TEST_F(OrderRoutes, RefuseOtherMethodsAsBuiltInPathsDo) {
  const Response answer = Post("/health", "");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(HeaderValue(answer, "Allow"), "GET, HEAD");
}

TEST_F(OrderRoutes, TakeHeadForGet) {
  const Response answer = Ask(service_.router(), {}, {.method = Method::kHead, .path = "/health"});
  EXPECT_EQ(answer.status, 200);
}

TEST_F(OrderRoutes, RefuseABodyInAnUnknownCoding) {
  const Response answer = service_.Post("[]", {.path = "/decisions", .content_encoding = "br"});
  EXPECT_EQ(answer.status, 415);
}

TEST_F(OrderRoutes, WriteManyRowsInSlices) {
  std::string body = "[";
  std::string expected = "[";
  constexpr int kRows = 1000;
  for (int i = 0; i < kRows; ++i) {
    body += std::string(i == 0 ? "" : ",") +
            R"({"order_id": "paid", "timestamp": "2021-07-01 09:30:00", "sku_code": "00123",)"
            R"( "zip_code": "01001"})";
    expected += i == 0 ? "\"Deliver\"" : ",\"Deliver\"";
  }
  service_.clock().PassWithEachLook(ScoringJob::kSlice);
  const std::string padded = body + "]" + std::string(wire::kBodyPadding, '\0');
  const RequestView request{.method = Method::kPost,
                            .path = "/decisions",
                            .body = std::string_view(padded).substr(0, body.size() + 1),
                            .started = MonotonicTime(std::chrono::hours(1)),
                            .deadline = MonotonicTime(std::chrono::hours(2))};
  Response response;
  Exchange exchange;
  Progress progress = service_.router().Start(request, response, exchange);
  int slices = 1;
  for (; progress == Progress::kMore; ++slices) progress = service_.router().Continue(exchange);
  EXPECT_EQ(response.body, expected + "]");
  EXPECT_GT(slices, kRows / 64);
}

TEST_F(OrderRoutes, AreDescribedWithAllOtherPathsOfTheRouter) {
  const json api = json::parse(Get("/openapi.json").body);
  std::set<std::string> described;
  for (const auto& [path, operations] : api["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      const bool is_refused_always = path.ends_with("-response-stream");
      EXPECT_EQ(operation["responses"].contains("200"), !is_refused_always) << path;
      described.insert(method + " " + path);
    }
  }
  std::set<std::string> routed{"get /triage/{order_id}", "post /triage", "post /decisions",
                               "get /health"};
  for (const Endpoint& endpoint : Endpoints()) {
    routed.insert((endpoint.method == Method::kPost ? "post " : "get ") +
                  std::string(endpoint.path));
  }
  EXPECT_EQ(described, routed);
}

TEST_F(OrderRoutes, AreDescribedByAKeyThatThereIs) {
  const json api = json::parse(Get("/openapi.json").body);
  const json example =
      api["paths"]["/decisions"]["post"]["requestBody"]["content"]["application/json"]["example"];
  EXPECT_TRUE(example[0]["sku_code"] == "00123" || example[0]["sku_code"] == "ABC") << example;
}

TEST_F(OrderRoutes, AreShownOnAPage) {
  const Response page = Get("/documentation");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("openapi.json"));
}

TEST(Routes, AreRefusedWithThePlaceOfAFieldThatThereIsNot) {
  try {
    OrderService service({}, {},
                         R"([{"method": "GET", "path": "/x/{order}", "answer": "$class"}])");
    ADD_FAILURE() << "it was served";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("routes.json: $[0].path: there is no field \"order\""));
  }
}

TEST(Routes, AreNotReadyBeforeTheModelIs) {
  std::array<WorkerSlot, 1> slots;
  SystemClock clock;
  const std::vector<Deployment> deployments{
      {.routes = {.json = std::string(kRoutes), .path = "routes.json: $"}}};
  TestService test(slots, 0, clock, deployments);
  for (const char* path : {"/triage/paid", "/health", "/openapi.json"}) {
    Response response;
    test.router.Handle({.method = Method::kGet, .path = path}, response);
    EXPECT_EQ(response.status, 503) << path;
  }
}

// ---- forecasts ----

/// As services of sales do it: bare values, lists of requests with theirs, ranges of days.
constexpr std::string_view kSalesRoutes = R"([
  {"method": "POST", "path": "/quantity/predict", "rows": "input", "row": {"shop_id": "shop"},
   "all": {"date": "origin"}, "constants": {"steps": 1},
   "answer": {"predictions": {"$rows": {"$value": "value", "round": "up"}}}},
  {"method": "POST", "path": "/forecast", "rows": "$",
   "row": {"store_id": "shop", "begin_date": "from", "end_date": "to"},
   "answer": {"$rows": {"request": "$request",
       "forecast": {"$steps": {
           "timestamp": {"$value": "period", "format": "YYYY-MM-DDTHH:MM:SSZ"}, "value": "$value"}},
       "api": {"model_name": "$model_name", "model_version": "$model_version"}}}},
  {"method": "GET", "path": "/next/{shop}", "constants": {"steps": 1},
   "answer": {"day": "$period", "known": "$origin", "sales": "$value"},
   "errors": {"status": {"not_found": 400}, "body": {"status": "ERROR", "error": "$message"}}},
  {"method": "POST", "path": "/days", "constants": {"shop": "001"},
   "all": {"dates": {"fields": ["from", "to"], "format": "YYYY-MM-DD"}},
   "answer": {"$steps": ["$period", "$value", "$actual"]}}
])";

class SalesRoutes : public testing::Test {
 protected:
  /// What the model says of a shop's days to come, asked without a route.
  std::vector<double> Forecast(const std::string& shop) {
    const Response answer = service_.Post(R"({"shop": ")" + shop + R"("})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const json body = json::parse(answer.body);
    std::vector<double> values;
    for (const json& step : body["forecast"]) values.push_back(step["value"]);
    return values;
  }
  static std::string Text(double value) {
    std::string text;
    wire::AppendJsonValue(value, text);
    return text;
  }

  SalesService service_{"refuse", kSalesRoutes};
};

TEST_F(SalesRoutes, AnswerWholeNumbersInTheOrderAsked) {
  const Response answer = service_.Post(R"({"input": [{"shop_id": "001"}, {"shop_id": "000"}]})",
                                        {.path = "/quantity/predict"});
  EXPECT_EQ(answer.body,
            fmt::format(R"({{"predictions":[{},{}]}})", std::ceil(Forecast("001").at(0)),
                        std::ceil(Forecast("000").at(0))));
  EXPECT_EQ(service_.Post(R"({"input": []})", {.path = "/quantity/predict"}).body,
            R"({"predictions":[]})");
}

TEST_F(SalesRoutes, AnswerEachRequestWithItsOwnDays) {
  const std::string first = SalesService::DayText(SalesService::kDays);
  const std::string second = SalesService::DayText(SalesService::kDays + 1);
  const std::string request =
      fmt::format(R"({{"store_id":"001","product_name":"A","begin_date":"{}T00:00:00Z",)"
                  R"("end_date":"{}T00:00:00Z"}})",
                  first, second);
  const Response answer = service_.Post("[" + request + "]", {.path = "/forecast"});
  const std::vector<double> values = Forecast("001");
  EXPECT_EQ(answer.body,
            fmt::format(R"([{{"request":{},"forecast":[{{"timestamp":"{}T00:00:00Z","value":{}}},)"
                        R"({{"timestamp":"{}T00:00:00Z","value":{}}}],)"
                        R"("api":{{"model_name":"sales","model_version":"1"}}}}])",
                        request, first, Text(values.at(0)), second, Text(values.at(1))));
}

TEST_F(SalesRoutes, AnswerOneStepWithoutAList) {
  const Response answer = Ask(service_.router(), {}, {.method = Method::kGet, .path = "/next/001"});
  const json body = json::parse(answer.body);
  EXPECT_EQ(body["day"], SalesService::DayText(SalesService::kDays)) << answer.body;
  EXPECT_EQ(body["sales"], Forecast("001").at(0));
}

TEST_F(SalesRoutes, TellAnUnknownKeyAsTheyDeclare) {
  const Response answer = Ask(service_.router(), {}, {.method = Method::kGet, .path = "/next/9"});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["status"], "ERROR");
}

TEST_F(SalesRoutes, TakeARangeAsOneText) {
  const std::string first = SalesService::DayText(SalesService::kDays);
  const std::string second = SalesService::DayText(SalesService::kDays + 1);
  const RequestView form{.path = "/days", .content_type = "application/x-www-form-urlencoded"};
  const json both = json::parse(service_.Post("dates=" + first + "+" + second, form).body);
  ASSERT_EQ(both.size(), 2U) << both;
  EXPECT_EQ(both[1][0], second);
  EXPECT_TRUE(both[1][2].is_null());
  EXPECT_EQ(json::parse(service_.Post("dates=" + second, form).body).size(), 1U);
}

TEST_F(SalesRoutes, CallTheRangeAsCallersDo) {
  const RequestView form{.path = "/days", .content_type = "application/x-www-form-urlencoded"};
  const Response answer = service_.Post("dates=2031-01-01", form);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["error"]["field"], "dates") << answer.body;
}

}  // namespace
}  // namespace forkcast::serving
