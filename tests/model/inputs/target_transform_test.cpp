#include "model/inputs/target_transform.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <random>

#include "data_preprocessing/base/random.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecErrorOf;
using testing::StartsWith;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr TargetReference kNoReference{.scale = kNaN, .anchor = kNaN};

struct ApplyCase {
  std::string name;
  TargetTransform transform;
  double y;
  TargetReference reference;
  double z;
};

void PrintTo(const ApplyCase& one, std::ostream* out) { *out << one.name; }

class TargetTransformTest : public testing::TestWithParam<ApplyCase> {};

TEST_P(TargetTransformTest, Gives) {
  const double z = GetParam().transform.Apply(GetParam().y, GetParam().reference);
  if (std::isnan(GetParam().z)) {
    EXPECT_TRUE(std::isnan(z)) << z;
  } else {
    EXPECT_NEAR(z, GetParam().z, 1e-15);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TargetTransformTest,
    testing::Values(
        ApplyCase{"TheTargetByDefault", {}, 5, kNoReference, 5},
        ApplyCase{"TheLogarithm", {.log1p = true}, 5, kNoReference, std::log(6.0)},
        ApplyCase{"TheChangeFromTheAnchor", {.difference = true}, 5, {kNaN, 7}, -2},
        ApplyCase{"MultiplesOfTheScale", {.scale = true}, 5, {2, kNaN}, 2.5},
        ApplyCase{
            "TheGrowthRate", {.log1p = true, .difference = true}, 5, {kNaN, 2}, std::log(2.0)},
        ApplyCase{"AllThree",
                  {.scale = true, .log1p = true, .difference = true},
                  8,
                  {2, 4},
                  std::log(5.0 / 3)},
        ApplyCase{"AScaleOfZeroAsTheFallback", {.scale = true}, 5, {0, kNaN}, 5},
        ApplyCase{"AMissingScaleAsTheFallback",
                  {.scale = true, .fallback_scale = 10},
                  5,
                  kNoReference,
                  0.5},
        ApplyCase{"ANegativeScaleAsTheFallback", {.scale = true}, 5, {-3, kNaN}, 5},
        ApplyCase{"AnInfiniteScaleAsTheFallback", {.scale = true}, 5, {kInfinity, kNaN}, 5},
        ApplyCase{"NothingForAMissingTarget", {}, kNaN, kNoReference, kNaN},
        ApplyCase{"NothingForAMissingAnchor", {.difference = true}, 5, kNoReference, kNaN},
        ApplyCase{"NothingForTheLogarithmOfMinusOne", {.log1p = true}, -1, kNoReference, kNaN},
        ApplyCase{"NothingForAnAnchorBeyondTheLogarithm",
                  {.log1p = true, .difference = true},
                  5,
                  {kNaN, -2},
                  kNaN}),
    [](const auto& one) { return one.param.name; });

std::vector<TargetTransform> AllTransforms() {
  std::vector<TargetTransform> transforms;
  for (unsigned steps = 0; steps < 8; ++steps) {
    transforms.push_back({.scale = (steps & 1U) != 0,
                          .log1p = (steps & 2U) != 0,
                          .difference = (steps & 4U) != 0,
                          .fallback_scale = (steps & 1U) != 0 ? 0.1 + steps : 1});
  }
  return transforms;
}

TEST(TargetTransform, IsInvertedToTheTargetItCameFrom) {
  std::mt19937_64 engine(8);
  for (const TargetTransform& transform : AllTransforms()) {
    for (int round = 0; round < 1000; ++round) {
      const double y = std::exp(20 * DrawShare(engine) - 10) - 1e-5;
      const TargetReference reference{
          .scale = DrawBelow(engine, 4) == 0 ? 0 : std::exp(10 * DrawShare(engine) - 5),
          .anchor = 1000 * DrawShare(engine)};
      const double again = transform.Invert(transform.Apply(y, reference), reference);
      ASSERT_NEAR(again, y, 1e-10 * (std::abs(y) + 1000)) << transform.ToJson();
    }
  }
}

TEST(TargetTransform, InvertsNothingWithoutItsAnchor) {
  const TargetTransform transform{.difference = true};
  EXPECT_TRUE(std::isnan(transform.Invert(1, kNoReference)));
  EXPECT_TRUE(std::isnan(transform.Invert(kNaN, {1, 1})));
}

TEST(TargetTransform, IsTheSameAfterJson) {
  for (const TargetTransform& transform : AllTransforms()) {
    const auto json = ParseJson(transform.ToJson().dump());
    EXPECT_EQ(ReadTargetTransform(JsonNode(json)), transform) << transform.ToJson();
  }
}

TargetTransform Read(const std::string& text) {
  const auto json = ParseJson(text);
  return ReadTargetTransform(JsonNode(json));
}

TEST(ReadTargetTransform, TakesAStepOrSteps) {
  EXPECT_EQ(Read(R"("none")"), TargetTransform{});
  EXPECT_EQ(Read("[]"), TargetTransform{});
  EXPECT_EQ(Read(R"("log1p")"), TargetTransform{.log1p = true});
  EXPECT_EQ(Read(R"(["scale", "difference"])"),
            (TargetTransform{.scale = true, .difference = true}));
}

TEST(ReadTargetTransform, NamesWhatIsWrong) {
  const auto error_of = [](const char* text) { return SpecErrorOf([&] { Read(text); }); };
  EXPECT_THAT(error_of(R"("sqrt")"), StartsWith("$: expected none, scale, log1p or difference"));
  EXPECT_THAT(error_of(R"(["scale", "none"])"), StartsWith("$[1]: expected none, scale"));
  EXPECT_THAT(error_of(R"(["log1p", "scale"])"), StartsWith("$[1]: expected the order"));
  EXPECT_THAT(error_of(R"(["log1p", "log1p"])"), StartsWith("$[1]: expected the order"));
  EXPECT_THAT(error_of(R"({"steps": ["log1p"], "fallback_scale": 2})"),
              StartsWith("$.fallback_scale: only"));
  EXPECT_THAT(error_of(R"({"steps": "scale", "fallback_scale": 0})"),
              StartsWith("$.fallback_scale: expected a number"));
  EXPECT_THAT(error_of("4"), StartsWith("$: expected an array"));
}

}  // namespace
}  // namespace forkcast::model
