#include "serving/process/worker_slot.hpp"

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

struct FewestCase {
  const char* name;
  std::vector<Seat> slots;  // the first is one's own
  bool has_fewest;
};
void PrintTo(const FewestCase& one, std::ostream* out) { *out << one.name; }

class FewestConnections : public testing::TestWithParam<FewestCase> {};

TEST_P(FewestConnections, AreComparedWithThoseOfWorkersThatAnswer) {
  std::array<WorkerSlot, 4> slots;
  for (std::size_t i = 0; i < GetParam().slots.size(); ++i) {
    slots[i].SetState(GetParam().slots[i].state);
    slots[i].metrics.Set("connections", GetParam().slots[i].connections);
  }
  EXPECT_EQ(HasFewestConnections(slots, 0), GetParam().has_fewest);
}

constexpr auto kReady = WorkerState::kReady;

INSTANTIATE_TEST_SUITE_P(
    Cases, FewestConnections,
    testing::Values(
        FewestCase{"Alone", {{kReady, 9}}, true},
        FewestCase{"AsManyAsOthers", {{kReady, 2}, {kReady, 2}, {kReady, 3}}, true},
        FewestCase{"MoreThanOneOther", {{kReady, 2}, {kReady, 3}, {kReady, 1}}, false},
        FewestCase{"MoreThanOneThatBoots", {{kReady, 2}, {WorkerState::kBooting, 0}}, true},
        FewestCase{"MoreThanOneThatDrains", {{kReady, 2}, {WorkerState::kDraining, 0}}, true}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
