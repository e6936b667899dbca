#include "serving/commands/password_prompt.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "data_preprocessing/base/fd.hpp"
#include "serving/access/password.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMostBytes = 4096;

Error SystemError(std::string_view what) {
  return {ErrorCode::kIo, fmt::format("{}: {}", what, std::generic_category().message(errno)),
          "password"};
}

Error NoPassword() {
  return {ErrorCode::kInvalidArgument, "expected a password in the first line of standard input",
          "password"};
}

/// A terminal that does not show what is typed, and gets its ways back whatever ends the program:
/// signals that would are held back until then.
class WithoutEcho {
 public:
  WithoutEcho() noexcept {
    ::sigemptyset(&held_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
      ::sigaddset(&held_, signal);
    }
    ::sigprocmask(SIG_BLOCK, &held_, &before_);
    signals_ = Fd(::signalfd(-1, &held_, SFD_CLOEXEC));
    is_changed_ = ::tcgetattr(STDIN_FILENO, &shown_) == 0;
    if (!is_changed_) return;
    termios hidden = shown_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;
  ~WithoutEcho() {
    if (is_changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown_);
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);  // what was held back acts now
  }

  [[nodiscard]] bool is_hidden() const noexcept { return is_changed_; }

  /// False: a signal wants to be heard.
  [[nodiscard]] bool Wait() const noexcept {
    std::array<pollfd, 2> ready{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                 {.fd = signals_.get(), .events = POLLIN, .revents = 0}}};
    while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) {
    }
    return (ready[1].revents & POLLIN) == 0;
  }

 private:
  sigset_t held_{};
  sigset_t before_{};
  Fd signals_;
  termios shown_{};
  bool is_changed_ = false;
};

/// Up to the line's end, which is not part of it.
Result<std::string> ReadLine(const WithoutEcho* terminal) {
  std::string line;
  while (line.size() < kMostBytes) {
    if (terminal != nullptr && !terminal->Wait()) {
      return Error{ErrorCode::kInvalidArgument, "broken off", "password"};
    }
    char c = '\0';
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("standard input cannot be read");
    if (got == 0 && line.empty()) return NoPassword();
    if (got == 0 || c == '\n') break;
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::string> AskHidden(const std::string& question, std::ostream& err) {
  Result<std::string> line = NoPassword();
  {
    const WithoutEcho terminal;
    if (!terminal.is_hidden()) return SystemError("the terminal goes on to show what is typed");
    err << question << std::flush;
    line = ReadLine(&terminal);
  }
  err << '\n' << std::flush;
  return line;
}

}  // namespace

Result<std::string> AskNewPassword(std::string_view name, std::ostream& err) {
  if (::isatty(STDIN_FILENO) == 0) return ReadLine(nullptr);
  Result<std::string> first = AskHidden(fmt::format("New password of {}: ", name), err);
  if (!first) return first;
  Result<std::string> second = AskHidden("The same again: ", err);
  if (!second) return second;
  const bool are_same = *first == *second;
  Forget(*second);
  if (are_same) return first;
  Forget(*first);
  return Error{ErrorCode::kInvalidArgument, "expected the same password twice", "password"};
}

}  // namespace forkcast::serving
