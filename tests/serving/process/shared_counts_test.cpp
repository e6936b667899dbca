#include "serving/process/shared_counts.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace forkcast::serving {
namespace {

constexpr std::size_t kSlots = 3;
constexpr std::array<std::string_view, 3> kAnswers{"d", "/r", "200"};

std::uint64_t Answers(const Counts& counts) {
  const std::vector<SeriesSum> sums = SumSeries(counts.series);
  return sums.empty() ? 0 : sums.front().cells.front();
}

TEST(SharedCounts, AreReadOnByWhoeverGetsTheirDescriptor) {
  const SharedCounts old(kSlots);
  const auto adopted = SharedCounts::Adopt(Fd(::dup(old.fd())));
  ASSERT_TRUE(adopted);
  ASSERT_EQ(adopted->slots().size(), kSlots);
  old.slots()[2].metrics.Count("requests");
  SeriesWriter(old.series()[2]).CounterOf("requests", kAnswers).Add(7);
  EXPECT_EQ(adopted->slots()[2].metrics.Get("requests"), 1U);
  EXPECT_EQ(Answers(adopted->view()), 7U);
}

TEST(SharedCounts, HaveABlockOfTheRecordersBesideThoseOfTheSlots) {
  const SharedCounts counts(kSlots);
  EXPECT_EQ(counts.series().size(), kSlots + 1);
  SeriesWriter(counts.recorder_series()).CounterOf("requests", kAnswers).Add(2);
  SeriesWriter(counts.series()[kSlots - 1]).CounterOf("requests", kAnswers).Add(3);
  EXPECT_EQ(Answers(counts.view()), 5U);
}

TEST(SharedCounts, AreThoseOfAllProcessesThatAreForkedLater) {
  const SharedCounts counts(kSlots);
  const pid_t child = ::fork();
  if (child == 0) {
    SeriesWriter(counts.series()[0]).CounterOf("requests", kAnswers).Add(3);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Answers(counts.view()), 3U);
}

TEST(SharedCounts, OfAnotherLayoutAreLeftAlone) {
  const SharedCounts old(kSlots);
  const std::uint64_t other = 1;
  ASSERT_EQ(::pwrite(old.fd(), &other, sizeof other, 0), static_cast<ssize_t>(sizeof other));
  EXPECT_FALSE(SharedCounts::Adopt(Fd(::dup(old.fd()))));
}

TEST(SharedCounts, ThatWereCutAreLeftAlone) {
  const SharedCounts old(kSlots);
  ASSERT_EQ(::ftruncate(old.fd(), 8192), 0);
  EXPECT_FALSE(SharedCounts::Adopt(Fd(::dup(old.fd()))));
  EXPECT_FALSE(SharedCounts::Adopt(Fd()));
}

}  // namespace
}  // namespace forkcast::serving
