#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace forkcast::model {

/// A row has floats; of a model that computes with doubles it has the bits of a number in three of
/// them, each a whole number that a float holds exactly. Adding up three floats would not do: what
/// is greater than a float, or as small as 1e-300, would be lost.
inline constexpr std::size_t kDoubleParts = 3;

namespace double_parts {
inline constexpr unsigned kBits = 22;  ///< Of the last two parts; the first has the other 20.
inline constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;
}  // namespace double_parts

/// The columns of a row that hold the number called so.
[[nodiscard]] inline std::array<std::string, kDoubleParts> PartNames(std::string_view name) {
  const std::string stem(name);
  return {stem + ":high", stem + ":middle", stem + ":low"};
}

[[nodiscard]] inline std::array<float, kDoubleParts> SplitDouble(double number) noexcept {
  using double_parts::kBits;
  using double_parts::kMask;
  const auto bits = std::bit_cast<std::uint64_t>(number);
  return {static_cast<float>(bits >> (2 * kBits)), static_cast<float>((bits >> kBits) & kMask),
          static_cast<float>(bits & kMask)};
}

/// What SplitDouble() took apart; NaN for floats that it never gives.
[[nodiscard]] inline double JoinDouble(std::span<const float, kDoubleParts> parts) noexcept {
  using double_parts::kBits;
  using double_parts::kMask;
  const bool are_parts = std::ranges::all_of(
      parts, [](float part) { return part >= 0 && part <= static_cast<float>(kMask); });
  if (!are_parts) return std::numeric_limits<double>::quiet_NaN();
  std::uint64_t bits = 0;
  for (const float part : parts) bits = (bits << kBits) | static_cast<std::uint64_t>(part);
  return std::bit_cast<double>(bits);
}

}  // namespace forkcast::model
