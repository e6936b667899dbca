#include "serving/access/allowed_hosts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

struct HostCase {
  const char* name;
  std::vector<std::string> allowed;
  std::string host;
  bool is_allowed;
};

class AllowedHosts : public testing::TestWithParam<HostCase> {};

TEST_P(AllowedHosts, AreThoseOfTheList) {
  const auto& [name, allowed, host, is_allowed] = GetParam();
  std::vector<std::string> parsed;
  for (const std::string& one : allowed) parsed.push_back(ParseAllowedHost(one).value());
  EXPECT_EQ(IsAllowedHost(parsed, host), is_allowed) << host;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AllowedHosts,
    testing::Values(HostCase{"TheName", {"a.example"}, "a.example", true},
                    HostCase{"AnotherName", {"a.example"}, "b.example", false},
                    HostCase{"InAnyCase", {"A.Example"}, "a.eXAMPLE", true},
                    HostCase{"AtAnyPort", {"a.example"}, "a.example:8080", true},
                    HostCase{"AtItsPort", {"a.example:8080"}, "a.example:8080", true},
                    HostCase{"AtAnotherPort", {"a.example:8080"}, "a.example:8081", false},
                    HostCase{"WithoutItsPort", {"a.example:8080"}, "a.example", false},
                    HostCase{"WithTheRootsDot", {"a.example"}, "a.example.", true},
                    HostCase{"OneOfSeveral", {"a.example", "b.example"}, "b.example", true},
                    HostCase{"BelowADomain", {"*.example"}, "a.b.example", true},
                    HostCase{"TheDomainItself", {"*.example"}, "example", false},
                    HostCase{"ADomainThatEndsAlike", {"*.example"}, "anexample", false},
                    HostCase{"ANameThatBeginsAlike", {"a.example"}, "a.example.evil.test", false},
                    HostCase{"ANameThatEndsAlike", {"a.example"}, "evil-a.example", false},
                    HostCase{"AnAddress", {"127.0.0.1"}, "127.0.0.1:8080", true},
                    HostCase{"AnAddressThatWasNotListed", {"localhost"}, "127.0.0.1", false},
                    HostCase{"AnIpv6Address", {"[::1]"}, "[::1]:8080", true},
                    HostCase{"AnIpv6AddressAtItsPort", {"[::1]:8080"}, "[::1]:8080", true},
                    HostCase{"AnotherIpv6Address", {"[::1]"}, "[::2]", false},
                    HostCase{"NoName", {"a.example"}, "", false}),
    [](const auto& param) { return std::string(param.param.name); });

class BadHost : public testing::TestWithParam<const char*> {};

TEST_P(BadHost, IsRefusedWithWhatWasExpected) {
  const auto parsed = ParseAllowedHost(GetParam());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parsed.error().message, testing::HasSubstr("forecasts.example"));
}

INSTANTIATE_TEST_SUITE_P(Cases, BadHost,
                         testing::Values("", "*", "*.", ".", ".example", "a b", "http://a", "a/b",
                                         "a:", "a:port", "a:123456", "[]", "[::1", "::1", "a*b",
                                         "*.*.example", "a@b", "b\xC3\xBC"));

}  // namespace
}  // namespace forkcast::serving
