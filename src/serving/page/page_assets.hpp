#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/page/page_desk.hpp"

// The files of the page, which the build puts into the program. They are asked for as
// /page/files/VERSION/NAME, where the version is a hash of all of them: so a browser keeps each for
// good, and never mixes those of two programs.
namespace forkcast::serving {

/// What a browser may load and ask from the page: our own files and nothing else, no script or
/// style within the page.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

/// A hash of all files.
[[nodiscard]] const std::string& PageVersion();

[[nodiscard]] bool HasPageFile(std::string_view name) noexcept;
/// The page itself, index.html, with the version in it. `packed`: as gzip.
[[nodiscard]] Result<PageAnswer> PageDocument(bool packed);
/// A file by its name. All are packed when the first one is asked for so. kNotFound.
[[nodiscard]] Result<PageAnswer> PageFile(std::string_view name, bool packed);

}  // namespace forkcast::serving
