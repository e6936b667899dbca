#include "serving/access/base64_url.hpp"

#include <nettle/base64.h>

namespace forkcast::serving {

std::string ToBase64Url(std::span<const std::uint8_t> bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_ctx encoder{};
  base64url_encode_init(&encoder);
  std::size_t size = base64_encode_update(&encoder, text.data(), bytes.size(), bytes.data());
  size += base64_encode_final(&encoder, text.data() + size);
  text.resize(size);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<std::vector<std::uint8_t>> FromBase64Url(std::string_view text) {
  std::vector<std::uint8_t> bytes(BASE64_DECODE_LENGTH(text.size()) + 1);
  base64_decode_ctx decoder{};
  base64url_decode_init(&decoder);
  std::size_t size = bytes.size();
  if (base64_decode_update(&decoder, &size, bytes.data(), text.size(), text.data()) == 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  // It lets blanks pass, and bits behind the last byte.
  if (ToBase64Url(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace forkcast::serving
