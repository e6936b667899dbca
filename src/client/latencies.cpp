#include "client/latencies.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace forkcast::client {

void Latencies::Add(std::chrono::nanoseconds latency) {
  const std::int64_t micros =
      std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  micros_.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(micros, 0, kMost)));
  sorted_ = false;
}

std::chrono::microseconds Latencies::Quantile(double share) {
  if (!sorted_) std::ranges::sort(micros_);
  sorted_ = true;
  // A hair less, or 0.999 * 1000 would be above 999 and take the rank behind.
  const double rank = std::ceil(share * static_cast<double>(micros_.size()) * (1 - 1e-12));
  const std::size_t index = rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1;
  return std::chrono::microseconds(micros_[std::min(index, micros_.size() - 1)]);
}

}  // namespace forkcast::client
