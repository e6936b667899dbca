#include "serving/process/upgrade.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace forkcast::serving {
namespace {

constexpr const char* kWatchdogVariable = "WATCHDOG_PID";
/// What stands before the number of a listener.
constexpr std::string_view MarkOf(ListenerKind kind) noexcept {
  switch (kind) {
    case ListenerKind::kOwn:
      return "";
    case ListenerKind::kLent:
      return "lent:";
    case ListenerKind::kAdmin:
      return "admin:";
  }
  return "";
}

/// Cuts the mark off `number`.
ListenerKind TakeMark(std::string_view& number) noexcept {
  for (const ListenerKind kind : {ListenerKind::kLent, ListenerKind::kAdmin}) {
    if (!number.starts_with(MarkOf(kind))) continue;
    number.remove_prefix(MarkOf(kind).size());
    return kind;
  }
  return ListenerKind::kOwn;
}

constexpr int kCannotExecute = 127;  // as shells say it

Error UpgradeError(const char* what) {
  return {ErrorCode::kIo, std::string(what) + ": " + std::generic_category().message(errno)};
}

/// The words of this process's command line.
std::vector<std::string> CommandLine() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

void KeepOnExec(int fd) noexcept { ::fcntl(fd, F_SETFD, 0); }

void AddNumber(int fd, std::string_view before, std::string& numbers) {
  KeepOnExec(fd);
  numbers.append(numbers.empty() ? "" : ",").append(before).append(std::to_string(fd));
}

/// In the forked child. Does not return.
[[noreturn]] void Execute(const std::vector<std::string>& words, const Bequest& bequest,
                          int ready) {
  std::string numbers;
  for (const BequeathedListener& listener : bequest.listeners) {
    AddNumber(listener.fd, MarkOf(listener.kind), numbers);
  }
  std::string counts;
  for (const int fd : bequest.counts) AddNumber(fd, "", counts);
  KeepOnExec(ready);
  ::setenv(kUpgradeListenersVariable, numbers.c_str(), 1);
  ::setenv(kUpgradeCountsVariable, counts.c_str(), 1);
  ::setenv(kUpgradeExperimentsVariable, bequest.experiments.c_str(), 1);
  ::setenv(kUpgradeReadyVariable, std::to_string(ready).c_str(), 1);
  // Who has to feed the supervisor's watchdog (sd_watchdog_enabled(3)).
  if (::getenv(kWatchdogVariable) != nullptr) {
    ::setenv(kWatchdogVariable, std::to_string(::getpid()).c_str(), 1);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  std::_Exit(kCannotExecute);
}

/// Cuts the text up to the next comma, or its end, off `rest`.
std::string_view TakeUpToComma(std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find(','), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

std::optional<int> ToDescriptor(std::string_view text) noexcept {
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;  // no such descriptor
  return fd;
}

}  // namespace

Result<UpgradedMaster> StartUpgradedMaster(const Bequest& bequest) {
  const std::vector<std::string> words = CommandLine();
  if (words.empty()) return UpgradeError("/proc/self/cmdline");
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return UpgradeError("pipe");
  UpgradedMaster upgraded{.pid = 0, .pidfd = Fd(), .ready = Fd(ends[0])};
  const Fd theirs(ends[1]);
  upgraded.pid = ::fork();
  if (upgraded.pid < 0) return UpgradeError("fork");
  if (upgraded.pid == 0) Execute(words, bequest, theirs.get());
  upgraded.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, upgraded.pid, 0)));
  if (!upgraded.pidfd) {
    const Error error = UpgradeError("pidfd_open");
    ::kill(upgraded.pid, SIGKILL);
    return error;  // buried as a stranger
  }
  return upgraded;
}

std::optional<Inheritance> TakeInheritance(const Environment& environment) {
  const auto numbers = environment(kUpgradeListenersVariable);
  const auto ready = environment(kUpgradeReadyVariable);
  // Empty of a master that counts nothing that we could read.
  const std::string counts = environment(kUpgradeCountsVariable).value_or("");
  std::optional<std::string> experiments = environment(kUpgradeExperimentsVariable);
  for (const char* const name : {kUpgradeListenersVariable, kUpgradeReadyVariable,
                                 kUpgradeCountsVariable, kUpgradeExperimentsVariable}) {
    ::unsetenv(name);
  }
  if (!numbers || !ready) return std::nullopt;
  Inheritance inheritance;
  inheritance.experiments = std::move(experiments);
  for (std::string_view rest = *numbers; !rest.empty();) {
    std::string_view number = TakeUpToComma(rest);
    const ListenerKind kind = TakeMark(number);
    const auto fd = ToDescriptor(number);
    if (!fd) return std::nullopt;
    inheritance.listeners.push_back({.socket = Fd(*fd), .kind = kind});
  }
  for (std::string_view rest = counts; !rest.empty();) {
    const auto fd = ToDescriptor(TakeUpToComma(rest));
    if (fd) inheritance.counts.emplace_back(*fd);
  }
  const auto ready_fd = ToDescriptor(*ready);
  if (!ready_fd) return std::nullopt;
  inheritance.ready = Fd(*ready_fd);
  return inheritance;
}

}  // namespace forkcast::serving
