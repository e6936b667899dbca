#include "model/history/history_method.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <ostream>
#include <random>
#include <tuple>

#include "data_preprocessing/document/json.hpp"
#include "model/evaluate/baselines.hpp"
#include "model/history/exponential_smoothing.hpp"
#include "model/history/seasonal_decomposition.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecErrorOf;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pointwise;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;

std::unique_ptr<const HistoryMethod> Method(const ordered_json& declaration) {
  return FindHistoryMethod(JsonNode(declaration));
}

Values ForecastOf(const HistoryMethod& method, const LearnedSeries& learned, const Values& history,
                  std::size_t steps) {
  auto forecaster = method.Make(learned);
  EXPECT_TRUE(forecaster) << forecaster.error().message;
  Values out(steps);
  HistoryScratch scratch;
  (*forecaster)->Forecast(history, out, scratch);
  return out;
}
Values ForecastOf(const ordered_json& declaration, const Values& history, std::size_t steps) {
  const auto method = Method(declaration);
  return ForecastOf(*method, method->Learn(history), history, steps);
}

double AbsoluteError(const Values& forecast, const Values& actual) {
  double sum = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) sum += std::abs(forecast[i] - actual[i]);
  return sum;
}

/// What statsforecast 2.1 says of invented series; statsforecast_oracle.py writes it.
const ordered_json& Oracle() {
  static const ordered_json oracle = preprocessing::ReadJsonFile(
      std::string(FORKCAST_SOURCE_DIR) + "/tests/model/history/statsforecast.json");
  return oracle;
}

/// What exponential smoothing learns of each of them; that takes a while, so once.
const std::vector<LearnedSeries>& LearnedByEts() {
  static const std::vector<LearnedSeries> learned = [] {
    std::vector<LearnedSeries> all;
    for (const ordered_json& series : Oracle()["series"]) {
      const auto method = Method({{"algorithm", "ets"}, {"season", series["season"]}});
      all.push_back(method->Learn(series["past"].get<Values>()));
    }
    return all;
  }();
  return learned;
}

struct Rival {
  const char* name;
  const char* declaration;
  const char* theirs;  ///< Where its forecast is.
};
void PrintTo(const Rival& one, std::ostream* out) { *out << one.name; }

class FittedMethod : public testing::TestWithParam<Rival> {};

TEST_P(FittedMethod, IsAsAccurateAsStatsforecastWithinAPercent) {
  double ours = 0;
  double theirs = 0;
  for (std::size_t i = 0; i < Oracle()["series"].size(); ++i) {
    const ordered_json& series = Oracle()["series"][i];
    const Values past = series["past"];
    const Values future = series["future"];
    ordered_json declaration = ordered_json::parse(GetParam().declaration);
    declaration["season"] = series["season"];
    const auto method = Method(declaration);
    const LearnedSeries learned =
        declaration["algorithm"] == "ets" ? LearnedByEts()[i] : method->Learn(past);
    // Relative to the series' size, so that each counts alike.
    const double size = std::accumulate(future.begin(), future.end(), 0.0);
    ours += AbsoluteError(ForecastOf(*method, learned, past, future.size()), future) / size;
    theirs +=
        AbsoluteError(series.at(ordered_json::json_pointer(GetParam().theirs)), future) / size;
  }
  RecordProperty("ours", fmt::format("{}", ours));
  RecordProperty("theirs", fmt::format("{}", theirs));
  EXPECT_LT(ours, 1.01 * theirs);
  EXPECT_GT(ours, 0.9 * theirs) << "of a model that is the same";
}

INSTANTIATE_TEST_SUITE_P(
    Models, FittedMethod,
    testing::Values(
        Rival{"Ets", R"({"algorithm": "ets"})", "/ets/forecast"},
        Rival{"Theta", R"({"algorithm": "theta"})", "/theta/STM"},
        Rival{"OptimizedTheta", R"({"algorithm": "theta", "variant": "optimized"})", "/theta/OTM"},
        Rival{"DynamicTheta", R"({"algorithm": "theta", "variant": "dynamic"})", "/theta/DSTM"},
        Rival{"DynamicOptimizedTheta", R"({"algorithm": "theta", "variant": "dynamic_optimized"})",
              "/theta/DOTM"}),
    [](const auto& param) { return param.param.name; });

