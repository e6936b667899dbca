#include "serving/access/same_origin.hpp"

#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

struct OriginCase {
  const char* name;
  AskingPage page;
  const char* host;
  bool is_another = false;
};

class Pages : public testing::TestWithParam<OriginCase> {};

TEST_P(Pages, AreToldFromOurOwn) {
  EXPECT_EQ(IsOfAnotherOrigin(GetParam().page, GetParam().host), GetParam().is_another);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Pages,
    testing::Values(
        OriginCase{"NoBrowser", {}, "a.example", false},
        OriginCase{"OurOwn", {"https://a.example", "same-origin"}, "a.example", false},
        OriginCase{"TypedByTheUser", {"", "none"}, "a.example", false},
        OriginCase{"OfThePort", {"http://a.example:8080"}, "a.example:8080", false},
        OriginCase{"OfThePortThatAProxyLeftOut", {"https://a.example:8443"}, "a.example", false},
        OriginCase{"OfTheSchemesPort", {"http://a.example"}, "a.example:80", false},
        OriginCase{"OfTheSchemesPortOverTls", {"https://a.example"}, "a.example:443", false},
        OriginCase{"InCapitals", {"https://A.Example"}, "a.example", false},
        OriginCase{"OfAnAddress", {"http://127.0.0.1:8080"}, "127.0.0.1:8080", false},
        OriginCase{"OfAnIPv6Address", {"http://[::1]:8080"}, "[::1]:8080", false},
        OriginCase{"OfAnotherSite", {"https://evil.example", "cross-site"}, "a.example", true},
        OriginCase{"OfASister", {"https://b.example", "same-site"}, "a.example", true},
        OriginCase{"OfAnotherSiteThatLiesByItsOrigin",
                   {"https://a.example", "cross-site"},
                   "a.example",
                   true},
        OriginCase{
            "OfAnotherOriginAsOurOwn", {"https://evil.example", "same-origin"}, "a.example", true},
        OriginCase{"OfAnotherPort", {"http://a.example:8081"}, "a.example:8080", true},
        OriginCase{"OfAnotherPortThanTheSchemes", {"http://a.example"}, "a.example:8080", true},
        OriginCase{"OfANameThatBeginsAlike", {"https://a.example.evil.test"}, "a.example", true},
        OriginCase{"OfANameThatEndsAlike", {"https://not-a.example"}, "a.example", true},
        OriginCase{"OfOurNameAsAUser", {"https://a.example@evil.test"}, "a.example", true},
        OriginCase{"OfNobody", {"null"}, "a.example", true},
        OriginCase{"OfAFile", {"file://"}, "a.example", true},
        OriginCase{"OfAnExtension", {"chrome-extension://a.example"}, "a.example", true},
        OriginCase{"OfANameThatIsEmpty", {"https://"}, "", true},
        OriginCase{"OfASiteThatNoBrowserKnows", {"", "elsewhere"}, "a.example", true}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
