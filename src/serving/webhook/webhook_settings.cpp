#include "serving/webhook/webhook_settings.hpp"

#include <fmt/format.h>
#include <nettle/hmac.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;

constexpr std::size_t kLeastSecretBytes = 16;

const std::uint8_t* Bytes(std::string_view text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

WebhookSettings ReadWebhookSettings(const JsonNode& node) {
  node.RequireObject({"url", "secret_file", "timeout_ms", "attempts", "again_seconds"});
  WebhookSettings settings;
  const JsonNode url = node.Get("url");
  settings.url = url.String();
  const bool is_http = settings.url.starts_with("http://") || settings.url.starts_with("https://");
  if (!is_http || !IsVisibleAscii(settings.url) || ReceiverOf(settings.url).empty()) {
    url.Fail("expected http:// or https:// and a host, such as https://alerts.example/forkcast");
  }
  const JsonNode file = node.Get("secret_file");
  settings.secret_file = file.String();
  if (settings.secret_file.empty()) file.Fail("expected the path of a file");
  if (const auto timeout = node.Find("timeout_ms")) {
    settings.timeout = std::chrono::milliseconds(timeout->Integer(10, 60'000));
  }
  if (const auto attempts = node.Find("attempts")) {
    settings.attempts = static_cast<std::size_t>(attempts->Integer(1, 20));
  }
  if (const auto again = node.Find("again_seconds")) {
    settings.again = std::chrono::seconds(again->Integer(1, 31'622'400));
  }
  return settings;
}

Result<std::string> ReadWebhookSecret(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return Error{ErrorCode::kIo,
                 fmt::format("the secret file of the webhook {} cannot be read", file.string()),
                 "secret_file"};
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const std::string_view secret = Trimmed(text, kBlanksAndLineEnds);
  if (secret.size() >= kLeastSecretBytes) return std::string(secret);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("the secret of the webhook in {} has {} bytes: expected {} at least, "
                           "such as those that `openssl rand -hex 32` prints",
                           file.string(), secret.size(), kLeastSecretBytes),
               "secret_file"};
}

std::string_view ReceiverOf(std::string_view url) noexcept {
  constexpr std::string_view kMark = "://";
  if (const std::size_t mark = url.find(kMark); mark != std::string_view::npos) {
    url.remove_prefix(mark + kMark.size());
  }
  url = url.substr(0, url.find_first_of("/?#"));
  const std::size_t user = url.rfind('@');
  return user == std::string_view::npos ? url : url.substr(user + 1);
}

std::string SignatureOf(std::string_view body, std::string_view secret) {
  hmac_sha256_ctx context{};
  hmac_sha256_set_key(&context, secret.size(), Bytes(secret));
  hmac_sha256_update(&context, body.size(), Bytes(body));
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  hmac_sha256_digest(&context, digest.size(), digest.data());
  std::string signature = "sha256=";
  for (const std::uint8_t byte : digest) {
    fmt::format_to(std::back_inserter(signature), "{:02x}", byte);
  }
  return signature;
}

}  // namespace forkcast::serving
