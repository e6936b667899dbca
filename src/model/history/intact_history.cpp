#include "model/history/intact_history.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace forkcast::model {

std::span<const double> IntactHistory(std::span<const double> history,
                                      std::vector<double>& filled) {
  const auto is_missing = [](double value) { return std::isnan(value); };
  if (std::ranges::none_of(history, is_missing)) return history;
  filled.assign(history.begin(), history.end());
  const auto is_there = [](double value) { return !std::isnan(value); };
  auto last = std::ranges::find_if(filled, is_there);
  std::fill(filled.begin(), last, *last);
  while (true) {
    const auto next = std::find_if(last + 1, filled.end(), is_there);
    if (next == filled.end()) {
      std::fill(last + 1, filled.end(), *last);
      return filled;
    }
    const double step = (*next - *last) / static_cast<double>(next - last);
    for (auto hole = last + 1; hole != next; ++hole) {
      *hole = *last + step * static_cast<double>(hole - last);
    }
    last = next;
  }
}

}  // namespace forkcast::model
