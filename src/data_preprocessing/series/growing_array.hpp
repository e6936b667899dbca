#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace forkcast::preprocessing {

/// A vector of plain values for millions of them. It grows by realloc(), for which the system moves
/// pages instead of copying them, so that a large array is never in memory twice.
template <typename T>
class GrowingArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return values_.get()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return values_.get()[i]; }
  [[nodiscard]] std::span<T> span() noexcept { return {values_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {values_.get(), size_}; }

  void push_back(const T& value) {
    if (size_ == capacity_) Reserve(size_ + 1);
    values_.get()[size_++] = value;
  }
  void Append(std::span<const T> values) {
    if (values.size() > capacity_ - size_) Reserve(size_ + values.size());
    std::copy(values.begin(), values.end(), values_.get() + size_);
    size_ += values.size();
  }
  /// New ones are `value`.
  void Resize(std::size_t size, const T& value) {
    if (size > capacity_) Reserve(size);
    if (size > size_) std::fill(values_.get() + size_, values_.get() + size, value);
    size_ = size;
  }
  /// Gives the memory back.
  void Release() noexcept {
    values_.reset();
    size_ = capacity_ = 0;
  }

 private:
  struct Free {
    void operator()(T* values) const noexcept { std::free(values); }
  };

  void Reserve(std::size_t at_least) {
    const std::size_t capacity = std::max<std::size_t>({at_least, capacity_ * 2, 64});
    void* const moved = std::realloc(values_.get(), capacity * sizeof(T));
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(values_.release());
    values_.reset(static_cast<T*>(moved));
    capacity_ = capacity;
  }

  std::unique_ptr<T, Free> values_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace forkcast::preprocessing
