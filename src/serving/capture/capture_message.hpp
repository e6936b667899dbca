#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/wire/invocation.hpp"

namespace forkcast::serving {

using wire::Invocation;

/// The greatest message that is sent or accepted. Bounds the memory of a stalled recorder's queue.
inline constexpr std::size_t kMaxCaptureBytes = std::size_t{32} * 1024 * 1024;

/// Where a captured invocation is kept: FOLDER/{endpoint}/{variant}/yyyy/mm/dd/hh/.
struct CaptureTarget {
  std::string_view folder;
  std::string_view endpoint;
  std::string_view variant;
  std::string_view rules{};  ///< How it is kept: CaptureRulesText().
  bool with_fields = false;  ///< Whether the declared fields go along, which rules may need.

  friend bool operator==(const CaptureTarget&, const CaptureTarget&) = default;
};

/// Whether `name` may be an endpoint or variant: 1 to 63 letters, digits, '-', '_' and '.', the
/// first one no '.'. It becomes the name of a folder and must not lead out of its parent.
[[nodiscard]] bool IsCaptureName(std::string_view name) noexcept;

/// A field that requests have by the pipeline's declaration.
struct CapturedField {
  std::string_view name;
  std::string_view header;  ///< What a CSV calls it.

  friend bool operator==(const CapturedField&, const CapturedField&) = default;
};

/// A captured invocation as the recorder reads it. Texts are views into the message's bytes.
struct CaptureMessage {
  CaptureTarget target;
  std::string_view deployment;
  std::string_view pipeline;
  std::string_view model_version;
  Invocation::Request request;
  /// In their order; none where the request's rows could not be decoded.
  std::vector<CapturedField> declared_fields;
  std::vector<std::string_view> feature_names;
  std::vector<preprocessing::Value> values;  ///< Row-major, rows x feature_names.size().
  std::vector<std::size_t> row_numbers;
  Invocation::Answer answer;
  /// Bodies that a FieldRedactor took out as a whole; never of a message as it comes.
  struct Withheld {
    bool request = false;
    bool answer = false;
  } withheld{};
};

/// Bytes that EncodeCapture() writes. One walk over the invocation, no allocation.
[[nodiscard]] std::size_t CaptureSize(const CaptureTarget& target,
                                      const Invocation& invocation) noexcept;

/// Writes the message described in FORMAT.md. No allocation.
/// Precondition: out.size() == CaptureSize(target, invocation) <= kMaxCaptureBytes.
void EncodeCapture(const CaptureTarget& target, const Invocation& invocation,
                   std::span<std::byte> out) noexcept;

/// Where in a message its length stands, as a u64.
inline constexpr std::size_t kCaptureLengthOffset = 8;

/// Writes the message of a large invocation in pieces. Its length, which is known at the end, is 0.
class CaptureEncoder {
 public:
  /// What both are views of must outlive this.
  CaptureEncoder(const CaptureTarget& target, const Invocation& invocation) noexcept
      : target_(target), invocation_(invocation) {}

  /// Appends about so many bytes more. False when none are left.
  [[nodiscard]] bool Append(std::size_t bytes, std::string& out);

 private:
  CaptureTarget target_;
  Invocation invocation_;
  // What is written:
  std::size_t head_bytes_ = 0;
  bool head_is_done_ = false;
  std::size_t rows_ = 0;
  std::size_t values_ = 0;
};

/// Reads a message; nothing is read beyond `bytes`, which must outlive the result. kCorrupt, saying
/// what is wrong, unless every byte is as FORMAT.md describes; that includes endpoint and variant
/// being IsCaptureName(), a folder, and a time of receipt in the years 1970 to 9999.
Result<CaptureMessage> DecodeCapture(std::span<const std::byte> bytes);

}  // namespace forkcast::serving
