#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "serving/endpoints/sales_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ForecastsTest : public testing::Test {
 protected:
  ForecastsTest() : forecaster_(service_.Forecaster()), session_(*forecaster_) {}

  /// What the model forecasts of a shop, two steps as of `origin` (as text; empty: the newest).
  std::vector<double> Values(const std::string& shop, const std::string& origin = "") {
    preprocessing::Table rows(forecaster_->spec().request.fields);
    rows.column(0).AppendText(shop);
    if (origin.empty()) {
      rows.column(1).AppendMissing();
    } else {
      rows.column(1).AppendTimestamp(*preprocessing::ParseTimestamp(origin, {}));
    }
    model::ForecastAnswer answer;
    const Status done = session_.Forecast({.rows = rows, .now = {}}, answer);
    EXPECT_TRUE(done) << done.error().message;
    std::vector<double> values;
    for (const model::StepForecast& step : answer.steps) values.push_back(step.value);
    return values;
  }
  /// The answer to a shop as of the newest day.
  json Newest(const std::string& shop) {
    const std::vector<double> values = Values(shop);
    return {{"shop", shop},
            {"origin", "2024-03-11"},
            {"forecast",
             {{{"step", 1}, {"period", "2024-03-11"}, {"value", values[0]}},
              {{"step", 2}, {"period", "2024-03-12"}, {"value", values[1]}}}}};
  }
  json Ask(std::string_view body, RequestView parts = {}) {
    const Response response = service_.Post(body, parts);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }

  SalesService service_;
  std::unique_ptr<const model::Forecaster> forecaster_;
  model::ForecastSession session_;
};

TEST_F(ForecastsTest, AnswerTheNewestDataAndTheWholeHorizonToAKeyAlone) {
  const Response response = service_.Post(R"({"shop": "000"})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body, testing::StartsWith(R"({"shop":"000","origin":"2024-03-11",)"
                                                 R"("forecast":[{"step":1,"period":"2024-03-11",)"
                                                 R"("value":)"));
  EXPECT_EQ(json::parse(response.body), Newest("000"));
}

TEST_F(ForecastsTest, TakeAndAnswerEveryFormOfBody) {
  const json both{Newest("000"), Newest("001")};
  constexpr std::string_view kShops = R"([{"shop": "000"}, {"shop": "001"}])";
  EXPECT_EQ(Ask(kShops), both);
  EXPECT_EQ(Ask(R"({"instances": )" + std::string(kShops) + "}"), (json{{"predictions", both}}));
  std::string lines;
  std::string csv = "shop,origin,step,period,value\n";
  for (const json& row : both) {
    for (const json& step : row["forecast"]) {
      json line = step;
      line["shop"] = row["shop"];
      line["origin"] = row["origin"];
      lines += line.dump() + "\n";
      csv += fmt::format("{},{},{},{},{}\n", row["shop"].get<std::string>(),
                         row["origin"].get<std::string>(), step["step"].get<int>(),
                         step["period"].get<std::string>(), step["value"].dump());
    }
  }
  EXPECT_EQ(service_.Post("shop\n000\n001\n", {.content_type = "text/csv"}).body, csv);
  const Response answer = service_.Post("{\"shop\": \"000\"}\n{\"shop\": \"001\"}\n",
                                        {.content_type = "application/jsonlines"});
  std::string reordered;
  std::istringstream stream(answer.body);
  for (std::string line; std::getline(stream, line);) reordered += json::parse(line).dump() + "\n";
  EXPECT_EQ(reordered, lines);
}

TEST_F(ForecastsTest, SaidToBeAsOfAnOriginAreEqualToThoseOfTheForecaster) {
  for (int day = 10; day < SalesService::kDays; ++day) {
    const std::string origin = SalesService::DayText(day);
    for (const char* field : {"origin", "at"}) {
      const json answer = Ask(json{{"shop", "001"}, {field, origin}}.dump());
      EXPECT_EQ(answer["origin"], origin);
      const std::vector<double> values = Values("001", origin);
      EXPECT_EQ(answer["forecast"][0]["value"], values[0]);
      EXPECT_EQ(answer["forecast"][1]["value"], values[1]);
    }
  }
}

