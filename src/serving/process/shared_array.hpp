#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <span>
#include <system_error>
#include <type_traits>

namespace forkcast::serving {

/// `count` objects in memory that this process and all that it forks later share. T must hold
/// nothing but lock-free atomics.
template <typename T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  /// Throws std::system_error when the memory cannot be had.
  explicit SharedArray(std::size_t count) {
    void* memory = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "shared memory");
    }
    auto* first = static_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (first + i) T;
    elements_ = {first, count};
  }
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;
  ~SharedArray() { ::munmap(elements_.data(), elements_.size_bytes()); }

  [[nodiscard]] std::span<T> all() const noexcept { return elements_; }
  T& operator[](std::size_t index) const noexcept { return elements_[index]; }

 private:
  std::span<T> elements_;
};

}  // namespace forkcast::serving
