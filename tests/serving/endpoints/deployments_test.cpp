#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "serving/endpoints/order_service.hpp"
#include "support/http_message.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kOrder =
    R"({"order_id": "paid", "timestamp": "2021-07-01 09:30:00", "sku_code": "00123",)"
    R"( "zip_code": "01001"})";

/// The orders of OrderService, served twice: as "triage", the default, and as "other", which calls
/// its answer otherwise.
class DeploymentsTest : public testing::Test {
 protected:
  DeploymentsTest() {
    service_.ServeAlso("other", [](nlohmann::ordered_json& pipeline) {
      pipeline["name"] = "other";
      pipeline["serving"]["answer"] = {{{"name", "advice"}, {"output", "class"}},
                                       {{"name", "by"}, {"output", "model_version"}}};
    });
  }

  OrderService service_;
};

constexpr std::string_view kOfDefault = R"({"order_id":"paid","recommendation":"Deliver"})";
constexpr std::string_view kOfOther = R"({"advice":"Deliver","by":"1"})";

struct AskedCase {
  const char* name;
  const char* path;
  const char* target;
  std::string_view body;
};

TEST_F(DeploymentsTest, AreAskedByPathOrHeader) {
  for (const AskedCase& one :
       {AskedCase{"default", "/invocations", "", kOfDefault},
        AskedCase{"default by name", "/endpoints/order_triage/invocations", "", kOfDefault},
        AskedCase{"by path", "/endpoints/other/invocations", "", kOfOther},
        AskedCase{"by header", "/invocations", "other", kOfOther},
        AskedCase{"header before path", "/endpoints/any/invocations", "other", kOfOther}}) {
    const Response response = service_.Post(kOrder, {.path = one.path, .target_model = one.target});
    EXPECT_EQ(response.body, one.body) << one.name;
  }
}

TEST_F(DeploymentsTest, ThatThereAreNotAreNotFoundWithThoseThatThereAre) {
  const std::string expected = "no deployment \\\"x\\\"; there are: order_triage, other";
  const Response by_header = service_.Post(kOrder, {.target_model = "x"});
  EXPECT_EQ(by_header.status, 404);
  EXPECT_THAT(by_header.body, HasSubstr(expected));
  const Response by_path = service_.Post(kOrder, {.path = "/endpoints/x/invocations"});
  EXPECT_EQ(by_path.status, 424);
  EXPECT_EQ(json::parse(by_path.body)["OriginalStatusCode"], 404);
}

TEST_F(DeploymentsTest, AskedInTurnsDoNotMixTheirAnswers) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(service_.Post(kOrder).body, kOfDefault);
    EXPECT_EQ(service_.Post(kOrder, {.target_model = "other"}).body, kOfOther);
  }
}

TEST(OneDeployment, AnswersToAnyEndpointButToNoOtherModel) {
  OrderService service;
  EXPECT_EQ(service.Post(kOrder, {.path = "/endpoints/any/invocations"}).body, kOfDefault);
  EXPECT_EQ(service.Post(kOrder, {.target_model = "order_triage"}).body, kOfDefault);
  EXPECT_EQ(service.Post(kOrder, {.target_model = "any"}).status, 404);
}

TEST(LoadDeployments, NamesWhoDeclaredWhatCannotBeLoaded) {
  const preprocessing::TempFolder folder;
  const auto loaded = LoadDeployments(
      std::vector{Deployment{
          .name = "a", .model = "sales@7", .snapshots = folder.path(), .origin = "--deploy"}},
      FORKCAST_SOURCE_DIR "/tests/data/published");
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message, "--deploy: model \"sales\" has no version \"7\"; there are: 1");
  const auto unknown = LoadDeployments(
      std::vector{Deployment{.name = "a", .model = "b@champion", .origin = "--deploy"}},
      FORKCAST_SOURCE_DIR "/tests/data/published");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message, "--deploy: no model \"b\" in " FORKCAST_SOURCE_DIR
                                     "/tests/data/published; there are: delivery, sales");
}

}  // namespace
}  // namespace forkcast::serving
