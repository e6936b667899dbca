#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::process_test {

/// How long a test waits for what must come. Long, because a sanitizer or a busy machine makes
/// everything slow; a test that passes never waits so long.
inline constexpr std::chrono::milliseconds kPatience{30'000};

/// A program under test, its output in files. Its destructor kills and reaps it.
class Program {
 public:
  /// Starts `command`, whose first word is a path. Standard output and error go to `output`.out and
  /// `output`.err. `environment`: NAME=VALUE, beside ours. Throws std::system_error.
  Program(const std::filesystem::path& output, std::vector<std::string> command,
          const std::vector<std::string>& environment = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running() const noexcept { return !ended_; }
  void Signal(int signal) const;
  /// Exit code, or minus the signal that ended it; none when it still runs after `patience`.
  std::optional<int> Wait(std::chrono::milliseconds patience = kPatience);
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  std::filesystem::path out_;
  std::filesystem::path err_;
  pid_t pid_ = -1;
  Fd watch_;
  std::optional<int> ended_;
};

/// Runs `command` to its end; fails the test when it does not end with `expected`.
/// Returns what it wrote to standard output.
std::string RunToEnd(const std::filesystem::path& output, const std::vector<std::string>& command,
                     int expected = 0);

/// A process that somebody else started and reaps. Unlike its number, which the system may give to
/// another one, this always means the same process.
class ProcessWatch {
 public:
  explicit ProcessWatch(pid_t pid);

  [[nodiscard]] bool EndsWithin(std::chrono::milliseconds patience) const;
  [[nodiscard]] bool alive() const { return !EndsWithin(std::chrono::milliseconds(0)); }

 private:
  Fd watch_;  // none when it was gone already
};

/// Direct children, from /proc.
[[nodiscard]] std::vector<pid_t> ChildrenOf(pid_t pid);

/// Sockets that a process holds, from /proc.
[[nodiscard]] std::size_t CountSockets(pid_t pid);

/// Asks again and again until `holds`; false when it does not within `patience`.
[[nodiscard]] bool Eventually(const std::function<bool()>& holds,
                              std::chrono::milliseconds patience = kPatience);

}  // namespace forkcast::process_test
