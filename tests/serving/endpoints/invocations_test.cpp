#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "serving/endpoints/invocation_job.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/service/row_pipeline.hpp"
#include "serving/wire/gzip.hpp"
#include "support/allocation_counter.hpp"
#include "support/http_message.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Order {
  std::string id = "paid";
  std::string time = "2021-07-01 09:30:00";
  std::string sku = "00123";
  std::string zip = "01001";

  [[nodiscard]] json Json() const {
    return {{"order_id", id}, {"timestamp", time}, {"sku_code", sku}, {"zip_code", zip}};
  }
  [[nodiscard]] std::string Csv() const { return zip + "," + id + "," + sku + "," + time + "\n"; }
};

constexpr std::string_view kCsvHeader = "zip_code,order_id,sku_code,timestamp\n";

/// An order for each rule, in the order in which the rules are asked.
const std::vector<Order> kOrders{{.time = "2021-07-03 10:00:00"},
                                 {.zip = "99999"},
                                 {.id = "declined"},
                                 {.time = "2021-07-01 03:00:00"},
                                 {}};
const std::vector<std::string> kAnswers{"HoldCheckAvailability", "HoldCheckDelivery",
                                        "HoldCheckPayment", "Decline", "Deliver"};

json AllAnswers() {
  json answers = json::array();
  for (std::size_t i = 0; i < kOrders.size(); ++i) {
    answers.push_back({{"order_id", kOrders[i].id}, {"recommendation", kAnswers[i]}});
  }
  return answers;
}

json Array(const std::vector<Order>& orders) {
  json array = json::array();
  for (const Order& order : orders) array.push_back(order.Json());
  return array;
}
std::string Lines(const std::vector<Order>& orders) {
  std::string lines;
  for (const Order& order : orders) lines += order.Json().dump() + "\n";
  return lines;
}
std::string Csv(const std::vector<Order>& orders) {
  std::string csv(kCsvHeader);
  for (const Order& order : orders) csv += order.Csv();
  return csv;
}
json ParseLines(const std::string& text) {
  json lines = json::array();
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

std::string Packed(std::string_view text) {
  wire::GzipWriter writer;
  writer.Start(text);
  while (!writer.Continue(text.size() + 1)) {
  }
  return writer.packed();
}
std::string UnpackedText(std::string_view packed) {
  wire::GzipReader reader;
  reader.Start(packed, 1'000'000);
  EXPECT_TRUE(reader.Continue(1'000'001).value());
  return std::string(reader.text());
}

class InvocationsTest : public testing::Test {
 protected:
  /// The answer's error; the test fails when its status is another.
  json ErrorOf(const Response& response, int status) {
    EXPECT_EQ(response.status, status) << response.body;
    return json::parse(response.body).at("error");
  }

  OrderService service_;
};

TEST_F(InvocationsTest, AnswersOneOrderWithItsIdAndRecommendation) {
  const Response response = service_.Post(Order().Json().dump());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"order_id":"paid","recommendation":"Deliver"})");
  EXPECT_EQ(HeaderOf(response.headers, "X-Request-Id"), "r");
  EXPECT_EQ(HeaderOf(response.headers, "X-Forkcast-Stale"), "");
  EXPECT_FALSE(response.close);
}

TEST_F(InvocationsTest, FollowsEachRuleOfTheModel) {
  for (std::size_t i = 0; i < kOrders.size(); ++i) {
    EXPECT_EQ(json::parse(service_.Post(kOrders[i].Json().dump()).body).at("recommendation"),
              kAnswers[i]);
  }
}

TEST_F(InvocationsTest, IgnoresFieldsThatThePipelineDoesNotName) {
  json order = Order().Json();
  order["order_fulfilled"] = true;
  order["customer"] = {{"id", 1}, {"tags", {"a", "b"}}};
  EXPECT_EQ(service_.Post(order.dump()).body, service_.Post(Order().Json().dump()).body);
}

TEST_F(InvocationsTest, KeepsTheOrderOfRowsInEveryForm) {
  const Response array = service_.Post(Array(kOrders).dump());
  EXPECT_EQ(json::parse(array.body), AllAnswers());
  const Response instances = service_.Post(json{{"instances", Array(kOrders)}}.dump());
  EXPECT_EQ(json::parse(instances.body), (json{{"predictions", AllAnswers()}}));
  const Response lines = service_.Post(Lines(kOrders), {.content_type = "application/jsonlines"});
  EXPECT_EQ(lines.content_type, "application/jsonlines");
  EXPECT_EQ(ParseLines(lines.body), AllAnswers());
  const Response csv = service_.Post(Csv(kOrders), {.content_type = "text/csv"});
  EXPECT_EQ(csv.content_type, "text/csv");
  EXPECT_EQ(csv.body,
            "order_id,recommendation\npaid,HoldCheckAvailability\npaid,HoldCheckDelivery\n"
            "declined,HoldCheckPayment\npaid,Decline\npaid,Deliver\n");
}

