#pragma once

#include <filesystem>
#include <functional>

#include "data_preprocessing/base/result.hpp"
#include "serving/capture/capture_store.hpp"

namespace forkcast::serving {

/// Visits what a recorder kept at `place`, in the order in which it was captured: a store, a
/// capture file, packed or not, or all files of a folder and those below it. Of files `id` and
/// `latency` are 0, `features` is empty, and times are full seconds. A line that a recorder is at
/// is passed over. kNotFound when nothing is there; kIo and kCorrupt naming file and line.
Status VisitCaptures(const std::filesystem::path& place,
                     const std::function<void(const CaptureRecord&)>& visit);

}  // namespace forkcast::serving
