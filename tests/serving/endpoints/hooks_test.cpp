#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "serving/endpoints/order_service.hpp"
#include "support/hook_testing.hpp"
#include "support/http_message.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;

constexpr std::string_view kTwoOrders =
    R"([{"order_id":"paid","timestamp":"2021-07-01 09:30:00","sku_code":"00123","zip_code":"01001"},
        {"order_id":"paid","timestamp":"2021-07-01 09:30:00","sku_code":"ABC","zip_code":"01001"}])";

/// The orders' pipeline behind one hook.
class Thresholds : public testing::Test {
 protected:
  Response Ask(const std::string& rules, std::string_view body, RequestView parts = {}) {
    service_.emplace(OrderService::Edit{}, wire::DecoderLimits{}, std::string_view(),
                     Configs(R"([{"type":"thresholds",)" + rules + "}]"));
    return service_->Post(body, parts);
  }

  std::optional<OrderService> service_;
};

TEST_F(Thresholds, ThatFlagSayItInTheHeadAndInEachRow) {
  const Response response = Ask(R"("action":"flag","fields":{"sku_code":{"max_length":3}},
             "features":{"inventory":{"max":5}})",
                                kTwoOrders);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(HeaderOf(response.headers, "X-Forkcast-Flags"), "sku_code.max_length, inventory.max");
  EXPECT_EQ(response.body,
            R"([{"order_id":"paid","recommendation":"Deliver","flags":["sku_code.max_length"]},)"
            R"({"order_id":"paid","recommendation":"Deliver","flags":["inventory.max"]}])");
}

TEST_F(Thresholds, ThatNothingBreaksLeaveTheAnswerAsItIs) {
  const Response response =
      Ask(R"("action":"reject","fields":{"sku_code":{"max_length":9}})", kTwoOrders);
  EXPECT_EQ(response.body, R"([{"order_id":"paid","recommendation":"Deliver"},)"
                           R"({"order_id":"paid","recommendation":"Deliver"}])");
  EXPECT_EQ(HeaderOf(response.headers, "X-Forkcast-Flags"), "");
}

TEST_F(Thresholds, ThatRejectFailTheRequestNamingFieldValueAndBound) {
  const Response response =
      Ask(R"("action":"reject","fields":{"sku_code":{"max_length":3}})", kTwoOrders);
  EXPECT_EQ(response.status, 422);
  const json error = json::parse(response.body).at("error");
  EXPECT_EQ(error.at("code"), "rejected");
  EXPECT_EQ(error.at("field"), "sku_code");
  EXPECT_EQ(error.at("message"), R"(got "00123", expected at most 3 characters)");
  EXPECT_EQ(error.at("row"), 0);
  EXPECT_EQ(error.at("bad_rows"), 1);
}

struct RejectedPart {
  const char* name;
  const char* rules;
  const char* field;

  friend std::ostream& operator<<(std::ostream& out, const RejectedPart& part) {
    return out << part.rules;
  }
};

class PartialThresholds : public Thresholds, public testing::WithParamInterface<RejectedPart> {};

TEST_P(PartialThresholds, RejectTheRowAlone) {
  const Response response = Ask(std::string(R"("action":"reject",)") + GetParam().rules, kTwoOrders,
                                {.query = "partial=true"});
  EXPECT_EQ(response.status, 200);
  const json rows = json::parse(response.body);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("error").at("code"), "rejected");
  EXPECT_EQ(rows[0].at("error").at("field"), GetParam().field);
  EXPECT_EQ(rows[0].at("error").at("row"), 0);
  EXPECT_EQ(rows[1], (json{{"order_id", "paid"}, {"recommendation", "Deliver"}}));
}

INSTANTIATE_TEST_SUITE_P(
    Of, PartialThresholds,
    testing::Values(RejectedPart{"Fields", R"("fields":{"sku_code":{"max_length":3}})", "sku_code"},
                    RejectedPart{"Features", R"("features":{"inventory":{"min":6}})", "inventory"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(Thresholds, OfOutputsRejectAnswersBeforeTheyAreWritten) {
  const Response response =
      Ask(R"("action":"reject","outputs":{"class":{"allowed":["Decline"]}})", kTwoOrders);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(json::parse(response.body).at("error").at("field"), "class");
}

TEST_F(Thresholds, CountWhatTheyReject) {
  Ask(R"("action":"reject","fields":{"sku_code":{"max_length":3}})", kTwoOrders);
  EXPECT_EQ(service_->slot().hooks[0].rejected, 1U);
  EXPECT_EQ(service_->slot().hooks[0].calls, 1U);
}

}  // namespace
}  // namespace forkcast::serving
