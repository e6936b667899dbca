#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serving/http/response.hpp"

namespace forkcast::serving {

/// A page with a form to log in, or for who is logged in to log out. It needs no script, and
/// nothing from elsewhere.
struct LoginPage {
  enum class Language : std::uint8_t { kEnglish, kSpanish };
  enum class Note : std::uint8_t { kNone, kWrong, kTooOften, kFailed };

  /// Of those there are, the one that a header Accept-Language names first; else English.
  [[nodiscard]] static Language LanguageOf(std::string_view accept_language) noexcept;

  Language language = Language::kEnglish;
  Note note = Note::kNone;
  std::string user{};        ///< Who is logged in; empty: nobody.
  std::string csrf_token{};  ///< Of that user's session.
};

/// Makes the page the body of `response`, whose status stays, with headers that keep it out of
/// caches and of other pages' frames, and it from loading anything.
void WriteLoginPage(const LoginPage& page, Response& response);

}  // namespace forkcast::serving