TEST_F(InvocationsTest, AnswersInTheFormatThatIsAcceptedMost) {
  const std::string body = Array(kOrders).dump();
  const auto type_of = [&](std::string_view accept) {
    const Response response = service_.Post(body, {.accept = accept});
    EXPECT_EQ(response.status, 200);
    return response.content_type;
  };
  EXPECT_EQ(type_of("*/*"), "application/json");
  EXPECT_EQ(type_of("text/csv"), "text/csv");
  EXPECT_EQ(type_of("text/csv;q=0.5, application/jsonlines"), "application/jsonlines");
  EXPECT_EQ(type_of("application/json;q=0, */*;q=0.1"), "application/jsonlines");
  EXPECT_EQ(type_of("image/png, text/*;q=0.2"), "text/csv");
  EXPECT_EQ(service_.Post(body, {.accept = "text/csv"}).body,
            service_.Post(Csv(kOrders), {.content_type = "text/csv"}).body);
}

TEST_F(InvocationsTest, TakesCsvWithoutAHeaderWhereTheRequestOrThePipelineSaysSo) {
  constexpr std::string_view kRow = "paid,2021-07-01 09:30:00,00123,01001\n";
  constexpr std::string_view kAnswer = "order_id,recommendation\npaid,Deliver\n";
  EXPECT_EQ(service_.Post(kRow, {.content_type = "text/csv; header=absent"}).body, kAnswer);
  EXPECT_THAT(ErrorOf(service_.Post(kRow, {.content_type = "text/csv"}), 400).at("message").dump(),
              HasSubstr("paid,2021-07-01 09:30:00"));
  OrderService headerless(
      [](nlohmann::ordered_json& pipeline) { pipeline["request"]["csv_header"] = "absent"; });
  EXPECT_EQ(headerless.Post(kRow, {.content_type = "text/csv"}).body, kAnswer);
  EXPECT_EQ(headerless
                .Post("order_id,timestamp,sku_code,zip_code\n" + std::string(kRow),
                      {.content_type = "text/csv; header=present"})
                .body,
            kAnswer);
}

TEST_F(InvocationsTest, AnswersNoRowsWithNone) {
  EXPECT_EQ(service_.Post("[]").body, "[]");
  EXPECT_EQ(service_.Post(R"({"instances": []})").body, R"({"predictions":[]})");
  EXPECT_EQ(service_.Post(kCsvHeader, {.content_type = "text/csv"}).body,
            "order_id,recommendation\n");
}

TEST_F(InvocationsTest, RefusesARequestForItsBadRowsAndNamesThem) {
  json orders = Array(kOrders);
  orders[1]["sku_code"] = 123;
  orders[3].erase("zip_code");
  const json error = ErrorOf(service_.Post(orders.dump()), 400);
  EXPECT_EQ(error.at("code"), "invalid_argument");
  EXPECT_EQ(error.at("row"), 1);
  EXPECT_EQ(error.at("field"), "sku_code");
  EXPECT_EQ(error.at("request_id"), "r");
  EXPECT_EQ(error.at("bad_rows"), 2);
  EXPECT_EQ(error.at("rows")[1].at("row"), 3);
  EXPECT_EQ(error.at("rows")[1].at("field"), "zip_code");
}

TEST_F(InvocationsTest, SaysThatANumberForAnIdentifierWouldLoseZeros) {
  json order = Order().Json();
  order["zip_code"] = 1001;
  const json error = ErrorOf(service_.Post(order.dump()), 400);
  EXPECT_EQ(error.at("field"), "zip_code");
  EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("would lose leading zeros"));
}

TEST_F(InvocationsTest, SaysHowATimestampMayBeWritten) {
  for (const std::string_view bad : {"yesterday", "2021-13-01", "01.07.2021", ""}) {
    const json error = ErrorOf(service_.Post(Order{.time = std::string(bad)}.Json().dump()), 400);
    EXPECT_EQ(error.at("field"), "timestamp");
    EXPECT_THAT(error.at("message").get<std::string>(),
                AllOf(HasSubstr("YYYY-MM-DD HH:MM:SS"), HasSubstr("ISO 8601")));
  }
  for (const std::string good :
       {"2021-07-01 09:30:00", "2021-07-01T09:30:00Z", "2021-07-01T11:30:00+02:00"}) {
    EXPECT_EQ(json::parse(service_.Post(Order{.time = good}.Json().dump()).body),
              AllAnswers().back());
  }
}

struct RefusalCase {
  std::string name;
  std::string body;
  RequestView parts;
  int status;
  std::string code;
  std::string field;
};

void PrintTo(const RefusalCase& param, std::ostream* out) { *out << param.name; }

class Refusals : public InvocationsTest, public testing::WithParamInterface<RefusalCase> {};

