// Intervals as they are answered: on /invocations in every form, on declared routes, in OpenAPI.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/forecast_files.hpp"
#include "serving/endpoints/post.hpp"
#include "serving/endpoints/republish.hpp"
#include "serving/endpoints/sales_service.hpp"

namespace forkcast::serving {
namespace {

using model::PredictionInterval;
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::array kLevels{0.8, 0.975};

/// Of both levels, above and below forecasts differently, and wider for the second day.
model::ConformalIntervals SomeIntervals() {
  std::vector<model::ForecastError> errors;
  for (int i = 0; i < 420; ++i) {
    for (const std::size_t step : {1U, 2U}) {
      errors.push_back({.step = step,
                        .period = i,
                        .forecast = 20,
                        .actual = 20 + static_cast<double>(step) * (i % 21 - 7) / 3,
                        .key_scale = 3});
    }
  }
  return *model::ConformalIntervals::Fit(errors, {.levels = {kLevels.begin(), kLevels.end()},
                                                  .season = 7,
                                                  .horizon = 2,
                                                  .not_negative = true});
}

/// The forecast of tests/data/published with intervals.
class ModelsWithIntervals {
 protected:
  ModelsWithIntervals() {
    const auto add = [](nlohmann::ordered_json& document, std::vector<model::ArtefactFile>& files) {
      document["training"]["intervals"] = kLevels;
      files.push_back(model::IntervalsFile(SomeIntervals()));
    };
    Republish(SalesService::Models(), "sales", add, models_.path());
  }

  preprocessing::TempFolder models_;
};

class IntervalsTest : protected ModelsWithIntervals, public testing::Test {
 protected:
  json Ask(std::string_view body, RequestView parts = {}) {
    const Response response = service_.Post(body, parts);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }

  /// What the model says of a shop as of `origin`, without a server.
  model::ForecastAnswer Forecast(const std::string& shop, const std::string& origin) {
    preprocessing::Table rows(forecaster_->spec().request.fields);
    rows.column(0).AppendText(shop);
    rows.column(1).AppendTimestamp(*preprocessing::ParseTimestamp(origin, {}));
    model::ForecastAnswer answer;
    model::ForecastSession session(*forecaster_);
    const Status done = session.Forecast({.rows = rows, .now = {}}, answer);
    EXPECT_TRUE(done) << done.error().message;
    return answer;
  }

  SalesService service_{"refuse", "", models_.path()};
  std::unique_ptr<const model::Forecaster> forecaster_ = service_.Forecaster();
};

TEST_F(IntervalsTest, StandBehindTheValueOfEachStep) {
  const Response response = service_.Post(R"({"shop": "000", "steps": 1})");
  std::string names;
  const auto answer = nlohmann::ordered_json::parse(response.body);
  for (const auto& [name, value] : answer["forecast"][0].items()) names += name + " ";
  EXPECT_EQ(names, "step period value lower_80 upper_80 lower_97_5 upper_97_5 ");
}

TEST_F(IntervalsTest, AreThoseOfTheForecasterBitForBit) {
  for (int day = 10; day < SalesService::kDays; ++day) {
    const std::string origin = SalesService::DayText(day);
    const json answer = Ask(json{{"shop", "001"}, {"origin", origin}}.dump());
    const std::vector<PredictionInterval> expected = Forecast("001", origin).intervals;
    ASSERT_EQ(expected.size(), 4U);
    for (std::size_t step = 0; step < 2; ++step) {
      const json& line = answer["forecast"][step];
      EXPECT_EQ(line["lower_80"], expected[2 * step].lower);
      EXPECT_EQ(line["upper_80"], expected[2 * step].upper);
      EXPECT_EQ(line["lower_97_5"], expected[2 * step + 1].lower);
      EXPECT_EQ(line["upper_97_5"], expected[2 * step + 1].upper);
      EXPECT_LT(line["lower_80"], line["value"]);
      EXPECT_GT(line["upper_97_5"], line["upper_80"]);
    }
  }
}

TEST_F(IntervalsTest, AreTheSameInEveryFormOfAnswer) {
  std::string csv = "shop,origin,step,period,value,lower_80,upper_80,lower_97_5,upper_97_5\n";
  std::vector<json> lines;
  for (const std::string shop : {"000", "001"}) {
    const json row = Ask(json{{"shop", shop}}.dump());
    for (json step : row["forecast"]) {
      csv += fmt::format("{},{},{},{}", shop, row["origin"].get<std::string>(),
                         step["step"].get<int>(), step["period"].get<std::string>());
      for (const char* name : {"value", "lower_80", "upper_80", "lower_97_5", "upper_97_5"}) {
        csv += "," + step[name].dump();
      }
      csv += "\n";
      step["shop"] = shop;
      step["origin"] = row["origin"];
      lines.push_back(std::move(step));
    }
  }
  EXPECT_EQ(service_.Post("shop\n000\n001\n", {.content_type = "text/csv"}).body, csv);
  const Response answer = service_.Post("{\"shop\": \"000\"}\n{\"shop\": \"001\"}\n",
                                        {.content_type = "application/jsonlines"});
  std::istringstream stream(answer.body);
  std::vector<json> answered;
  for (std::string line; std::getline(stream, line);) answered.push_back(json::parse(line));
  EXPECT_EQ(answered, lines);
}

/// Each as of the day before, so with the first step's.
TEST_F(IntervalsTest, StandAroundDaysThatHaveHappened) {
  const json past = Ask(
      json{{"shop", "001"}, {"from", SalesService::DayText(40)}, {"to", SalesService::DayText(45)}}
          .dump(),
      {.query = "actuals=true"});
  ASSERT_EQ(past["forecast"].size(), 6U);
  for (int day = 40; day <= 45; ++day) {
    const json& line = past["forecast"][static_cast<std::size_t>(day - 40)];
    const auto expected = Forecast("001", SalesService::DayText(day)).intervals;
    EXPECT_EQ(line["lower_80"], expected[0].lower);
    EXPECT_EQ(line["upper_97_5"], expected[1].upper);
    EXPECT_TRUE(line.contains("actual"));
  }
}

TEST_F(IntervalsTest, AreNumbersOfEachStepInTheDescription) {
  const json api = json::parse(
      serving::Ask(service_.router(), {}, {.method = Method::kGet, .path = "/openapi.json"}).body);
  const json& answered = api["paths"]["/invocations"]["post"]["responses"]["200"]["content"]
                            ["application/json"]["schema"]["anyOf"][0]["anyOf"][0];
  const json& step = answered["properties"]["forecast"]["items"]["properties"];
  for (const char* name : {"lower_80", "upper_80", "lower_97_5", "upper_97_5"}) {
    ASSERT_TRUE(step.contains(name)) << name << " " << step;
    EXPECT_EQ(step[name]["type"], step["value"]["type"]) << name;
  }
}

class ColdIntervals : protected ModelsWithIntervals, public testing::Test {
 protected:
  SalesService service_{"naive", "", models_.path()};
};

TEST_F(ColdIntervals, AreLeftOutAroundABaseline) {
  const json unknown = json::parse(service_.Post(R"({"shop": "002", "steps": 1})").body);
  EXPECT_TRUE(unknown["forecast"][0]["cold_start"]);
  EXPECT_FALSE(unknown["forecast"][0].contains("lower_80")) << unknown;
  const json known = json::parse(service_.Post(R"({"shop": "000", "steps": 1})").body);
  EXPECT_TRUE(known["forecast"][0].contains("lower_80")) << known;
  EXPECT_THAT(service_.Post("shop\n002\n", {.content_type = "text/csv"}).body,
              testing::AllOf(StartsWith("shop,origin,step,period,value,cold_start,lower_80,"),
                             HasSubstr(",true,,,,\n")));
}

/// As the service of stores' sales names them, and as whole numbers.
constexpr std::string_view kRoutes = R"([
  {"method": "POST", "path": "/forecast", "rows": "$", "row": {"store_id": "shop"},
   "answer": {"$rows": {"$steps": {"timestamp": "$period", "value": "$value",
                                   "lower_ci": "$lower_97_5", "upper_ci": "$upper_97_5"}}}},
  {"method": "GET", "path": "/next/{shop}", "constants": {"steps": 1},
   "answer": {"least": {"$value": "lower_80", "round": "down"},
              "most": {"$value": "upper_80", "round": "up"}}}
])";

