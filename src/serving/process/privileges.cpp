#include "serving/process/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

namespace forkcast::serving {
namespace {

std::optional<id_t> ParseId(std::string_view text) noexcept {
  id_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  // The largest one means "leave as it is" to the system calls.
  if (failure != std::errc() || stop != end || number == static_cast<id_t>(-1)) return std::nullopt;
  return number;
}

Error Unknown(const std::string& setting, const std::string& name) {
  return {ErrorCode::kInvalidArgument,
          setting + ": \"" + name + "\": expected a " + setting + " that exists, or a number",
          setting};
}

/// The account of a name or number; none for a number without account. An account's name goes
/// before the number that it spells.
const passwd* FindUser(const std::string& name) {
  if (const passwd* const account = ::getpwnam(name.c_str())) return account;
  const auto number = ParseId(name);
  return number ? ::getpwuid(*number) : nullptr;
}

std::vector<gid_t> GroupsOf(const std::string& user, gid_t main_group) {
  std::vector<gid_t> groups(16);
  while (true) {
    auto count = static_cast<int>(groups.size());
    const bool whole = ::getgrouplist(user.c_str(), main_group, groups.data(), &count) >= 0;
    groups.resize(static_cast<std::size_t>(count));
    if (whole) return groups;
  }
}

Error SystemError(const char* call) {
  return {ErrorCode::kIo,
          std::string("cannot become another user: ") + call + ": " +
              std::generic_category().message(errno),
          "user"};
}

/// Whether any of the three ids that a process has lets it have root's again.
bool CanRegainRoot() noexcept { return ::setuid(0) == 0 || ::seteuid(0) == 0; }

}  // namespace

Result<std::optional<Identity>> ResolveIdentity(const std::string& user, const std::string& group) {
  if (user.empty() && group.empty()) return std::optional<Identity>();
  Identity identity{.user = ::geteuid(), .group = ::getegid(), .groups = {}};
  std::string account_name;
  if (!user.empty()) {
    if (const passwd* const account = FindUser(user)) {
      account_name = account->pw_name;
      identity.user = account->pw_uid;
      identity.group = account->pw_gid;
    } else if (const auto number = ParseId(user)) {
      if (group.empty()) {
        return Error{ErrorCode::kInvalidArgument,
                     "user: \"" + user + "\" has no account, so it takes a group to be given",
                     "user"};
      }
      identity.user = *number;
    } else {
      return Unknown("user", user);
    }
  }
  if (!group.empty()) {
    const ::group* const entry = ::getgrnam(group.c_str());
    const auto number = ParseId(group);
    if (entry == nullptr && !number) return Unknown("group", group);
    identity.group = entry != nullptr ? entry->gr_gid : *number;
  }
  identity.groups = account_name.empty() ? std::vector<gid_t>{identity.group}
                                         : GroupsOf(account_name, identity.group);
  if (::geteuid() != 0) {
    if (identity.user == ::geteuid() && identity.group == ::getegid()) {
      return std::optional<Identity>();
    }
    const bool of_user = identity.user != ::geteuid();
    return Error{ErrorCode::kInvalidArgument,
                 std::string(of_user ? "user" : "group") + ": \"" + (of_user ? user : group) +
                     "\": only root can run workers as another",
                 of_user ? "user" : "group"};
  }
  return std::optional(std::move(identity));
}

Status DropPrivileges(const Identity& identity) {
  // In this order: each call but the last takes the privilege that the last one gives away.
  if (::setgroups(identity.groups.size(), identity.groups.data()) != 0) {
    return SystemError("setgroups");
  }
  if (::setresgid(identity.group, identity.group, identity.group) != 0) {
    return SystemError("setresgid");
  }
  if (::setresuid(identity.user, identity.user, identity.user) != 0) {
    return SystemError("setresuid");
  }
  if (identity.user != 0 && CanRegainRoot()) {
    return Error{ErrorCode::kIo, "cannot become another user: root can be had again", "user"};
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return SystemError("PR_SET_NO_NEW_PRIVS");
  return {};
}

}  // namespace forkcast::serving
