#include "serving/service/answer_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace forkcast::serving {
namespace {

using preprocessing::AnswerSource;
using preprocessing::ColumnType;
using testing::ElementsAre;
using Kind = AnswerSource::Kind;

/// A pipeline of two request fields and one feature, with this answer.
preprocessing::PipelineSpec Pipeline(std::vector<AnswerSource> answer) {
  preprocessing::PipelineSpec spec;
  spec.request.fields.columns = {{.name = "id", .type = ColumnType::kText},
                                 {.name = "time", .type = ColumnType::kTimestamp}};
  spec.features = {{.name = "level", .op = {}, .type = ColumnType::kInt64, .when_missing = {}}};
  spec.serving = preprocessing::ServingSpec{.model = {}, .answer = std::move(answer)};
  return spec;
}

const std::vector<AnswerOutput> kOutputs{{.name = "class", .type = ColumnType::kText},
                                         {.name = "probability.go"}};

TEST(AnswerPlan, SaysWhereEachMemberComesFromInTheOrderOfThePipeline) {
  const auto plan = PlanAnswer(Pipeline({{"sure", Kind::kModelOutput, "probability.go"},
                                         {"when", Kind::kRequestField, "time"},
                                         {"what", Kind::kModelOutput, "class"}}),
                               kOutputs);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  using enum AnswerPart::From;
  EXPECT_THAT(plan->parts,
              ElementsAre(AnswerPart{kModel, 1}, AnswerPart{kRequest, 1}, AnswerPart{kModel, 0}));
  EXPECT_THAT(plan->schema.fields, ElementsAre("sure", "when", "what"));
  EXPECT_THAT(plan->schema.features, ElementsAre("level"));
}

TEST(AnswerPlan, NamesTheOutputsThatThereAreWhenOneIsNot) {
  const auto plan = PlanAnswer(Pipeline({{"what", Kind::kModelOutput, "score"}}), kOutputs);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error(),
            (Error{ErrorCode::kInvalidArgument,
                   "$.serving.answer: the model has no output \"score\"; it has: class, "
                   "probability.go, model_version"}));
}

using MetricKind = preprocessing::OutputMetric::Kind;

preprocessing::PipelineSpec Metered(preprocessing::OutputMetric metric) {
  auto spec = Pipeline({{"what", Kind::kModelOutput, "class"}});
  spec.metrics = {std::move(metric)};
  return spec;
}

TEST(AnswerPlan, SaysWhichOutputAMetricIsOf) {
  const auto plan = PlanAnswer(Metered({"sureness", MetricKind::kSum, "probability.go"}), kOutputs);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan->metrics.size(), 1U);
  EXPECT_EQ(plan->metrics[0].name, "sureness");
  EXPECT_EQ(plan->metrics[0].column, 1U);
}

struct WrongMetric {
  const char* name;
  preprocessing::OutputMetric metric;
  const char* message;
};
void PrintTo(const WrongMetric& one, std::ostream* out) { *out << one.name; }

class AWrongMetric : public testing::TestWithParam<WrongMetric> {};

TEST_P(AWrongMetric, IsRefusedNamingItsPlaceAndWhatThereIs) {
  const auto plan = PlanAnswer(Metered(GetParam().metric), kOutputs);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error(), (Error{ErrorCode::kInvalidArgument, GetParam().message}));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AWrongMetric,
    testing::Values(WrongMetric{"OfNoOutput",
                                {"m", MetricKind::kCountBy, "score"},
                                "$.metrics[0].count_by: the model has no output \"score\"; it has: "
                                "class, probability.go"},
                    WrongMetric{"ASumOfTexts",
                                {"m", MetricKind::kSum, "class"},
                                "$.metrics[0].sum: the output \"class\" is no number; count_by "
                                "counts rows by its values"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
