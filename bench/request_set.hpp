#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace forkcast::bench {

struct RequestSetOptions {
  std::string path = "/ping";
  std::filesystem::path bodies{};  ///< One JSON body a line; none means GET.
  std::string host = "localhost";
  std::string token{};  ///< That each request shows; empty: none.
  bool close = false;   ///< Whether each request asks for the connection's end.
};

/// HTTP/1.1 requests as bytes, one for each line of `bodies`, or a single GET. Throws
/// std::runtime_error when the file cannot be read or is empty.
[[nodiscard]] std::vector<std::string> MakeRequests(const RequestSetOptions& options);

}  // namespace forkcast::bench
