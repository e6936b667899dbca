#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// What the page is answered.
struct PageAnswer {
  std::string body{};
  std::string_view content_type = "application/json";
  std::string file_name{};  ///< Under which a browser saves it; empty: it shows it.
  bool is_packed = false;   ///< `body` is gzip.
};

/// Finds out what the page asks, one question after the other, on a thread of the worker's own with
/// the lowest priority: it reads files, goes through long series and packs, and no invocation waits
/// for any of that. The thread begins with the first question. Asked by the worker's loop alone.
class PageDesk {
 public:
  /// That wait at once.
  static constexpr std::size_t kMostWaiting = 32;

  /// What is to be found out; owns whatever it looks at.
  using Question = std::function<Result<PageAnswer>()>;

  /// A question that was asked. Destroying it gives it up, unless it is being answered just now.
  class Pending {
   public:
    explicit Pending(Question question) : question_(std::move(question)) {}

    /// None: there is none yet.
    [[nodiscard]] const Result<PageAnswer>* answer() const noexcept {
      return is_done_.load(std::memory_order_acquire) ? &*answer_ : nullptr;
    }

   private:
    friend class PageDesk;

    Question question_;
    std::optional<Result<PageAnswer>> answer_;  // the desk's until `is_done_`
    std::atomic<bool> is_done_{false};
  };

  /// `on_answer` is called on the desk's thread, behind each answer.
  explicit PageDesk(std::function<void()> on_answer) : on_answer_(std::move(on_answer)) {}
  PageDesk(const PageDesk&) = delete;
  PageDesk& operator=(const PageDesk&) = delete;
  ~PageDesk();

  /// kOverloaded when too many wait. What a question throws is kInternal.
  Result<std::shared_ptr<const Pending>> Ask(Question question);

  /// Ends the thread. False while it is at work, which cannot be interrupted: then all that is left
  /// is to end the process.
  [[nodiscard]] bool Stop();

 private:
  void Run();
  static void Answer(Pending& pending);

  std::function<void()> on_answer_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<std::weak_ptr<Pending>> waiting_;
  bool stops_ = false;
  bool works_ = false;
  std::thread thread_;
};

}  // namespace forkcast::serving
