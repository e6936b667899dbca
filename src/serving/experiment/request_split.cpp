#include "serving/experiment/request_split.hpp"

#include <xxhash.h>

#include <cmath>
#include <type_traits>
#include <variant>

namespace forkcast::serving {
namespace {

std::uint64_t HashOf(const preprocessing::Value& value, std::uint64_t seed) noexcept {
  return std::visit(
      [seed](const auto& held) -> std::uint64_t {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string_view>) {
          return XXH3_64bits_withSeed(held.data(), held.size(), seed);
        } else if constexpr (std::is_same_v<Held, std::monostate>) {
          return XXH3_64bits_withSeed(nullptr, 0, seed);
        } else {
          return XXH3_64bits_withSeed(&held, sizeof held, seed);
        }
      },
      value);
}

}  // namespace

RequestSplit::RequestSplit(std::string_view deployment, std::string_view challenger,
                           double share) noexcept
    : seed_(XXH3_64bits_withSeed(challenger.data(), challenger.size(),
                                 XXH3_64bits(deployment.data(), deployment.size()))),
      share_(share) {}

bool RequestSplit::Takes(std::string_view text) const noexcept {
  return IsBelowShare(XXH3_64bits_withSeed(text.data(), text.size(), seed_));
}

bool RequestSplit::Takes(std::span<const preprocessing::Value> key) const noexcept {
  std::uint64_t hash = seed_;
  for (const preprocessing::Value& value : key) hash = HashOf(value, hash);
  return IsBelowShare(hash);
}

bool RequestSplit::IsBelowShare(std::uint64_t hash) const noexcept {
  // The upper 53 bits, which a double holds exactly, as a fraction in [0, 1).
  constexpr int kBits = 53;
  return std::ldexp(static_cast<double>(hash >> (64 - kBits)), -kBits) < share_;
}

}  // namespace forkcast::serving
