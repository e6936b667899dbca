#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace forkcast::client {

/// Every latency of a replay, exact to the microsecond: 4 bytes a request.
class Latencies {
 public:
  /// Negative ones count as 0, those over 71 minutes as that.
  void Add(std::chrono::nanoseconds latency);
  [[nodiscard]] std::size_t count() const noexcept { return micros_.size(); }

  /// The smallest latency that at least `share` (over 0, up to 1) of all do not exceed (nearest
  /// rank). The first call after Add() sorts. Precondition: count() > 0.
  [[nodiscard]] std::chrono::microseconds Quantile(double share);

 private:
  std::vector<std::uint32_t> micros_;
  bool sorted_ = true;
};

}  // namespace forkcast::client
