#include "model/quality/quality_reference.hpp"

#include <gmock/gmock.h>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::DoubleNear;
using testing::ElementsAre;
using Worse = MetricReference::Worse;

ordered_json Forecast(const char* metric) {
  return {{"evaluation",
           {{"metric", metric},
            {"folds",
             {{{"rows", 10}, {"mae", 2.0}, {"wape", 0.1}, {"rmspe", 0.2}, {"bias", -1.0}},
              {{"rows", 20}, {"mae", 4.0}, {"wape", 0.2}, {"rmspe", nullptr}, {"bias", 2.0}}}}}}};
}

TEST(ForecastReference, TestsTheMetricThatDecidesAndTheBias) {
  const auto reference = *ForecastReferenceOf(Forecast("rmspe"));
  EXPECT_EQ(reference.rows_of_a_fold, 15);
  EXPECT_EQ(reference.Find("rmspe")->worse, Worse::kGreater);
  EXPECT_THAT(reference.Find("rmspe")->folds, ElementsAre(0.2));
  EXPECT_EQ(reference.Find("wape")->worse, Worse::kNone);
  EXPECT_EQ(reference.Find("bias")->worse, Worse::kNone);
  const MetricReference& bias = *reference.Find(kRelativeBias);
  EXPECT_EQ(bias.worse, Worse::kApart);
  // mean |y| is mae / wape, 20 in both folds
  EXPECT_THAT(bias.folds, ElementsAre(DoubleNear(-0.05, 1e-12), DoubleNear(0.1, 1e-12)));
  EXPECT_DOUBLE_EQ(bias.unit, 0.15);
}

TEST(ForecastReference, TestsWapeInPlaceOfMaseWhichNeedsScales) {
  const auto reference = *ForecastReferenceOf(Forecast("mase"));
  EXPECT_EQ(reference.Find("wape")->worse, Worse::kGreater);
  EXPECT_EQ(reference.Find("mase")->worse, Worse::kNone);
}

/// A fold that had no intervals yet says nothing of them.
TEST(ForecastReference, TestsTheCoverageOfEachLevelOnEitherSide) {
  ordered_json manifest = Forecast("wape");
  manifest["evaluation"]["intervals"] = {{"levels", {0.8, 0.95}}};
  manifest["evaluation"]["folds"][0]["coverage_80"] = nullptr;
  manifest["evaluation"]["folds"][1]["coverage_80"] = 0.78;
  const auto reference = *ForecastReferenceOf(manifest);
  EXPECT_THAT(reference.Find("coverage_80")->folds, ElementsAre(0.78));
  EXPECT_EQ(reference.Find("coverage_80")->worse, Worse::kApart);
  EXPECT_NEAR(reference.Find("coverage_80")->unit, 0.2, 1e-12);
  EXPECT_THAT(reference.Find("coverage_95")->folds, ElementsAre());
  EXPECT_EQ(ForecastReferenceOf(Forecast("wape"))->Find("coverage_80"), nullptr);
}

TEST(ForecastReference, IsNoneWithoutFolds) {
  for (const ordered_json& manifest :
       {ordered_json::object(), ordered_json{{"evaluation", ordered_json::object()}},
        ordered_json{{"evaluation", {{"folds", ordered_json::array()}}}}}) {
    const auto reference = ForecastReferenceOf(manifest);
    ASSERT_FALSE(reference);
    EXPECT_EQ(reference.error().code, ErrorCode::kRefusedData);
  }
}

TEST(ClassReference, TestsWhatIsRightAndHowSureItIs) {
  const ordered_json manifest{
      {"evaluation", {{"folds", {{{"rows", 10}, {"accuracy", 0.9}, {"log_loss", 0.3}}}}}}};
  const auto reference = *ClassReferenceOf(manifest);
  EXPECT_EQ(reference.Find("accuracy")->worse, Worse::kLess);
  EXPECT_NEAR(reference.Find("accuracy")->unit, 0.1, 1e-12);
  EXPECT_EQ(reference.Find("log_loss")->worse, Worse::kGreater);
  EXPECT_DOUBLE_EQ(reference.Find("log_loss")->unit, 0.3);
}

}  // namespace
}  // namespace forkcast::model
