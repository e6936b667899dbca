#include "serving/access/user.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "serving/access/random_bytes.hpp"

namespace forkcast::serving {

std::uint64_t NewStamp() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  FillRandom(bytes);
  return std::bit_cast<std::uint64_t>(bytes) | 1U;
}

const User* FindUser(std::span<const User> users, std::string_view name) noexcept {
  const auto found = std::ranges::find(users, name, &User::name);
  return found == users.end() ? nullptr : &*found;
}

}  // namespace forkcast::serving
