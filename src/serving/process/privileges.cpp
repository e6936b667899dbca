#include "serving/process/privileges.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/fd.hpp"

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

/// `kind`: user or group.
Error Unknown(const std::string& setting, std::string_view kind, const std::string& name) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: \"{}\": expected a {} that exists, or a number", setting, name, kind),
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

Error CannotBecome(const char* call) {
  return {ErrorCode::kIo,
          std::string("cannot become another user: ") + call + ": " +
              std::generic_category().message(errno),
          "user"};
}

/// Whether any of the three ids that a process has lets it have root's again.
bool CanRegainRoot() noexcept { return ::setuid(0) == 0 || ::seteuid(0) == 0; }

Result<std::string> AskSafely(const std::function<Result<std::string>()>& ask) {
  try {
    return ask();
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInternal, error.what()};
  }
}

// Between two processes of one program: a byte for the error's code, 0 when there is none, then the
// text, or the message, a zero byte and the field.
constexpr char kNoError = '\0';

void Send(const Fd& writer, const Result<std::string>& answer) {
  std::string bytes(1, kNoError);
  if (answer) {
    bytes += *answer;
  } else {
    const Error& error = answer.error();
    bytes[0] = static_cast<char>(static_cast<int>(error.code) + 1);
    bytes.append(error.message).append(1, '\0').append(error.field);
  }
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t written = ::write(writer.get(), rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

Result<std::string> Receive(const Fd& reader) {
  std::string bytes;
  std::array<char, 4096> some{};
  while (true) {
    const ssize_t got = ::read(reader.get(), some.data(), some.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes.append(some.data(), static_cast<std::size_t>(got));
  }
  if (bytes.empty()) {
    return Error{ErrorCode::kInternal, "the process that tried it as the user died", "user"};
  }
  const char code = bytes.front();
  bytes.erase(0, 1);
  if (code == kNoError) return bytes;
  const std::size_t end = std::min(bytes.find('\0'), bytes.size());
  return Error{static_cast<ErrorCode>(code - 1), bytes.substr(0, end),
               bytes.substr(std::min(end + 1, bytes.size()))};
}

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
      return Unknown("user", "user", user);
    }
  }
  const auto own_group = ResolveGroup("group", group);
  if (!own_group) return own_group.error();
  identity.group = own_group->value_or(identity.group);
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

Result<std::optional<gid_t>> ResolveGroup(const std::string& setting, const std::string& name) {
  if (name.empty()) return std::optional<gid_t>();
  const ::group* const entry = ::getgrnam(name.c_str());
  const auto number = ParseId(name);
  if (entry != nullptr) return std::optional(entry->gr_gid);
  if (!number) return Unknown(setting, "group", name);
  return std::optional<gid_t>(*number);
}

Result<std::string> AskAs(const std::optional<Identity>& identity,
                          const std::function<Result<std::string>()>& ask) {
  if (!identity) return ask();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return CannotBecome("pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return CannotBecome("fork");
  if (child == 0) {
    const Status dropped = DropPrivileges(*identity);
    Send(writer, dropped ? AskSafely(ask) : Result<std::string>(dropped.error()));
    std::_Exit(0);
  }
  writer.Reset();
  Result<std::string> answer = Receive(reader);
  ::waitpid(child, nullptr, 0);
  return answer;
}

Status DropPrivileges(const Identity& identity) {
  // In this order: each call but the last takes the privilege that the last one gives away.
  if (::setgroups(identity.groups.size(), identity.groups.data()) != 0) {
    return CannotBecome("setgroups");
  }
  if (::setresgid(identity.group, identity.group, identity.group) != 0) {
    return CannotBecome("setresgid");
  }
  if (::setresuid(identity.user, identity.user, identity.user) != 0) {
    return CannotBecome("setresuid");
  }
  if (identity.user != 0 && CanRegainRoot()) {
    return Error{ErrorCode::kIo, "cannot become another user: root can be had again", "user"};
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return CannotBecome("PR_SET_NO_NEW_PRIVS");
  return {};
}

}  // namespace forkcast::serving
