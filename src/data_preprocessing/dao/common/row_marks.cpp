#include "data_preprocessing/dao/common/row_marks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace forkcast::preprocessing {

void ChangedTables::Note(const std::string& table, RowChange change) {
  RowChange& noted = changes_.try_emplace(table, change).first->second;
  noted = std::max(noted, change);
}

void ChangedTables::Note(const std::string& table, const AppendCounts& counts) {
  if (counts.added > 0) Note(table, RowChange::kAdded);
  if (counts.replaced > 0) Note(table, RowChange::kOthersChanged);
}

std::string NewRowMark() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", static_cast<std::uint32_t>(device()),
                     static_cast<std::uint32_t>(device()));
}

}  // namespace forkcast::preprocessing
