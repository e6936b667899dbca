#include "serving/process/stop_orders.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

struct StopCase {
  const char* name;
  std::vector<int> signals;
  StopKind kind;  ///< That the last one means.
  milliseconds patience;
};
void PrintTo(const StopCase& one, std::ostream* out) { *out << one.name; }

class Stop : public testing::TestWithParam<StopCase> {};

TEST_P(Stop, IsAsTheLastSignalSaysAfterThoseBefore) {
  StopOrders orders;
  StopKind kind{};
  for (const int signal : GetParam().signals) kind = orders.Take(signal);
  EXPECT_EQ(kind, GetParam().kind);
  EXPECT_EQ(StopOrders::Patience(kind, milliseconds(25'000)), GetParam().patience);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Stop,
    testing::Values(
        StopCase{"Term", {SIGTERM}, StopKind::kGraceful, milliseconds(25'000)},
        StopCase{"TermTwice", {SIGTERM, SIGTERM}, StopKind::kGraceful, milliseconds(25'000)},
        StopCase{"Int", {SIGINT}, StopKind::kQuick, milliseconds(2'000)},
        StopCase{"Quit", {SIGQUIT}, StopKind::kQuick, milliseconds(2'000)},
        StopCase{"IntAfterTerm", {SIGTERM, SIGINT}, StopKind::kQuick, milliseconds(2'000)},
        StopCase{"IntTwice", {SIGINT, SIGINT}, StopKind::kAtOnce, milliseconds(0)},
        StopCase{"QuitAfterInt", {SIGINT, SIGQUIT}, StopKind::kAtOnce, milliseconds(0)},
        StopCase{"TermAfterInt", {SIGINT, SIGTERM}, StopKind::kGraceful, milliseconds(25'000)}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
