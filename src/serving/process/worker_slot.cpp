#include "serving/process/worker_slot.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace forkcast::serving {

WorkerSlots::WorkerSlots(std::size_t count) {
  void* memory = ::mmap(nullptr, count * sizeof(WorkerSlot), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "memory for worker slots");
  }
  auto* first = static_cast<WorkerSlot*>(memory);
  for (std::size_t i = 0; i < count; ++i) new (first + i) WorkerSlot;
  slots_ = {first, count};
}

WorkerSlots::~WorkerSlots() { ::munmap(slots_.data(), slots_.size_bytes()); }

}  // namespace forkcast::serving
