#include "serving/webhook/webhook_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;
using preprocessing::TempFolder;
using testing::HasSubstr;

WebhookSettings Read(const std::string& text) {
  const auto json = preprocessing::ParseJson(text);
  return ReadWebhookSettings(JsonNode(json, "$.hooks[0].webhook"));
}

TEST(WebhookSettings, HaveDefaultsForAllButReceiverAndSecret) {
  EXPECT_EQ(Read(R"({"url": "https://a.example/x", "secret_file": "s"})"),
            (WebhookSettings{.url = "https://a.example/x", .secret_file = "s"}));
  EXPECT_EQ(Read(R"({"url": "http://[::1]:80", "secret_file": "s", "timeout_ms": 50,
                     "attempts": 1})"),
            (WebhookSettings{.url = "http://[::1]:80",
                             .secret_file = "s",
                             .timeout = std::chrono::milliseconds(50),
                             .attempts = 1}));
}

struct WrongCase {
  const char* name;
  const char* json;
  const char* message;
};
std::ostream& operator<<(std::ostream& out, const WrongCase& one) { return out << one.name; }

class WrongWebhookSettings : public testing::TestWithParam<WrongCase> {};

TEST_P(WrongWebhookSettings, AreRefusedAtTheirPath) {
  try {
    Read(GetParam().json);
    FAIL() << "was taken";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongWebhookSettings,
    testing::Values(
        WrongCase{"NoReceiver", R"({"secret_file": "s"})", "url"},
        WrongCase{"NoSecret", R"({"url": "http://a"})", "secret_file"},
        WrongCase{"AnotherProtocol", R"({"url": "file:///etc/passwd", "secret_file": "s"})",
                  "$.hooks[0].webhook.url: expected http:// or https://"},
        WrongCase{"NoHost", R"({"url": "https:///x", "secret_file": "s"})", "and a host"},
        WrongCase{"ABreakInTheLine", R"({"url": "http://a/\r\nX: y", "secret_file": "s"})",
                  "expected http://"},
        WrongCase{"NoTime", R"({"url": "http://a", "secret_file": "s", "timeout_ms": 0})",
                  "timeout_ms"},
        WrongCase{"NoAttempt", R"({"url": "http://a", "secret_file": "s", "attempts": 0})",
                  "attempts"},
        WrongCase{"AMistypedName", R"({"url": "http://a", "secret_file": "s", "retries": 1})",
                  "retries"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Receiver, IsToldWithoutWhatMayBeSecret) {
  EXPECT_EQ(ReceiverOf("https://user:pass@a.example:8443/token?key=1#x"), "a.example:8443");
  EXPECT_EQ(ReceiverOf("http://[::1]:80"), "[::1]:80");
}

// RFC 4231, test case 2.
TEST(Signature, IsHmacOfSha256) {
  EXPECT_EQ(SignatureOf("what do ya want for nothing?", "Jefe"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Secret, IsTheTextOfAFileWithoutBlanks) {
  TempFolder folder;
  folder.Write("secret", "  0123456789abcdef\n");
  const Result<std::string> secret = ReadWebhookSecret(folder.path() / "secret");
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(*secret, "0123456789abcdef");
}

TEST(Secret, ThatIsShortOrNotThereIsRefusedNamingTheFile) {
  TempFolder folder;
  folder.Write("secret", "0123456789abcde\n");
  const Result<std::string> too_short = ReadWebhookSecret(folder.path() / "secret");
  ASSERT_FALSE(too_short.ok());
  EXPECT_THAT(too_short.error().message, HasSubstr("has 15 bytes: expected 16 at least"));
  const Result<std::string> absent = ReadWebhookSecret(folder.path() / "other");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kIo);
  EXPECT_THAT(absent.error().message, HasSubstr("other"));
}

}  // namespace
}  // namespace forkcast::serving