TEST_P(Refusals, SayWhatIsWrongAndTheConnectionGoesOn) {
  const Response response = service_.Post(GetParam().body, GetParam().parts);
  const json error = ErrorOf(response, GetParam().status);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(error.at("code"), GetParam().code);
  EXPECT_EQ(error.value("field", ""), GetParam().field);
  EXPECT_FALSE(response.close);
  EXPECT_EQ(service_.Post(Order().Json().dump()).status, 200);
}

const std::string kGood = Order().Json().dump();

INSTANTIATE_TEST_SUITE_P(
    Cases, Refusals,
    testing::Values(
        RefusalCase{"NotJson", "{", {}, 400, "invalid_argument", ""},
        RefusalCase{"EmptyBody", "", {}, 400, "invalid_argument", ""},
        RefusalCase{"TooDeep",
                    R"({"x": )" + std::string(40, '[') + std::string(40, ']') + "}",
                    {},
                    400,
                    "invalid_argument",
                    ""},
        RefusalCase{"CsvWithoutAColumn",
                    "order_id\nx\n",
                    {.content_type = "text/csv"},
                    400,
                    "invalid_argument",
                    "timestamp"},
        RefusalCase{"UnknownType",
                    kGood,
                    {.content_type = "text/plain"},
                    415,
                    "unsupported_media_type",
                    "Content-Type"},
        RefusalCase{"OtherCharset",
                    kGood,
                    {.content_type = "application/json; charset=latin1"},
                    415,
                    "unsupported_media_type",
                    "Content-Type"},
        RefusalCase{"AnotherCoding",
                    kGood,
                    {.content_encoding = "br"},
                    415,
                    "unsupported_media_type",
                    "Content-Encoding"},
        RefusalCase{"CodingThatTheBodyIsNotOf",
                    kGood,
                    {.content_encoding = "gzip"},
                    400,
                    "invalid_argument",
                    "Content-Encoding"},
        RefusalCase{"GzipCutShort",
                    Packed(kGood).substr(0, 30),
                    {.content_encoding = "gzip"},
                    400,
                    "invalid_argument",
                    "Content-Encoding"},
        RefusalCase{"GzipOfTooMuch",
                    Packed(std::string(6'291'457, ' ')),
                    {.content_encoding = "gzip"},
                    413,
                    "too_large",
                    ""},
        RefusalCase{
            "NothingAcceptable", kGood, {.accept = "image/png"}, 406, "not_acceptable", "Accept"},
        RefusalCase{"UnclearFlag",
                    kGood,
                    {.query = "x=1&partial=maybe"},
                    400,
                    "invalid_argument",
                    "partial"},
        RefusalCase{"FlagInAnotherCase",
                    kGood,
                    {.query = "Partial=true"},
                    400,
                    "invalid_argument",
                    "Partial"},
        RefusalCase{
            "MistypedFlag", kGood, {.query = "partical=true"}, 400, "invalid_argument", "partical"},
        RefusalCase{
            "FlagWithoutValue", kGood, {.query = "features"}, 400, "invalid_argument", "features"}),
    [](const auto& param) { return param.param.name; });

TEST_F(InvocationsTest, TakesAnUncompressedBodyThatSaysSo) {
  EXPECT_EQ(service_.Post(kGood, {.content_encoding = "identity"}).status, 200);
  EXPECT_EQ(service_.Post(kGood, {.content_encoding = "Identity"}).status, 200);
}

TEST_F(InvocationsTest, SaysWhichParameterWasMeantAndIgnoresThoseOfOthers) {
  EXPECT_EQ(ErrorOf(service_.Post(kGood, {.query = "Partial=1"}), 400).at("message"),
            "there is no such parameter; did you mean \"partial\"?");
  EXPECT_EQ(ErrorOf(service_.Post(kGood, {.query = "partial=True"}), 400).at("message"),
            "expected true or false, got \"True\"");
  EXPECT_EQ(service_.Post(kGood, {.query = "utm_source=a&gclid=1&_=7&part=1"}).status, 200);
}

// ---- content codings ----

/// A request that is worked on by slices.
class SlicedRequest {
 public:
  SlicedRequest(Router& router, std::string_view body, RequestView parts)
      : router_(router), padded_(body), request_(parts) {
    padded_.resize(body.size() + wire::kBodyPadding);
    request_.method = Method::kPost;
    if (request_.path.empty()) request_.path = "/invocations";
    request_.body = std::string_view(padded_).substr(0, body.size());
    request_.deadline = MonotonicTime::max();
  }
  /// One slice; false when there is nothing more to do.
  bool Work() {
    if (answered_) return false;
    const Progress progress = slices_++ == 0 ? router_.Start(request_, response_, exchange_)
                                             : router_.Continue(exchange_);
    answered_ = progress == Progress::kDone;
    return true;
  }
  [[nodiscard]] const Response& response() const noexcept { return response_; }
  [[nodiscard]] std::size_t slices() const noexcept { return slices_; }

 private:
  Router& router_;
  std::string padded_;
  RequestView request_;
  Response response_;
  Exchange exchange_;
  bool answered_ = false;
  std::size_t slices_ = 0;
};

