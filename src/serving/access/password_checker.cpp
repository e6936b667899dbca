#include "serving/access/password_checker.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "serving/access/password.hpp"

namespace forkcast::serving {
namespace {

constexpr std::chrono::milliseconds kPause{5};  // until the next look for a turn
constexpr int kNicer = 10;

bool Lock(int file, short type, int turn) noexcept {
  struct flock one {};
  one.l_type = type;
  one.l_whence = SEEK_SET;
  one.l_start = turn;
  one.l_len = 1;
  return ::fcntl(file, F_SETLK, &one) == 0;
}

}  // namespace

PasswordCheck::~PasswordCheck() { Forget(password_); }

void PasswordCheck::Run() noexcept {
  State state = State::kNoMemory;
  try {
    const Result<bool> is_right = IsPassword(hash_, password_);
    if (is_right) state = *is_right ? State::kRight : State::kWrong;
  } catch (const std::exception&) {
    state = State::kNoMemory;
  }
  Forget(password_);
  state_.store(state, std::memory_order_release);
}

PasswordTurns::PasswordTurns() : file_(::memfd_create("forkcast-password-turns", MFD_CLOEXEC)) {
  if (!file_) throw std::system_error(errno, std::generic_category(), "turns of passwords");
}

std::optional<int> PasswordTurns::Take() const noexcept {
  for (int turn = 0; turn < kMost; ++turn) {
    if (Lock(file_.get(), F_WRLCK, turn)) return turn;
  }
  return std::nullopt;
}

void PasswordTurns::GiveBack(int turn) const noexcept {
  static_cast<void>(Lock(file_.get(), F_UNLCK, turn));
}

PasswordChecker::PasswordChecker(const PasswordTurns& turns, std::function<void()> on_done)
    : turns_(turns), on_done_(std::move(on_done)) {}

PasswordChecker::~PasswordChecker() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  asked_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<std::shared_ptr<const PasswordCheck>> PasswordChecker::Try(std::string hash,
                                                                  std::string password) {
  auto check = std::make_shared<PasswordCheck>(std::move(hash), std::move(password));
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [](const auto& one) { return one.use_count() == 1; });
    if (waiting_.size() >= kMostWaiting) {
      return Error{ErrorCode::kNotReady, "too many log in at this moment: try again"};
    }
    waiting_.push_back(check);
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  asked_.notify_all();
  return std::shared_ptr<const PasswordCheck>(std::move(check));
}

std::size_t PasswordChecker::bytes() const noexcept {
  return works_.load(std::memory_order_relaxed) ? kPasswordMemory : 0;
}

void PasswordChecker::Run() {
  // Of this thread alone, on Linux.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()),
                                  ::getpriority(PRIO_PROCESS, 0) + kNicer));
  while (const std::shared_ptr<PasswordCheck> check = Next()) {
    RunInTurn(*check);
    on_done_();
  }
}

std::shared_ptr<PasswordCheck> PasswordChecker::Next() {
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
    if (stops_) return nullptr;
    std::shared_ptr<PasswordCheck> next = std::move(waiting_.front());
    waiting_.pop_front();
    if (next.use_count() > 1) return next;  // else nobody waits for it any more
  }
}

void PasswordChecker::RunInTurn(PasswordCheck& check) {
  std::optional<int> turn = turns_.Take();
  while (!turn) {
    std::unique_lock lock(mutex_);
    if (asked_.wait_for(lock, kPause, [this] { return stops_; })) return;
    turn = turns_.Take();
  }
  works_.store(true, std::memory_order_relaxed);
  check.Run();
  works_.store(false, std::memory_order_relaxed);
  turns_.GiveBack(*turn);
}

}  // namespace forkcast::serving
