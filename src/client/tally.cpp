#include "client/tally.hpp"

#include <algorithm>

namespace forkcast::client {

void Tally::Add(std::string_view value) {
  auto found = counts_.find(value);
  if (found == counts_.end()) {
    const bool full = counts_.size() >= kMaxValues;
    found = counts_.emplace(full ? kOtherValues : value, 0).first;
  }
  ++found->second;
}

std::vector<Tally::Entry> Tally::Entries() const {
  std::vector<Entry> entries;
  for (const auto& [value, count] : counts_) entries.push_back({value, count});
  std::ranges::stable_sort(entries, std::ranges::greater(), &Entry::count);
  return entries;
}

}  // namespace forkcast::client
