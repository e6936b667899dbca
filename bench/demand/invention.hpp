#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>

#include "data_preprocessing/base/random.hpp"

namespace forkcast::bench {

/// What invented demand is made of: a pattern and noise around it. Rates and factors are whole
/// numbers, factors in thousandths, and no function of the mathematics library is called, so that a
/// seed gives the same bytes on every platform.

inline constexpr int kOne = 1000;  // the factor 1

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : engine_(seed) {}

  /// Evenly from `least` to `greatest`, both included.
  int Between(int least, int greatest) {
    return least +
           static_cast<int>(DrawBelow(engine_, static_cast<std::size_t>(greatest - least + 1)));
  }
  bool Chance(int thousandths) { return Between(0, kOne - 1) < thousandths; }
  /// A factor around 1, bell-shaped: the mean of four even draws. Its standard deviation is
  /// `spread` / 3.46.
  int Noise(int spread) {
    int sum = 0;
    for (int i = 0; i < 4; ++i) sum += Between(-spread, spread);
    return kOne + sum / 4;
  }
  /// `value` thousandths as a whole number, rounded up or down by chance so that the mean is right.
  int Whole(std::int64_t value) {
    const auto whole = static_cast<int>(value / kOne);
    return whole + (Chance(static_cast<int>(value % kOne)) ? 1 : 0);
  }

 private:
  std::mt19937_64 engine_;
};

/// A factor that goes up and down once a year: 1 + `swing` in the week `peak` (0..51), 1 - `swing`
/// half a year away.
[[nodiscard]] inline int SeasonFactor(std::chrono::sys_days day, int peak, int swing) {
  constexpr int kWeeks = 52;
  const std::chrono::year_month_day date(day);
  const auto since = day - std::chrono::sys_days(date.year() / 1 / 1);
  const int apart = std::abs(static_cast<int>(since.count() / 7) - peak) % kWeeks;
  const int distance = apart > kWeeks / 2 ? kWeeks - apart : apart;  // 0..26
  return kOne + swing * (kWeeks / 4 - distance) / (kWeeks / 4);
}

/// `value` times factors.
template <typename... Factors>
[[nodiscard]] std::int64_t Times(std::int64_t value, Factors... factors) {
  ((value = value * factors / kOne), ...);
  return value;
}

}  // namespace forkcast::bench
