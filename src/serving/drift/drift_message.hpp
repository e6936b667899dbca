#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// What a worker has counted of one deployment since it sent the last of these: over the recorder's
/// socket, beside captured invocations (FORMAT.md). Texts are views.
struct DriftMessage {
  std::string_view settings;  ///< The hook's, as JSON.
  std::string_view deployment;
  std::string_view pipeline;
  std::string_view version;
  std::string_view folder;  ///< Of the version, whose reference.json says what the counts mean.
  Instant sent;
  std::vector<std::uint32_t> counts;  ///< By bin, of all columns one after the other.
};

/// Whether a message of the recorder's socket is one of these.
[[nodiscard]] bool IsDriftMessage(std::span<const std::byte> bytes) noexcept;

/// Bytes that EncodeDrift() writes.
[[nodiscard]] std::size_t DriftMessageSize(const DriftMessage& message) noexcept;
/// Replaces `out`, whose memory is kept.
void EncodeDrift(const DriftMessage& message, std::vector<std::byte>& out);
/// Reads a message; nothing is read beyond `bytes`, which must outlive the result. kCorrupt, saying
/// what is wrong, unless every byte is as FORMAT.md describes.
[[nodiscard]] Result<DriftMessage> DecodeDrift(std::span<const std::byte> bytes);

}  // namespace forkcast::serving
