#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace forkcast::serving {

/// Value of the header `name` among `headers`, lines ended by CRLF; empty when it is not there, or
/// there twice.
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

}  // namespace forkcast::serving
