#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// A user as the kernel knows it.
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  ///< All that the process is in; none is kept from before.

  friend bool operator==(const Identity&, const Identity&) = default;
};

/// Whom the settings `user` and `group` mean: each a name, or a number, or empty for what this
/// process has. The groups are those of the user's account, and `group`. None when nothing is to
/// change: both are empty, or name whom this process is, and it is not root. kInvalidArgument
/// naming the setting when there is no such account, or when it takes root and this process is not.
/// Asks the system's user database, which may read files and sockets: before fork(), so that no
/// child has to.
Result<std::optional<Identity>> ResolveIdentity(const std::string& user, const std::string& group);

/// The group of a name or number, which `setting` was given; none of the empty name.
/// kInvalidArgument when there is none.
Result<std::optional<gid_t>> ResolveGroup(const std::string& setting, const std::string& name);

/// What `ask` says in a process of its own that is `identity`; without one, what it says here. For
/// questions of what that user may: it leaves nothing behind in this process. kIo when there can be
/// no such process.
Result<std::string> AskAs(const std::optional<Identity>& identity,
                          const std::function<Result<std::string>()>& ask);

/// Becomes `identity` for good: its groups alone, no way back to root, and no program that is
/// started can gain more (PR_SET_NO_NEW_PRIVS). kIo when the kernel refuses, or when root could be
/// had again; the process must then not go on. Clears the parent-death signal (prctl(2)).
Status DropPrivileges(const Identity& identity);

}  // namespace forkcast::serving
