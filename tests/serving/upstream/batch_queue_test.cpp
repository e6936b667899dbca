#include "serving/upstream/batch_queue.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

MonotonicTime At(int ms) { return MonotonicTime(milliseconds(ms)); }

struct TestPiece {
  int number = 0;
  std::size_t count = 1;
  MonotonicTime asked;
  std::shared_ptr<bool> dead = std::make_shared<bool>(false);

  [[nodiscard]] std::size_t rows() const noexcept { return count; }
  [[nodiscard]] MonotonicTime since() const noexcept { return asked; }
  [[nodiscard]] bool is_dead() const noexcept { return *dead; }
};
using Queue = BatchQueue<TestPiece>;

constexpr Queue::Rules kRules{.max_rows = 4, .max_delay = milliseconds(10)};

std::vector<int> NumbersOf(const Queue::Batch& batch) {
  std::vector<int> numbers;
  for (const TestPiece& piece : batch) numbers.push_back(piece.number);
  return numbers;
}

TEST(BatchQueue, GivesNothingWhereNothingWaits) {
  Queue queue(kRules);
  EXPECT_EQ(queue.due(), std::nullopt);
  EXPECT_TRUE(queue.Take(At(1000)).empty());
}

TEST(BatchQueue, LetsRowsWaitForOthersAsLongAsTheyMay) {
  Queue queue(kRules);
  queue.Add({.number = 1, .asked = At(0)});
  queue.Add({.number = 2, .asked = At(9)});
  EXPECT_EQ(queue.due(), At(10));
  EXPECT_TRUE(queue.Take(At(9)).empty());
  EXPECT_EQ(NumbersOf(queue.Take(At(10))), (std::vector{1, 2}));
  EXPECT_TRUE(queue.empty());
}

TEST(BatchQueue, GivesAFullBatchAtOnceAndKeepsTheRest) {
  Queue queue(kRules);
  for (int number = 1; number <= 6; ++number) queue.Add({.number = number, .asked = At(5)});
  EXPECT_EQ(NumbersOf(queue.Take(At(5))), (std::vector{1, 2, 3, 4}));
  EXPECT_EQ(queue.rows(), 2U);
  EXPECT_EQ(queue.due(), At(15));
}

TEST(BatchQueue, NeverCutsAPieceNorLetsOneOvertake) {
  Queue queue(kRules);
  queue.Add({.number = 1, .count = 2, .asked = At(0)});
  queue.Add({.number = 2, .count = 3, .asked = At(0)});
  queue.Add({.number = 3, .count = 1, .asked = At(0)});
  EXPECT_EQ(NumbersOf(queue.Take(At(0))), (std::vector{1}));
  EXPECT_EQ(NumbersOf(queue.Take(At(0))), (std::vector{2, 3}));
}

TEST(BatchQueue, SendsAtOnceWhereNobodyIsToWait) {
  Queue queue({.max_rows = 4, .max_delay = milliseconds(0)});
  queue.Add({.number = 1, .asked = At(7)});
  EXPECT_EQ(NumbersOf(queue.Take(At(7))), (std::vector{1}));
}

TEST(BatchQueue, LeavesOutPiecesThatNobodyWaitsFor) {
  Queue queue(kRules);
  queue.Add({.number = 1, .asked = At(0)});
  queue.Add({.number = 2, .asked = At(4)});
  queue.Add({.number = 3, .asked = At(5)});
  const TestPiece given_up{.number = 4, .asked = At(6)};
  queue.Add(given_up);
  queue.Add({.number = 5, .asked = At(6)});
  *given_up.dead = true;
  EXPECT_EQ(NumbersOf(queue.Take(At(10))), (std::vector{1, 2, 3, 5}));
}

TEST(BatchQueue, IsDueByTheFirstThatSomebodyWaitsFor) {
  Queue queue(kRules);
  const TestPiece given_up{.number = 1, .asked = At(0)};
  queue.Add(given_up);
  queue.Add({.number = 2, .asked = At(4)});
  *given_up.dead = true;
  EXPECT_EQ(queue.due(), At(14));
}

TEST(BatchQueue, GivesUpThoseThatWaitedTooLong) {
  Queue queue(kRules);
  for (int number = 1; number <= 3; ++number) queue.Add({.number = number, .asked = At(number)});
  const auto over = queue.TakeOver([](const TestPiece& piece) { return piece.asked < At(3); });
  EXPECT_EQ(NumbersOf(over), (std::vector{1, 2}));
  EXPECT_EQ(queue.front().number, 3);
}

}  // namespace
}  // namespace forkcast::serving
