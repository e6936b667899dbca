#include "serving/service/scorer.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace forkcast::serving {

void Scores::Clear() noexcept {
  rows.clear();
  row_numbers.clear();
  stale.clear();
  features.clear();
  outputs.clear();
  members.clear();
  errors.clear();
}

void Scores::Refuse(std::span<const wire::RowError> bad) {
  const auto is_bad = [bad](std::size_t row) {
    return std::ranges::binary_search(bad, row, {}, &wire::RowError::row);
  };
  std::erase_if(errors, [&](const wire::RowError& error) { return is_bad(error.row); });
  errors.insert(errors.end(), bad.begin(), bad.end());
  std::ranges::stable_sort(errors, {}, &wire::RowError::row);

  if (rows.empty()) return;
  const std::size_t feature_count = features.size() / rows.size();
  const std::size_t output_count = outputs.size() / rows.size();
  std::size_t kept = 0;
  for (std::size_t line = 0; line < rows.size(); ++line) {
    if (is_bad(row_numbers[line])) continue;
    rows[kept] = rows[line];
    row_numbers[kept] = row_numbers[line];
    stale[kept] = stale[line];
    std::copy_n(features.begin() + static_cast<std::ptrdiff_t>(line * feature_count), feature_count,
                features.begin() + static_cast<std::ptrdiff_t>(kept * feature_count));
    std::copy_n(outputs.begin() + static_cast<std::ptrdiff_t>(line * output_count), output_count,
                outputs.begin() + static_cast<std::ptrdiff_t>(kept * output_count));
    if (!members.empty()) std::swap(members[kept], members[line]);
    ++kept;
  }
  rows.resize(kept);
  row_numbers.resize(kept);
  stale.resize(kept);
  features.resize(kept * feature_count);
  outputs.resize(kept * output_count);
  members.resize(std::min(members.size(), kept));
}

}  // namespace forkcast::serving