TEST(Ets, ChoosesTheFormOfStatsforecastForMostSeries) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < LearnedByEts().size(); ++i) {
    equal += LearnedByEts()[i].form == Oracle()["series"][i]["ets"]["form"] ? 1U : 0U;
  }
  // Where two forms have nearly the same AICc, where the search ended decides.
  EXPECT_GE(equal, Oracle()["series"].size() * 3 / 4);
}

class ThetaVariantOf : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ThetaVariantOf, IsThatOfStatsforecastForGivenParameters) {
  const auto& [variant, theirs] = GetParam();
  for (const ordered_json& series : Oracle()["series"]) {
    const Values past = series["past"];
    const auto method =
        Method({{"algorithm", "theta"}, {"season", series["season"]}, {"variant", variant}});
    LearnedSeries learned = method->Learn(past);
    learned.parameters[0] = Oracle()["level"];
    learned.parameters[1] = Oracle()["alpha"];
    const Values expected = series["theta_given"][theirs];
    EXPECT_THAT(ForecastOf(*method, learned, past, expected.size()),
                Pointwise(DoubleNear(1e-9 * expected.front()), expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, ThetaVariantOf,
                         testing::Values(std::pair{"standard", "STM"},
                                         std::pair{"dynamic", "DSTM"}),
                         [](const auto& param) { return param.param.first; });

class IntermittentMethod : public testing::TestWithParam<const char*> {};

TEST_P(IntermittentMethod, IsThatOfStatsforecast) {
  for (const ordered_json& series : Oracle()["intermittent"]) {
    const double expected = series[GetParam()];
    EXPECT_THAT(ForecastOf({{"algorithm", GetParam()}}, series["past"], 3),
                ElementsAre(DoubleNear(expected, 1e-9), DoubleNear(expected, 1e-9),
                            DoubleNear(expected, 1e-9)));
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, IntermittentMethod, testing::Values("croston", "sba", "tsb"),
                         [](const auto& param) { return param.param; });

struct BaselineCase {
  const char* declaration;
  BaselineSpec spec;
};
void PrintTo(const BaselineCase& one, std::ostream* out) { *out << one.declaration; }

class BaselineAlgorithm : public testing::TestWithParam<BaselineCase> {};

TEST_P(BaselineAlgorithm, SaysWhatTheBaselineSays) {
  const Values history{0, 3, kNaN, 5, 0, 7, 2, 8, 0, 1};
  const auto method = Method(ordered_json::parse(GetParam().declaration));
  EXPECT_FALSE(method->learns());
  const Values forecast = ForecastOf(*method, method->Learn(history), history, 5);
  for (std::size_t i = 0; i < forecast.size(); ++i) {
    EXPECT_EQ(forecast[i], ForecastBaseline(GetParam().spec, history, i + 1).value);
  }
}

using Kind = BaselineKind;
INSTANTIATE_TEST_SUITE_P(
    Baselines, BaselineAlgorithm,
    testing::Values(
        BaselineCase{R"({"algorithm": "zero"})", {.kind = Kind::kZero}},
        BaselineCase{R"({"algorithm": "naive"})", {.kind = Kind::kNaive}},
        BaselineCase{R"({"algorithm": "seasonal_naive", "season": 3})",
                     {.kind = Kind::kSeasonalNaive, .periods = 3}},
        BaselineCase{R"({"algorithm": "seasonal_naive", "season": 40, "fallback": "naive"})",
                     {.kind = Kind::kSeasonalNaive, .periods = 40, .falls_back_to_naive = true}},
        BaselineCase{R"({"algorithm": "moving_average", "window": 4})",
                     {.kind = Kind::kMovingAverage, .periods = 4}},
        BaselineCase{R"({"algorithm": "rolling_median", "window": 5})",
                     {.kind = Kind::kRollingMedian, .periods = 5}},
        BaselineCase{R"({"algorithm": "historic_mean"})", {.kind = Kind::kHistoricMean}},
        BaselineCase{R"({"algorithm": "croston"})", {.kind = Kind::kCroston}},
        BaselineCase{R"({"algorithm": "sba", "alpha": 0.3})", {.kind = Kind::kSba, .alpha = 0.3}},
        BaselineCase{R"({"algorithm": "tsb", "alpha": 0.2})", {.kind = Kind::kTsb, .alpha = 0.2}}),
    [](const auto& param) { return fmt::format("{}_{}", param.index, NameOf(param.param.spec)); });

struct StandInCase {
  const char* name;
  Values history;
  const char* form;
  const char* remark;
};
void PrintTo(const StandInCase& one, std::ostream* out) { *out << one.name; }

class HistoryThatFitsNoModel : public testing::TestWithParam<StandInCase> {};

TEST_P(HistoryThatFitsNoModel, GetsSomethingSimplerAndSaysWhy) {
  for (const char* const algorithm : {"ets", "theta"}) {
    const LearnedSeries learned = Method({{"algorithm", algorithm}})->Learn(GetParam().history);
    EXPECT_EQ(learned.form, GetParam().form) << algorithm;
    EXPECT_THAT(learned.remark, HasSubstr(GetParam().remark)) << algorithm;
    EXPECT_THAT(learned.parameters, IsEmpty()) << algorithm;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Histories, HistoryThatFitsNoModel,
    testing::Values(StandInCase{"OfThreeValues", {4, kNaN, 5, 6}, "naive", "fewer than"},
                    StandInCase{"OfOneValueAlone", {4, 4, 4, 4, 4, 4, 4, 4}, "naive", "the same"},
                    StandInCase{
                        "MostlyZero", {0, 0, 3, 0, 0, 1, 0, 0, 5}, "sba", "more than half"}),
    [](const auto& param) { return param.param.name; });

/// Values with a season of four, a trend, and noise.
Values Sample(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 2);
  Values values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(60 + 0.4 * static_cast<double>(i) + 10.0 * static_cast<double>(i % 4) +
                     noise(random));
  }
  return values;
}

class FittedForecast : public testing::TestWithParam<const char*> {};

TEST_P(FittedForecast, ReadsAValueThatCameAfterTheTraining) {
  const auto method = Method({{"algorithm", GetParam()}, {"season", 4}});
  Values history = Sample(60, 1);
  const LearnedSeries learned = method->Learn(history);
  history.push_back(200);
  const Values up = ForecastOf(*method, learned, history, 4);
  history.back() = 20;
  const Values down = ForecastOf(*method, learned, history, 4);
  for (std::size_t i = 0; i < up.size(); ++i) EXPECT_GT(up[i], down[i]) << i;
}

TEST_P(FittedForecast, KeepsItsSeasonInPhaseOverHoles) {
  Values history = Sample(61, 2);
  const Values whole = ForecastOf({{"algorithm", GetParam()}, {"season", 4}}, history, 8);
  history[30] = kNaN;
  history[31] = kNaN;
  const Values with_holes = ForecastOf({{"algorithm", GetParam()}, {"season", 4}}, history, 8);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_NEAR(with_holes[i], whole[i], 0.06 * whole[i]) << i;
  }
}

TEST_P(FittedForecast, IsThereAgainFromItsParameters) {
  const auto method = Method({{"algorithm", GetParam()}, {"season", 4}});
  const Values history = Sample(60, 3);
  const LearnedSeries learned = method->Learn(history);
  const ordered_json stored = learned.parameters;
  const LearnedSeries read{.form = learned.form,
                           .parameters = ordered_json::parse(stored.dump()).get<Values>()};
  EXPECT_EQ(ForecastOf(*method, read, history, 6), ForecastOf(*method, learned, history, 6));
}

TEST_P(FittedForecast, RefusesParametersOfAnotherForm) {
  const auto method = Method({{"algorithm", GetParam()}, {"season", 4}});
  LearnedSeries learned = method->Learn(Sample(60, 4));
  learned.parameters.push_back(1);
  const auto made = method->Make(learned);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(method->Make({.form = "ETS(X,N,N)", .parameters = {0.5, 0, 0, 1, 3, 0}}));
}

INSTANTIATE_TEST_SUITE_P(Methods, FittedForecast, testing::Values("ets", "theta"),
                         [](const auto& param) { return param.param; });

TEST(Ets, DampsATrendByTheSumOfItsPowers) {
  const EtsModel model{.form = {.has_trend = true, .is_damped = true},
                       .alpha = 0.5,
                       .beta = 0.1,
                       .phi = 0.9,
                       .level = 10,
                       .growth = 2};
  Values out(3);
  Values scratch;
  ForecastEts(model, {}, out, scratch);
  EXPECT_THAT(out, Pointwise(DoubleNear(1e-12), Values{10 + 2 * 0.9, 10 + 2 * (0.9 + 0.81),
                                                       10 + 2 * (0.9 + 0.81 + 0.729)}));
}

TEST(Ets, TriesNothingThatMultipliesWhereAValueIsNotPositive) {
  Values history = Sample(40, 5);
  history[7] = -1;
  const LearnedSeries learned = Method({{"algorithm", "ets"}, {"season", 4}})->Learn(history);
  EXPECT_THAT(learned.form, Not(HasSubstr("M")));
}

TEST(SeasonalIndices, AreWhatAPhaseAddsToTheTrend) {
  Values values;
  for (std::size_t i = 0; i < 16; ++i) {
    values.push_back(2.0 * static_cast<double>(i) + Values{5, -1, -3, -1}[i % 4]);
  }
  EXPECT_THAT(SeasonalIndices(values, 4, Seasonality::kAdditive),
              Pointwise(DoubleNear(1e-12), Values{5, -1, -3, -1}));
}

struct BadDeclaration {
  const char* name;
  const char* declaration;
  const char* error;
};
void PrintTo(const BadDeclaration& one, std::ostream* out) { *out << one.name; }

class BadMethod : public testing::TestWithParam<BadDeclaration> {};

TEST_P(BadMethod, IsRefusedWithItsPlace) {
  const ordered_json declaration = ordered_json::parse(GetParam().declaration);
  EXPECT_THAT(SpecErrorOf([&] { std::ignore = FindHistoryMethod(JsonNode(declaration)); }),
              HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Declarations, BadMethod,
    testing::Values(
        BadDeclaration{"TreesOfEts", R"({"algorithm": "ets", "trees": 10})", "trees"},
        BadDeclaration{"SeasonWithoutItsPeriods", R"({"algorithm": "ets", "model": "AAA"})",
                       "$.model: a season needs \"season\""},
        BadDeclaration{"UnstableForm", R"({"algorithm": "ets", "season": 4, "model": "AAM"})",
                       "$.model: an additive error beside a multiplicative season"},
        BadDeclaration{"TwoLetters", R"({"algorithm": "ets", "model": "ZZ"})",
                       "$.model: expected three letters"},
        BadDeclaration{"NothingToDamp", R"({"algorithm": "ets", "model": "ZNN", "damped": true})",
                       "$.damped: a model without trend"},
        BadDeclaration{"UnknownVariant", R"({"algorithm": "theta", "variant": "best"})",
                       "$.variant: expected standard, optimized"},
        BadDeclaration{"WindowMissing", R"({"algorithm": "moving_average"})", "window"},
        BadDeclaration{"AlphaBeyondOne", R"({"algorithm": "sba", "alpha": 2})", "sba"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
