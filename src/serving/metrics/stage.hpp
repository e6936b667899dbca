#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forkcast::serving {

/// What the time of a request goes to, in the order in which it does.
enum class LatencyStage : std::uint8_t {
  kReceive,   ///< From its first byte until it was whole.
  kQueue,     ///< Until it was worked on, and while others had their turn.
  kDecode,    ///< Its body unpacked and read.
  kFeatures,  ///< Keys looked up, features computed.
  kModel,     ///< Scored.
  kWrite,     ///< The answer written; not its way to the client.
  kHooks,     ///< All hooks, before and after the others.
};
inline constexpr std::size_t kStages = 7;

/// By stage.
using StageTimes = std::array<std::chrono::nanoseconds, kStages>;

constexpr std::string_view WordFor(LatencyStage stage) noexcept {
  switch (stage) {
    case LatencyStage::kReceive:
      return "receive";
    case LatencyStage::kQueue:
      return "queue";
    case LatencyStage::kDecode:
      return "decode";
    case LatencyStage::kFeatures:
      return "features";
    case LatencyStage::kModel:
      return "model";
    case LatencyStage::kWrite:
      return "write";
    case LatencyStage::kHooks:
      return "hooks";
  }
  return {};
}

}  // namespace forkcast::serving
