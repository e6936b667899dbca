#include "serving/process/connection_share.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

struct Seat {
  WorkerState state;
  std::uint64_t connections;
};

struct ShareCase {
  const char* name;
  std::vector<Seat> slots;  // the first is one's own
  bool may;
};
void PrintTo(const ShareCase& one, std::ostream* out) { *out << one.name; }

class NextConnection : public testing::TestWithParam<ShareCase> {};

TEST_P(NextConnection, IsForWhomHasFew) {
  std::array<WorkerSlot, 4> slots;
  for (std::size_t i = 0; i < GetParam().slots.size(); ++i) {
    slots[i].SetState(GetParam().slots[i].state);
    slots[i].metrics.Set("connections", GetParam().slots[i].connections);
  }
  EXPECT_EQ(MayTakeNext(slots, 0), GetParam().may);
}

constexpr auto kReady = WorkerState::kReady;

INSTANTIATE_TEST_SUITE_P(
    Cases, NextConnection,
    testing::Values(
        ShareCase{"Alone", {{kReady, 9}}, true},
        ShareCase{"AsManyAsOthers", {{kReady, 2}, {kReady, 2}, {kReady, 3}}, true},
        ShareCase{"OneMoreThanAnother", {{kReady, 2}, {kReady, 3}, {kReady, 1}}, true},
        ShareCase{"TwoMoreThanAnother", {{kReady, 3}, {kReady, 3}, {kReady, 1}}, false},
        ShareCase{"OneMoreThanAnIdleOne", {{kReady, 1}, {kReady, 0}}, false},
        ShareCase{"AllIdle", {{kReady, 0}, {kReady, 0}}, true},
        ShareCase{"MoreThanOneThatBoots", {{kReady, 2}, {WorkerState::kBooting, 0}}, true},
        ShareCase{"MoreThanOneThatDrains", {{kReady, 2}, {WorkerState::kDraining, 0}}, true}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
