#include "serving/web/login_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>

#include <array>
#include <string>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::Not;

Response Written(const LoginPage& page) {
  Response response;
  WriteLoginPage(page, response);
  return response;
}

struct LanguageCase {
  const char* name;
  const char* accepted;
  LoginPage::Language language;
};

class Languages : public testing::TestWithParam<LanguageCase> {};

TEST_P(Languages, AreThoseThatTheBrowserAsksFor) {
  EXPECT_EQ(LoginPage::LanguageOf(GetParam().accepted), GetParam().language);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Languages,
    testing::Values(
        LanguageCase{"None", "", LoginPage::Language::kEnglish},
        LanguageCase{"Spanish", "es", LoginPage::Language::kSpanish},
        LanguageCase{"SpanishOfChile", "es-CL,es;q=0.9,en;q=0.8", LoginPage::Language::kSpanish},
        LanguageCase{"English", "en-US,es;q=0.5", LoginPage::Language::kEnglish},
        LanguageCase{"GermanThenSpanish", "de, ES;q=0.5", LoginPage::Language::kSpanish},
        LanguageCase{"Another", "de", LoginPage::Language::kEnglish},
        LanguageCase{"OneThatBeginsAlike", "est", LoginPage::Language::kEnglish},
        LanguageCase{"Garbage", ";;,,-,=", LoginPage::Language::kEnglish}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(LoginPages, HaveNoPlaceLeftEmpty) {
  for (const auto language : {LoginPage::Language::kEnglish, LoginPage::Language::kSpanish}) {
    for (const char* const user : {"", "ana"}) {
      const Response response = Written({.language = language, .user = user, .csrf_token = "t"});
      EXPECT_THAT(response.body, Not(HasSubstr("{{")));
      EXPECT_THAT(response.body, Not(HasSubstr("<script")));
    }
  }
}

TEST(LoginPages, AllowTheirOwnStyleAlone) {
  const Response response = Written({});
  constexpr std::string_view kBegin = "<style>";
  const std::size_t begin = response.body.find(kBegin) + kBegin.size();
  const std::string style = response.body.substr(begin, response.body.find("</style>") - begin);
  sha256_ctx context{};
  sha256_init(&context);
  sha256_update(&context, style.size(), reinterpret_cast<const std::uint8_t*>(style.data()));
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> hash{};
  sha256_digest(&context, hash.size(), hash.data());
  std::string digits(BASE64_ENCODE_RAW_LENGTH(hash.size()), '\0');
  base64_encode_raw(digits.data(), hash.size(), hash.data());
  EXPECT_THAT(std::string(HeaderValue(response, "Content-Security-Policy")),
              HasSubstr("style-src 'sha256-" + digits + "'"));
}

TEST(LoginPages, AreForNoCacheAndNoFrame) {
  const Response response = Written({});
  EXPECT_EQ(HeaderValue(response, "Cache-Control"), "no-store");
  EXPECT_EQ(HeaderValue(response, "X-Frame-Options"), "DENY");
  EXPECT_EQ(HeaderValue(response, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(HeaderValue(response, "Referrer-Policy"), "same-origin");
}

TEST(LoginPages, ShowTextsAsTexts) {
  const Response response = Written({.user = "<b>&\"'", .csrf_token = "\"><script>"});
  EXPECT_THAT(response.body, HasSubstr("&lt;b&gt;&amp;&quot;&#39;"));
  EXPECT_THAT(response.body, Not(HasSubstr("<script>")));
}

TEST(LoginPages, SayWhatWasWrongInTheirLanguage) {
  EXPECT_THAT(Written({.note = LoginPage::Note::kWrong}).body, HasSubstr("is wrong"));
  EXPECT_THAT(
      Written({.language = LoginPage::Language::kSpanish, .note = LoginPage::Note::kTooOften}).body,
      HasSubstr("Demasiados intentos"));
  EXPECT_THAT(Written({}).body, Not(HasSubstr("role=\"alert\"")));
}

}  // namespace
}  // namespace forkcast::serving
