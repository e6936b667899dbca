#include "data_preprocessing/follow/followed_files.hpp"

#include <utility>

namespace forkcast::preprocessing {

FollowedFiles::Plan FollowedFiles::Look(std::span<const SeenFile> seen, MonotonicTime now) {
  Plan plan;
  std::map<std::filesystem::path, Known> known;  // without those that are gone
  for (const SeenFile& file : seen) {
    if (file.identity.error != 0) continue;  // gone since the folder was listed
    const auto before = known_.find(file.path);
    if (before == known_.end() || before->second.identity != file.identity) {
      known.emplace(file.path, Known{.identity = file.identity, .since = now});
      plan.waits = true;
      continue;
    }
    known.emplace(file.path, before->second);
    if (before->second.is_settled) continue;
    if (now - before->second.since >= settling_) {
      plan.ready.push_back(file);
    } else {
      plan.waits = true;
    }
  }
  known_ = std::move(known);
  return plan;
}

void FollowedFiles::Settle(const SeenFile& file) {
  const auto known = known_.find(file.path);
  if (known != known_.end() && known->second.identity == file.identity) {
    known->second.is_settled = true;
  }
}

}  // namespace forkcast::preprocessing
