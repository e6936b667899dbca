#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "data_preprocessing/base/fd.hpp"
#include "serving/metrics/series.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// What a server's workers tell and count: a slot and a block each, and a block of the recorder's
/// behind them. Views.
struct Counts {
  std::span<const WorkerSlot> slots;
  std::span<const SeriesBlock> series;
};

/// The memory of these, shared with all that the process forks later and, as a descriptor
/// (memfd_create(2)), with a master that takes its place: that one reads what was counted here, and
/// still is while the last workers drain, and adds it to its own. So counters survive an upgrade.
/// Move-only.
class SharedCounts {
 public:
  /// Throws std::system_error when the memory cannot be had. Where it cannot have a descriptor
  /// (ulimit -f), it has none.
  explicit SharedCounts(std::size_t slots);
  /// Those of an old master; none when its program laid them out otherwise, as another version may.
  [[nodiscard]] static std::optional<SharedCounts> Adopt(Fd memory);

  SharedCounts(SharedCounts&& other) noexcept;
  SharedCounts& operator=(SharedCounts&&) = delete;
  SharedCounts(const SharedCounts&) = delete;
  SharedCounts& operator=(const SharedCounts&) = delete;
  ~SharedCounts();

  [[nodiscard]] std::span<WorkerSlot> slots() const noexcept { return slots_; }
  /// By slot, then the recorder's.
  [[nodiscard]] std::span<SeriesBlock> series() const noexcept { return series_; }
  [[nodiscard]] SeriesBlock& recorder_series() const noexcept { return series_.back(); }
  [[nodiscard]] Counts view() const noexcept { return {.slots = slots_, .series = series_}; }
  /// -1: none.
  [[nodiscard]] int fd() const noexcept { return memory_.get(); }

 private:
  SharedCounts() = default;
  /// Maps `memory_`, or memory without a descriptor, for so many slots.
  void Map(std::size_t slots);

  Fd memory_;
  std::span<std::byte> mapped_;
  std::span<WorkerSlot> slots_;
  std::span<SeriesBlock> series_;
};

}  // namespace forkcast::serving
