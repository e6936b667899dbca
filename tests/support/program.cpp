#include "support/program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>
#include <thread>

#include "support/test_files.hpp"

namespace forkcast::process_test {
namespace {

/// By its number: glibc 2.36 declares pidfd_open() for C alone.
Fd OpenPidFd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

/// Whether a process ends within the time; of OpenPidFd().
bool EndsWithin(const Fd& watch, std::chrono::milliseconds patience) {
  pollfd watched{.fd = watch.get(), .events = POLLIN, .revents = 0};
  const auto until = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int wait = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    const int ready = ::poll(&watched, 1, wait);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
  }
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Program::Program(const std::filesystem::path& output, std::vector<std::string> command,
                 const std::vector<std::string>& environment)
    : out_(output.string() + ".out"), err_(output.string() + ".err") {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  // The first one of a name counts.
  variables.insert(variables.begin(), environment.begin(), environment.end());
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  constexpr int kCreate = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out_.c_str(), kCreate, 0600);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err_.c_str(), kCreate, 0600);
  const int failed = ::posix_spawn(&pid_, command[0].c_str(), &files, nullptr,
                                   Pointers(command).data(), Pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), command[0]);
  watch_ = OpenPidFd(pid_);
  if (!watch_) throw std::system_error(errno, std::generic_category(), "pidfd_open");
}

Program::~Program() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::Signal(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

std::optional<int> Program::Wait(std::chrono::milliseconds patience) {
  if (ended_) return ended_;
  if (!EndsWithin(watch_, patience)) return std::nullopt;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return ended_;
}

std::string Program::out() const { return preprocessing::ReadWhole(out_); }
std::string Program::err() const { return preprocessing::ReadWhole(err_); }

std::string RunToEnd(const std::filesystem::path& output, const std::vector<std::string>& command,
                     int expected) {
  Program program(output, command);
  EXPECT_EQ(program.Wait(), expected) << command[0] << ": " << program.err();
  return program.out();
}

ProcessWatch::ProcessWatch(pid_t pid) : watch_(OpenPidFd(pid)) {
  if (!watch_ && errno != ESRCH) {
    throw std::system_error(errno, std::generic_category(), "pidfd_open");
  }
}

bool ProcessWatch::EndsWithin(std::chrono::milliseconds patience) const {
  return !watch_ || process_test::EndsWithin(watch_, patience);
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  return {std::istream_iterator<pid_t>(file), {}};
}

std::size_t CountSockets(pid_t pid) {
  std::size_t count = 0;
  const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::error_code closed_meanwhile;
    const auto target = std::filesystem::read_symlink(entry.path(), closed_meanwhile);
    if (target.native().starts_with("socket:")) ++count;
  }
  return count;
}

bool Eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace forkcast::process_test
