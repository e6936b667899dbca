#pragma once

#include <string>

#include "data_preprocessing/command/flags.hpp"

// The flags of every command that reads a store, or the snapshots of one.
namespace forkcast::preprocessing {

/// `meaning`: what the store is for. Required, unless `when_absent` says what holds without it.
[[nodiscard]] Flag StoreFlag(std::string meaning, std::string when_absent = "");
[[nodiscard]] Flag SnapshotsFlag(std::string meaning = "Folder of the snapshots.",
                                 std::string when_absent = "beside the store");

/// What holds without the store for a command that needs it or its snapshots.
inline constexpr const char* kStoreOrSnapshots = "none; this or --snapshots is required";

}  // namespace forkcast::preprocessing