TEST_F(ForecastsTest, AsOfATimeAreThoseThatWouldHaveBeenMadeThen) {
  service_.clock().SetNow(*preprocessing::ParseTimestamp("2024-04-01", {}));
  for (int day = 10; day < SalesService::kDays; ++day) {
    const std::string query = fmt::format("as_of={}T12:00:00Z", SalesService::DayText(day));
    EXPECT_EQ(Ask(R"({"shop": "001"})", {.query = query}),
              Ask(json{{"shop", "001"}, {"origin", SalesService::DayText(day)}}.dump()));
  }
  EXPECT_EQ(Ask(R"({"shop": "001"})", {.query = "as_of=2024-03-31"}), Newest("001"));
}

TEST_F(ForecastsTest, AsOfATimeKnowNothingOfWhatCameLater) {
  service_.clock().SetNow(*preprocessing::ParseTimestamp("2024-04-01", {}));
  const json then = Ask(R"({"shop": "001"})", {.query = "actuals=true&as_of=2024-02-01T00:00:00Z"});
  EXPECT_FALSE(then["forecast"][0].contains("actual"));
  const Response response = service_.Post(R"({"shop": "001", "origin": "2024-02-02"})",
                                          {.query = "as_of=2024-02-01T00:00:00Z"});
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("lies after 2024-02-01T00:00:00Z, as of which is asked"));
}

TEST_F(ForecastsTest, AreOfTheStepsThatAreAskedFor) {
  const auto periods = [this](const char* body) {
    std::vector<std::string> found;
    const json answer = Ask(body);
    for (const json& step : answer["forecast"]) found.push_back(step["period"]);
    return found;
  };
  EXPECT_THAT(periods(R"({"shop": "000", "steps": 1})"), testing::ElementsAre("2024-03-11"));
  EXPECT_THAT(periods(R"({"shop": "000", "from": "2024-03-12"})"),
              testing::ElementsAre("2024-03-12"));
  EXPECT_THAT(periods(R"({"shop": "000", "to": "2024-03-11T23:00:00"})"),
              testing::ElementsAre("2024-03-11"));
}

struct RefusalCase {
  const char* name;
  const char* body;
  int status;
  const char* field;
  const char* message;
};

void PrintTo(const RefusalCase& one, std::ostream* out) { *out << one.name; }

class RefusedForecast : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusedForecast, NamesTheFieldAndWhatIsPossible) {
  SalesService service;
  const Response response = service.Post(GetParam().body);
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  const json error = json::parse(response.body)["error"];
  EXPECT_EQ(error.value("field", ""), GetParam().field);
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedForecast,
    testing::Values(
        RefusalCase{"NoKey", R"({"steps": 1})", 400, "shop", "required field is missing"},
        RefusalCase{"KeyWithoutHistory", R"({"shop": "999"})", 404, "shop", "999"},
        RefusalCase{"KeyWithoutModel", R"({"shop": "002"})", 404, "shop", "002"},
        RefusalCase{"BeyondTheHorizon", R"({"shop": "000", "steps": 3})", 400, "steps", "1 to 2"},
        RefusalCase{"StepsThatAreNoInteger", R"({"shop": "000", "steps": "2"})", 400, "steps",
                    "an integer"},
        RefusalCase{"StepsAndPeriods", R"({"shop": "000", "steps": 1, "to": "2024-03-11"})", 400,
                    "steps", "not both"},
        RefusalCase{"FromBehindTo", R"({"shop": "000", "from": "2024-03-12", "to": "2024-03-11"})",
                    400, "from", "lies after"},
        RefusalCase{"OriginTwice", R"({"shop": "000", "origin": "2024-03-01", "at": "2024-03-01"})",
                    400, "origin", "\"at\" means the same"},
        RefusalCase{"OriginBehindTheData", R"({"shop": "000", "origin": "2024-03-12"})", 400,
                    "origin", "behind the data"},
        RefusalCase{"TimeBehindTheData", R"({"shop": "000", "at": "2024-03-12"})", 400, "at",
                    "behind the data"}),
    [](const auto& param) { return param.param.name; });

