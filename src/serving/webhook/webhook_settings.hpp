#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {

/// Who is told, and how often it is tried.
struct WebhookSettings {
  std::string url;                    ///< http:// or https://
  std::filesystem::path secret_file;  ///< By which messages are signed; ReadWebhookSecret().
  std::chrono::milliseconds timeout{10'000};  ///< Of one attempt, name look-up to answer.
  std::size_t attempts = 6;                   ///< Of one message.
  std::chrono::seconds again{3'600};          ///< What lasts is told again after so long.

  friend bool operator==(const WebhookSettings&, const WebhookSettings&) = default;
};

/// {"url": "https://...", "secret_file": "...", "timeout_ms": 10000, "attempts": 6,
/// "again_seconds": 3600}. Throws preprocessing::SpecError naming the JSON path.
[[nodiscard]] WebhookSettings ReadWebhookSettings(const preprocessing::JsonNode& node);

/// The secret, without blanks around it. kIo when the file cannot be read, kInvalidArgument when
/// it is shorter than 16 bytes.
[[nodiscard]] Result<std::string> ReadWebhookSecret(const std::filesystem::path& file);

/// Host and port of a URL, without what may be secret: user, path and query. A view of it.
[[nodiscard]] std::string_view ReceiverOf(std::string_view url) noexcept;

/// HMAC-SHA256 of the body, as the header has it: `sha256=` and 64 hexadecimal digits.
[[nodiscard]] std::string SignatureOf(std::string_view body, std::string_view secret);

}  // namespace forkcast::serving
