#pragma once

#include <optional>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::wire {

/// The forms of a body, in requests and in answers.
enum class Format { kJson, kJsonLines, kCsv };

/// `application/json`, `application/jsonlines`, `text/csv`: the Content-Type we send.
[[nodiscard]] std::string_view MediaType(Format format) noexcept;

/// The format of a request body. No Content-Type (empty) means JSON. Names without regard to case:
/// application/json, application/jsonlines, application/x-jsonlines, application/x-ndjson,
/// application/ndjson, text/csv, application/csv; a `charset` of other than UTF-8 (or US-ASCII,
/// its subset), or any other type, is kUnsupportedType. Other parameters are ignored. No allocation
/// unless it fails.
Result<Format> FormatOfRequest(std::string_view content_type);

/// Whether the first record of a CSV body names its columns (RFC 4180, section 3).
enum class CsvHeader { kPresent, kAbsent };

/// What the parameter `header` of a Content-Type says, "present" or "absent"; nothing where it says
/// nothing. kUnsupportedType for another value. Precondition: FormatOfRequest() was ok.
Result<std::optional<CsvHeader>> CsvHeaderOfRequest(std::string_view content_type);

/// The format to answer in (RFC 9110, 12.5.1): the format with the highest q-value, where the most
/// specific matching range decides a format's q and q=0 excludes it. Among equal q-values the
/// format of the request wins, then JSON, JSON lines, CSV; so an absent (empty) Accept or `*/*`
/// answers in the format of the request. kNotAcceptable when nothing remains; a malformed element
/// is ignored. No allocation unless it fails.
Result<Format> NegotiateAnswer(std::string_view accept, Format request_format);

/// Whether errors are wanted as application/problem+json (RFC 9457): it is named, with a q-value
/// above 0. A malformed element is ignored. No allocation.
[[nodiscard]] bool AcceptsProblem(std::string_view accept) noexcept;

/// Whether an answer had better be sent as gzip (RFC 9110, 12.5.3): gzip, by name or as `*`, has a
/// q-value above 0, and none that is below that of `identity`, if that is named. A malformed
/// element is ignored. No allocation.
[[nodiscard]] bool PrefersGzip(std::string_view accept_encoding) noexcept;

}  // namespace forkcast::wire
