#include "data_preprocessing/features/operator_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/forecast_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(OperatorTypesTest, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const OperatorType& type : OperatorTypes()) {
    EXPECT_TRUE(names.insert(type.name).second) << type.name;
  }
}

TEST(OperatorTypesTest, AreAllInTheDocumentation) {
  const std::string docs = ReadTextFile(FORKCAST_SOURCE_DIR "/docs/pipelines.md") +
                           ReadTextFile(FORKCAST_SOURCE_DIR "/docs/forecasting.md");
  for (const OperatorType& type : OperatorTypes()) {
    EXPECT_THAT(docs, HasSubstr("`" + std::string(type.name) + "`"));
  }
}

TEST(OperatorTypesTest, AreNamedAllInTheMessageAboutAnother) {
  std::string names;
  for (const OperatorType& type : OperatorTypes()) {
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  const nlohmann::ordered_json op = "sideways";
  try {
    static_cast<void>(RequireOperatorType(JsonNode(op)));
    FAIL() << "taken";
  } catch (const SpecError& error) {
    EXPECT_EQ(error.what(), "$: expected one of " + names);
  }
}

TEST(DistinctReadsTest, AreWhatFeaturesReadEachOnceInTheirOrder) {
  const PipelineSpec pipeline = ParsePipeline(DailySalesWith({
      R"({"op": "as_of", "series": "keys", "value": "size"})",
      R"({"op": "lag", "periods": 1})",
      R"({"op": "calendar", "part": "month"})",
      R"({"op": "as_of", "series": "keys", "value": "opened"})",
      R"({"op": "as_of", "series": "keys", "value": "opened", "at": "target"})",
      R"({"op": "rolling", "statistic": "mean", "window": 4,
          "match": [{"series": "plan", "value": "promo", "key": ["k"]}]})",
  }));
  const SeriesRead keys{.series = "keys", .key = {"k"}};
  const SeriesRead daily{.series = "daily", .key = {"k"}};
  const SeriesRead keys_at_target{.series = "keys", .key = {"k"}, .at = ReadAt::kTarget};
  const SeriesRead plan{.series = "plan", .key = {"k"}, .at = ReadAt::kTarget};
  EXPECT_THAT(pipeline.features[2].reads, IsEmpty());
  EXPECT_THAT(pipeline.features[5].reads, ElementsAre(daily, plan));
  EXPECT_THAT(DistinctReads(pipeline.features), ElementsAre(keys, daily, keys_at_target, plan));
}

}  // namespace
}  // namespace forkcast::preprocessing
