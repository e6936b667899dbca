#include "serving/access/password.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

constexpr unsigned long long kPasses = crypto_pwhash_OPSLIMIT_INTERACTIVE;
static_assert(kPasses == 2 && kPasswordMemory == crypto_pwhash_MEMLIMIT_INTERACTIVE);
constexpr std::string_view kPrefix = "$argon2id$v=19$m=65536,t=2,p=1$";
constexpr std::size_t kSaltDigits = 22;  // of base64: 16 bytes,
constexpr std::size_t kHashDigits = 43;  // and 32

bool IsBase64(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const char low = Lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

/// Bytes that follow the first one of a character in UTF-8; 4 for what is none.
std::size_t BytesBehind(unsigned char first) noexcept {
  if (first < 0x80U) return 0;
  if (first >= 0xC2U && first < 0xE0U) return 1;
  if (first >= 0xE0U && first < 0xF0U) return 2;
  if (first >= 0xF0U && first < 0xF5U) return 3;
  return 4;
}

/// Of a text in UTF-8; none of another.
std::size_t Characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count) {
    const std::size_t behind = BytesBehind(static_cast<unsigned char>(text[i]));
    const std::string_view rest = text.substr(i + 1, behind);
    const bool is_whole = rest.size() == behind && std::ranges::all_of(rest, [](char c) {
                            return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
                          });
    if (behind > 3 || !is_whole) return 0;
    i += behind + 1;
  }
  return count;
}

Error Expected(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), "password"};
}

}  // namespace

Status CheckNewPassword(std::string_view name, std::string_view password) {
  const bool is_plain = std::ranges::none_of(password, IsControl);
  if (password.size() > kMostPassword || !is_plain || Characters(password) < kLeastPassword) {
    return Expected(
        fmt::format("expected at least {} characters in UTF-8 without control "
                    "characters, and at most {} bytes",
                    kLeastPassword, kMostPassword));
  }
  constexpr std::size_t kLeastDifferent = 5;
  std::string different(password);
  std::ranges::sort(different);
  different.erase(std::unique(different.begin(), different.end()), different.end());
  const bool is_varied = different.size() >= kLeastDifferent;
  Forget(different);
  std::string small(password);
  std::ranges::transform(small, small.begin(), Lower);
  std::string small_name(name);
  std::ranges::transform(small_name, small_name.begin(), Lower);
  const std::size_t at = small.find(small_name);
  Forget(small);
  if (at != std::string::npos && password.size() < small_name.size() + kLeastPassword) {
    return Expected("expected one that is not made of the user's name");
  }
  if (!is_varied) {
    return Expected(fmt::format("expected at least {} different characters", kLeastDifferent));
  }
  return {};
}

Result<std::string> HashOfPassword(std::string_view password) {
  if (::sodium_init() < 0) return Error{ErrorCode::kInternal, "libsodium cannot be used"};
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (::crypto_pwhash_str(hash.data(), password.data(), password.size(), kPasses,
                          kPasswordMemory) != 0) {
    return Error{ErrorCode::kInternal, "there is no memory to hash a password (64 MiB)"};
  }
  return std::string(hash.data());
}

bool IsPasswordHash(std::string_view text) noexcept {
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  return text.size() == kSaltDigits + 1 + kHashDigits && text[kSaltDigits] == '$' &&
         IsBase64(text.substr(0, kSaltDigits)) && IsBase64(text.substr(kSaltDigits + 1));
}

Result<bool> IsPassword(const std::string& hash, std::string_view password) {
  if (::sodium_init() < 0) return Error{ErrorCode::kInternal, "libsodium cannot be used"};
  errno = 0;
  if (::crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0) return true;
  if (errno != ENOMEM) return false;
  return Error{ErrorCode::kNotReady, "there is no memory to look at a password now (64 MiB)"};
}

std::string_view NobodysHash() noexcept {
  // Of 32 bytes that came by chance and were forgotten.
  return "$argon2id$v=19$m=65536,t=2,p=1$FP+TOBSYFcI9rV5hNtsn4Q$"
         "zdI73r18Rp2WKh2NCHCUajP4B/be7Yp0ckSIvX+1hj0";
}

void Forget(std::string& secret) noexcept {
  ::sodium_memzero(secret.data(), secret.size());
  secret.clear();
}

}  // namespace forkcast::serving
