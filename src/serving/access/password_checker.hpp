#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// A password that is tried against a hash. Whoever waits for it drops it when he is not interested
/// any more; then it is not begun.
class PasswordCheck {
 public:
  enum class State : std::uint8_t { kWaiting, kRight, kWrong, kNoMemory };

  PasswordCheck(std::string hash, std::string password)
      : hash_(std::move(hash)), password_(std::move(password)) {}
  PasswordCheck(const PasswordCheck&) = delete;
  PasswordCheck& operator=(const PasswordCheck&) = delete;
  ~PasswordCheck();

  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_acquire); }
  /// Tries it.
  void Run() noexcept;

 private:
  const std::string hash_;
  std::string password_;
  std::atomic<State> state_{State::kWaiting};
};

/// How many passwords all workers together try at once: each takes 64 MiB and a processor. Made by
/// the master; a worker that is killed gives its turn back, since the kernel does (fcntl(2), record
/// locks, which belong to a process).
class PasswordTurns {
 public:
  static constexpr int kMost = 2;

  /// Throws std::system_error.
  PasswordTurns();

  /// None: all are taken.
  [[nodiscard]] std::optional<int> Take() const noexcept;
  void GiveBack(int turn) const noexcept;

 private:
  Fd file_;  // of anonymous memory, without any
};

/// Tries passwords one after the other on a thread of its own, which is nicer than the worker's
/// loop: logins slow nobody down. It begins with the first one. Its functions are the loop's.
class PasswordChecker {
 public:
  /// That wait at once, of one worker.
  static constexpr std::size_t kMostWaiting = 8;

  /// `on_done` is called on the thread when some state has changed. `turns` outlives it.
  PasswordChecker(const PasswordTurns& turns, std::function<void()> on_done);
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;
  /// Waits for the one that is being tried.
  ~PasswordChecker();

  /// kNotReady when too many wait already.
  Result<std::shared_ptr<const PasswordCheck>> Try(std::string hash, std::string password);

  /// Memory that is taken while a password is tried, and is not the worker's to be judged by.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  void Run();
  /// Null: it is to end.
  std::shared_ptr<PasswordCheck> Next();
  void RunInTurn(PasswordCheck& check);

  const PasswordTurns& turns_;
  std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<std::shared_ptr<PasswordCheck>> waiting_;
  bool stops_ = false;
  std::atomic<bool> works_{false};
  std::thread thread_;
};

}  // namespace forkcast::serving
