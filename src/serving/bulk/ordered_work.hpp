#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// Does tasks on threads of its own, and hands over what comes of them in the tasks' order, one at
/// a time: while some are read, others are worked on and others written. Holds a few tasks a
/// thread, however many there are. Add() and Finish() belong to one thread.
template <typename Task, typename Done>
class OrderedWork {
 public:
  using Work = std::function<Done(Task&)>;

  /// `make_work` makes what a thread works with, for each of them, in the caller's. `take` is
  /// called by any of them, never by two at once; its first error is the end.
  OrderedWork(unsigned threads, const std::function<Work()>& make_work,
              std::function<Status(Done&)> take)
      : most_(kTasksAThread * std::max(threads, 1U)), take_(std::move(take)) {
    for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
      threads_.emplace_back([this, work = make_work()] { Run(work); });
    }
  }
  OrderedWork(const OrderedWork&) = delete;
  OrderedWork& operator=(const OrderedWork&) = delete;
  /// What is not done by then is given up.
  ~OrderedWork() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      tasks_.clear();
    }
    Join();
  }

  /// Waits while there are many. The error of `take`, for which there is nothing more to do.
  Status Add(Task task) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failed() || added_ - taken_ < most_; });
    if (failed()) return Failure();
    tasks_.emplace_back(added_++, std::move(task));
    changed_.notify_all();
    return {};
  }

  /// All have been added: waits until they are taken.
  Status Finish() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    Join();
    return failed() ? Failure() : Status();
  }

 private:
  static constexpr std::size_t kTasksAThread = 4;

  [[nodiscard]] bool failed() const noexcept { return error_ || thrown_; }
  Status Failure() {
    if (thrown_) std::rethrow_exception(thrown_);
    return *error_;
  }

  void Join() {
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  void Run(const Work& work) {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return failed() || ended_ || !tasks_.empty(); });
      if (failed() || tasks_.empty()) return;
      std::pair<std::size_t, Task> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      std::optional<Done> done;
      std::exception_ptr thrown;
      try {
        done.emplace(work(task.second));
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown) {
        thrown_ = thrown;
      } else {
        done_.emplace(task.first, *std::move(done));
        HandOver(lock);
      }
      changed_.notify_all();
    }
  }

  /// What is next, by whoever comes first.
  void HandOver(std::unique_lock<std::mutex>& lock) {
    if (hands_over_) return;
    hands_over_ = true;
    while (!failed() && !done_.empty() && done_.begin()->first == taken_) {
      auto next = done_.extract(done_.begin());
      lock.unlock();
      Status took = take_(next.mapped());
      lock.lock();
      ++taken_;
      if (!took) error_ = std::move(took).error();
      changed_.notify_all();
    }
    hands_over_ = false;
  }

  const std::size_t most_;
  const std::function<Status(Done&)> take_;
  std::mutex mutex_;  // of what follows, but for the threads
  std::condition_variable changed_;
  std::deque<std::pair<std::size_t, Task>> tasks_;
  std::map<std::size_t, Done> done_;
  std::size_t added_ = 0;
  std::size_t taken_ = 0;
  bool ended_ = false;
  bool hands_over_ = false;
  std::optional<Error> error_;
  std::exception_ptr thrown_;
  std::vector<std::thread> threads_;
};

}  // namespace forkcast::serving
