#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forkcast::serving {

/// A text in memory that processes share, cut to `kCapacity` bytes. One thread at a time writes,
/// all read, without a lock: a count of writes, odd during one, tells a reader that what it has
/// read is no text (a seqlock). Boehm, Can seqlocks get along with programming language memory
/// models? (2012); the bytes are ordered by themselves rather than by fences, which TSan does not
/// know.
template <std::size_t kCapacity>
class SharedText {
 public:
  /// Also over a write that its process did not live to finish.
  void Set(std::string_view text) noexcept {
    const std::uint32_t odd = writes_.load(std::memory_order_relaxed) | 1U;
    writes_.store(odd, std::memory_order_relaxed);
    const std::size_t size = text.size() < kCapacity ? text.size() : kCapacity;
    for (std::size_t i = 0; i < size; ++i) bytes_[i].store(text[i], std::memory_order_release);
    size_.store(size, std::memory_order_release);
    writes_.store(odd + 1, std::memory_order_release);
  }

  /// None when it was being written at each of a few tries: waiting would trust the writer to live.
  [[nodiscard]] std::optional<std::string> Get() const {
    constexpr int kTries = 3;
    for (int i = 0; i < kTries; ++i) {
      const std::uint32_t before = writes_.load(std::memory_order_acquire);
      std::string text(size_.load(std::memory_order_acquire), '\0');
      for (std::size_t j = 0; j < text.size(); ++j) {
        text[j] = bytes_[j].load(std::memory_order_acquire);
      }
      if (before % 2 == 0 && writes_.load(std::memory_order_relaxed) == before) return text;
    }
    return std::nullopt;
  }

 private:
  std::atomic<std::uint32_t> writes_{0};
  std::atomic<std::size_t> size_{0};
  std::array<std::atomic<char>, kCapacity> bytes_{};
};

}  // namespace forkcast::serving
