#include "serving/jobs/job_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

TEST(JobOrder, SaysWhatIsToBeDone) {
  const auto order = ReadJobOrder(
      R"({"kind": "train", "deployment": "weekly", "key": {"store_id": 1}, "last": "17w",)"
      R"( "force_promote": true})");
  ASSERT_TRUE(order.ok()) << order.error().message;
  EXPECT_EQ(*order, (JobOrder{.kind = JobKind::kTrain,
                              .deployment = "weekly",
                              .key = R"({"store_id":1})",
                              .options = R"({"last":"17w","force_promote":true})"}));
}

TEST(JobOrder, NullIsAsIfItWereNotThere) {
  const auto order =
      ReadJobOrder(R"({"kind": "train", "deployment": "d", "key": null, "last": null})");
  ASSERT_TRUE(order.ok());
  EXPECT_EQ(order->key, "");
  EXPECT_EQ(order->options, "{}");
}

struct Refused {
  const char* name;
  std::string body;
  ErrorCode code;
  const char* field;
  const char* says;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

class BadJobOrder : public testing::TestWithParam<Refused> {};

TEST_P(BadJobOrder, IsRefusedByItsField) {
  const auto order = ReadJobOrder(GetParam().body);
  ASSERT_FALSE(order.ok());
  EXPECT_EQ(order.error().code, GetParam().code);
  EXPECT_EQ(order.error().field, GetParam().field);
  EXPECT_THAT(order.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadJobOrder,
    testing::Values(
        Refused{"Empty", "", ErrorCode::kMalformed, "", "expected a JSON object"},
        Refused{"NoObject", "[1]", ErrorCode::kMalformed, "", "expected a JSON object"},
        Refused{"BrokenOff", R"({"kind": "tr)", ErrorCode::kMalformed, "",
                "expected a JSON object"},
        Refused{"NoKind", R"({"deployment": "d"})", ErrorCode::kInvalidArgument, "kind", "missing"},
        Refused{"AnotherKind", R"({"kind": "serve", "deployment": "d"})",
                ErrorCode::kInvalidArgument, "kind", "train, evaluate, predict, ingest, retrain"},
        Refused{"NoDeployment", R"({"kind": "train"})", ErrorCode::kInvalidArgument, "deployment",
                "missing"},
        Refused{"APathForADeployment", R"({"kind": "train", "deployment": "../x"})",
                ErrorCode::kInvalidArgument, "deployment", "the name of a deployment"},
        Refused{"Mistyped", R"({"kind": "train", "deployment": "d", "lst": "4w"})",
                ErrorCode::kInvalidArgument, "lst", "did you mean"},
        Refused{"AnotherKindsOption", R"({"kind": "evaluate", "deployment": "d", "table": "t"})",
                ErrorCode::kInvalidArgument, "table", "there are: kind, deployment, last"},
        Refused{"ATextThatIsAFlag", R"({"kind": "train", "deployment": "d", "last": "--models"})",
                ErrorCode::kInvalidArgument, "last", "not beginning with -"},
        Refused{"AControlCharacter", R"({"kind": "train", "deployment": "d", "last": "1\n2"})",
                ErrorCode::kInvalidArgument, "last", "without control characters"},
        Refused{"NoWholeNumber",
                R"({"kind": "predict", "deployment": "d", "table": "t", "steps": -1})",
                ErrorCode::kInvalidArgument, "steps", "whole number"},
        Refused{"NoTable", R"({"kind": "predict", "deployment": "d"})", ErrorCode::kInvalidArgument,
                "table", "missing"},
        Refused{"AKeyWhereThereIsNone",
                R"({"kind": "predict", "deployment": "d", "table": "t", "key": {"a": 1}})",
                ErrorCode::kInvalidArgument, "key", "of all keys"},
        Refused{"AKeyThatIsAList", R"({"kind": "train", "deployment": "d", "key": [1]})",
                ErrorCode::kInvalidArgument, "key", "an object of the key's fields"},
        Refused{"AKeyWithinAKey", R"({"kind": "train", "deployment": "d", "key": {"a": {}}})",
                ErrorCode::kInvalidArgument, "key", "an object of the key's fields"},
        Refused{"TooLarge", std::string(20'000, ' '), ErrorCode::kTooLarge, "", "16384"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
