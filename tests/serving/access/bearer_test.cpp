#include "serving/access/bearer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

TEST(BearerToken, IsWhatStandsBehindTheScheme) {
  EXPECT_EQ(BearerToken({"Bearer forkcast_aB-_9", 1}).value(), "forkcast_aB-_9");
}

TEST(BearerToken, HasASchemeOfAnyCase) { EXPECT_EQ(BearerToken({"bEARER t", 1}).value(), "t"); }

TEST(BearerToken, IsEmptyWithoutTheHeader) { EXPECT_EQ(BearerToken({}).value(), ""); }

TEST(BearerToken, IsMalformedWhenThereAreTwoHeaders) {
  const auto token = BearerToken({"Bearer t", 2});
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, ErrorCode::kMalformed);
}

struct BadCase {
  const char* name;
  const char* value;
};

class BadBearer : public testing::TestWithParam<BadCase> {};

TEST_P(BadBearer, IsRefusedWithoutRepeatingIt) {
  const auto token = BearerToken({GetParam().value, 1});
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(token.error().message.find("sesame"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadBearer,
    testing::Values(
        BadCase{"NoScheme", "sesame"}, BadCase{"AnotherScheme", "Basic sesame"},
        BadCase{"NoBlank", "Bearersesame"}, BadCase{"TwoBlanks", "Bearer  sesame"},
        BadCase{"ATabulator", "Bearer\tsesame"}, BadCase{"TwoTokens", "Bearer sesame sesame"},
        BadCase{"AList", "Bearer sesame, Bearer sesame"}, BadCase{"Quotes", "Bearer \"sesame\""},
        BadCase{"AnEscape", "Bearer sesame%00"}, BadCase{"AByteThatIsNoAscii", "Bearer sesame\xFF"},
        BadCase{"NoToken", "Bearer "}, BadCase{"TheSchemeAlone", "Bearer"}, BadCase{"NoValue", ""}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
