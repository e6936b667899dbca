#include "model/forecast/conformal_intervals.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A forecast, and the scale of its key: whatever is chosen, the errors' unit is 128, by which
/// dividing is exact.
constexpr double kForecast = 128;

/// Errors 1, 2, ... `count`, each in a period of its own.
std::vector<ForecastError> Errors(int count, std::size_t step = 1) {
  std::vector<ForecastError> errors;
  for (int i = 1; i <= count; ++i) {
    errors.push_back({.step = step,
                      .period = i,
                      .forecast = kForecast,
                      .actual = kForecast + i,
                      .key_scale = kForecast});
  }
  return errors;
}

std::vector<PredictionInterval> Around(const ConformalIntervals& intervals, double forecast,
                                       std::size_t step = 1, double key_scale = kForecast) {
  std::vector<PredictionInterval> found(intervals.levels().size());
  intervals.Around(forecast, step, key_scale, found);
  return found;
}

struct NeededCase {
  double level = 0;
  std::size_t errors = 0;
};
void PrintTo(const NeededCase& one, std::ostream* out) { *out << one.level; }

class AnIntervalNeeds : public testing::TestWithParam<NeededCase> {};

/// With n errors the extreme ones hold n - 1 of n + 1.
TEST_P(AnIntervalNeeds, AsManyErrorsAsTellItsTails) {
  const auto& [level, needed] = GetParam();
  EXPECT_EQ(ErrorsNeeded(level), needed);
  const auto with = ConformalIntervals::Fit(Errors(static_cast<int>(needed)), {.levels = {level}});
  EXPECT_TRUE(with) << with.error().message;
  const auto fewer =
      ConformalIntervals::Fit(Errors(static_cast<int>(needed) - 1), {.levels = {level}});
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(
      fewer.error().message,
      HasSubstr(fmt::format("of level {:g} needs at least {} forecasts to compare with what "
                            "happened, and the folds have {}",
                            level, needed, needed - 1)));
}

INSTANTIATE_TEST_SUITE_P(Levels, AnIntervalNeeds,
                         testing::Values(NeededCase{0.5, 3}, NeededCase{0.8, 9},
                                         NeededCase{0.9, 19}, NeededCase{0.95, 39},
                                         NeededCase{0.99, 199}),
                         [](const auto& param) {
                           return fmt::format("Of{:.0f}Percent", 100 * param.param.level);
                         });

/// The upper bound of 80 % of 19 errors is the 18th, 0.9 * (19 + 1), not the 17.1th; of two sides
/// each has its own.
TEST(ConformalIntervals, TakeTheOrderStatisticThatCountsTheErrorToCome) {
  std::vector<ForecastError> errors = Errors(19);
  for (ForecastError& error : errors) error.actual -= 10;  // -9 .. 9
  errors.front().actual = 0;                               // the least is far off
  const auto intervals = *ConformalIntervals::Fit(errors, {.levels = {0.8}});
  EXPECT_EQ(Around(intervals, kForecast),
            (std::vector<PredictionInterval>{{.lower = 120, .upper = 136}}));
}

TEST(ConformalIntervals, ContainTheirForecastAlsoWhereAllErrorsAreOnOneSide) {
  const auto intervals = *ConformalIntervals::Fit(Errors(19), {.levels = {0.8}});
  EXPECT_EQ(Around(intervals, kForecast),
            (std::vector<PredictionInterval>{{.lower = kForecast, .upper = kForecast + 18}}));
}

TEST(ConformalIntervals, LieWithinThoseOfHigherLevelsAndNotBelow0WhereValuesAreNot) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise(0, 30);
  std::vector<ForecastError> errors;
  for (int i = 0; i < 500; ++i) {
    errors.push_back({.step = static_cast<std::size_t>(1 + i % 4),
                      .period = i,
                      .forecast = 40,
                      .actual = std::max(0.0, 40 + noise(random)),
                      .key_scale = 5});
  }
  const auto intervals = *ConformalIntervals::Fit(
      errors, {.levels = {0.5, 0.8, 0.95}, .horizon = 4, .not_negative = true});
  for (std::size_t step = 1; step <= 4; ++step) {
    for (const double forecast : {0.0, 3.0, 40.0, 1e6}) {
      const std::vector<PredictionInterval> found = Around(intervals, forecast, step, 5);
      EXPECT_TRUE(found.front().Contains(forecast));
      EXPECT_GE(found.back().lower, 0);
      for (std::size_t i = 1; i < found.size(); ++i) {
        EXPECT_LE(found[i].lower, found[i - 1].lower);
        EXPECT_GE(found[i].upper, found[i - 1].upper);
      }
    }
  }
}