class IntervalRoutes : protected ModelsWithIntervals, public testing::Test {
 protected:
  json Get(std::string_view path) {
    return json::parse(
        serving::Ask(service_.router(), {}, {.method = Method::kGet, .path = path}).body);
  }

  SalesService service_{"naive", kRoutes, models_.path()};
};

TEST_F(IntervalRoutes, CallThemAsCallersDo) {
  const json asked = json::parse(service_.Post(R"({"shop": "001"})").body)["forecast"];
  const json routed =
      json::parse(service_.Post(R"([{"store_id": "001"}])", {.path = "/forecast"}).body)[0];
  ASSERT_EQ(routed.size(), asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(routed[i], (json{{"timestamp", asked[i]["period"]},
                               {"value", asked[i]["value"]},
                               {"lower_ci", asked[i]["lower_97_5"]},
                               {"upper_ci", asked[i]["upper_97_5"]}}));
  }
}

TEST_F(IntervalRoutes, RoundThemAway) {
  const json asked = json::parse(service_.Post(R"({"shop": "001"})").body)["forecast"][0];
  EXPECT_EQ(Get("/next/001"), (json{{"least", std::floor(asked["lower_80"].get<double>())},
                                    {"most", std::ceil(asked["upper_80"].get<double>())}}));
}

TEST_F(IntervalRoutes, SayNullAroundAColdStart) {
  EXPECT_EQ(Get("/next/002"), (json{{"least", nullptr}, {"most", nullptr}}));
}

TEST_F(IntervalRoutes, AreDescribedUnderTheCallersNames) {
  const json answered = Get("/openapi.json")["paths"]["/forecast"]["post"]["responses"]["200"]
                                            ["content"]["application/json"]["schema"];
  const json& step = answered["items"]["items"]["properties"];
  EXPECT_EQ(step["lower_ci"], step["value"]) << answered;
  EXPECT_EQ(step["upper_ci"]["type"], (json{"number", "null"}));
}

TEST_F(IntervalRoutes, AreRefusedForALevelThatTheVersionDoesNotHave) {
  try {
    SalesService service("refuse",
                         R"([{"method": "GET", "path": "/next/{shop}", "constants": {"steps": 1},
                              "answer": "$lower_90"}])",
                         models_.path());
    ADD_FAILURE() << "it was served";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("routes.json: $[0].answer"));
    EXPECT_THAT(error.what(), HasSubstr("lower_90"));
  }
}

}  // namespace
}  // namespace forkcast::serving
