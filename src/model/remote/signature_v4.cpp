#include "model/remote/signature_v4.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace forkcast::model {
namespace {

using Digest = std::array<std::uint8_t, SHA256_DIGEST_SIZE>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

const std::uint8_t* Bytes(std::string_view text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::string Hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

Digest Hmac(std::span<const std::uint8_t> key, std::string_view text) {
  hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key.size(), key.data());
  hmac_sha256_update(&context, text.size(), Bytes(text));
  Digest digest{};
  hmac_sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

/// Without blanks around it, and with one where there were several.
std::string WithoutSpareBlanks(std::string_view value) {
  std::string text;
  bool pending = false;
  for (const char c : value) {
    const bool is_blank = c == ' ' || c == '\t';
    if (!is_blank && pending && !text.empty()) text.push_back(' ');
    pending = is_blank;
    if (!is_blank) text.push_back(c);
  }
  return text;
}

Pairs Sorted(Pairs pairs) {
  std::ranges::stable_sort(pairs);
  return pairs;
}

std::string SignedHeaders(const RequestToSign& request) {
  std::string names;
  for (const auto& [name, value] : Sorted(request.headers)) {
    if (!names.empty()) names.push_back(';');
    names.append(name);
  }
  return names;
}

std::string Place(const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", AmzDate(scope.time).substr(0, 8), scope.region,
                     scope.service);
}

}  // namespace

std::string CanonicalRequest(const RequestToSign& request) {
  std::string headers;
  for (const auto& [name, value] : Sorted(request.headers)) {
    fmt::format_to(std::back_inserter(headers), "{}:{}\n", name, WithoutSpareBlanks(value));
  }
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method,
                     PercentEncoded(request.path, Slashes::kKept), CanonicalQuery(request.query),
                     headers, SignedHeaders(request), request.payload_hash);
}

std::string Authorization(const RequestToSign& request, const SigningScope& scope,
                          const AwsKeys& keys) {
  const std::string place = Place(scope);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, AmzDate(scope.time), place,
                                          HexSha256(CanonicalRequest(request)));
  const std::string secret = fmt::format("AWS4{}", keys.secret);
  Digest key = Hmac(std::span(Bytes(secret), secret.size()), AmzDate(scope.time).substr(0, 8));
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = Hmac(key, part);
  }
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, keys.id,
                     place, SignedHeaders(request), Hex(Hmac(key, to_sign)));
}

std::string AmzDate(Instant time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(
                         std::chrono::time_point_cast<std::chrono::system_clock::duration>(time))));
}

std::string HexSha256(std::string_view bytes) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, bytes.size(), Bytes(bytes));
  Digest digest{};
  sha256_digest(&context, digest.size(), digest.data());
  return Hex(digest);
}

std::string PercentEncoded(std::string_view text, Slashes slashes) {
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || kPlain.find(c) != kPlain.npos ||
                          (c == '/' && slashes == Slashes::kKept);
    if (is_plain) {
      encoded.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<std::uint8_t>(c));
    }
  }
  return encoded;
}

std::string CanonicalQuery(Pairs query) {
  for (auto& [name, value] : query) {
    name = PercentEncoded(name, Slashes::kEncoded);
    value = PercentEncoded(value, Slashes::kEncoded);
  }
  std::string text;
  for (const auto& [name, value] : Sorted(std::move(query))) {
    fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : "&", name, value);
  }
  return text;
}

}  // namespace forkcast::model