TEST_F(InvocationsTest, TakesAGzipBodyInEveryForm) {
  const auto post = [this](const std::string& body, std::string_view type,
                           std::string_view coding) {
    return service_.Post(Packed(body), {.content_type = type, .content_encoding = coding}).body;
  };
  EXPECT_EQ(json::parse(post(Array(kOrders).dump(), "application/json", "gzip")), AllAnswers());
  EXPECT_EQ(ParseLines(post(Lines(kOrders), "application/jsonlines", "x-gzip")), AllAnswers());
  EXPECT_EQ(post(Csv(kOrders), "text/csv", "GZIP"),
            service_.Post(Csv(kOrders), {.content_type = "text/csv"}).body);
  EXPECT_EQ(json::parse(service_.Post(kGood).body), AllAnswers().back());
}

TEST_F(InvocationsTest, UnpacksALargeBodyInSlices) {
  service_.clock().PassWithEachLook(InvocationJob::kSlice);
  const std::string body = R"({"x": ")" + std::string(2'000'000, ' ') + R"(", )" + kGood.substr(1);
  SlicedRequest request(service_.router(), Packed(body), {.content_encoding = "gzip"});
  while (request.Work()) {
  }
  EXPECT_EQ(json::parse(request.response().body), AllAnswers().back());
  EXPECT_GE(request.slices(), body.size() / 65536);
}

TEST_F(InvocationsTest, EndsARequestWhoseTimeRunsOutWhileItIsUnpacked) {
  service_.clock().Set(MonotonicTime(std::chrono::hours(1)));
  service_.clock().PassWithEachLook(std::chrono::seconds(20));
  const std::string body(2'000'000, ' ');
  EXPECT_EQ(ErrorOf(service_.Post(Packed(body), {.content_encoding = "gzip"}), 504).at("message"),
            "the request's time ran out while unpacking its body");
}

TEST_F(InvocationsTest, AnswersAsGzipWhenAskedAndWorthIt) {
  const std::string body = Array(std::vector<Order>(100)).dump();
  const std::string plain = service_.Post(body).body;
  const Response packed = service_.Post(body, {.accept_encoding = "gzip, br"});
  EXPECT_EQ(HeaderOf(packed.headers, "Content-Encoding"), "gzip");
  EXPECT_EQ(HeaderOf(packed.headers, "Vary"), "Accept-Encoding");
  EXPECT_LT(packed.body.size(), plain.size() / 10);
  EXPECT_EQ(UnpackedText(packed.body), plain);
  const Response small = service_.Post(kGood, {.accept_encoding = "gzip"});
  EXPECT_EQ(HeaderOf(small.headers, "Content-Encoding"), "");
  EXPECT_EQ(json::parse(small.body), AllAnswers().back());
  const Response refused = service_.Post(body, {.accept_encoding = "gzip;q=0, identity"});
  EXPECT_EQ(HeaderOf(refused.headers, "Content-Encoding"), "");
  EXPECT_EQ(HeaderOf(refused.headers, "Vary"), "Accept-Encoding");
  EXPECT_EQ(refused.body, plain);
}

TEST_F(InvocationsTest, TakesWhatMlflowSends) {
  json split{{"columns", json::array()}, {"data", json::array()}};
  json arrays = json::array();
  const json any = Order().Json();
  for (const auto& [name, value] : any.items()) split["columns"].push_back(name);
  for (const Order& order : kOrders) {
    const json row = order.Json();
    json values = json::array();
    for (const auto& [name, value] : row.items()) values.push_back(value);
    split["data"].push_back(values);
    arrays.push_back({order.id, order.time, order.sku, order.zip});
  }
  const json expected{{"predictions", AllAnswers()}};
  for (const json& body :
       {json{{"dataframe_split", split}}, json{{"dataframe_records", Array(kOrders)}},
        json{{"inputs", Array(kOrders)}}, json{{"instances", arrays}}}) {
    EXPECT_EQ(json::parse(service_.Post(body.dump()).body), expected) << body;
  }
}

TEST_F(InvocationsTest, TakesTimesAsFormsAndDatabasesWriteThem) {
  for (const std::string time :
       {"2021-07-01T09:30", "2021-07-01 09:30:00 UTC", "2021-07-01 09:30+00"}) {
    EXPECT_EQ(json::parse(service_.Post(Order{.time = time}.Json().dump()).body),
              AllAnswers().back())
        << time;
  }
}

TEST_F(InvocationsTest, LimitsTheRowsOfARequest) {
  OrderService service({}, {.max_rows = 5});
  EXPECT_EQ(service.Post(Array(kOrders).dump()).status, 200);
  std::vector<Order> six = kOrders;
  six.emplace_back();
  EXPECT_EQ(ErrorOf(service.Post(Array(six).dump()), 413).at("code"), "too_large");
}

