#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using preprocessing::ReadWhole;
using testing::HasSubstr;

const std::string kJson = "Content-Type: application/json\r\n";
const std::string kCsv = "Content-Type: text/csv\r\n";
constexpr std::size_t kMaxBody = 6291456;

/// The good order with one member replaced, or removed by a null.
std::string OrderWith(const std::string& field, const json& value) {
  json order = json::parse(OneOrder().body);
  order[field] = value;
  if (value.is_null()) order.erase(field);
  return order.dump();
}

struct RefusedCase {
  const char* name;
  Request request;
  int status;
  const char* code;
  const char* field = "";  ///< Empty: none is named.
  const char* message = "";
  int row = -1;  ///< -1: none is named.
};

std::string DeepJson() {
  return R"({"order_id": "1", "other": )" + std::string(5000, '[') + std::string(5000, ']') + "}";
}

const RefusedCase kRefused[]{
    {"not JSON", {.body = "not JSON"}, 400, "invalid_argument"},
    {"an empty body", {.body = ""}, 400, "invalid_argument", "", "empty"},
    {"JSON that ends too early", {.body = R"({"order_id": )"}, 400, "invalid_argument"},
    {"a JSON text", {.body = "\"order\""}, 400, "invalid_argument"},
    {"JSON too deep", {.body = DeepJson()}, 400, "invalid_argument"},
    {"a missing field",
     {.body = OrderWith("sku_code", nullptr)},
     400,
     "invalid_argument",
     "sku_code",
     "",
     0},
    {"a number for a text",
     {.body = OrderWith("zip_code", 1234)},
     400,
     "invalid_argument",
     "zip_code",
     "leading zeros",
     0},
    {"an object for a text",
     {.body = OrderWith("zip_code", json::object())},
     400,
     "invalid_argument",
     "zip_code",
     "",
     0},
    {"an unreadable timestamp",
     {.body = OrderWith("timestamp", "yesterday")},
     400,
     "invalid_argument",
     "timestamp",
     "YYYY-MM-DD",
     0},
    {"a day that is not",
     {.body = OrderWith("timestamp", "2024-02-30")},
     400,
     "invalid_argument",
     "timestamp",
     "",
     0},
    {"a bad row among good ones",
     {.body = "[" + OneOrder().body + "," + OrderWith("zip_code", 1234) + "]"},
     400,
     "invalid_argument",
     "zip_code",
     "",
     1},
    {"a CSV header without a field",
     {.headers = kCsv, .body = "order_id,timestamp,sku_code\n1,2024-02-10,2\n"},
     400,
     "invalid_argument",
     "zip_code"},
    {"a ragged line of CSV",
     {.headers = kCsv, .body = "order_id,timestamp,sku_code,zip_code\n1,2024-02-10,2\n"},
     400,
     "invalid_argument",
     "",
     "expected 4 fields",
     0},
    {"an unknown content type",
     {.headers = "Content-Type: text/html\r\n", .body = "<p>"},
     415,
     "unsupported_media_type",
     "Content-Type",
     "application/json"},
    {"a charset other than UTF-8",
     {.headers = "Content-Type: application/json; charset=latin1\r\n", .body = OneOrder().body},
     415,
     "unsupported_media_type",
     "Content-Type",
     "utf-8"},
    {"an encoding",
     {.headers = kJson + "Content-Encoding: br\r\n", .body = OneOrder().body},
     415,
     "unsupported_media_type",
     "Content-Encoding",
     "gzip"},
    {"gzip that is none",
     {.headers = kJson + "Content-Encoding: gzip\r\n", .body = OneOrder().body},
     400,
     "invalid_argument",
     "Content-Encoding"},
    {"nothing acceptable",
     {.headers = kJson + "Accept: image/png, application/json;q=0\r\n", .body = OneOrder().body},
     406,
     "not_acceptable",
     "Accept"},
    {"a query that is neither true nor false",
     {.target = "/invocations?partial=perhaps", .body = OneOrder().body},
     400,
     "invalid_argument",
     "partial"},
    {"an id too long",
     {.headers = "X-Request-Id: " + std::string(129, 'x') + "\r\n", .body = OneOrder().body},
     400,
     "invalid_argument",
     "X-Request-Id"},
    {"an unknown path", {.target = "/invocation", .body = OneOrder().body}, 404, "not_found"},
    {"a wrong method", {.method = "PUT", .body = OneOrder().body}, 405, "method_not_allowed"},
    {"a wrong method for ping", {.method = "POST", .target = "/ping"}, 405, "method_not_allowed"},
};

