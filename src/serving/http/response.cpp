#include "serving/http/response.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace forkcast::serving {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 31> kReasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
}};

void AppendNumber(std::size_t number, std::string& out) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

/// 204 may not, and that of 304 would be of the body which is not sent (RFC 9110, 8.6).
bool TellsItsLength(const Response& response) noexcept {
  return response.status != 204 && response.status != 304 && !response.is_stream;
}

}  // namespace

std::string_view ReasonPhrase(int status) noexcept {
  for (const auto& [known, reason] : kReasons) {
    if (known == status) return reason;
  }
  return "Unknown";
}

std::string_view HeaderValue(const Response& response, std::string_view name) noexcept {
  for (std::string_view rest = response.headers; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) {
      return line.substr(name.size() + 2);
    }
  }
  return {};
}

void WriteHead(const Response& response, const HeadOptions& options, std::string& head) {
  head.assign("HTTP/1.1 ");
  AppendNumber(static_cast<std::size_t>(response.status), head);
  head.append(" ").append(ReasonPhrase(response.status));
  head.append("\r\nDate: ").append(options.date);
  if (!response.content_type.empty()) {
    head.append("\r\nContent-Type: ").append(response.content_type);
  }
  if (TellsItsLength(response)) {
    head.append("\r\nContent-Length: ");
    AppendNumber(response.body.size(), head);
  }
  head.append("\r\n").append(response.headers);
  if (!options.keep_alive) {
    head.append("Connection: close\r\n");
  } else if (options.http_1_0) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
}

}  // namespace forkcast::serving
