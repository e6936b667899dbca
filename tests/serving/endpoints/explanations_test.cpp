#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "serving/endpoints/explained_models.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/endpoints/sales_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::filesystem::path kBefore = FORKCAST_SOURCE_DIR "/tests/data/published";

/// The forecast of tests/data/published with what explains it: the model learns ln(1 + amount /
/// mean), with the mean of the last week as a feature.
class ExplainedModels {
 protected:
  ExplainedModels() {
    PublishExplained(kBefore, "sales", {{"weekday", "season"}, {"mean", "level"}}, models_.path());
    PublishExplained(kBefore, "delivery", {{"hour", "time"}}, models_.path());
  }

  preprocessing::TempFolder models_;
};

class ExplainedForecastsTest : protected ExplainedModels, public testing::Test {
 protected:
  json Ask(std::string_view body, std::string_view query) {
    const Response response = service_.Post(body, {.query = query});
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }

  SalesService service_{"naive", "", models_.path()};
};

double SumOf(const json& parts) {
  double sum = 0;
  for (const json& part : parts) sum += part["contribution"].get<double>();
  return sum;
}

TEST_F(ExplainedForecastsTest, AddUpToTheScoreThatTheValueIsTurnedBackFrom) {
  for (int day = 10; day < SalesService::kDays; ++day) {
    const json answer = Ask(json{{"shop", "001"}, {"origin", SalesService::DayText(day)}}.dump(),
                            "explain=true&features=true");
    for (const json& step : answer["forecast"]) {
      const json& why = step["explanation"];
      EXPECT_EQ(why["scale"], "scale+log1p");
      const double score = why["score"];
      EXPECT_NEAR(
          why["base"].get<double>() + SumOf(why["contributions"]) + why["others"].get<double>(),
          score, 1e-9);
      const double value = step["value"];
      EXPECT_NEAR(step["features"]["mean"].get<double>() * std::expm1(score), value, 1e-6 * value);
    }
  }
}

TEST_F(ExplainedForecastsTest, SayEachFeatureWithItsValueAndTheFactorThatItMeans) {
  const json step =
      Ask(R"({"shop": "000", "steps": 1})", "explain=true&features=true")["forecast"][0];
  ASSERT_FALSE(step["explanation"]["contributions"].empty());
  for (const json& part : step["explanation"]["contributions"]) {
    EXPECT_EQ(part["value"], step["features"][part["feature"].get<std::string>()]);
    EXPECT_DOUBLE_EQ(part["factor"].get<double>(), std::exp(part["contribution"].get<double>()));
  }
}

TEST_F(ExplainedForecastsTest, ListTheLargestFirstAndSumUpTheOthers) {
  constexpr std::string_view kRow = R"({"shop": "000", "steps": 1})";
  const json all = Ask(kRow, "explain=true")["forecast"][0]["explanation"];
  const json one = Ask(kRow, "explain=1")["forecast"][0]["explanation"];
  const json& parts = all["contributions"];
  ASSERT_GT(parts.size(), 1U);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    EXPECT_GE(std::abs(parts[i - 1]["contribution"].get<double>()),
              std::abs(parts[i]["contribution"].get<double>()));
  }
  EXPECT_EQ(one["contributions"], json::array({parts[0]}));
  EXPECT_NEAR(one["others"].get<double>(), SumOf(parts) - parts[0]["contribution"].get<double>(),
              1e-12);
  EXPECT_EQ(one["score"], all["score"]);
}

TEST_F(ExplainedForecastsTest, SumUpAllFeaturesByGroupTheOthersTogether) {
  const json why =
      Ask(R"({"shop": "000", "steps": 1})", "explain=true")["forecast"][0]["explanation"];
  std::vector<std::string> names;
  for (const json& group : why["groups"]) names.push_back(group["group"]);
  EXPECT_THAT(names, testing::UnorderedElementsAre("season", "level", "other"));
  EXPECT_NEAR(why["base"].get<double>() + SumOf(why["groups"]), why["score"].get<double>(), 1e-9);
}

