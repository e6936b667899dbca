#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace forkcast::model::test {

/// Uniform numbers in [0, 1) that any program can make: a linear congruential generator of 64 bits
/// (Knuth's MMIX), of whose state the upper 53 bits are taken.
inline std::vector<double> Uniform(std::uint64_t seed, std::size_t count) {
  std::vector<double> values;
  std::uint64_t state = seed;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    values.push_back(static_cast<double>(state >> 11) * 0x1p-53);
  }
  return values;
}

/// `count` values from `first` to `last` at equal distances.
inline std::vector<double> Evenly(double first, double last, std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(first +
                     (last - first) / static_cast<double>(count - 1) * static_cast<double>(i));
  }
  values.back() = last;
  return values;
}

/// Value 1 counts[0] times, value 2 counts[1] times, and on.
inline std::vector<double> Repeated(const std::vector<double>& counts, double first = 1) {
  std::vector<double> values;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    values.insert(values.end(), static_cast<std::size_t>(counts[i]),
                  first + static_cast<double>(i));
  }
  return values;
}

}  // namespace forkcast::model::test
