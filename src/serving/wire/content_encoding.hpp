#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::wire {

/// Whether a body with this Content-Encoding (RFC 9110, 8.4.1) is packed by gzip; not so one
/// without, or with `identity`. kUnsupportedType for any other.
[[nodiscard]] Result<bool> IsGzip(std::string_view content_encoding);

}  // namespace forkcast::wire
