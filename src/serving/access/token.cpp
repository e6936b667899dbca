#include "serving/access/token.hpp"

#include <nettle/base64.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace forkcast::serving {
namespace {

constexpr std::string_view kPrefix = "forkcast_";
constexpr std::size_t kSecretBytes = 32;

}  // namespace

Token::State Token::StateAt(Instant now) const noexcept {
  if (revoked) return State::kRevoked;
  return expires && now >= *expires ? State::kExpired : State::kValid;
}

std::string_view WordFor(Token::State state) noexcept {
  switch (state) {
    case Token::State::kValid:
      return "valid";
    case Token::State::kExpired:
      return "expired";
    case Token::State::kRevoked:
      return "revoked";
  }
  return {};
}

std::string NewSecret() {
  std::array<std::uint8_t, kSecretBytes> bits{};
  // Reads of up to 256 bytes are never interrupted and never short once the pool is ready.
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
    throw std::system_error(errno, std::generic_category(), "no random bytes");
  }
  std::array<char, BASE64_ENCODE_RAW_LENGTH(kSecretBytes)> text{};
  base64_encode_ctx encoder{};
  base64url_encode_init(&encoder);
  std::size_t size = base64_encode_update(&encoder, text.data(), bits.size(), bits.data());
  size += base64_encode_final(&encoder, text.data() + size);
  std::string_view digits(text.data(), size);
  while (digits.ends_with('=')) digits.remove_suffix(1);
  return std::string(kPrefix).append(digits);
}

TokenHash HashOf(std::string_view secret) noexcept {
  sha256_ctx context{};
  sha256_init(&context);
  sha256_update(&context, secret.size(), reinterpret_cast<const std::uint8_t*>(secret.data()));
  TokenHash hash{};
  sha256_digest(&context, hash.size(), hash.data());
  return hash;
}

const Token* FindToken(std::span<const Token> tokens, std::string_view secret) noexcept {
  const TokenHash hash = HashOf(secret);
  const Token* found = nullptr;
  for (const Token& token : tokens) {
    const bool is_it = memeql_sec(token.hash.data(), hash.data(), hash.size()) != 0;
    found = is_it ? &token : found;
  }
  return found;
}

}  // namespace forkcast::serving
