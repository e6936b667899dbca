#include "serving/wire/content_encoding.hpp"

#include <fmt/format.h>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::wire {

Result<bool> IsGzip(std::string_view content_encoding) {
  if (content_encoding.empty() || EqualsIgnoringCase(content_encoding, "identity")) return false;
  if (EqualsIgnoringCase(content_encoding, "gzip") ||
      EqualsIgnoringCase(content_encoding, "x-gzip")) {
    return true;
  }
  return Error{ErrorCode::kUnsupportedType,
               fmt::format("content encoding {} is not understood: expected gzip or identity",
                           Quote(content_encoding)),
               "Content-Encoding"};
}

}  // namespace forkcast::wire