TEST_F(ExplainedForecastsTest, OfABaselineThatStandsInAreNull) {
  const json answer = Ask(R"({"shop": "002", "steps": 1})", "explain=true");
  EXPECT_TRUE(answer["forecast"][0]["explanation"].is_null());
}

TEST_F(ExplainedForecastsTest, AreTheOnlyDifference) {
  constexpr std::string_view kRows = R"([{"shop": "000"}, {"shop": "001", "steps": 1}])";
  json explained = Ask(kRows, "explain=true");
  for (json& row : explained) {
    for (json& step : row["forecast"]) step.erase("explanation");
  }
  EXPECT_EQ(explained, Ask(kRows, ""));
  EXPECT_EQ(Ask(kRows, "explain=false"), Ask(kRows, ""));
}

class ExplainedClassesTest : protected ExplainedModels, public testing::Test {
 protected:
  ExplainedClassesTest() {
    auto loaded = LoadDeployments(
        std::vector{Deployment{.name = "delivery", .model = "delivery@1", .origin = "--deploy"}},
        models_.path());
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
  }

  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  TestService test_{slots_, 0, clock_};
};

TEST_F(ExplainedClassesTest, AddUpToTheLogOddsOfTheSecondOfTwo) {
  for (int pieces = 0; pieces < 20; ++pieces) {
    const json order{
        {"shop", pieces % 2 == 0 ? "a" : "b"}, {"at", "2024-01-02T08:00:00"}, {"pieces", pieces}};
    const Response response = PostTo(test_.router, order.dump(), {.query = "explain=true"});
    ASSERT_EQ(response.status, 200) << response.body;
    const json answer = json::parse(response.body);
    const json& why = answer["explanation"];
    EXPECT_EQ(why["of"], "true");
    EXPECT_EQ(why["scale"], "log_odds");
    EXPECT_NEAR(why["base"].get<double>() + SumOf(why["contributions"]), why["score"].get<double>(),
                1e-9);
    EXPECT_NEAR(1 / (1 + std::exp(-why["score"].get<double>())),
                answer["probability.true"].get<double>(), 1e-6);
    for (const json& part : why["contributions"]) {
      // A text in several columns is one feature.
      EXPECT_THAT(part["feature"], testing::AnyOf("shop", "pieces", "hour"));
    }
  }
}

struct RefusalCase {
  const char* name;
  std::string query;
  int status;
  std::string message;
  std::string accept{};

  friend std::ostream& operator<<(std::ostream& out, const RefusalCase& one) {
    return out << one.name;
  }
};

class ExplanationRefusal : protected ExplainedModels, public testing::TestWithParam<RefusalCase> {
 protected:
  SalesService service_{"refuse", "", models_.path()};
};

TEST_P(ExplanationRefusal, SaysWhatWasExpected) {
  const Response response =
      service_.Post(R"({"shop": "000"})", {.query = GetParam().query, .accept = GetParam().accept});
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_THAT(response.body, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ExplanationRefusal,
    testing::Values(
        RefusalCase{"OfNoContributionAtAll", "explain=0", 400, "how many contributions to list"},
        RefusalCase{"OfTooMany", "explain=1001", 400, "(1 to 1000)"},
        RefusalCase{"OfAWord", "explain=please", 400, "expected true, false, or how many"},
        RefusalCase{"OfAnotherSpelling", "Explain=true", 400, "explain"},
        RefusalCase{"InCsv", "explain=true", 406, "ask for JSON", "text/csv"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ExplanationOfAVersionOfBefore, IsRefusedAndSaysWhatToDo) {
  SalesService service;
  const Response response = service.Post(R"({"shop": "000"})", {.query = "explain=true"});
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("train it anew, by forkcast train or forkcast retrain"));
}

TEST(ExplanationOfADecisionTree, IsRefusedSinceNobodyCountedItsRows) {
  OrderService service;
  const Response response = service.Post(R"({"order_id": "1"})", {.query = "explain=true"});
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("was not trained here"));
}

}  // namespace
}  // namespace forkcast::serving
