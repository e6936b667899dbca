#include "serving/web/open_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "serving/routes/shop.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;

/// What is said of the route of the shop that is declared so.
json Described(std::string_view declaration) {
  const Route route = Bound(declaration);
  ApiDeployment shop{.name = "shop", .subject = Shop()};
  shop.example = {{"store", 7}, {"product", "p"}, {"from", "2021-02-03"}};
  const std::array routes{ApiRoute{.route = &route, .deployment = &shop}};
  const std::array endpoints{Endpoint{.method = route.spec().method,
                                      .path = route.spec().path,
                                      .operation = "shop_route",
                                      .description = "Asks."}};
  const json api = json::parse(DescribeApi(endpoints, routes, {&shop, 1}));
  return api["paths"][route.spec().path].begin().value();
}

struct DescribedCase {
  std::string name;
  std::string route;
  std::string place;     // a JSON pointer within the operation
  std::string expected;  // JSON
};

class DescribedRoute : public testing::TestWithParam<DescribedCase> {};

TEST_P(DescribedRoute, SaysWhatIsSentAndAnswered) {
  const json operation = Described(GetParam().route);
  const json::json_pointer place(GetParam().place);
  ASSERT_TRUE(operation.contains(place)) << operation.dump(2);
  EXPECT_EQ(operation[place], json::parse(GetParam().expected)) << operation.dump(2);
}

const std::string kGet =
    R"({"method": "GET", "path": "/p/{store}/{product}", "constants": {"steps": 1},
        "query": {"price": {"field": "price", "default": 2.5},
                  "month": {"field": "from", "format": "YYYY-MM", "required": true}},
        "answer": {"n": {"$value": "value", "round": "up"}, "in": "EUR", "by": "$model_name"},
        "errors": {"body": {"detail": "$message"}}})";
const std::string kPost =
    R"({"method": "POST", "path": "/p", "rows": "input", "all": {"date": "origin"},
        "answer": {"out": {"$rows": {"asked": "$request", "days": {"$steps": "$period"}}}},
        "errors": {"row": {"error": "$code"}}})";
const std::string kForm =
    R"({"method": "POST", "path": "/p", "constants": {"store": 1, "product": "p"},
        "all": {"months": {"fields": ["from", "to"], "format": "YYYY-MM"}}, "answer": 1})";

INSTANTIATE_TEST_SUITE_P(
    Cases, DescribedRoute,
    testing::Values(
        DescribedCase{"ItsName", kGet, "/operationId", R"("shop_route")"},
        DescribedCase{"ASegmentOfThePath", kGet, "/parameters/0",
                      R"({"name": "store", "in": "path", "required": true, "example": 7,
                       "schema": {"type": "integer", "format": "int64"}})"},
        DescribedCase{"AQueryParameterWithItsDefault", kGet, "/parameters/2",
                      R"({"name": "price", "in": "query", "required": false,
                       "schema": {"type": "number", "format": "double", "default": 2.5}})"},
        DescribedCase{"AMonthWithARealOne", kGet, "/parameters/3",
                      R"({"name": "month", "in": "query", "required": true, "example": "2021-02",
                       "schema": {"type": "string", "pattern": "^[0-9][0-9][0-9][0-9]-[0-9][0-9]$",
                                  "description": "YYYY-MM"}})"},
        DescribedCase{"TheAnswersMembers", kGet,
                      "/responses/200/content/application~1json/schema/properties",
                      R"({"n": {"type": ["integer", "null"], "format": "int64"},
                       "in": {"const": "EUR"},
                       "by": {"type": "string", "examples": ["shop"]}})"},
        DescribedCase{"ItsErrors", kGet,
                      "/responses/4XX/content/application~1json/schema/anyOf/0/properties",
                      R"({"detail": {"type": ["string", "null"]}})"},
        DescribedCase{
            "RowsOfTheBody", kPost,
            "/requestBody/content/application~1json/schema/properties/input/items/required",
            R"(["store", "product"])"},
        DescribedCase{"WhatStandsBesideThem", kPost,
                      "/requestBody/content/application~1json/schema/properties/date/type",
                      R"(["string", "null"])"},
        DescribedCase{"ABodyThatCanBeAsked", kPost,
                      "/requestBody/content/application~1json/example",
                      R"({"input": [{"store": 7, "product": "p"}]})"},
        DescribedCase{
            "AnsweredRowsAndBadOnes", kPost,
            "/responses/200/content/application~1json/schema/properties/out/items/anyOf/1",
            R"({"type": "object", "properties": {"error": {"type": ["string", "null"]}},
                       "required": ["error"]})"},
        DescribedCase{"StepsOfARow", kPost,
                      "/responses/200/content/application~1json/schema/properties/out/items/anyOf/0"
                      "/properties/days/type",
                      R"("array")"},
        DescribedCase{"AFormAsWellAsJson", kForm,
                      "/requestBody/content/application~1x-www-form-urlencoded/schema/properties",
                      R"({"months": {"type": "string",
                       "description": "YYYY-MM, or two of them with a blank between"}})"}),
    [](const auto& param) { return param.param.name; });

