#include "serving/service/answer_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

const std::vector<AnswerOutput> kOutputs{{.name = "class"}, {.name = "probability.go"}};

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

}  // namespace
}  // namespace forkcast::serving
