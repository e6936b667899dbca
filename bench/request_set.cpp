#include "request_set.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace forkcast::bench {

std::vector<std::string> MakeRequests(const RequestSetOptions& options) {
  const std::string common = fmt::format(
      " {} HTTP/1.1\r\nHost: {}\r\n{}{}", options.path, options.host,
      options.token.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", options.token),
      options.close ? "Connection: close\r\n" : "");
  if (options.bodies.empty()) return {"GET" + common + "\r\n"};
  std::ifstream file(options.bodies);
  std::vector<std::string> requests;
  for (std::string body; std::getline(file, body);) {
    requests.push_back(
        fmt::format("POST{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", common,
                    body.size(), body));
  }
  if (requests.empty()) {
    throw std::runtime_error(options.bodies.string() + ": expected at least one line");
  }
  return requests;
}

}  // namespace forkcast::bench
