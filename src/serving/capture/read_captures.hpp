#pragma once

#include <filesystem>
#include <functional>

#include "data_preprocessing/base/result.hpp"
#include "serving/capture/capture_store.hpp"

namespace forkcast::serving {

/// Visits what recorders have kept at `place`: a folder of capture files and those below it, oldest
/// first, one such file, `.jsonl` or `.jsonl.gz`, or a store (FORMAT.md). A record of a file has
/// what its line says, with `received` to the second; a last line that is cut off is none. An error
/// of `visit` ends it. kNotFound where there is nothing, kIo, kCorrupt with file and line.
Status VisitCaptures(const std::filesystem::path& place,
                     const std::function<Status(const CaptureRecord&)>& visit);

/// Whether records of it say to the second alone when they were received.
[[nodiscard]] bool AreCaptureFiles(const std::filesystem::path& place);

}  // namespace forkcast::serving