TEST_F(InvocationsTest, PutsErrorsInThePlaceOfBadRowsWhenAskedForPartialAnswers) {
  json orders = Array(kOrders);
  orders[1]["sku_code"] = 123;
  orders[2] = "no object";
  json expected = AllAnswers();
  const json answers = json::parse(service_.Post(orders.dump(), {.query = "partial=true"}).body);
  ASSERT_EQ(answers.size(), 5U);
  for (const std::size_t good : {0U, 3U, 4U}) EXPECT_EQ(answers[good], expected[good]);
  const json& error = answers[1].at("error");
  EXPECT_EQ(error.at("code"), "invalid_argument");
  EXPECT_EQ(error.at("field"), "sku_code");
  EXPECT_EQ(error.at("row"), 1);
  EXPECT_EQ(answers[2].at("error").at("row"), 2);
}

TEST_F(InvocationsTest, AnswersASingleBadOrderPartially) {
  const Response response = service_.Post("{}", {.query = "partial=1"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(response.body).at("error").at("row"), 0);
}

TEST_F(InvocationsTest, PartialCsvHasAColumnForErrors) {
  const Response response =
      service_.Post(std::string(kCsvHeader) + Order{.time = "never"}.Csv() + Order().Csv(),
                    {.query = "partial=true", .content_type = "text/csv"});
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, StartsWith("order_id,recommendation,error\n"
                                        ",,\"invalid_argument: timestamp: expected a timestamp"));
  EXPECT_THAT(response.body, testing::EndsWith("\npaid,Deliver,\n"));
}

TEST_F(InvocationsTest, ACsvRowThatCannotBeReadErrsAlone) {
  const std::string good = Order().Csv();
  const Response response =
      service_.Post(std::string(kCsvHeader) + good + "\xFF" + good + "a\"" + good + "a,b\n" + good,
                    {.query = "partial=true", .content_type = "text/csv"});
  EXPECT_EQ(response.body,
            "order_id,recommendation,error\npaid,Deliver,\n"
            ",,\"invalid_argument: line 3, column 1: this field is not UTF-8\"\n"
            ",,\"invalid_argument: line 4, column 2: a quote inside a field that does not start "
            "with one\"\n"
            ",,\"invalid_argument: expected 4 fields as in the header, got 2\"\n"
            "paid,Deliver,\n");
  EXPECT_EQ(ErrorOf(service_.Post(std::string(kCsvHeader) + good + "\"" + good,
                                  {.query = "partial=true", .content_type = "text/csv"}),
                    400)
                .at("message"),
            "line 3, column 1: the quote that opens here is never closed");
}

TEST_F(InvocationsTest, ShowsTheFeaturesUsedWhenAsked) {
  const json answer =
      json::parse(service_.Post(kGood, {.query = "a=b&features=true&partial=false"}).body);
  EXPECT_EQ(answer.at("features"), (json{{"inventory", 5},
                                         {"zip_code_available", true},
                                         {"payment_status", "OK"},
                                         {"order_hour_of_day", 9}}));
  const Order unknown{.id = "x", .sku = "nothing", .zip = "nowhere"};
  EXPECT_EQ(json::parse(service_.Post(unknown.Json().dump(), {.query = "features=1"}).body)
                .at("features"),
            (json{{"inventory", 0},
                  {"zip_code_available", false},
                  {"payment_status", "UNKNOWN"},
                  {"order_hour_of_day", 9}}));
}

TEST_F(InvocationsTest, FlagsAnswersFromStaleData) {
  const Order fresh{.time = "2021-07-04 00:00:00"};
  const Order stale{.time = "2021-07-04 00:00:01"};
  const Response flagged = service_.Post(Array({fresh, stale}).dump());
  EXPECT_EQ(flagged.status, 200);
  EXPECT_EQ(HeaderOf(flagged.headers, "X-Forkcast-Stale"), "inventory, payments");
  const json answers = json::parse(flagged.body);
  EXPECT_FALSE(answers[0].contains("stale"));
  EXPECT_EQ(answers[1].at("stale"), (json{"inventory", "payments"}));
  EXPECT_EQ(HeaderOf(service_.Post(fresh.Json().dump()).headers, "X-Forkcast-Stale"), "");
}

TEST_F(InvocationsTest, RefusesARequestLaterThanTheDataWhereThePipelineSaysSo) {
  OrderService service([](nlohmann::ordered_json& pipeline) {
    pipeline["series"]["inventory"]["when_stale"] = "refuse";
  });
  const Order late{.time = "2021-07-05"};
  const json error = ErrorOf(service.Post(late.Json().dump()), 422);
  EXPECT_EQ(error.at("code"), "feature_stale");
  EXPECT_EQ(error.at("field"), "inventory");
  EXPECT_EQ(error.at("row"), 0);
  const json answers =
      json::parse(service.Post(Array({Order(), late}).dump(), {.query = "partial=true"}).body);
  EXPECT_EQ(answers[0], AllAnswers().back());
  EXPECT_EQ(answers[1].at("error").at("code"), "feature_stale");
  EXPECT_EQ(answers[1].at("error").at("row"), 1);
}

