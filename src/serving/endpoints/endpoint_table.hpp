#pragma once

#include <span>

#include "serving/http/endpoint.hpp"

namespace forkcast::serving {

/// Everything that a server can be asked. A new endpoint is a line in this table (../README.md).
[[nodiscard]] std::span<const Endpoint> Endpoints() noexcept;

}  // namespace forkcast::serving
