#include "serving/access/password_checker.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serving/access/password.hpp"
#include "support/eventually.hpp"

namespace forkcast::serving {
namespace {

using State = PasswordCheck::State;

class Checker : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<PasswordChecker> Open() {
    return std::make_unique<PasswordChecker>(turns_, [this] {
      const std::lock_guard lock(mutex_);
      ++done_;
    });
  }
  [[nodiscard]] int done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }

  const std::string hash_ = HashOfPassword("correct horse battery").value();
  const PasswordTurns turns_;
  std::mutex mutex_;
  int done_ = 0;
};

TEST_F(Checker, KnowsRightFromWrong) {
  const auto checker = Open();
  const auto right = checker->Try(hash_, "correct horse battery").value();
  const auto wrong = checker->Try(hash_, "correct horse batteries").value();
  ASSERT_TRUE(Eventually([&] { return wrong->state() != State::kWaiting; }));
  EXPECT_EQ(right->state(), State::kRight);
  EXPECT_EQ(wrong->state(), State::kWrong);
  EXPECT_TRUE(Eventually([&] { return done() == 2; }));
}

TEST_F(Checker, TakesNoMoreThanItCanTrySoon) {
  const auto checker = Open();
  std::vector<std::shared_ptr<const PasswordCheck>> checks;
  Result<std::shared_ptr<const PasswordCheck>> last = checker->Try(hash_, "wrong");
  while (last && checks.size() < 100) {
    checks.push_back(*last);
    last = checker->Try(hash_, "wrong");
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::kNotReady);
  EXPECT_LE(checks.size(), PasswordChecker::kMostWaiting + 2);
}

TEST_F(Checker, DoesNotBeginWhatNobodyWaitsForAnyMore) {
  const auto checker = Open();
  for (int i = 0; i < 1000; ++i) {
    // Given up at once: each makes room for the next.
    ASSERT_TRUE(checker->Try(hash_, "wrong"));
  }
  const auto last = checker->Try(hash_, "correct horse battery").value();
  ASSERT_TRUE(Eventually([&] { return last->state() != State::kWaiting; }));
  EXPECT_LT(done(), 100);
}

TEST_F(Checker, EndsWithSomeStillWaiting) {
  const auto checker = Open();
  std::vector<std::shared_ptr<const PasswordCheck>> checks;
  for (std::size_t i = 0; i < PasswordChecker::kMostWaiting; ++i) {
    checks.push_back(checker->Try(hash_, "wrong").value());
  }
}

TEST_F(Checker, HasNoMemoryToShowWhileNothingIsTried) { EXPECT_EQ(Open()->bytes(), 0U); }

/// A process that has a turn, as another worker.
class OtherWorker {
 public:
  explicit OtherWorker(const PasswordTurns& turns) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const char taken = turns.Take() ? 'y' : 'n';
      static_cast<void>(::write(ends[1], &taken, 1));
      while (true) ::pause();
    }
    ::close(ends[1]);
    char taken = 'n';
    EXPECT_EQ(::read(ends[0], &taken, 1), 1);
    ::close(ends[0]);
    has_turn_ = taken == 'y';
  }
  OtherWorker(const OtherWorker&) = delete;
  OtherWorker& operator=(const OtherWorker&) = delete;
  ~OtherWorker() { Kill(); }

  [[nodiscard]] bool has_turn() const noexcept { return has_turn_; }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  bool has_turn_ = false;
};

TEST_F(Checker, WaitsForItsTurnAmongWorkersAndGetsThatOfOneThatIsKilled) {
  OtherWorker first(turns_);
  OtherWorker second(turns_);
  const OtherWorker third(turns_);
  EXPECT_TRUE(first.has_turn());
  EXPECT_TRUE(second.has_turn());
  EXPECT_FALSE(third.has_turn());
  EXPECT_FALSE(turns_.Take());
  const auto checker = Open();
  const auto check = checker->Try(hash_, "correct horse battery").value();
  EXPECT_EQ(check->state(), State::kWaiting);
  second.Kill();
  EXPECT_TRUE(Eventually([&] { return check->state() == State::kRight; }));
}

}  // namespace
}  // namespace forkcast::serving