TEST_F(InvocationsTest, RefusesWhatItCannotComputeWhereThePipelineSaysSo) {
  OrderService service(
      [](nlohmann::ordered_json& pipeline) { pipeline["features"][2].erase("missing"); });
  const json error = ErrorOf(service.Post(Array({Order(), {.id = "unpaid"}}).dump()), 422);
  EXPECT_EQ(error.at("code"), "feature_missing");
  EXPECT_EQ(error.at("field"), "payment_status");
  EXPECT_EQ(error.at("row"), 1);
}

TEST_F(InvocationsTest, MixesBothKindsOfBadRowsInOrder) {
  OrderService service(
      [](nlohmann::ordered_json& pipeline) { pipeline["features"][2].erase("missing"); });
  json orders = Array({{.id = "unpaid"}, Order(), {.id = "unpaid"}, Order(), {.id = "unpaid"}});
  orders[1] = 1;
  const json answers = json::parse(service.Post(orders.dump(), {.query = "partial=true"}).body);
  const std::vector<std::string> codes{"feature_missing", "invalid_argument", "feature_missing", "",
                                       "feature_missing"};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(answers[i].contains("error") ? answers[i]["error"].at("code") : "", codes[i]) << i;
    if (!codes[i].empty()) {
      EXPECT_EQ(answers[i]["error"].at("row"), i);
    }
  }
}

TEST_F(InvocationsTest, EndsARequestWhoseTimeIsOver) {
  service_.clock().Set(MonotonicTime(std::chrono::hours(2)));
  const Response response = service_.Post(kGood);
  EXPECT_EQ(ErrorOf(response, 504).at("code"), "deadline_exceeded");
  EXPECT_EQ(service_.slot().metrics.Get("server_errors"), 1U);
}

/// With each look at the clock a minute's share passes, so that the time runs out ever later.
TEST_F(InvocationsTest, EndsALongRequestInWhateverStageItsTimeRunsOutAndNamesIt) {
  constexpr std::string_view kSaid = "the request's time ran out while ";
  const std::string body = Array(std::vector<Order>(1000)).dump();
  std::vector<std::string> stages;
  for (int looks = 1; stages.empty() || !stages.back().empty(); ++looks) {
    ASSERT_LT(looks, 1000);
    service_.clock().Set(MonotonicTime(std::chrono::hours(1)));
    service_.clock().PassWithEachLook(std::chrono::nanoseconds(std::chrono::minutes(1)) / looks);
    const Response response = service_.Post(body);
    std::string stage;
    if (response.status != 200) {
      const std::string message = ErrorOf(response, 504).at("message");
      ASSERT_THAT(message, StartsWith(std::string(kSaid)));
      stage = message.substr(kSaid.size());
    }
    if (stages.empty() || stages.back() != stage) stages.push_back(stage);
  }
  EXPECT_THAT(stages, testing::ElementsAre("decoding its body", "computing features",
                                           "running the model", "writing the answer", ""));
}

TEST_F(InvocationsTest, SaysWhereARequestWasWhoseTimeIsOverBeforeItIsWorkedOn) {
  service_.clock().Set(MonotonicTime(std::chrono::hours(2)));
  EXPECT_THAT(ErrorOf(service_.Post(kGood), 504).at("message").get<std::string>(),
              testing::EndsWith("while it was being received"));
  EXPECT_THAT(ErrorOf(service_.Post(kGood, {.waited = true}), 504).at("message").get<std::string>(),
              testing::EndsWith("while it waited for its turn"));
}

TEST_F(InvocationsTest, IsRefusedWhenTooMuchIsWaiting) {
  const Response response =
      service_.Post(kGood, {.request_id = "r-17", .retry_after = std::chrono::seconds(3)});
  const json error = ErrorOf(response, 503);
  EXPECT_EQ(error.at("code"), "overloaded");
  EXPECT_EQ(error.at("request_id"), "r-17");
  EXPECT_EQ(HeaderOf(response.headers, "Retry-After"), "3");
  EXPECT_EQ(HeaderOf(response.headers, "X-Request-Id"), "r-17");
  EXPECT_FALSE(response.close);
  EXPECT_EQ(service_.slot().metrics.Get("refused"), 1U);
  EXPECT_EQ(service_.slot().metrics.Get("server_errors"), 1U);
  EXPECT_EQ(service_.Post(kGood).status, 200);
  EXPECT_EQ(service_.slot().metrics.Get("refused"), 1U);
}

TEST_F(InvocationsTest, EndsWhatIsInWorkWhenTheServerHasToStop) {
  service_.server().stop_deadline_ns = 1;
  EXPECT_EQ(ErrorOf(service_.Post(kGood), 503).at("code"), "not_ready");
  EXPECT_EQ(service_.slot().metrics.Get("clipped"), 1U);
}

