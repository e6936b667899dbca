#include "client/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace forkcast::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DescribeProgress, TellsShareRateAndTimeLeft) {
  EXPECT_EQ(DescribeProgress(4500, 10000, seconds(5)),
            "45 %  4500 of 10000 rows  900 rows/s  0:06 left");
  EXPECT_EQ(DescribeProgress(1, 10001, seconds(1)), "0 %  1 of 10001 rows  1 rows/s  2:46:40 left");
  EXPECT_EQ(DescribeProgress(10, 10, seconds(2)), "100 %  10 of 10 rows  5 rows/s");
  EXPECT_EQ(DescribeProgress(0, 10, seconds(0)), "0 %  0 of 10 rows  0 rows/s");
  EXPECT_EQ(DescribeProgress(10, std::nullopt, seconds(2)), "10 rows  5 rows/s");
  EXPECT_EQ(DescribeProgress(0, 0, seconds(1)), "100 %  0 of 0 rows  0 rows/s");
}

TEST(Progress, PrintsALineForEachTenthOffATerminal) {
  std::ostringstream out;
  Progress progress(Progress::Style::kLines, out);
  progress.SetTotal(50);
  for (std::size_t row = 1; row <= 50; ++row) progress.Update(row, milliseconds(row * 100));
  progress.Finish();
  std::istringstream lines(out.str());
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    ++count;
    EXPECT_THAT(line, testing::StartsWith(std::to_string(count * 10) + " %  "));
  }
  EXPECT_EQ(count, 10U);
}

TEST(Progress, PrintsOneLineWhenABatchPassesSeveralTenths) {
  std::ostringstream out;
  Progress progress(Progress::Style::kLines, out);
  progress.SetTotal(10);
  progress.Update(10, seconds(1));
  EXPECT_EQ(out.str(), "100 %  10 of 10 rows  10 rows/s\n");
}

TEST(Progress, RedrawsTheBarAtMostTenTimesASecondAndRemovesIt) {
  std::ostringstream out;
  Progress progress(Progress::Style::kBar, out);
  progress.SetTotal(1000);
  for (std::size_t row = 1; row <= 1000; ++row) progress.Update(row, milliseconds(row));
  const std::string drawn = out.str();
  EXPECT_EQ(std::ranges::count(drawn, '\r'), 10);
  EXPECT_THAT(drawn, testing::HasSubstr("[############............] 50 %"));
  progress.Finish();
  EXPECT_EQ(out.str(), drawn + "\r\x1b[K");
}

TEST(Progress, IsSilentWhenToldTo) {
  std::ostringstream out;
  Progress progress(Progress::Style::kNone, out);
  progress.SetTotal(1);
  progress.Update(1, seconds(1));
  progress.Finish();
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace forkcast::client
