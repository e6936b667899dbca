#include "serving/jobs/owner_mark.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace forkcast::serving {
namespace {

TEST(OwnerMark, OfThisProcessIsAlive) { EXPECT_EQ(LifeOf(OwnerMark()), OwnerLife::kAlive); }

TEST(OwnerMark, OfAProcessThatEndedIsDeadBeforeAndAfterItIsReaped) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string mark = OwnerMark();
    static_cast<void>(!::write(ends[1], mark.data(), mark.size()));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string mark;
  std::array<char, 256> piece{};
  for (ssize_t got = 1; got > 0;) {
    got = ::read(ends[0], piece.data(), piece.size());
    if (got > 0) mark.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  siginfo_t end{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(LifeOf(mark), OwnerLife::kDead);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(LifeOf(mark), OwnerLife::kDead);
}

TEST(OwnerMark, OfAnotherProcessWithTheSameNumberIsDead) {
  std::string mark = OwnerMark();
  mark += "1";  // it began at another time
  EXPECT_EQ(LifeOf(mark), OwnerLife::kDead);
}

TEST(OwnerMark, OfAnotherMachineIsUnknown) {
  EXPECT_EQ(LifeOf("0b5c pid:[4026531836] 7 99"), OwnerLife::kUnknown);
  EXPECT_EQ(LifeOf(""), OwnerLife::kUnknown);
}

}  // namespace
}  // namespace forkcast::serving