TEST_F(InvocationsTest, AnEndpointWrapsErrorsAndLeavesAnswersAlone) {
  const RequestView endpoint{.path = "/endpoints/any/invocations"};
  EXPECT_EQ(service_.Post(kGood, endpoint).body, service_.Post(kGood).body);
  const Response wrapped = service_.Post("{", endpoint);
  EXPECT_EQ(wrapped.status, 424);
  EXPECT_EQ(HeaderOf(wrapped.headers, "x-amzn-ErrorType"), "ModelError");
  const json body = json::parse(wrapped.body);
  EXPECT_EQ(body.at("OriginalStatusCode"), 400);
  EXPECT_EQ(body.at("OriginalMessage"), service_.Post("{").body);
}

TEST_F(InvocationsTest, ABadRequestLeavesNoTraceInTheNext) {
  const std::string before = service_.Post(Array(kOrders).dump()).body;
  service_.Post("[{}, 1, {\"order_id\": \"x\"", {.query = "partial=true"});
  service_.Post("[{}, 1]", {.query = "partial=true"});
  EXPECT_EQ(service_.Post(Array(kOrders).dump()).body, before);
}

/// Each look at the clock ends a slice.
TEST_F(InvocationsTest, ManyInSlicesAreAnsweredAsEachAlone) {
  service_.clock().PassWithEachLook(InvocationJob::kSlice);
  std::vector<Order> orders;
  for (std::size_t i = 0; i < 1000; ++i) orders.push_back(kOrders[i * i % kOrders.size()]);
  json bad = Array(orders);
  bad[500]["sku_code"] = 5;
  struct Case {
    std::string body;
    RequestView parts;
  };
  const std::vector<Case> cases{
      {Array(orders).dump(), {.request_id = "a"}},
      {json{{"instances", Array(orders)}, {"more", 1}}.dump(), {.request_id = "b"}},
      {Lines(orders), {.content_type = "application/jsonlines", .request_id = "c"}},
      {Csv(orders), {.query = "features=true", .content_type = "text/csv", .request_id = "d"}},
      {bad.dump(), {.query = "partial=true", .request_id = "e"}},
      {bad.dump(), {.path = "/endpoints/any/invocations", .request_id = "f"}}};
  std::vector<SlicedRequest> requests;
  requests.reserve(cases.size());
  for (const Case& one : cases) requests.emplace_back(service_.router(), one.body, one.parts);
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (SlicedRequest& request : requests) goes_on = request.Work() || goes_on;
    EXPECT_EQ(json::parse(service_.Post(kGood).body), AllAnswers().back());
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Response whole = service_.Post(cases[i].body, cases[i].parts);
    EXPECT_EQ(requests[i].response().status, whole.status);
    EXPECT_EQ(requests[i].response().headers, whole.headers);
    EXPECT_EQ(requests[i].response().body, whole.body);
    EXPECT_GE(requests[i].slices(), orders.size() / 64) << i;
  }
}

TEST_F(InvocationsTest, OneOrderIsOneSlice) {
  service_.clock().PassWithEachLook(InvocationJob::kSlice);
  SlicedRequest request(service_.router(), kGood, {});
  request.Work();
  EXPECT_FALSE(request.Work());
  EXPECT_EQ(request.response().status, 200);
}

TEST_F(InvocationsTest, ARequestThatIsGivenUpLeavesNoTrace) {
  service_.clock().PassWithEachLook(InvocationJob::kSlice);
  const std::string body = Array(std::vector<Order>(500)).dump();
  for (int slices = 1; slices < 20; ++slices) {
    SlicedRequest given_up(service_.router(), body, {});
    for (int i = 0; i < slices; ++i) given_up.Work();
  }
  EXPECT_EQ(json::parse(service_.Post(Array(kOrders).dump()).body), AllAnswers());
}

/// Orders of which some are unknown, late, or have a timestamp that cannot be read.
std::vector<Order> RandomOrders(std::mt19937& random, std::size_t count) {
  const auto any_of = [&random](const std::vector<std::string>& texts) {
    return texts[random() % texts.size()];
  };
  std::vector<Order> orders;
  for (std::size_t i = 0; i < count; ++i) {
    orders.push_back({.id = any_of({"paid", "declined", "unpaid", "last", "\xC3\xA9"}),
                      .time = any_of({"2021-07-01", "2021-07-01 00:30:00", "2021-07-01 06:00:00",
                                      "2021-07-02T10:00:00Z", "2021-07-03 00:00:00", "2021-08-01",
                                      "1999-01-01", "never"}),
                      .sku = any_of({"00123", "123", "ABC", "none"}),
                      .zip = any_of({"01001", "1001", "99999"})});
  }
  return orders;
}

