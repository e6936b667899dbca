#include "serving/wire/features_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "serving/wire/decode.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What is read of `body`, which lives no longer than this.
class Question {
 public:
  explicit Question(std::string_view body) : body_(body), status_(request_.Read(body_.view())) {}
  [[nodiscard]] const Status& status() const { return status_; }
  const FeaturesRequest* operator->() const { return &request_; }
  [[nodiscard]] std::string Value(std::size_t entity, std::size_t row) const {
    std::string json;
    request_.AppendValue(entity, row, json);
    return json;
  }

 private:
  PaddedBody body_;
  FeaturesRequest request_;
  Status status_;
};

TEST(FeaturesRequest, HasFeaturesAsTheyAreWrittenAndEntitiesInTheirOrder) {
  const Question asked(
      R"({"features": ["shop:level", "price"], "full_feature_names": true, "more": {"x": [1]},
          "entities": {"sku": ["A", "B"], "day": [1, null]}})");
  ASSERT_TRUE(asked.status().ok()) << asked.status().error().message;
  EXPECT_THAT(asked->features(), ElementsAre("shop:level", "price"));
  EXPECT_EQ(asked->service(), "");
  EXPECT_TRUE(asked->full_names());
  EXPECT_THAT(asked->entities(), ElementsAre("sku", "day"));
  EXPECT_EQ(asked->row_count(), 2U);
  EXPECT_EQ(asked.Value(0, 1), R"("B")");
  EXPECT_FALSE(asked->IsNull(1, 0));
  EXPECT_TRUE(asked->IsNull(1, 1));
}

TEST(FeaturesRequest, HasAServiceInPlaceOfFeatures) {
  const Question asked(R"({"feature_service": "shop", "entities": {"sku": []}})");
  ASSERT_TRUE(asked.status().ok()) << asked.status().error().message;
  EXPECT_EQ(asked->service(), "shop");
  EXPECT_THAT(asked->features(), IsEmpty());
  EXPECT_FALSE(asked->full_names());
  EXPECT_EQ(asked->row_count(), 0U);
}

struct ValueCase {
  const char* name;
  const char* written;
  const char* read;
};
void PrintTo(const ValueCase& one, std::ostream* out) { *out << one.name; }
class ValuesOfEntities : public testing::TestWithParam<ValueCase> {};

TEST_P(ValuesOfEntities, AreTheSameJson) {
  const Question asked(std::string(R"({"entities": {"x": [)") + GetParam().written + "]}}");
  ASSERT_TRUE(asked.status().ok()) << asked.status().error().message;
  EXPECT_EQ(asked.Value(0, 0), GetParam().read);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ValuesOfEntities,
    testing::Values(ValueCase{"Text", R"("a\u0041\"\n")", R"("aA\"\n")"},
                    ValueCase{"TextBeyondAscii", R"("\u00e4")", "\"\xC3\xA4\""},
                    ValueCase{"Integer", "-7", "-7"},
                    ValueCase{"IntegerBeyondInt64", "18446744073709551615", "18446744073709551615"},
                    ValueCase{"Fraction", "2.5", "2.5"}, ValueCase{"WholeFraction", "3.0", "3.0"},
                    ValueCase{"Boolean", "true", "true"}, ValueCase{"Null", "null", "null"},
                    ValueCase{"Array", "[1, [2]]", "[1,[2]]"},
                    ValueCase{"Object", R"({"a": 1})", R"({"a":1})"}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadCase {
  const char* name;
  const char* body;
  const char* says;
};
void PrintTo(const BadCase& one, std::ostream* out) { *out << one.name; }
class BadFeaturesRequests : public testing::TestWithParam<BadCase> {};

TEST_P(BadFeaturesRequests, AreRefusedWithTheirPlace) {
  const Question asked(GetParam().body);
  ASSERT_FALSE(asked.status().ok());
  EXPECT_EQ(asked.status().error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(asked.status().error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadFeaturesRequests,
    testing::Values(
        BadCase{"Empty", "", "not JSON"}, BadCase{"Cut", R"({"entities": {"x": [1)", "not JSON"},
        BadCase{"Trailing", R"({"entities": {"x": [1]}} 2)", "not JSON"},
        BadCase{"AnArray", "[1]", "$: expected an object"},
        BadCase{"NoEntities", "{}", "$.entities: missing"},
        BadCase{"EntitiesThatAreNoObject", R"({"entities": [1]})",
                "$.entities: expected an object"},
        BadCase{"EntitiesWithoutFields", R"({"entities": {}})", "$.entities: expected a field"},
        BadCase{"EntitiesTwice", R"({"entities": {"x": [1]}, "entities": {"x": [1]}})",
                "$.entities: given twice"},
        BadCase{"AnEntityThatIsNoArray", R"({"entities": {"x": 1}})",
                "$.entities.x: expected an array"},
        BadCase{"UnevenEntities", R"({"entities": {"x": [1], "y": [1, 2]}})",
                "$.entities.y: 2 values, but another field has 1"},
        BadCase{"FeaturesThatAreNoArray", R"({"features": "x", "entities": {"x": [1]}})",
                "$.features: expected an array"},
        BadCase{"AFeatureThatIsNoText", R"({"features": ["x", 7], "entities": {"x": [1]}})",
                "$.features[1]: expected a text"},
        BadCase{"FeaturesTwice",
                R"({"features": ["x"], "features": ["x"], "entities": {"x": [1]}})",
                "$.features: given twice"},
        BadCase{"AServiceThatIsNoText", R"({"feature_service": 7, "entities": {"x": [1]}})",
                "$.feature_service: expected a text"},
        BadCase{"ServiceAndFeatures",
                R"({"feature_service": "a", "features": ["x"], "entities": {"x": [1]}})",
                "expected one of both"},
        BadCase{"NamesThatAreNoTruth", R"({"full_feature_names": 1, "entities": {"x": [1]}})",
                "$.full_feature_names: expected true or false"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(FeaturesRequest, AllocatesNothingInTheSteadyState) {
  const PaddedBody body(
      R"({"features": ["a", "b"], "entities": {"x": ["k", "l"], "y": [1, null]}})");
  FeaturesRequest request;
  std::string json;
  bool is_read = request.Read(body.view()).ok();
  ASSERT_TRUE(is_read);
  json.reserve(100);
  const std::size_t before = AllocationCount();
  is_read = request.Read(body.view()).ok();
  for (std::size_t row = 0; row < 2; ++row) {
    request.AppendValue(0, row, json);
    request.AppendValue(1, row, json);
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
  ASSERT_TRUE(is_read);
  EXPECT_EQ(json, R"("k"1"l"null)");
}

}  // namespace
}  // namespace forkcast::wire
