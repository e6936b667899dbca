#include "model/mlflow/pull_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/mlflow/mlflow_cache.hpp"

namespace forkcast::model {
namespace {

using testing::HasSubstr;

TEST(MlflowReferenceTest, NamesAModelAndAnAliasOrNumber) {
  EXPECT_EQ(ParseMlflowReference("mlflow:demand@champion")->name, "demand");
  EXPECT_EQ(ParseMlflowReference("mlflow:demand@champion")->version, "champion");
  EXPECT_EQ(ParseMlflowReference("mlflow:demand@3")->version, "3");
  EXPECT_EQ(ParseMlflowReference("mlflow:demand")->version, "champion");
}

TEST(MlflowReferenceTest, HasAnAliasOfItsOwnInTheCacheForANumber) {
  EXPECT_EQ(MlflowCacheAlias({.name = "demand", .version = "champion"}), "champion");
  EXPECT_EQ(MlflowCacheAlias({.name = "demand", .version = "3"}), "v3");
}

class NoMlflowReference : public testing::TestWithParam<std::string> {};

TEST_P(NoMlflowReference, IsRefusedWithWhatIsExpected) {
  const auto reference = ParseMlflowReference(GetParam());
  ASSERT_FALSE(reference);
  EXPECT_EQ(reference.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(reference.error().message, HasSubstr("expected mlflow:NAME@ALIAS"));
}

INSTANTIATE_TEST_SUITE_P(Cases, NoMlflowReference,
                         testing::Values("", "demand", "mlflow:", "mlflow:@x", "mlflow:a@",
                                         "mlflow:../a@b", "mlflow:a@b/c", "models:/a@b"));

}  // namespace
}  // namespace forkcast::model