TEST(OpenApi, HasAnOperationForEachEndpoint) {
  const std::array endpoints{
      Endpoint{.method = Method::kGet, .path = "/a", .operation = "a", .description = "A."},
      Endpoint{.method = Method::kPost, .path = "/a", .operation = "b", .description = "B."},
      Endpoint{.method = Method::kPost,
               .path = "/c/{name}",
               .operation = "c",
               .description = "C.",
               .errors = ErrorForm::kSageMaker,
               .describe = [](ApiOperation& operation) {
                 operation.AddAnswer("200", "Answered.", "text/plain", {{"type", "string"}});
               }}};
  const json api = json::parse(DescribeApi(endpoints, {}, {}));
  EXPECT_EQ(api["openapi"], "3.1.0");
  EXPECT_EQ(api["paths"].size(), 2U);
  EXPECT_EQ(api["paths"]["/a"]["get"]["operationId"], "a");
  EXPECT_EQ(api["paths"]["/a"]["post"]["summary"], "B.");
  const json& wrapped = api["paths"]["/c/{name}"]["post"];
  EXPECT_EQ(wrapped["parameters"][0]["name"], "name");
  EXPECT_EQ(wrapped["responses"]["200"]["description"], "Answered.");
  EXPECT_EQ(wrapped["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"],
            "#/components/schemas/SageMakerError");
}

/// The operations of a server that loads models, by path and method.
json PathsWith(const Proofs& proofs) {
  const std::vector<Endpoint> endpoints{
      {.method = Method::kPost, .path = "/models", .operation = "load", .access = Access::kChange},
      {.method = Method::kGet,
       .path = "/metrics",
       .operation = "metrics",
       .access = Access::kWatch},
      {.method = Method::kGet, .path = "/ping", .operation = "ping", .access = Access::kOpen}};
  return json::parse(DescribeApi(endpoints, {}, {}, proofs));
}

TEST(OpenApi, SaysWhichRoleAnOperationTakesByWhat) {
  const json api = PathsWith({.tokens = true, .sessions = true, .locked = {Access::kWatch}});
  const json& load = api.at("paths").at("/models").at("post");
  EXPECT_EQ(load.at("security"), json::parse(R"([{"bearer": ["operator"]},
      {"session": ["operator"], "csrf": []}])"));
  EXPECT_EQ(load.at("description"), "Takes the role operator.");
  EXPECT_EQ(api.at("paths").at("/metrics").at("get").at("security"),
            json::parse(R"([{"bearer": ["viewer"]}, {"session": ["viewer"]}])"));
  EXPECT_FALSE(api.at("paths").at("/ping").at("get").contains("security"));
  const json& schemes = api.at("components").at("securitySchemes");
  EXPECT_EQ(schemes.at("bearer"), (json{{"type", "http"}, {"scheme", "bearer"}}));
  EXPECT_EQ(schemes.at("session"),
            (json{{"type", "apiKey"}, {"in", "cookie"}, {"name", "forkcast_session"}}));
  EXPECT_EQ(schemes.at("csrf"),
            (json{{"type", "apiKey"}, {"in", "header"}, {"name", "X-CSRF-Token"}}));
}

TEST(OpenApi, SaysThatWithoutProofsChangesAreForThisMachine) {
  const json api = PathsWith({});
  EXPECT_THAT(api.at("paths").at("/models").at("post").at("description").get<std::string>(),
              testing::HasSubstr("own machine"));
  EXPECT_FALSE(api.at("paths").at("/models").at("post").contains("security"));
  EXPECT_FALSE(api.at("components").contains("securitySchemes"));
}

TEST(OpenApi, OffersNoSchemeThatIsNotTaken) {
  const json api = PathsWith({.tokens = true});
  EXPECT_EQ(api.at("paths").at("/models").at("post").at("security"),
            json::parse(R"([{"bearer": ["operator"]}])"));
  EXPECT_EQ(api.at("components").at("securitySchemes").size(), 1U);
}

}  // namespace
}  // namespace forkcast::serving
