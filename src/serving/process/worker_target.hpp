#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace forkcast::serving {

/// How many workers are wanted: what the configuration asks for, one more or fewer with each TTIN
/// and TTOU; at least one, and at most half the slots, since the other half is for a generation
/// that leaves. Pure.
class WorkerTarget {
 public:
  WorkerTarget(std::size_t workers, std::size_t slots) noexcept
      : workers_(workers), most_(slots / 2) {}

  void Set(std::uint64_t workers) noexcept {
    workers_ = std::clamp<std::uint64_t>(workers, 1, most_);
  }
  void Increase() noexcept { Set(workers_ + 1); }
  void Decrease() noexcept { Set(workers_ - 1); }

  [[nodiscard]] std::size_t workers() const noexcept { return workers_; }

 private:
  std::size_t workers_;
  std::size_t most_;
};

}  // namespace forkcast::serving
