#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::preprocessing {

/// By which whoever starts a follower may hand it a descriptor for its statuses.
inline constexpr const char* kTellVariable = "FORKCAST_TELL_FD";

/// How a follower stands, for whoever started it.
struct FollowStatus {
  enum class State : std::uint8_t {
    kFollowing,  ///< Store and snapshots have all that the source has, or soon will.
    kWaiting,    ///< The source has nothing yet.
    kFailing,    ///< Nothing can be taken in or published at present: `error`.
  };

  State state = State::kWaiting;
  std::size_t rows = 0;       ///< Taken into the store so far.
  std::size_t rejected = 0;   ///< Set aside so far.
  std::size_t published = 0;  ///< Publications so far.
  /// When store and snapshots were last up to date with the source.
  std::optional<Instant> last_success{};
  std::string error{};               ///< What is wrong; empty: nothing.
  std::optional<std::size_t> lag{};  ///< Messages that are there and not taken in yet.

  friend bool operator==(const FollowStatus&, const FollowStatus&) = default;
};

/// One JSON object in a line, the line's end included:
/// `{"state":"following","rows":3,"rejected":0,"published":1,"last_success":"2024-01-02T03:04:05Z"}`
/// with `error` and `lag` where there are any.
[[nodiscard]] std::string ToJsonLine(const FollowStatus& status);

}  // namespace forkcast::preprocessing
