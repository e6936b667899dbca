#pragma once

#include <coroutine>
#include <utility>

namespace forkcast::serving {

/// A coroutine without result that waits by suspending; whoever holds it resumes it when what it
/// waits for has come. Nothing is queued or allocated in between, which a library's awaitable does
/// for every wait. Suspended from the start. Destroying it ends it wherever it is.
class Coroutine {
 public:
  struct promise_type {
    Coroutine get_return_object() noexcept {
      return Coroutine(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    void unhandled_exception() noexcept { failed = true; }

    bool failed = false;
  };

  Coroutine(Coroutine&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Coroutine& operator=(Coroutine&&) = delete;
  ~Coroutine() {
    if (handle_) handle_.destroy();
  }

  /// Runs it until it waits or ends. Precondition: !done(); not called from within it.
  void Resume() const { handle_.resume(); }
  [[nodiscard]] bool done() const noexcept { return handle_.done(); }
  /// Whether it ended by an exception.
  [[nodiscard]] bool failed() const noexcept { return handle_.promise().failed; }

 private:
  explicit Coroutine(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

}  // namespace forkcast::serving
