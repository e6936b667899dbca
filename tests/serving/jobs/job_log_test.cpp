#include "serving/jobs/job_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(JobLog, KeepsTheLastLinesAndKnowsWhichTheyAre) {
  JobLog log;
  for (int i = 0; i < 250; ++i) log.Add(std::to_string(i));
  EXPECT_EQ(log.lines().size(), JobLog::kMostLines);
  EXPECT_EQ(log.first(), 50U);
  EXPECT_EQ(log.end(), 250U);
  EXPECT_THAT(log.From(248), ElementsAre("248", "249"));
  EXPECT_THAT(log.From(250), IsEmpty());
  EXPECT_THAT(log.From(1'000), IsEmpty());
  EXPECT_EQ(log.From(0).size(), JobLog::kMostLines);
}

TEST(JobLog, CutsLongLinesAndHoldsNoControlCharacters) {
  JobLog log;
  log.Add(std::string(1'000, 'x'));
  log.Add("\r\x1b[Kbar");
  EXPECT_EQ(log.lines()[0], std::string(400, 'x') + "...");
  EXPECT_EQ(log.lines()[1], "  [Kbar");
}

TEST(JobLog, IsReadAsItWasWritten) {
  JobLog log;
  for (int i = 0; i < 201; ++i) log.Add("line \"" + std::to_string(i) + "\" \xFF");
  const auto read = JobLog::Read(log.Record());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->end(), 201U);
  EXPECT_EQ(read->Record(), log.Record());
  for (const char* const text : {"", "{}", "[]", R"({"end": 0, "lines": ["a"]})"}) {
    EXPECT_FALSE(JobLog::Read(text).ok()) << text;
  }
}

TEST(LineSplitter, JoinsWhatComesInPieces) {
  LineSplitter splitter;
  EXPECT_THAT(splitter.Add("a"), IsEmpty());
  EXPECT_THAT(splitter.Add("b\nc\n\nd"), ElementsAre("ab", "c", ""));
  EXPECT_EQ(splitter.TakeRest(), "d");
  EXPECT_EQ(splitter.TakeRest(), "");
}

TEST(LineSplitter, DoesNotGrowWithALineThatNeverEnds) {
  LineSplitter splitter;
  for (int i = 0; i < 1'000; ++i) EXPECT_THAT(splitter.Add(std::string(1'000, 'x')), IsEmpty());
  EXPECT_LE(splitter.TakeRest().size(), 16'384U);
}

}  // namespace
}  // namespace forkcast::serving