class BadInput : public testing::Test {
 protected:
  void Start() {
    workspace_.Ingest(SampleData());
    server_.emplace(workspace_, ServerOptions{.workers = 1});
    server_->WaitUntilAllReady();
  }
  /// Replaces the pipeline file by what `change` makes of it.
  void ChangePipeline(const std::function<void(ordered_json&)>& change) const {
    ordered_json pipeline = ordered_json::parse(ReadWhole(workspace_.pipeline()));
    change(pipeline);
    std::ofstream(workspace_.pipeline()) << pipeline.dump();
  }
  HttpConnection Connect() const { return HttpConnection(server_->endpoint()); }
  static void ExpectAnswered(HttpConnection& connection) {
    const Exchange exchange = connection.Ask(OneOrder());
    EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
    EXPECT_EQ(exchange.answer.status, 200);
  }

  Workspace workspace_;
  std::optional<Server> server_;
};

TEST_F(BadInput, IsRefusedAsTheTableSaysAndTheConnectionGoesOn) {
  Start();
  HttpConnection connection = Connect();
  for (const RefusedCase& one : kRefused) {
    SCOPED_TRACE(one.name);
    const Exchange exchange = connection.Ask(one.request);
    ASSERT_EQ(exchange.outcome, Outcome::kAnswered);
    const Answer& answer = exchange.answer;
    EXPECT_EQ(answer.status, one.status) << answer.body;
    EXPECT_EQ(answer.Header("content-type"), "application/json");
    const json error = json::parse(answer.body).at("error");
    EXPECT_EQ(error.at("code"), one.code);
    EXPECT_EQ(error.value("field", ""), one.field) << answer.body;
    EXPECT_EQ(error.value("row", -1), one.row) << answer.body;
    EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr(one.message));
    ExpectAnswered(connection);
  }
}

TEST_F(BadInput, AnEndpointWithoutNameIsRefusedAsAwsSdksReadIt) {
  Start();
  const Answer answer = AskOnce(server_->endpoint(), {.target = "/endpoints//invocations"});
  EXPECT_EQ(answer.status, 424);
  EXPECT_EQ(json::parse(answer.body).at("OriginalStatusCode"), 404);
}

TEST_F(BadInput, AWrongMethodIsToldWhichAreRight) {
  Start();
  EXPECT_EQ(AskOnce(server_->endpoint(), {.method = "GET"}).Header("allow"), "POST");
  EXPECT_EQ(AskOnce(server_->endpoint(), {.target = "/ping"}).Header("allow"), "GET, HEAD");
}

TEST_F(BadInput, PartialAnswersTheGoodRowsAndPutsErrorsInTheOthersPlaces) {
  Start();
  HttpConnection connection = Connect();
  const Exchange exchange =
      connection.Ask({.target = "/invocations?partial=true",
                      .headers = kJson,
                      .body = "[" + OrderWith("zip_code", 1234) + "," + OneOrder().body + "]"});
  EXPECT_EQ(exchange.answer.status, 200);
  const json answers = json::parse(exchange.answer.body);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].at("error").at("field"), "zip_code");
  EXPECT_EQ(answers[1].at("recommendation"), "Deliver");
}

// ---- what cannot be computed ----

TEST_F(BadInput, AFeatureThatIsMissingWithoutARuleIsNamedWith422) {
  ChangePipeline([](ordered_json& pipeline) { pipeline["features"][0].erase("missing"); });
  Start();
  HttpConnection connection = Connect();
  const Exchange exchange = connection.Ask({.body = OrderWith("sku_code", "0000000000000")});
  EXPECT_EQ(exchange.answer.status, 422);
  const json error = json::parse(exchange.answer.body).at("error");
  EXPECT_EQ(error.at("code"), "feature_missing");
  EXPECT_EQ(error.at("field"), "inventory");
  ExpectAnswered(connection);
}

TEST_F(BadInput, ARequestLaterThanTheDataIsRefusedOrFlaggedAsThePipelineSays) {
  const std::string late = OrderWith("timestamp", "2030-01-01");
  {
    Start();
    const Answer flagged = AskOnce(server_->endpoint(), {.body = late});
    EXPECT_EQ(flagged.status, 200);
    EXPECT_EQ(flagged.Header("x-forkcast-stale"), "inventory, payments");
    server_.reset();
  }
  ChangePipeline(
      [](ordered_json& pipeline) { pipeline["series"]["inventory"]["when_stale"] = "refuse"; });
  Start();
  const Answer refused = AskOnce(server_->endpoint(), {.body = late});
  EXPECT_EQ(refused.status, 422);
  const json error = json::parse(refused.body).at("error");
  EXPECT_EQ(error.at("code"), "feature_stale");
  EXPECT_EQ(error.at("field"), "inventory");
}

