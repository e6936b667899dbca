#include "data_preprocessing/base/progress.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>

namespace forkcast {
namespace {

using namespace std::chrono_literals;

struct DescriptionCase {
  std::string name;
  std::size_t done;
  std::optional<std::size_t> total;
  std::chrono::nanoseconds elapsed;
  std::string text;
};

void PrintTo(const DescriptionCase& one, std::ostream* out) { *out << one.name; }

class Description : public testing::TestWithParam<DescriptionCase> {};

TEST_P(Description, SaysHowFarHowFastAndHowLongYet) {
  const DescriptionCase& one = GetParam();
  EXPECT_EQ(DescribeProgress(one.done, one.total, one.elapsed, "rows"), one.text);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Description,
    testing::Values(
        DescriptionCase{"HalfWay", 500, 1000, 10s, "50 %  500 of 1000 rows  50 rows/s  0:10 left"},
        DescriptionCase{"MinutesLeft", 10, 1000, 10s, "1 %  10 of 1000 rows  1 rows/s  16:30 left"},
        DescriptionCase{"HoursLeft", 1, 7322, 1s, "0 %  1 of 7322 rows  1 rows/s  2:02:01 left"},
        DescriptionCase{"Done", 1000, 1000, 10s, "100 %  1000 of 1000 rows  100 rows/s"},
        DescriptionCase{"NothingToDo", 0, 0, 0s, "100 %  0 of 0 rows  0 rows/s"},
        DescriptionCase{"NoSpeedYet", 0, 1000, 0s, "0 %  0 of 1000 rows  0 rows/s"},
        DescriptionCase{"EndUnknown", 500, std::nullopt, 10s, "500 rows  50 rows/s"}),
    [](const auto& param) { return param.param.name; });

class ProgressTest : public testing::Test {
 protected:
  /// What was written since the last call.
  std::string Written() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }
  std::ostringstream out_;
};

TEST_F(ProgressTest, BarRewritesItsLineAtMostTenTimesASecond) {
  Progress progress(Progress::Style::kBar, out_, "a.csv", "kB");
  progress.SetTotal(100);
  progress.Update(0, 0ms);
  EXPECT_EQ(Written(), "\r\x1b[Ka.csv: [........................] 0 %  0 of 100 kB  0 kB/s");
  progress.Update(40, 99ms);
  EXPECT_EQ(Written(), "");
  progress.Update(50, 1s);
  EXPECT_EQ(Written(),
            "\r\x1b[Ka.csv: [############............] 50 %  50 of 100 kB  50 kB/s  0:01 left");
  progress.Finish();
  EXPECT_EQ(Written(), "\r\x1b[K");
}

struct WidthCase {
  std::size_t width;
  std::string line;
};

TEST_F(ProgressTest, BarStaysInItsLineOfTheTerminal) {
  const WidthCase cases[]{
      {73, "a.csv: [############............] 50 %  50 of 100 kB  50 kB/s  0:01 left"},
      {72, "a.csv: 50 %  50 of 100 kB  50 kB/s  0:01 left"},
      {45, "a...: 50 %  50 of 100 kB  50 kB/s  0:01 left"},
      {20, "50 %  50 of 100 ..."}};
  for (const auto& [width, line] : cases) {
    Progress progress(Progress::Style::kBar, out_, "a.csv", "kB", width);
    progress.SetTotal(100);
    progress.Update(50, 1s);
    EXPECT_EQ(Written(), "\r\x1b[K" + line);
    progress.Finish();
    Written();
  }
}

TEST_F(ProgressTest, BarIsGoneWithItsObject) {
  { Progress(Progress::Style::kBar, out_).Update(1, 0ms); }
  EXPECT_TRUE(Written().ends_with("\r\x1b[K"));
}

TEST_F(ProgressTest, LinesComeForEveryTenthAtMostOneASecond) {
  Progress progress(Progress::Style::kLines, out_);
  progress.SetTotal(100);
  progress.Update(9, 2s);  // no tenth yet
  EXPECT_EQ(Written(), "");
  progress.Update(10, 2s);
  EXPECT_EQ(Written(), "10 %  10 of 100 rows  5 rows/s  0:18 left\n");
  progress.Update(20, 2500ms);
  EXPECT_EQ(Written(), "");
  progress.Update(30, 3s);
  EXPECT_EQ(Written(), "30 %  30 of 100 rows  10 rows/s  0:07 left\n");
  progress.Finish();
  EXPECT_EQ(Written(), "");
}

TEST_F(ProgressTest, OfShortWorkOneLineTellsTheEnd) {
  Progress progress(Progress::Style::kLines, out_);
  progress.SetTotal(100);
  for (std::size_t done = 0; done <= 100; ++done) progress.Update(done, done * 5ms);
  progress.Update(100, 501ms);
  EXPECT_EQ(Written(), "100 %  100 of 100 rows  200 rows/s\n");
}

TEST_F(ProgressTest, LinesWithoutEndComeForEveryHundredThousand) {
  Progress progress(Progress::Style::kLines, out_);
  progress.Update(99'999, 5s);
  EXPECT_EQ(Written(), "");
  progress.Update(100'000, 5s);
  EXPECT_EQ(Written(), "100000 rows  20000 rows/s\n");
}

TEST_F(ProgressTest, NoneWritesNothing) {
  Progress progress(Progress::Style::kNone, out_);
  progress.SetTotal(2);
  progress.Update(1, 10s);
  progress.Finish();
  EXPECT_EQ(Written(), "");
}

}  // namespace
}  // namespace forkcast
