#include "serving/access/ended_sessions.hpp"

#include <algorithm>
#include <chrono>

namespace forkcast::serving {
namespace {

// A word: 40 bits of the session's id, then when it would be over, in units of 4 s: enough for two
// years since the machine was started. That two sessions have the same 40 bits costs one of them a
// new login.
constexpr unsigned kTimeBits = 24;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
constexpr std::chrono::seconds kUnit{4};

std::uint64_t UnitsOf(MonotonicTime time) noexcept {
  const auto units = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()) / kUnit;
  return std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(units, 0)),
                                 kTimeMask - 1);
}

std::uint64_t IdOf(const Session& session) noexcept { return session.id >> kTimeBits; }

}  // namespace

void EndedSessions::End(const Session& session, MonotonicTime until, MonotonicTime now) noexcept {
  const std::uint64_t word = IdOf(session) << kTimeBits | (UnitsOf(until) + 1);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    std::uint64_t there = places_[i].load();
    while ((there & kTimeMask) <= UnitsOf(now)) {
      std::size_t used = used_.load();
      while (used <= i && !used_.compare_exchange_weak(used, i + 1)) {
      }
      if (places_[i].compare_exchange_weak(there, word)) return;
    }
  }
  const std::int64_t now_ns = now.time_since_epoch().count();
  std::int64_t before = all_until_ns_.load();
  while (before < now_ns && !all_until_ns_.compare_exchange_weak(before, now_ns)) {
  }
}

bool EndedSessions::Has(const Session& session) const noexcept {
  if (session.begun.time_since_epoch().count() <= all_until_ns_.load()) return true;
  const std::size_t used = used_.load();
  for (std::size_t i = 0; i < used; ++i) {
    if (places_[i].load() >> kTimeBits == IdOf(session)) return true;
  }
  return false;
}

}  // namespace forkcast::serving
