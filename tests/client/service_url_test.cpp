#include "client/service_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forkcast::client {
namespace {

using testing::HasSubstr;

struct UrlCase {
  const char* name;
  const char* url;
  ServiceUrl expected;
  const char* host_header;
};

class ReadableUrl : public testing::TestWithParam<UrlCase> {};

TEST_P(ReadableUrl, SaysWhereRequestsGo) {
  const Result<ServiceUrl> url = ParseServiceUrl(GetParam().url);
  ASSERT_TRUE(url.ok()) << url.error().message;
  EXPECT_EQ(*url, GetParam().expected);
  EXPECT_EQ(url->HostHeader(), GetParam().host_header);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ReadableUrl,
    testing::Values(
        UrlCase{"WithoutPathIsInvocations", "http://h:8080", {"h", "8080"}, "h:8080"},
        UrlCase{"WithSlashAloneIsInvocations", "http://h:8080/", {"h", "8080"}, "h:8080"},
        UrlCase{"WithoutPortIsPort80", "http://h/p", {"h", "80", "", "/p"}, "h"},
        UrlCase{"KeepsPathAndQuery",
                "http://h:1/endpoints/e/invocations?features=true",
                {"h", "1", "", "/endpoints/e/invocations?features=true"},
                "h:1"},
        UrlCase{"KeepsAQueryWithoutPath",
                "http://h:1?features=true",
                {"h", "1", "", "/invocations?features=true"},
                "h:1"},
        UrlCase{"KeepsAQueryBehindASlash",
                "http://h:1/?features=true",
                {"h", "1", "", "/invocations?features=true"},
                "h:1"},
        UrlCase{"TakesIpv6InBrackets", "http://[::1]:8080", {"::1", "8080"}, "[::1]:8080"},
        UrlCase{"TakesIpv6WithoutPort", "http://[::1]", {"::1", "80"}, "[::1]"},
        UrlCase{"TakesAUnixSocket", "unix:/run/f.sock", {"", "80", "/run/f.sock"}, "localhost"}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadUrlCase {
  const char* name;
  std::string url;
  const char* complaint;
};

class UnreadableUrl : public testing::TestWithParam<BadUrlCase> {};

TEST_P(UnreadableUrl, IsRefusedWithTheReasonAndTheFormsThereAre) {
  const Result<ServiceUrl> url = ParseServiceUrl(GetParam().url);
  ASSERT_FALSE(url.ok());
  EXPECT_THAT(url.error().message, HasSubstr(GetParam().complaint));
  EXPECT_THAT(url.error().message, HasSubstr("expected http://HOST:PORT[/path] or unix:"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UnreadableUrl,
    testing::Values(BadUrlCase{"Empty", "", "not a URL of a kind"},
                    BadUrlCase{"Https", "https://h", "not a URL of a kind"},
                    BadUrlCase{"WithoutHost", "http://:80/", "host is missing"},
                    BadUrlCase{"PortZero", "http://h:0", "a port is a number"},
                    BadUrlCase{"PortTooLarge", "http://h:65536", "a port is a number"},
                    BadUrlCase{"PortNotANumber", "http://h:8x", "a port is a number"},
                    BadUrlCase{"PortEmpty", "http://h:", "a port is a number"},
                    BadUrlCase{"WithUser", "http://me@h", "no user name"},
                    BadUrlCase{"OpenBracket", "http://[::1", "never closed"},
                    BadUrlCase{"TextBehindBracket", "http://[::1]x", "only a port"},
                    BadUrlCase{"SpaceInPath", "http://h/a b", "to be escaped"},
                    BadUrlCase{"LineBreakInHost", "http://h\r\nX: y/", "bad character"},
                    BadUrlCase{"Fragment", "http://h/#a", "fragment"},
                    BadUrlCase{"SocketWithoutPath", "unix:", "path of the socket is missing"},
                    BadUrlCase{"SocketPathTooLong", "unix:/" + std::string(107, 'a'),
                               "at most 107 bytes"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AskingForPartialAnswers, AddsToTheQueryUnlessItIsSaidThereAlready) {
  EXPECT_EQ(AskingForPartialAnswers("/i"), "/i?partial=true");
  EXPECT_EQ(AskingForPartialAnswers("/i?"), "/i?partial=true");
  EXPECT_EQ(AskingForPartialAnswers("/i?a=b"), "/i?a=b&partial=true");
  EXPECT_EQ(AskingForPartialAnswers("/i?a=b&"), "/i?a=b&partial=true");
  EXPECT_EQ(AskingForPartialAnswers("/i?a=b&partial=false"), "/i?a=b&partial=false");
  EXPECT_EQ(AskingForPartialAnswers("/i?partial"), "/i?partial");
  EXPECT_EQ(AskingForPartialAnswers("/i?impartial=1"), "/i?impartial=1&partial=true");
}

}  // namespace
}  // namespace forkcast::client
