#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"

namespace forkcast::model {

/// What happened to a version since it was published: `history.jsonl` in its folder (FORMAT.md), an
/// object a line, the oldest first. It is no part of what was published, which stays as it is.
using VersionHistory = std::vector<nlohmann::ordered_json>;

/// Empty where nothing was noted. kIo, kCorrupt with the file and the line.
[[nodiscard]] Result<VersionHistory> ReadHistory(const VersionInfo& version);

/// Adds what `entries_for` makes of the history so far, while nobody else adds to that of the
/// model's versions; returns how many. All are there afterwards, or none. As ReadHistory().
Result<std::size_t> AddToHistory(
    const VersionInfo& version,
    const std::function<VersionHistory(const VersionHistory& so_far)>& entries_for);

}  // namespace forkcast::model
