#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/follow/follow_status.hpp"

namespace forkcast::preprocessing {

/// Writes statuses to a descriptor that whoever started the process has given to it: a pipe, or a
/// SOCK_SEQPACKET socket, on which each is a message. Each that is new, and the last one again
/// whenever `interval` has passed, also while a turn takes long; one that is not taken at once is
/// dropped.
class StatusWriter {
 public:
  explicit StatusWriter(Fd fd, std::chrono::milliseconds interval = std::chrono::seconds(5));
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;
  ~StatusWriter();

  void Write(const FollowStatus& status);
  /// Whether nobody will read any more.
  [[nodiscard]] bool reader_is_gone() const noexcept { return is_gone_; }

 private:
  void Repeat();
  /// Precondition: the lock is held.
  void Send();

  Fd fd_;
  std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string line_;     // of the last status
  bool is_new_ = false;  // written since the thread last looked
  bool ends_ = false;
  std::atomic<bool> is_gone_{false};
  std::thread thread_;  // last: it uses all others
};

}  // namespace forkcast::preprocessing
