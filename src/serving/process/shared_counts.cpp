#include "serving/process/shared_counts.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

namespace forkcast::serving {
namespace {

/// What stands before the slots.
struct Header {
  std::uint64_t layout = 0;
  std::uint64_t slots = 0;
};

constexpr std::size_t kPage = 4096;

constexpr std::size_t RoundUp(std::size_t size) noexcept {
  return (size + kPage - 1) / kPage * kPage;
}
constexpr std::size_t SeriesAt(std::size_t slots) noexcept {
  return kPage + RoundUp(slots * sizeof(WorkerSlot));
}
constexpr std::size_t SizeFor(std::size_t slots) noexcept {
  return SeriesAt(slots) + (slots + 1) * sizeof(SeriesBlock);
}

/// Another one for each way in which the memory is laid out: a hash (FNV-1a) of what there is in
/// it, and of sizes.
constexpr std::uint64_t LayoutNumber() noexcept {
  std::uint64_t hash = 14695981039346656037U;
  const auto add = [&hash](std::uint64_t value) { hash = (hash ^ value) * 1099511628211U; };
  const auto add_text = [&add](std::string_view text) {
    for (const char c : text) add(static_cast<unsigned char>(c));
    add(text.size());
  };
  for (const Metric& metric : kMetrics) add_text(metric.name);
  for (const SeriesFamily& family : kSeriesFamilies) {
    add_text(family.family);
    for (const std::string_view label : family.labels) add_text(label);
  }
  for (const std::int64_t bound : kLatencyBounds) add(static_cast<std::uint64_t>(bound));
  add(sizeof(WorkerSlot));
  add(sizeof(SeriesBlock));
  return hash;
}

}  // namespace

SharedCounts::SharedCounts(std::size_t slots)
    : memory_(::memfd_create("forkcast_counts", MFD_CLOEXEC)) {
  if (memory_ && ::ftruncate(memory_.get(), static_cast<off_t>(SizeFor(slots))) != 0) {
    memory_.Reset();
  }
  Map(slots);
  new (mapped_.data()) Header{.layout = LayoutNumber(), .slots = slots};
  for (WorkerSlot& slot : slots_) new (&slot) WorkerSlot;
}

std::optional<SharedCounts> SharedCounts::Adopt(Fd memory) {
  struct stat status {};
  Header header;
  if (::fstat(memory.get(), &status) != 0) return std::nullopt;
  if (::pread(memory.get(), &header, sizeof header, 0) != sizeof header) return std::nullopt;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (header.layout != LayoutNumber() || header.slots > size ||
      size != SizeFor(static_cast<std::size_t>(header.slots))) {
    return std::nullopt;
  }
  SharedCounts adopted;
  adopted.memory_ = std::move(memory);
  adopted.Map(static_cast<std::size_t>(header.slots));
  return adopted;
}

SharedCounts::SharedCounts(SharedCounts&& other) noexcept
    : memory_(std::move(other.memory_)),
      mapped_(std::exchange(other.mapped_, {})),
      slots_(std::exchange(other.slots_, {})),
      series_(std::exchange(other.series_, {})) {}

SharedCounts::~SharedCounts() {
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
}

void SharedCounts::Map(std::size_t slots) {
  const std::size_t size = SizeFor(slots);
  const int flags = MAP_SHARED | (memory_ ? 0 : MAP_ANONYMOUS);
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, memory_ ? memory_.get() : -1, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "shared memory");
  }
  auto* const bytes = static_cast<std::byte*>(memory);
  mapped_ = {bytes, size};
  slots_ = {reinterpret_cast<WorkerSlot*>(bytes + kPage), slots};
  series_ = {reinterpret_cast<SeriesBlock*>(bytes + SeriesAt(slots)), slots + 1};
}

}  // namespace forkcast::serving
