#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace forkcast::preprocessing {

/// Numbers of rows by hashes of their keys, 8 bytes a place in an open-addressed table: what tells
/// a new key from a known one faster than an index in random order does. A hash may be that of
/// several keys, so who asks looks at the row. Numbers are 1 to 2^32 - 1.
class RowNumbers {
 public:
  /// As many as take 128 MiB.
  static constexpr std::size_t kMost = 12'000'000;

  [[nodiscard]] bool HasRoomFor(std::int64_t row) const noexcept {
    return size_ < kMost && row <= std::int64_t{UINT32_MAX};
  }

  /// Hands the numbers of rows whose keys have this hash to `is_it`, until one is. 0: none was.
  /// `is_it` gives a Result<bool>, whose error ends the search.
  template <typename IsIt>
  auto Find(std::uint32_t hash, const IsIt& is_it) const -> decltype(is_it(std::uint32_t{})) {
    for (std::size_t at = hash & mask(); slots_[at] != 0; at = (at + 1) & mask()) {
      if (HashOf(slots_[at]) != hash) continue;
      auto found = is_it(RowOf(slots_[at]));
      if (!found || *found) return found;
    }
    return false;
  }

  /// Precondition: HasRoomFor(row).
  void Add(std::uint32_t hash, std::uint32_t row);
  /// Puts `now` in the place of `before`, which is there with this hash.
  void Replace(std::uint32_t hash, std::uint32_t before, std::uint32_t now) noexcept;

 private:
  static std::uint64_t SlotOf(std::uint32_t hash, std::uint32_t row) noexcept {
    return (std::uint64_t{hash} << 32U) | row;
  }
  static std::uint32_t HashOf(std::uint64_t slot) noexcept {
    return static_cast<std::uint32_t>(slot >> 32U);
  }
  static std::uint32_t RowOf(std::uint64_t slot) noexcept {
    return static_cast<std::uint32_t>(slot);
  }
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  void Put(std::uint64_t slot) noexcept;

  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1024);  // 0 is free
  std::size_t size_ = 0;
};

}  // namespace forkcast::preprocessing
