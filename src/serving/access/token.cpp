#include "serving/access/token.hpp"

#include <nettle/memops.h>
#include <nettle/sha2.h>

#include "serving/access/base64_url.hpp"
#include "serving/access/random_bytes.hpp"

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
  FillRandom(bits);
  return std::string(kPrefix).append(ToBase64Url(bits));
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
