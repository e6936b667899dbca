#include "serving/access/cookie.hpp"

#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

constexpr std::string_view kName = "forkcast_session";

struct CookieCase {
  const char* name;
  const char* sent;
  const char* found;
};

class Cookies : public testing::TestWithParam<CookieCase> {};

TEST_P(Cookies, AreFoundByTheirName) {
  const auto found = FindCookie({.value = GetParam().sent, .count = 1}, kName);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Cookies,
    testing::Values(CookieCase{"Alone", "forkcast_session=v", "v"},
                    CookieCase{"AmongOthers", "a=b; forkcast_session=v; c=d", "v"},
                    CookieCase{"WithoutBlanks", "a=b;forkcast_session=v;c=d", "v"},
                    CookieCase{"WithBlanks", " \tforkcast_session \t=\t v ", "v"},
                    CookieCase{"WithASignInItsValue", "forkcast_session=v=w", "v=w"},
                    CookieCase{"NotThere", "a=b", ""}, CookieCase{"Empty", "forkcast_session=", ""},
                    CookieCase{"NotByAnotherCase", "Forkcast_Session=v", ""},
                    CookieCase{"NotByALongerName", "xforkcast_session=v; forkcast_sessionx=v", ""},
                    CookieCase{"NotInAnotherOnesValue", "a=\"forkcast_session=v\"", ""},
                    CookieCase{"NotWithoutASign", "forkcast_session", ""},
                    CookieCase{"OfNothing", "", ""}, CookieCase{"OfSemicolons", ";;;", ""}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(CookiesGivenTwice, AreRefused) {
  const auto twice =
      FindCookie({.value = "forkcast_session=a; forkcast_session=b", .count = 1}, kName);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(twice.error().field, "Cookie");
}

TEST(CookiesGivenTwice, AreRefusedInTwoHeaders) {
  EXPECT_FALSE(FindCookie({.value = "forkcast_session=a", .count = 2}, kName));
}

TEST(SessionCookie, IsForNoScriptAndNoOtherSite) {
  EXPECT_EQ(SetSessionCookie("v", Channel::kPlain),
            "forkcast_session=v; Path=/; HttpOnly; SameSite=Strict");
}

TEST(SessionCookie, OverTlsIsNobodyElsesToSet) {
  EXPECT_EQ(SetSessionCookie("v", Channel::kTls),
            "__Host-forkcast_session=v; Path=/; HttpOnly; SameSite=Strict; Secure");
}

TEST(SessionCookie, IsTakenAwayUnderItsName) {
  EXPECT_EQ(ClearSessionCookie(Channel::kTls),
            "__Host-forkcast_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
}

}  // namespace
}  // namespace forkcast::serving
