#include "serving/process/liveness.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kHeartbeatTimeout = 10s;
constexpr milliseconds kLimit = 60s;  // of a request

/// What a worker has told, as ages at the moment of the look.
struct LivenessCase {
  const char* name;
  milliseconds heartbeat;
  std::optional<milliseconds> request;  ///< Since it began; none: idle.
  milliseconds suspension;              ///< Since our last one ended.
  std::optional<Stuck> stuck;
};
void PrintTo(const LivenessCase& one, std::ostream* out) { *out << one.name; }

class Liveness : public testing::TestWithParam<LivenessCase> {};

TEST_P(Liveness, IsJudgedByWhatTheWorkerTold) {
  const MonotonicTime now = MonotonicTime() + 1000h;
  const auto ns = [now](milliseconds age) { return (now - age).time_since_epoch().count(); };
  const LivenessCase& param = GetParam();
  WorkerSlot slot;
  slot.heartbeat_ns = ns(param.heartbeat);
  if (param.request) {
    slot.request_started_ns = ns(*param.request);
    slot.request_deadline_ns = ns(*param.request - kLimit);
  }
  EXPECT_EQ(FindStuck(slot, now, now - param.suspension, kHeartbeatTimeout), param.stuck);
}

constexpr milliseconds kNever = 100h;

INSTANTIATE_TEST_SUITE_P(
    Cases, Liveness,
    testing::Values(
        LivenessCase{"FreshHeartbeat", 500ms, {}, kNever, {}},
        LivenessCase{"HeartbeatJustInTime", 9999ms, {}, kNever, {}},
        LivenessCase{"NoHeartbeatForAsLong", 10s, {}, kNever, Stuck{Stuck::In::kLoop, 10s}},
        LivenessCase{"RequestKeepsTheLoop", 59s, 59s, kNever, {}},
        LivenessCase{"RequestMayNoticeItsDeadline", 60999ms, 60999ms, kNever, {}},
        LivenessCase{"RequestBeyondItsDeadline", 61s, 61s, kNever, Stuck{Stuck::In::kRequest, 61s}},
        LivenessCase{"RequestCountsThoughTheHeartIsFresh", 0ms, 61s, kNever,
                     Stuck{Stuck::In::kRequest, 61s}},
        LivenessCase{"SuspensionExcusesTheLoop", 1h, {}, 9999ms, {}},
        LivenessCase{"SuspensionExcusesNotForEver", 1h, {}, 10s, Stuck{Stuck::In::kLoop, 10s}},
        LivenessCase{"SuspensionExcusesTheRequest", 1h, 1h, 999ms, {}},
        LivenessCase{"SuspensionExcusesTheRequestNotForEver", 1h, 1h, 1s,
                     Stuck{Stuck::In::kRequest, 1h}}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
