#include "serving/web/login_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/access/base64_url.hpp"
#include "serving/access/token.hpp"
#include "serving/web/login_html.hpp"

namespace forkcast::serving {
namespace {

/// What the page says, in one language.
struct Words {
  std::string_view code;
  std::string_view title;
  std::string_view user;
  std::string_view password;
  std::string_view log_in;
  std::string_view logged_in;  ///< With {} for the user.
  std::string_view log_out;
  std::string_view go_on;
  std::string_view wrong;
  std::string_view too_often;
  std::string_view failed;
};

constexpr std::array kWords{
    Words{.code = "en",
          .title = "Log in",
          .user = "User",
          .password = "Password",
          .log_in = "Log in",
          .logged_in = "You are logged in as {}.",
          .log_out = "Log out",
          .go_on = "Go on",
          .wrong = "The user or the password is wrong.",
          .too_often = "There were too many tries. Wait a while, and try again.",
          .failed = "That did not work. Try again."},
    Words{.code = "es",
          .title = "Iniciar sesión",
          .user = "Usuario",
          .password = "Contraseña",
          .log_in = "Entrar",
          .logged_in = "Ha iniciado sesión como {}.",
          .log_out = "Cerrar sesión",
          .go_on = "Continuar",
          .wrong = "El usuario o la contraseña no son correctos.",
          .too_often = "Demasiados intentos. Espere un momento e inténtelo de nuevo.",
          .failed = "No ha funcionado. Inténtelo de nuevo."}};

const Words& WordsIn(LoginPage::Language language) noexcept {
  return kWords.at(static_cast<std::size_t>(language));
}

std::string_view TextOf(LoginPage::Note note, const Words& words) noexcept {
  switch (note) {
    case LoginPage::Note::kNone:
      break;
    case LoginPage::Note::kWrong:
      return words.wrong;
    case LoginPage::Note::kTooOften:
      return words.too_often;
    case LoginPage::Note::kFailed:
      return words.failed;
  }
  return {};
}

/// Also within quotes.
std::string EscapeHtml(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string NoteOf(const LoginPage& page, const Words& words) {
  const std::string_view text = TextOf(page.note, words);
  return text.empty() ? std::string() : fmt::format("<p role=\"alert\">{}</p>", text);
}

std::string FormOf(const LoginPage& page, const Words& words) {
  constexpr std::string_view kBegin = "<form method=\"post\" action=\"session\">\n";
  if (page.user.empty()) {
    return fmt::format(
        "{}<label>{} <input name=\"user\" autocomplete=\"username\" autocapitalize=\"none\" "
        "required autofocus></label>\n"
        "<label>{} <input name=\"password\" type=\"password\" autocomplete=\"current-password\" "
        "required></label>\n"
        "<button>{}</button>\n</form>",
        kBegin, words.user, words.password, words.log_in);
  }
  const std::string who = fmt::format(fmt::runtime(words.logged_in), EscapeHtml(page.user));
  return fmt::format(
      "<p>{} <a href=\"./\">{}</a></p>\n{}<input type=\"hidden\" name=\"log_out\" value=\"{}\">\n"
      "<button>{}</button>\n</form>",
      who, words.go_on, kBegin, EscapeHtml(page.csrf_token), words.log_out);
}

void Fill(std::string_view place, std::string_view text, std::string& out) {
  const std::string marked = fmt::format("{{{{{}}}}}", place);
  for (std::size_t at = out.find(marked); at != std::string::npos;
       at = out.find(marked, at + text.size())) {
    out.replace(at, marked.size(), text);
  }
}

/// That the page's own style, by its SHA-256, is all that it may use.
std::string Policy() {
  constexpr std::string_view kBegin = "<style>";
  const std::string_view html = LoginHtml();
  const std::size_t begin = html.find(kBegin) + kBegin.size();
  const TokenHash hash = HashOf(html.substr(begin, html.find("</style>") - begin));
  std::string digits = ToBase64Url(hash);
  std::ranges::replace(digits, '-', '+');
  std::ranges::replace(digits, '_', '/');
  return fmt::format(
      "default-src 'none'; img-src data:; style-src 'sha256-{}='; form-action 'self'; base-uri "
      "'none'; frame-ancestors 'none'",
      digits);
}

}  // namespace

LoginPage::Language LoginPage::LanguageOf(std::string_view accept_language) noexcept {
  while (!accept_language.empty()) {
    const std::size_t end = std::min(accept_language.find(','), accept_language.size());
    std::string_view range = accept_language.substr(0, end);
    accept_language.remove_prefix(std::min(end + 1, accept_language.size()));
    range.remove_prefix(std::min(range.find_first_not_of(' '), range.size()));
    range = range.substr(0, range.find_first_of("-; "));
    for (std::size_t i = 0; i < kWords.size(); ++i) {
      if (EqualsIgnoringCase(range, kWords.at(i).code)) return static_cast<Language>(i);
    }
  }
  return Language::kEnglish;
}

void WriteLoginPage(const LoginPage& page, Response& response) {
  const Words& words = WordsIn(page.language);
  response.content_type = "text/html; charset=utf-8";
  response.body = LoginHtml();
  Fill("language", words.code, response.body);
  Fill("title", words.title, response.body);
  Fill("note", NoteOf(page, words), response.body);
  Fill("form", FormOf(page, words), response.body);
  response.AddHeader("Cache-Control", "no-store");
  response.AddHeader("Content-Security-Policy", Policy());
  response.AddHeader("Referrer-Policy", "same-origin");
  response.AddHeader("X-Content-Type-Options", "nosniff");
  response.AddHeader("X-Frame-Options", "DENY");
}

}  // namespace forkcast::serving
