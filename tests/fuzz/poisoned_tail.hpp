#pragma once

#include <sanitizer/asan_interface.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forkcast::fuzz {

/// A mapping goes on with zeros until its last page ends; under ASan nobody reads them.
class PoisonedTail {
 public:
  explicit PoisonedTail(std::string_view file) noexcept
      : begin_(file.data() + file.size()),
        size_(-reinterpret_cast<std::uintptr_t>(begin_) %
              static_cast<std::uintptr_t>(::getpagesize())) {
    ASAN_POISON_MEMORY_REGION(begin_, size_);
  }
  PoisonedTail(const PoisonedTail&) = delete;
  PoisonedTail& operator=(const PoisonedTail&) = delete;
  ~PoisonedTail() { ASAN_UNPOISON_MEMORY_REGION(begin_, size_); }

 private:
  const char* begin_;
  std::size_t size_;
};

}  // namespace forkcast::fuzz
