#pragma once

#include <string>
#include <string_view>

namespace forkcast::serving {

/// An answer being made. Reused from request to request: Clear() keeps the memory.
struct Response {
  int status = 200;
  std::string_view content_type;  ///< Of static storage; empty for none.
  std::string headers;            ///< Further header lines, each ended by CRLF.
  std::string body;
  bool close = false;  ///< The connection cannot go on behind this answer.
  /// The body comes in parts (Progress::kSends), and ends with the connection.
  bool is_stream = false;

  void Clear() noexcept {
    status = 200;
    content_type = {};
    headers.clear();
    body.clear();
    close = false;
    is_stream = false;
  }
  /// Precondition: `value` holds no control character.
  void AddHeader(std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
  }
};

/// The value that AddHeader() was given for `name`, spelled alike; empty when it was not.
[[nodiscard]] std::string_view HeaderValue(const Response& response,
                                           std::string_view name) noexcept;

/// "OK", "Bad Request", ...
[[nodiscard]] std::string_view ReasonPhrase(int status) noexcept;

/// What a response's head needs beside the response.
struct HeadOptions {
  bool keep_alive = true;
  bool http_1_0 = false;  ///< Keeping alive has to be said to a client of HTTP/1.0.
  std::string_view date;  ///< Value of the Date header.
};

/// Replaces `head` by the status line and headers of `response`, up to the empty line.
void WriteHead(const Response& response, const HeadOptions& options, std::string& head);

}  // namespace forkcast::serving
