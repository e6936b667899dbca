#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "serving/metrics/metric.hpp"

namespace forkcast::serving {

/// A value for each row of kMetrics, in memory that processes share: one of them writes, all read,
/// without a lock. Those of the workers are in their slots, the server's own (Metric::Across) in
/// the ServerState. A reader may see values of slightly different moments. Counting is one
/// instruction.
class MetricValues {
 public:
  void Count(MetricId counter, std::uint64_t by = 1) noexcept {
    values_[counter.index()].fetch_add(by, std::memory_order_relaxed);
  }
  void Set(MetricId gauge, std::uint64_t value) noexcept {
    values_[gauge.index()].store(value, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t Get(MetricId metric) const noexcept {
    return values_[metric.index()].load(std::memory_order_relaxed);
  }
  /// Their process has ended; counters stay as they are.
  void ClearGauges() noexcept {
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      if (kMetrics[i].kind == Metric::Kind::kGauge) Set(MetricId(i), 0);
    }
  }
  [[nodiscard]] MetricReadings Read() const noexcept {
    MetricReadings readings;
    for (std::size_t i = 0; i < kMetrics.size(); ++i) readings[MetricId(i)] = Get(MetricId(i));
    return readings;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kMetrics.size()> values_{};
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

}  // namespace forkcast::serving
