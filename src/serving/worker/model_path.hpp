#pragma once

#include <filesystem>
#include <string>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// The place that the url of a model means: an absolute path without links, below the folder
/// `root`. kInvalidArgument for one that is not absolute or leads elsewhere, kNotFound for one at
/// which there is nothing. Blocks on the disk.
[[nodiscard]] Result<std::filesystem::path> ResolveModelPath(const std::string& url,
                                                             const std::filesystem::path& root);

}  // namespace forkcast::serving
