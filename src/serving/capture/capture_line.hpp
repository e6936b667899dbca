#pragma once

#include <string>
#include <string_view>

#include "serving/capture/capture_message.hpp"

namespace forkcast::serving {

/// A body as capture files and stores have it.
struct CapturedBody {
  std::string content_type;
  std::string encoding;  ///< "JSON", "CSV" or "BASE64".
  std::string data;

  friend bool operator==(const CapturedBody&, const CapturedBody&) = default;
};
[[nodiscard]] CapturedBody BodyOf(std::string_view content_type, std::string_view body);

/// Appends the rows whose features could be computed, as JSON: [{"row":0,"features":{...}},...].
void AppendCapturedRows(const CaptureMessage& message, std::string& out);

/// Appends `message` as one line (with its line feed) of a capture file: SageMaker's data-capture
/// form and the member `forkcast`, as FORMAT.md describes. `event_id` is a UUID.
void AppendCaptureLine(const CaptureMessage& message, std::string_view event_id, std::string& out);

/// Appends `bytes` in base64 (RFC 4648, section 4), with padding.
void AppendBase64(std::string_view bytes, std::string& out);

}  // namespace forkcast::serving
