#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace forkcast::serving {

/// The thread of a worker that waits for the disk, so that its loop does not: does something first,
/// then something else again and again with a pause between.
class LoaderThread {
 public:
  struct Work {
    std::function<bool()> first;  ///< Whether to go on.
    std::function<void()> again;
    std::chrono::milliseconds pause{};
  };

  void Start(Work work);
  /// Ends the pause, or, while it is at work, the next one.
  void Hurry();
  /// Ends the thread in its pause. False when it is at work, which cannot be interrupted: then it
  /// goes on, and all that is left is to end the process.
  [[nodiscard]] bool Stop();

 private:
  void Run(const Work& work);

  std::mutex mutex_;
  std::condition_variable asked_;  // to stop, or to hurry
  bool stops_ = false;
  bool hurries_ = false;
  bool works_ = true;
  std::thread thread_;
};

}  // namespace forkcast::serving