TEST_F(ForecastsTest, OfAGoodRowStandBesideTheErrorOfABadOne) {
  const json answers = Ask(R"([{"shop": "000"}, {"shop": "999"}, {"shop": 1}, {"shop": "001"}])",
                           {.query = "partial=true"});
  EXPECT_EQ(answers[0], Newest("000"));
  EXPECT_EQ(answers[1]["error"]["code"], "not_found");
  EXPECT_EQ(answers[1]["error"]["row"], 1);
  EXPECT_EQ(answers[2]["error"]["code"], "invalid_argument");
  EXPECT_EQ(answers[3], Newest("001"));
}

TEST_F(ForecastsTest, ShowWhatHappenedWhereThatIsKnownAndAskedFor) {
  const std::string body = R"({"shop": "000", "origin": "2024-03-10"})";
  EXPECT_FALSE(Ask(body)["forecast"][0].contains("actual"));
  const json answer = Ask(body, {.query = "actuals=true"});
  // 2024-03-10, the last day there is, is 69 days behind the first.
  EXPECT_EQ(answer["forecast"][0]["actual"], 10 + 69 % 7);
  EXPECT_FALSE(answer["forecast"][1].contains("actual"));
  EXPECT_THAT(service_.Post(body, {.query = "actuals=true", .accept = "text/csv"}).body,
              testing::AllOf(testing::StartsWith("shop,origin,step,period,value,actual\n"),
                             HasSubstr(",16\n"), testing::EndsWith(",\n")));
}

TEST_F(ForecastsTest, ShowTheFeaturesOfEachStep) {
  const json answer = Ask(R"({"shop": "001"})", {.query = "features=true"});
  EXPECT_EQ(answer["forecast"][0]["features"]["weekday"], 1);
  EXPECT_EQ(answer["forecast"][1]["features"]["weekday"], 2);
  EXPECT_THAT(
      service_.Post("shop\n001\n", {.query = "features=true", .content_type = "text/csv"}).body,
      testing::StartsWith("shop,origin,step,period,value,features.last,features.mean,"
                          "features.weekday\n"));
}

TEST(ColdStarts, AreABaselinesAndSaySo) {
  SalesService service("naive");
  const json unknown = json::parse(service.Post(R"({"shop": "002", "steps": 1})").body);
  EXPECT_EQ(
      unknown["forecast"],
      (json{
          {{"step", 1}, {"period", "2024-03-11"}, {"value", 30 + 69 % 7}, {"cold_start", true}}}));
  const json known = json::parse(service.Post(R"({"shop": "000", "steps": 1})").body);
  EXPECT_FALSE(known["forecast"][0].contains("cold_start"));
  EXPECT_THAT(service.Post("shop\n002\n", {.content_type = "text/csv"}).body,
              testing::AllOf(testing::StartsWith("shop,origin,step,period,value,cold_start\n"),
                             HasSubstr(",true\n")));
}

TEST(ColdStarts, ThatAreNoneAreRefusedWhenLoaded) {
  try {
    SalesService service("guess");
    ADD_FAILURE() << "was loaded";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cold_start"));
  }
}

TEST_F(ForecastsTest, OfManyKeysAreMadeInSlicesWithTheSameBytes) {
  json rows = json::array();
  for (int row = 0; row < 500; ++row) {
    rows.push_back(
        {{"shop", row % 2 == 0 ? "000" : "001"}, {"origin", SalesService::DayText(10 + row % 50)}});
  }
  const std::string body = rows.dump();
  const std::string whole = service_.Post(body).body;
  std::string padded = body;
  padded.resize(body.size() + wire::kBodyPadding);
  RequestView request{.method = Method::kPost, .path = "/invocations"};
  request.body = std::string_view(padded).substr(0, body.size());
  request.deadline = MonotonicTime::max();
  Response response;
  Exchange exchange;
  service_.clock().PassWithEachLook(std::chrono::seconds(1));  // a look is a slice
  int slices = 1;
  Progress progress = service_.router().Start(request, response, exchange);
  for (; progress == Progress::kMore; ++slices) progress = service_.router().Continue(exchange);
  EXPECT_EQ(response.body, whole);
  EXPECT_GT(slices, 2 * 1000 / 64);  // features and writing, 64 of 1,000 lines at a time
}

}  // namespace
}  // namespace forkcast::serving
