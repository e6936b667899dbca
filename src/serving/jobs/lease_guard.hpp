#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

/// Ends processes whose time is over, also while whoever has begun them waits for a store that does
/// not answer: a connection that is lost in silence is noticed after a minute, and by then another
/// worker does the job. A thread of its own, from the first process on. It outlives its leases.
class LeaseGuard {
 public:
  LeaseGuard() = default;
  LeaseGuard(const LeaseGuard&) = delete;
  LeaseGuard& operator=(const LeaseGuard&) = delete;
  ~LeaseGuard();

 private:
  struct Watched {
    Fd process;  ///< A pidfd.
    MonotonicTime until;
    bool is_over = false;
  };

 public:
  /// Until it is destroyed its process is killed when its time is over.
  class Lease {
   public:
    Lease(LeaseGuard& guard, std::list<Watched>::iterator watched) noexcept
        : guard_(guard), watched_(watched) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    /// Of one that is over nothing changes.
    void Extend(MonotonicTime until);
    /// The process was killed.
    [[nodiscard]] bool is_over() const;

   private:
    LeaseGuard& guard_;
    std::list<Watched>::iterator watched_;
  };

  /// `pidfd` of a process that runs. Throws std::system_error.
  [[nodiscard]] std::unique_ptr<Lease> Watch(int pidfd, MonotonicTime until);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Watched> watched_;  // under the mutex, as what follows
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace forkcast::serving