// ---- what HTTP says ----

TEST_F(BadInput, ABodyOverTheLimitIsRefusedBeforeItIsReadAndTheConnectionEnds) {
  Start();
  HttpConnection announced = Connect();
  announced.Send("POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                 std::to_string(kMaxBody + 1) + "\r\n\r\n");
  const Exchange refused = announced.Receive();
  EXPECT_EQ(refused.answer.status, 413);
  EXPECT_TRUE(refused.answer.closes());
  EXPECT_EQ(json::parse(refused.answer.body).at("error").at("code"), "too_large");
  EXPECT_TRUE(announced.IsClosedByServer());

  HttpConnection chunked = Connect();
  chunked.Send("POST /invocations HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(0x100000, ' ') + "\r\n";
  for (int i = 0; i < 6; ++i) chunked.Send(chunk);
  chunked.Send("1\r\n \r\n");
  EXPECT_EQ(chunked.Receive().answer.status, 413);
  EXPECT_TRUE(chunked.IsClosedByServer());
}

TEST_F(BadInput, ABodyOfExactlyTheLimitIsAnswered) {
  Start();
  Request order = OneOrder();
  order.body.resize(kMaxBody, ' ');
  EXPECT_EQ(AskOnce(server_->endpoint(), order).status, 200);
}

TEST_F(BadInput, AClientThatWaitsForContinueGetsItUnlessItIsRefused) {
  Start();
  HttpConnection connection = Connect();
  const Request order = OneOrder();
  const std::string head = "POST /invocations HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n";
  connection.Send(head + "Content-Length: " + std::to_string(order.body.size()) + "\r\n\r\n");
  EXPECT_EQ(connection.Receive().answer.status, 100);
  connection.Send(order.body);
  EXPECT_EQ(connection.Receive().answer.status, 200);
  connection.Send(head + "Content-Length: " + std::to_string(kMaxBody + 1) + "\r\n\r\n");
  EXPECT_EQ(connection.Receive().answer.status, 413);
  EXPECT_TRUE(connection.IsClosedByServer());
}

TEST_F(BadInput, AnotherExpectationFails) {
  Start();
  HttpConnection connection = Connect();
  connection.Send(
      "POST /invocations HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(connection.Receive().answer.status, 417);
}

TEST_F(BadInput, HeadIsAnsweredWithoutABody) {
  Start();
  HttpConnection connection = Connect();
  EXPECT_EQ(connection.Ask({.method = "HEAD", .target = "/ping"}).answer.status, 200);
  const Exchange not_found = connection.Ask({.method = "HEAD", .target = "/nothing"});
  EXPECT_EQ(not_found.answer.status, 404);
  EXPECT_NE(not_found.answer.Header("content-length"), "0");
  EXPECT_EQ(connection.Ask({.method = "HEAD"}).answer.status, 405);
  ExpectAnswered(connection);  // no byte of a body came in between
}

TEST_F(BadInput, BytesThatAreNoRequestGetFourHundredAndTheConnectionEnds) {
  Start();
  for (const char* bytes :
       {"\x16\x03\x01 hello\r\n\r\n", "GET /ping\r\n\r\n", "GET /ping HTTP/1.1\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Length: two\r\n\r\n"}) {
    SCOPED_TRACE(bytes);
    HttpConnection connection = Connect();
    connection.Send(bytes);
    EXPECT_EQ(connection.Receive().answer.status, 400);
    EXPECT_TRUE(connection.IsClosedByServer());
  }
}

TEST_F(BadInput, PipelinedRequestsAreAnsweredInTheirOrder) {
  Start();
  HttpConnection connection = Connect();
  std::string bytes;
  for (int i = 0; i < 50; ++i) {
    Request order = OneOrder();
    order.headers += "X-Request-Id: " + std::to_string(i) + "\r\n";
    bytes += ToBytes(order);
  }
  connection.Send(bytes);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(connection.Receive().answer.Header("x-request-id"), std::to_string(i));
  }
}

TEST_F(BadInput, AClientThatLeavesInTheMiddleHurtsNobody) {
  Start();
  HttpConnection stays = Connect();
  ExpectAnswered(stays);
  for (const std::size_t sent : {1U, 40U, 120U}) {
    HttpConnection leaves = Connect();
    leaves.Send(ToBytes(OneOrder()).substr(0, sent));
  }
  for (int i = 0; i < 20; ++i) {
    HttpConnection leaves = Connect();
    leaves.Send(ToBytes(OneOrder()));
  }
  ExpectAnswered(stays);
}

}  // namespace
}  // namespace forkcast::process_test
