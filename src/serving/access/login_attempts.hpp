#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/access/session.hpp"

namespace forkcast::serving {

/// Who tries to log in.
struct Attempt {
  std::string_view name{};     ///< As whom.
  std::string_view address{};  ///< From where: ClientAddress().
};

/// How often may somebody try to log in? Counted by name, so that nobody tries one user's passwords
/// from many addresses, and by address (of IPv6 by the network of 64 bits that one customer gets),
/// so that nobody tries one password of many users. In memory that all workers share.
///
/// A count is a point in time (the generic cell rate algorithm, ITU-T I.371): an attempt moves it
/// by its interval, and is refused while that would lead further ahead than a burst may. So
/// counts of any number of names take a fixed place: they are kept by a keyed hash of the name, at
/// two places, of which the lower counts. What shares both with another is refused too soon, which
/// nobody who does not know the key can bring about. All operations are atomic, none waits; of
/// attempts in several workers at the same moment each may be taken for the last one.
class LoginAttempts {
 public:
  static constexpr int kBurstByName = 10;
  static constexpr std::chrono::seconds kIntervalByName{60};
  static constexpr int kBurstByAddress = 30;
  static constexpr std::chrono::seconds kIntervalByAddress{10};

  /// Counts one, unless it is one too many: 0, or after how long there may be another.
  [[nodiscard]] std::chrono::seconds Take(const Attempt& attempt, const SessionKey& key,
                                          MonotonicTime now);
  /// It was a good one, which does not count.
  void GiveBack(const Attempt& attempt, const SessionKey& key);

 private:
  static constexpr std::size_t kPlaces = 4096;
  static constexpr std::size_t kRows = 2;
  using Row = std::array<std::atomic<std::int64_t>, kPlaces>;
  using Counts = std::array<Row, kRows>;

  struct Rule {
    std::int64_t interval_ns = 0;
    std::int64_t burst_ns = 0;
  };
  static std::int64_t Wait(const Counts& counts, std::uint64_t hash, const Rule& rule,
                           std::int64_t now_ns) noexcept;
  static void Move(Counts& counts, std::uint64_t hash, const Rule& rule,
                   std::int64_t now_ns) noexcept;
  static void MoveBack(Counts& counts, std::uint64_t hash, const Rule& rule) noexcept;

  Counts by_name_{};
  Counts by_address_{};
};

/// The part of an address that one customer gets: an IPv4 address, 64 bits of an IPv6 one; what is
/// no address as it is.
[[nodiscard]] std::string CustomerOf(std::string_view address);

}  // namespace forkcast::serving
