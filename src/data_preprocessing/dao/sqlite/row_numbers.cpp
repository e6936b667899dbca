#include "data_preprocessing/dao/sqlite/row_numbers.hpp"

#include <algorithm>

namespace forkcast::preprocessing {

void RowNumbers::Put(std::uint64_t slot) noexcept {
  std::size_t at = HashOf(slot) & mask();
  while (slots_[at] != 0) at = (at + 1) & mask();
  slots_[at] = slot;
}

void RowNumbers::Add(std::uint32_t hash, std::uint32_t row) {
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    std::vector<std::uint64_t> before(slots_.size() * 2);
    before.swap(slots_);
    for (const std::uint64_t slot : before) {
      if (slot != 0) Put(slot);
    }
  }
  Put(SlotOf(hash, row));
  ++size_;
}

void RowNumbers::Replace(std::uint32_t hash, std::uint32_t before, std::uint32_t now) noexcept {
  std::size_t at = hash & mask();
  while (slots_[at] != SlotOf(hash, before)) at = (at + 1) & mask();
  slots_[at] = SlotOf(hash, now);
}

}  // namespace forkcast::preprocessing
