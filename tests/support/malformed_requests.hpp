#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forkcast {

/// Bytes that no server may take for a request, and what they are answered with.
struct MalformedRequest {
  std::string name;   ///< A sentence without blanks.
  std::string bytes;  ///< Nothing of what follows them on a connection may be executed.
  int status;
  std::string_view code;  ///< `error.code` of the answer.
};

/// Requests against each rule of HTTP/1.1 (RFC 9110, 9112), and each way past a lax parser that we
/// know of. Some show their fault only when more bytes follow, such as another request.
[[nodiscard]] const std::vector<MalformedRequest>& MalformedRequests();

}  // namespace forkcast
