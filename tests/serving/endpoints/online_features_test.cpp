#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "serving/endpoints/order_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// As Feast's clients ask.
class OnlineFeatures : public testing::Test {
 protected:
  OnlineFeatures() {
    service_.clock().SetNow(*preprocessing::ParseTimestamp("2021-07-03 11:00:00", {}));
  }
  Response Ask(const json& body, std::string_view query = {}) {
    return service_.Post(body.dump(), {.path = "/get-online-features", .query = query});
  }
  static json Entities() {
    return {{"order_id", {"paid", "nobody"}},
            {"timestamp", {"2021-07-01 09:30:00", "2021-07-02 10:00:00"}},
            {"sku_code", {"00123", "ABC"}},
            {"zip_code", {"01001", "01001"}}};
  }
  OrderService service_;
};

TEST_F(OnlineFeatures, AreAnsweredByColumnBehindTheEntities) {
  const Response answer =
      Ask({{"features", {"order_triage:payment_status", "order_triage:inventory"}},
           {"entities", Entities()}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json parsed = json::parse(answer.body);
  EXPECT_EQ(parsed["metadata"]["feature_names"],
            json({"order_id", "sku_code", "timestamp", "zip_code", "payment_status", "inventory"}));
  ASSERT_EQ(parsed["results"].size(), 6U);
  EXPECT_EQ(parsed["results"][0], json::parse(R"({
    "values": ["paid", "nobody"], "statuses": ["PRESENT", "PRESENT"],
    "event_timestamps": ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]})"));
  EXPECT_EQ(parsed["results"][4], json::parse(R"({
    "values": ["OK", "UNKNOWN"], "statuses": ["PRESENT", "PRESENT"],
    "event_timestamps": ["2021-07-01T09:30:00Z", "2021-07-02T10:00:00Z"]})"));
  EXPECT_EQ(parsed["results"][5]["values"], json({5, 7}));
}

TEST_F(OnlineFeatures, AreThoseOfTheInvocation) {
  const json order{{"order_id", "paid"},
                   {"timestamp", "2021-07-01 09:30:00"},
                   {"sku_code", "00123"},
                   {"zip_code", "01001"}};
  const json invoked =
      json::parse(service_.Post(order.dump(), {.query = "features=true"}).body)["features"];
  json entities;
  for (const auto& [name, value] : order.items()) entities[name] = json::array({value});
  const json answer =
      json::parse(Ask({{"feature_service", "order_triage"}, {"entities", entities}}).body);
  json features;
  for (std::size_t i = entities.size(); i < answer["results"].size(); ++i) {
    features[answer["metadata"]["feature_names"][i].get<std::string>()] =
        answer["results"][i]["values"][0];
  }
  EXPECT_EQ(features, invoked);
}

TEST_F(OnlineFeatures, OfRowsWithoutTimeAreOfNow) {
  const json answer = json::parse(
      Ask({{"features", {"inventory", "order_hour_of_day"}},
           {"entities", {{"order_id", {"x"}}, {"sku_code", {"00123"}}, {"zip_code", {"01001"}}}}})
          .body);
  EXPECT_EQ(answer["results"][3]["values"], json::array({0}));
  EXPECT_EQ(answer["results"][3]["event_timestamps"], json::array({"2021-07-03T11:00:00Z"}));
  EXPECT_EQ(answer["results"][4]["values"], json::array({11}));
}

TEST_F(OnlineFeatures, OfOldDataSaySoBesideTheValue) {
  json entities = Entities();
  entities["timestamp"] = {"2021-07-03 10:00:00", "2021-07-09 10:00:00"};
  const Response answer =
      Ask({{"features", {"inventory", "order_hour_of_day"}}, {"entities", entities}});
  const json parsed = json::parse(answer.body);
  EXPECT_EQ(parsed["results"][4]["values"], json({0, 7}));
  EXPECT_EQ(parsed["results"][4]["statuses"], json({"PRESENT", "OUTSIDE_MAX_AGE"}));
  EXPECT_EQ(parsed["results"][5]["statuses"], json({"PRESENT", "PRESENT"}))
      << "of a feature that reads no series";
  EXPECT_EQ(HeaderValue(answer, "X-Forkcast-Stale"), "inventory, payments");
}

TEST_F(OnlineFeatures, AreCalledAfterTheirViewWhereFullNamesAreAskedFor) {
  const json answer = json::parse(Ask({{"features", {"order_triage:inventory"}},
                                       {"entities", Entities()},
                                       {"full_feature_names", true}})
                                      .body);
  EXPECT_EQ(answer["metadata"]["feature_names"].back(), "order_triage__inventory");
}

TEST_F(OnlineFeatures, CanBeThoseOfThen) {
  json entities = Entities();
  entities["timestamp"] = {"2021-07-03 10:00:00", "2021-07-03 10:00:00"};
  const json answer = json::parse(
      Ask({{"features", {"inventory"}}, {"entities", entities}}, "as_of=2021-07-02T00:00:00Z")
          .body);
  EXPECT_EQ(answer["results"][4]["values"], json({5, 7}));
}

TEST(OnlineFeaturesOfARowThatIsRefused, AreNotFound) {
  OrderService service([](nlohmann::ordered_json& pipeline) {
    pipeline["features"][0]["missing"] = "error";
    pipeline["series"]["payments"]["when_stale"] = "refuse";
  });
  const json body{
      {"features", {"inventory", "order_hour_of_day"}},
      {"entities",
       {{"order_id", {"paid", "paid", "paid"}},
        {"timestamp", {"2021-07-01 09:30:00", "2021-07-01 09:30:00", "2021-08-01 09:30:00"}},
        {"sku_code", {"00123", "none", "00123"}},
        {"zip_code", {"01001", "01001", "01001"}}}}};
  const json answer = json::parse(service.Post(body.dump(), {.path = "/get-online-features"}).body);
  for (const std::size_t column : {4U, 5U}) {
    EXPECT_EQ(answer["results"][column]["statuses"],
              json({"PRESENT", "NOT_FOUND", "OUTSIDE_MAX_AGE"}));
  }
  EXPECT_EQ(answer["results"][4]["values"], json({5, nullptr, nullptr}));
}

struct BadQuestion {
  const char* name;
  const char* body;
  int status;
  const char* says;
};
void PrintTo(const BadQuestion& one, std::ostream* out) { *out << one.name; }
class BadQuestions : public OnlineFeatures, public testing::WithParamInterface<BadQuestion> {};

TEST_P(BadQuestions, AreRefusedWithTheirPlace) {
  const Response answer = service_.Post(GetParam().body, {.path = "/get-online-features"});
  EXPECT_EQ(answer.status, GetParam().status) << answer.body;
  EXPECT_THAT(json::parse(answer.body)["error"]["message"].get<std::string>(),
              HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadQuestions,
    testing::Values(
        BadQuestion{"NoJson", "{", 400, "not JSON"},
        BadQuestion{"NoEntities", R"({"features": ["inventory"]})", 400, "entities"},
        BadQuestion{"EmptyEntities", R"({"entities": {}})", 400, "expected a field"},
        BadQuestion{"UnevenEntities",
                    R"({"entities": {"order_id": ["a", "b"], "sku_code": ["c"]}})", 400,
                    "$.entities.sku_code: 1 values, but another field has 2"},
        BadQuestion{"ServiceAndFeatures",
                    R"({"features": ["a"], "feature_service": "b", "entities": {"order_id": []}})",
                    400, "expected one of both"},
        BadQuestion{"TwoViews", R"({"features": ["a:x", "b:y"], "entities": {"order_id": []}})",
                    400, "another feature is of \"a\""},
        BadQuestion{"UnknownFeature", R"({"features": ["level"], "entities": {"order_id": ["a"]}})",
                    404, "\"order_triage\" has no feature \"level\""},
        BadQuestion{"UnknownView", R"({"features": ["no:level"], "entities": {"order_id": ["a"]}})",
                    404, "no"},
        BadQuestion{"WrongType",
                    R"({"entities": {"order_id": [7], "sku_code": ["a"], "zip_code": ["b"]}})", 400,
                    "row 0: "},
        BadQuestion{"MissingField", R"({"entities": {"order_id": ["a"]}})", 400, ""}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