TEST_F(InvocationsTest, ABatchIsAnsweredAsItsOrdersAlone) {
  constexpr unsigned kSeed = 20210701;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round));
    const std::vector<Order> orders = RandomOrders(random, 1 + random() % 40);
    constexpr std::string_view kQuery = "partial=true&features=true";
    json alone = json::array();
    for (std::size_t i = 0; i < orders.size(); ++i) {
      alone.push_back(json::parse(service_.Post(orders[i].Json().dump(), {.query = kQuery}).body));
      if (alone.back().contains("error")) alone.back()["error"]["row"] = i;
    }
    EXPECT_EQ(json::parse(service_.Post(Array(orders).dump(), {.query = kQuery}).body), alone);
    EXPECT_EQ(json::parse(
                  service_.Post(json{{"instances", Array(orders)}}.dump(), {.query = kQuery}).body),
              (json{{"predictions", alone}}));
    EXPECT_EQ(
        ParseLines(
            service_.Post(Lines(orders), {.query = kQuery, .content_type = "application/jsonlines"})
                .body),
        alone);
    EXPECT_EQ(json::parse(service_
                              .Post(Csv(orders), {.query = kQuery,
                                                  .content_type = "text/csv",
                                                  .accept = "application/json"})
                              .body),
              alone);
    EXPECT_EQ(service_.Post(Array(orders).dump(), {.query = kQuery, .accept = "text/csv"}).body,
              service_.Post(Csv(orders), {.query = kQuery, .content_type = "text/csv"}).body);
  }
}

struct SteadyCase {
  std::string name;
  std::string body;
  RequestView parts;
};

void PrintTo(const SteadyCase& param, std::ostream* out) { *out << param.name; }

class SteadyInvocations : public testing::TestWithParam<SteadyCase> {};

TEST_P(SteadyInvocations, AllocateNothing) {
  OrderService service;
  std::string padded = GetParam().body;
  padded.resize(padded.size() + wire::kBodyPadding);
  RequestView request = GetParam().parts;
  request.method = Method::kPost;
  request.path = "/invocations";
  request.body = std::string_view(padded).substr(0, GetParam().body.size());
  request.deadline = MonotonicTime::max();
  Response response;
  std::size_t before = 0;
  for (int round = 0; round < 5; ++round) {
    before = AllocationCount();
    response.Clear();
    service.router().Handle(request, response);
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
  EXPECT_EQ(response.status, 200) << response.body;
}

INSTANTIATE_TEST_SUITE_P(
    Requests, SteadyInvocations,
    testing::Values(
        SteadyCase{"OneOrder", kGood, {}},
        SteadyCase{"OneOrderOfAnSdk",
                   kGood,
                   {.content_type = "application/json",
                    .accept = "application/json",
                    .inference_id = "0123456789abcdef0123456789abcdef",
                    .custom_attributes = "trace=0123456789abcdef"}},
        SteadyCase{"WithFeatures", kGood, {.query = "features=true"}},
        SteadyCase{"Stale", Order{.time = "2021-08-01"}.Json().dump(), {}},
        SteadyCase{"Array", Array(kOrders).dump(), {}},
        SteadyCase{"Packed", Packed(Array(kOrders).dump()), {.content_encoding = "gzip"}},
        SteadyCase{
            "AskedForGzip", Array(std::vector<Order>(100)).dump(), {.accept_encoding = "gzip"}},
        SteadyCase{"JsonLines", Lines(kOrders), {.content_type = "application/jsonlines"}},
        SteadyCase{"Csv", Csv(kOrders), {.content_type = "text/csv"}}),
    [](const auto& param) { return param.param.name; });

TEST(RowPipeline, SaysWhatIsMissing) {
  const preprocessing::TempFolder folder;
  preprocessing::SnapshotPool pool;
  const auto absent = RowPipeline::Load(folder.path() / "absent.json", folder.path(), pool);
  ASSERT_FALSE(absent.ok());
  EXPECT_THAT(absent.error().message, HasSubstr("absent.json"));
  const auto no_snapshots = RowPipeline::Load(
      FORKCAST_SOURCE_DIR "/conf/pipelines/order_triage.json", folder.path(), pool);
  ASSERT_FALSE(no_snapshots.ok());
  EXPECT_EQ(no_snapshots.error().code, ErrorCode::kNotFound);
}

TEST(RowPipeline, RefusesAPipelineThatCannotBeServed) {
  const auto fails_with = [](const OrderService::Edit& edit, std::string_view message) {
    try {
      OrderService service(edit);
      ADD_FAILURE() << "was loaded";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(message)));
    }
  };
  fails_with([](nlohmann::ordered_json& pipeline) { pipeline.erase("serving"); },
             "\"serving\": nothing to serve; what is trained is served by --deploy MODEL");
  fails_with(
      [](nlohmann::ordered_json& pipeline) {
        pipeline["serving"]["answer"][1]["output"] = "score";
      },
      "the model has no output \"score\"; it has: class");
  fails_with([](nlohmann::ordered_json& pipeline) { pipeline["features"].erase(3); },
             "order_hour_of_day");
  fails_with([](nlohmann::ordered_json& pipeline) { pipeline["serving"]["model"] = "absent.json"; },
             "absent.json");
}

}  // namespace
}  // namespace forkcast::serving
