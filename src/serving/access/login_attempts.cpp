#include "serving/access/login_attempts.hpp"

#include <arpa/inet.h>
#include <nettle/hmac.h>

#include <algorithm>
#include <cstring>

namespace forkcast::serving {
namespace {

constexpr std::int64_t Ns(std::chrono::nanoseconds span) noexcept { return span.count(); }

std::uint64_t HashOf(std::string_view kind, std::string_view text, const SessionKey& key) {
  hmac_sha256_ctx context{};
  hmac_sha256_set_key(&context, key.size(), key.data());
  for (const std::string_view part : {kind, text}) {
    hmac_sha256_update(&context, part.size(), reinterpret_cast<const std::uint8_t*>(part.data()));
  }
  std::uint64_t hash = 0;
  std::array<std::uint8_t, sizeof hash> digest{};
  hmac_sha256_digest(&context, digest.size(), digest.data());
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

std::uint64_t OfName(const Attempt& attempt, const SessionKey& key) {
  return HashOf("forkcast attempts of\n", attempt.name, key);
}

std::uint64_t OfAddress(const Attempt& attempt, const SessionKey& key) {
  return HashOf("forkcast attempts from\n", CustomerOf(attempt.address), key);
}

constexpr unsigned kHashBitsOfARow = 32;
constexpr std::int64_t kByName = Ns(LoginAttempts::kIntervalByName);
constexpr std::int64_t kByAddress = Ns(LoginAttempts::kIntervalByAddress);

}  // namespace

std::int64_t LoginAttempts::Wait(const Counts& counts, std::uint64_t hash, const Rule& rule,
                                 std::int64_t now_ns) noexcept {
  std::int64_t least = INT64_MAX;
  for (const Row& row : counts) {
    least = std::min(least, row[hash % kPlaces].load());
    hash >>= kHashBitsOfARow;
  }
  return std::max<std::int64_t>(std::max(least, now_ns) + rule.interval_ns - now_ns - rule.burst_ns,
                                0);
}

void LoginAttempts::Move(Counts& counts, std::uint64_t hash, const Rule& rule,
                         std::int64_t now_ns) noexcept {
  for (Row& row : counts) {
    std::atomic<std::int64_t>& place = row[hash % kPlaces];
    std::int64_t there = place.load();
    while (!place.compare_exchange_weak(there, std::max(there, now_ns) + rule.interval_ns)) {
    }
    hash >>= kHashBitsOfARow;
  }
}

void LoginAttempts::MoveBack(Counts& counts, std::uint64_t hash, const Rule& rule) noexcept {
  for (Row& row : counts) {
    row[hash % kPlaces].fetch_sub(rule.interval_ns);
    hash >>= kHashBitsOfARow;
  }
}

std::chrono::seconds LoginAttempts::Take(const Attempt& attempt, const SessionKey& key,
                                         MonotonicTime now) {
  constexpr Rule kName{.interval_ns = kByName, .burst_ns = kBurstByName * kByName};
  constexpr Rule kAddress{.interval_ns = kByAddress, .burst_ns = kBurstByAddress * kByAddress};
  const std::int64_t now_ns = now.time_since_epoch().count();
  const std::uint64_t name = OfName(attempt, key);
  const std::uint64_t address = OfAddress(attempt, key);
  const std::int64_t wait =
      std::max(Wait(by_name_, name, kName, now_ns), Wait(by_address_, address, kAddress, now_ns));
  if (wait > 0) return std::chrono::ceil<std::chrono::seconds>(std::chrono::nanoseconds(wait));
  Move(by_name_, name, kName, now_ns);
  Move(by_address_, address, kAddress, now_ns);
  return std::chrono::seconds(0);
}

void LoginAttempts::GiveBack(const Attempt& attempt, const SessionKey& key) {
  MoveBack(by_name_, OfName(attempt, key), {.interval_ns = kByName});
  MoveBack(by_address_, OfAddress(attempt, key), {.interval_ns = kByAddress});
}

std::string CustomerOf(std::string_view address) {
  constexpr std::size_t kBytesOfANetwork = 8;
  in6_addr bytes{};
  std::string text(address);
  if (::inet_pton(AF_INET6, text.c_str(), &bytes) != 1) return text;
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) {
    constexpr std::size_t kBefore = 12;  // its own four
    std::array<char, INET_ADDRSTRLEN> shown{};
    ::inet_ntop(AF_INET, bytes.s6_addr + kBefore, shown.data(), shown.size());
    return shown.data();
  }
  return {reinterpret_cast<const char*>(bytes.s6_addr), kBytesOfANetwork};
}

}  // namespace forkcast::serving