struct ScaleCase {
  std::string name;
  /// The spread of the errors around a forecast of a key.
  std::function<double(double forecast, double key_scale)> spread;
  IntervalScale expected;
};
void PrintTo(const ScaleCase& one, std::ostream* out) { *out << one.name; }

class TheScale : public testing::TestWithParam<ScaleCase> {
 protected:
  /// Keys of all sizes, each with forecasts of all sizes.
  static std::vector<ForecastError> Errors(std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<ForecastError> errors;
    for (int i = 0; i < 6000; ++i) {
      const double key_scale = std::exp(std::uniform_real_distribution(0.0, 5.0)(random));
      const double forecast =
          key_scale * std::exp(std::uniform_real_distribution(-2.0, 3.0)(random));
      const double spread = GetParam().spread(forecast, key_scale);
      const double error = std::normal_distribution(0.0, spread)(random);
      errors.push_back({.step = 1,
                        .period = i % 100,
                        .forecast = forecast,
                        .actual = forecast + error,
                        .key_scale = key_scale});
    }
    return errors;
  }
};

/// So that small and large keys, and forecasts, are covered alike by a pool of all.
TEST_P(TheScale, IsTheOneByWhichErrorsAreAlike) {
  const auto intervals = *ConformalIntervals::Fit(Errors(1), {.levels = {0.8}});
  EXPECT_EQ(intervals.scale(), GetParam().expected);
  std::array<IntervalSums, 3> thirds{IntervalSums(intervals.levels()),
                                     IntervalSums(intervals.levels()),
                                     IntervalSums(intervals.levels())};
  for (const ForecastError& later : Errors(2)) {
    const auto third = static_cast<std::size_t>(std::log(later.key_scale) / 5 * 3);
    thirds[third].Add(later.actual, later.forecast,
                      Around(intervals, later.forecast, 1, later.key_scale), kNaN);
  }
  for (const IntervalSums& third : thirds) EXPECT_NEAR(third.coverage(0), 0.8, 0.04);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TheScale,
    testing::Values(
        ScaleCase{"OfTheKey", [](double, double key) { return 0.7 * key; }, IntervalScale::kKey},
        ScaleCase{"OfTheForecast", [](double forecast, double) { return 0.2 * forecast; },
                  IntervalScale::kForecast},
        ScaleCase{"OfBoth",
                  [](double forecast, double key) { return 0.4 * std::sqrt(forecast * key); },
                  IntervalScale::kBoth}),
    [](const auto& param) { return param.param.name; });

