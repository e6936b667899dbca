#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace forkcast {

/// Value of the header `name`, spelled so, among `headers`, lines ended by CRLF; empty when it is
/// not there, or there twice.
inline std::string_view HeaderOf(std::string_view headers, std::string_view name) {
  const std::string begin = std::string(name) + ": ";
  std::string_view value;
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find("\r\n"));
    headers.remove_prefix(std::min(line.size() + 2, headers.size()));
    if (!line.starts_with(begin)) continue;
    if (!value.empty()) return {};
    value = line.substr(begin.size());
  }
  return value;
}

/// The first message, request or answer, of what came over a connection; views into that.
struct HttpMessage {
  std::string_view head;  ///< Its lines, each with its CRLF, without the empty one.
  std::string_view body;

  /// Bytes that it takes; 0: it is not there as a whole yet.
  [[nodiscard]] std::size_t size() const noexcept {
    return head.empty() ? 0 : head.size() + 2 + body.size();
  }
};

/// An answer to HEAD has the length of a body that does not come.
enum class HttpBody { kAsAnnounced, kNone };

/// Cuts it off by its Content-Length: nobody here sends chunks back.
inline HttpMessage FirstMessage(std::string_view received,
                                HttpBody expected = HttpBody::kAsAnnounced) {
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view head = received.substr(0, end + 2);
  const std::string_view rest = received.substr(end + 4);
  std::size_t length = 0;
  if (expected == HttpBody::kAsAnnounced) {
    const std::string announced(HeaderOf(head, "Content-Length"));
    if (!announced.empty()) length = std::stoul(announced);
  }
  if (length > rest.size()) return {};
  return {.head = head, .body = rest.substr(0, length)};
}

}  // namespace forkcast
