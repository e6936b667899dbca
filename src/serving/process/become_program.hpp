#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace forkcast::serving {

/// In a child of the server: becomes this very program with `words`, the first of which is its
/// name; signals are as a shell leaves them. Returns an exit code only when it cannot.
int BecomeForkcast(const std::vector<std::string>& words);

/// The same for a refresher with `words` behind its name, which tells what it does over `tell_fd`
/// (FORKCAST_TELL_FD), writes its lines to standard error, and gets SIGTERM when `master` dies.
int BecomeRefresher(const std::vector<std::string>& words, int tell_fd, pid_t master);

}  // namespace forkcast::serving
