#pragma once

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

namespace forkcast {

/// The value of an environment variable, none when it is not set. Passed to what reads the
/// environment, so that tests bring their own.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// The environment of this process; an empty variable counts as not set, since `VAR=${OTHER:-}` is
/// how shells and compose files leave one out.
inline std::optional<std::string> ProcessEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

}  // namespace forkcast
