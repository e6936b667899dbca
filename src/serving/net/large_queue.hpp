#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "serving/net/queue_delay.hpp"

namespace forkcast::serving {

/// A request whose body is larger than this takes several times its size of memory.
inline constexpr std::size_t kLargeBody = 65536;

/// The large requests of a worker: one is worked on at a time, in the order in which they came.
/// Tells a QueueDelay how long they take. Pure: times are passed in.
template <typename Connection>
class LargeQueue {
 public:
  /// `delay` must outlive this.
  explicit LargeQueue(QueueDelay& delay) noexcept : delay_(delay) {}

  enum class Place : std::uint8_t { kFirst, kBehind };
  /// Precondition: it is not in the queue; bytes > 0.
  Place Join(Connection& connection, std::size_t bytes) {
    waiting_.push_back({.connection = &connection, .bytes = bytes, .began = {}});
    delay_.OnLargeJoined(bytes);
    return waiting_.size() == 1 ? Place::kFirst : Place::kBehind;
  }
  /// It is worked on from now. Precondition: it is in the queue, though not always the first:
  /// whoever has waited for too long goes on to be refused.
  void Begin(Connection& connection, MonotonicTime now) { Find(connection)->began = now; }
  /// It is done with: `answered`, or given up. Returns whoever has become the first thereby; null
  /// when nobody has. Without effect when it is not in the queue.
  Connection* Leave(Connection& connection, std::optional<MonotonicTime> answered) {
    const auto leaving = Find(connection);
    if (leaving == waiting_.end()) return nullptr;
    if (answered) delay_.OnLargeAnswered(leaving->bytes, *answered - leaving->began);
    delay_.OnLargeLeft(leaving->bytes);
    const bool was_first = leaving == waiting_.begin();
    waiting_.erase(leaving);
    return was_first && !waiting_.empty() ? waiting_.front().connection : nullptr;
  }

 private:
  struct Entry {
    Connection* connection;
    std::size_t bytes;
    MonotonicTime began;
  };
  auto Find(Connection& connection) {
    return std::ranges::find(waiting_, &connection, &Entry::connection);
  }

  QueueDelay& delay_;
  std::deque<Entry> waiting_;
};

}  // namespace forkcast::serving
