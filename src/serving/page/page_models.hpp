#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "data_preprocessing/base/result.hpp"

// What the page shows of the registry, and the one thing that it changes there. All of it reads or
// writes files, or asks S3: not for the loop.
namespace forkcast::serving {

/// `{"place", "models": [{"model", "versions": [...]}]}`, the newest `most` versions of each,
/// newest first: SummaryOf() and, of `evaluation`, `baselines`. A version whose manifest cannot be
/// read has `"damaged": true`. Without a registry there are none.
[[nodiscard]] Result<std::string> ListVersions(const std::filesystem::path& models,
                                               std::size_t most);

/// `{"summary", "history", "manifest"}` of a version. `reference`: its number, or an alias.
[[nodiscard]] Result<std::string> DescribeVersion(const std::filesystem::path& models,
                                                  const std::string& name,
                                                  const std::string& reference);

/// Lets an alias mean a version, as `forkcast models promote` does. `body`:
/// `{"version": N, "alias"?: "champion", "force"?: false}`. kRejected for a version that does not
/// beat its baselines, unless it is forced. Answers its summary.
[[nodiscard]] Result<std::string> PromoteVersion(const std::filesystem::path& models,
                                                 const std::string& name, const std::string& body);

}  // namespace forkcast::serving