/// Later steps err more. Each has a pool of its own once that has errors of enough periods.
TEST(ConformalIntervals, AreWiderForStepsThatErrMore) {
  std::vector<ForecastError> errors;
  for (int period = 0; period < 400; ++period) {
    for (std::size_t step = 1; step <= 3; ++step) {
      const double error = (period % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(step);
      errors.push_back({.step = step,
                        .period = period,
                        .forecast = kForecast,
                        .actual = kForecast + error,
                        .key_scale = kForecast});
    }
  }
  const auto intervals = *ConformalIntervals::Fit(errors, {.levels = {0.8}, .horizon = 3});
  for (std::size_t step = 1; step <= 3; ++step) {
    const auto size = static_cast<double>(step);
    EXPECT_EQ(
        Around(intervals, kForecast, step),
        (std::vector<PredictionInterval>{{.lower = kForecast - size, .upper = kForecast + size}}));
  }
}

/// Thousand keys in one period are one day's weather, not thousand errors.
TEST(ConformalIntervals, TakeErrorsOfStepsAroundWhereAStepHasThoseOfFewPeriods) {
  std::vector<ForecastError> errors;
  for (int key = 0; key < 1000; ++key) {
    for (std::size_t step = 1; step <= 12; ++step) {
      const double error = (key % 2 == 0 ? 1.0 : -1.0) * (step == 6 ? 1 : 10);
      errors.push_back({.step = step,
                        .period = static_cast<std::int64_t>(step),
                        .forecast = kForecast,
                        .actual = kForecast + error,
                        .key_scale = kForecast});
    }
  }
  const auto intervals = *ConformalIntervals::Fit(errors, {.levels = {0.8}, .horizon = 12});
  EXPECT_EQ(Around(intervals, kForecast, 6),
            (std::vector<PredictionInterval>{{.lower = kForecast - 10, .upper = kForecast + 10}}));
}

/// Errors of small forecasts are as large as these, of others a 16th: no one scale says so.
TEST(ConformalIntervals, HaveBoundsOfTheirOwnForSmallMiddleAndLargeForecasts) {
  std::vector<ForecastError> errors;
  for (int i = 0; i < 600; ++i) {
    for (const double forecast : {1.0, 16.0, 1024.0}) {
      const double size = forecast == 1 ? 1 : forecast / 16;
      errors.push_back({.step = 1,
                        .period = i,
                        .forecast = forecast,
                        .actual = forecast + (i % 2 == 0 ? size : -size),
                        .key_scale = forecast});
    }
  }
  const auto fitted = *ConformalIntervals::Fit(errors, {.levels = {0.8}});
  EXPECT_EQ(fitted.ToJson()["sizes"], ordered_json({16.0, 1024.0}));
  const std::string text = fitted.ToJson().dump();
  const ordered_json json = preprocessing::ParseJson(text);
  const auto read = ConformalIntervals::FromJson(JsonNode(json), fitted.levels(), 1);
  EXPECT_EQ(read.ToJson().dump(), text);
  for (const ConformalIntervals* const one : {&fitted, &read}) {
    EXPECT_EQ(Around(*one, 1, 1, 1), (std::vector<PredictionInterval>{{.lower = 0, .upper = 2}}));
    EXPECT_EQ(Around(*one, 16, 1, 16),
              (std::vector<PredictionInterval>{{.lower = 15, .upper = 17}}));
    EXPECT_EQ(Around(*one, 1024, 1, 1024),
              (std::vector<PredictionInterval>{{.lower = 960, .upper = 1088}}));
  }
}

/// So many errors of `size` above and below, each with `weight`, behind those that are there.
void AddErrors(int count, double size, double weight, std::vector<ForecastError>& errors) {
  for (int i = 0; i < count; ++i) {
    errors.push_back({.step = 1,
                      .period = static_cast<std::int64_t>(errors.size()),
                      .forecast = kForecast,
                      .actual = kForecast + (i % 2 == 0 ? size : -size),
                      .key_scale = kForecast,
                      .weight = weight});
  }
}

/// Of 1000 errors of 10 and as many of 1, those of 10 are half; a tenth as heavy they are 9 %.
TEST(ConformalIntervals, CountErrorsByTheirWeight) {
  std::vector<ForecastError> errors;
  AddErrors(1000, 10, 0.1, errors);
  AddErrors(1000, 1, 1, errors);
  EXPECT_EQ(Around(*ConformalIntervals::Fit(errors, {.levels = {0.8}}), kForecast),
            (std::vector<PredictionInterval>{{.lower = 127, .upper = 129}}));
  for (ForecastError& error : errors) error.weight = 1;
  EXPECT_EQ(Around(*ConformalIntervals::Fit(errors, {.levels = {0.8}}), kForecast),
            (std::vector<PredictionInterval>{{.lower = 118, .upper = 138}}));
}

/// A few errors would not tell the tails once some of them hardly count.
TEST(ConformalIntervals, CountErrorsAlikeWhereTheirWeightIsThatOfTooFew) {
  std::vector<ForecastError> errors;
  AddErrors(20, 10, 0.1, errors);
  AddErrors(20, 1, 1, errors);
  EXPECT_EQ(Around(*ConformalIntervals::Fit(errors, {.levels = {0.8}}), kForecast),
            (std::vector<PredictionInterval>{{.lower = 118, .upper = 138}}));
}

TEST(KeyScale, IsTheMeanChangeOfASeasonOrElseOfAPeriod) {
  constexpr std::array kValues{1.0, 5.0, 2.0, 7.0, 4.0};
  EXPECT_DOUBLE_EQ(KeyScale(kValues, 2), 5.0 / 3);
  EXPECT_DOUBLE_EQ(KeyScale(std::span(kValues).first(2), 2), 4);
  EXPECT_TRUE(std::isnan(KeyScale(std::span(kValues).first(1), 2)));
}

TEST(ConformalIntervals, OfAKeyWithoutAPastAreInUnitsOfItsForecast) {
  std::vector<ForecastError> errors = Errors(39);
  for (ForecastError& error : errors) error.actual -= 20;
  const auto intervals = *ConformalIntervals::Fit(errors, {.levels = {0.8}});
  // The 36th and the 4th of 39 are 16 / 128 of the forecast off.
  EXPECT_EQ(Around(intervals, 2, 1, kNaN),
            (std::vector<PredictionInterval>{{.lower = 1.75, .upper = 2.25}}));
}

ConformalIntervals Fitted() {
  std::mt19937 random(5);
  std::vector<ForecastError> errors = Errors(60);
  for (ForecastError& error : errors)
    error.actual = std::normal_distribution(kForecast, 9.0)(random);
  return *ConformalIntervals::Fit(
      errors, {.levels = {0.8, 0.95}, .season = 7, .horizon = 2, .not_negative = true});
}

TEST(ConformalIntervals, AreReadBackBitForBit) {
  const ConformalIntervals fitted = Fitted();
  const std::string text = fitted.ToJson().dump();
  const ordered_json json = preprocessing::ParseJson(text);
  const auto read = ConformalIntervals::FromJson(JsonNode(json), fitted.levels(), 2);
  EXPECT_EQ(read.ToJson().dump(), text);
  EXPECT_EQ(Around(read, 91.7, 2, 3.3), Around(fitted, 91.7, 2, 3.3));
  EXPECT_EQ(read.season(), 7U);
}

struct BadFile {
  std::string name;
  std::function<void(ordered_json&)> change;
  std::string message;
};
void PrintTo(const BadFile& one, std::ostream* out) { *out << one.name; }

class AFileOfIntervals : public testing::TestWithParam<BadFile> {};

TEST_P(AFileOfIntervals, IsRefused) {
  ordered_json json = Fitted().ToJson();
  GetParam().change(json);
  try {
    (void)ConformalIntervals::FromJson(JsonNode(json), std::array{0.8, 0.95}, 2);
    ADD_FAILURE() << "was read";
  } catch (const preprocessing::SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AFileOfIntervals,
    testing::Values(
        BadFile{"OfOtherLevels",
                [](auto& json) {
                  json["levels"] = {0.8, 0.9};
                },
                "$.levels: expected those of the pipeline, [0.8,0.95]"},
        BadFile{"OfAnotherFormat", [](auto& json) { json["format"] = "forkcast.reference"; },
                "$.format: expected forkcast.intervals"},
        BadFile{"OfALaterFormat", [](auto& json) { json["format_version"] = 2; },
                "$.format_version"},
        BadFile{"OfAnUnknownScale", [](auto& json) { json["scale"] = "moon"; },
                "$.scale: expected key, forecast or both"},
        BadFile{"WithTooFewSteps", [](auto& json) { json["steps"].erase(1); },
                "$.steps: expected 2 steps, as many as are forecast"},
        BadFile{"WithStepsOfOneSizeAlone", [](auto& json) { json["sizes"] = {16.0}; },
                "$.steps: expected 4 steps"},
        BadFile{"WhoseSizesFall",
                [](auto& json) {
                  json["sizes"] = {16.0, 8.0};
                },
                "$.sizes[1]"},
        BadFile{"WithTooFewBounds", [](auto& json) { json["steps"][0]["lower"].erase(1); },
                "$.steps[0]: expected 2 bounds of each side, one a level"},
        BadFile{"WhoseBoundsCross", [](auto& json) { json["steps"][1]["upper"][1] = 0; },
                "$.steps[1].upper[1]"},
        BadFile{"WithABoundOnTheWrongSide", [](auto& json) { json["steps"][1]["lower"][0] = 1; },
                "$.steps[1].lower[0]"},
        BadFile{"WithMore", [](auto& json) { json["more"] = 1; }, "more"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
