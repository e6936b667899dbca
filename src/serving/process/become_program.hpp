#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace forkcast::serving {

/// In a child of the server: becomes this very program with `words`, the first of which is its
/// name; signals are as a shell leaves them. Returns an exit code only when it cannot.
int BecomeForkcast(const std::vector<std::string>& words);

/// What a refresher is given by its number.
struct RefresherDescriptors {
  int tell = -1;  ///< Over which it tells what it does (FORKCAST_TELL_FD).
  int push = -1;  ///< From which it takes rows that callers bring (FORKCAST_PUSH_FD); -1: none.
};

/// The same for a refresher with `words` behind its name, which writes its lines to standard error,
/// and gets SIGTERM when `master` dies.
int BecomeRefresher(const std::vector<std::string>& words, const RefresherDescriptors& descriptors,
                    pid_t master);

}  // namespace forkcast::serving
