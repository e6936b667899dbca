#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/file_identity.hpp"

namespace forkcast::preprocessing {

/// Which files of a folder are to be read, by what looks at it saw: those that are new or changed,
/// once two looks agree that nobody writes to them. Decides alone, opens nothing.
class FollowedFiles {
 public:
  /// `settling`: how far two looks that agree lie apart.
  explicit FollowedFiles(std::chrono::milliseconds settling) noexcept : settling_(settling) {}

  struct Plan {
    std::vector<SeenFile> ready;  ///< In the order in which they were seen.
    bool waits = false;           ///< For others, which may still grow.
  };

  /// A look at all files there are, at `now`.
  Plan Look(std::span<const SeenFile> seen, MonotonicTime now);

  /// The file was read as it was seen, or cannot be: it is not ready again until it changes.
  void Settle(const SeenFile& file);

 private:
  struct Known {
    FileIdentity identity;
    MonotonicTime since;
    bool is_settled = false;
  };

  std::chrono::milliseconds settling_;
  std::map<std::filesystem::path, Known> known_;
};

}  // namespace forkcast::preprocessing
