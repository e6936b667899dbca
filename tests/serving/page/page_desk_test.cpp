#include "serving/page/page_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

/// A desk that says when it has answered.
class Asked {
 public:
  Result<std::shared_ptr<const PageDesk::Pending>> Ask(PageDesk::Question question) {
    return desk_.Ask(std::move(question));
  }
  /// Waits for so many answers, of all that there were.
  void Wait(int answers) {
    for (int now = answers_.load(); now < answers; now = answers_.load()) answers_.wait(now);
  }
  PageDesk& desk() { return desk_; }

 private:
  std::atomic<int> answers_{0};
  PageDesk desk_{[this] {
    ++answers_;
    answers_.notify_all();
  }};
};

PageDesk::Question Says(std::string text) {
  return [said = std::move(text)]() -> Result<PageAnswer> { return PageAnswer{.body = said}; };
}

/// A question that is not answered before it is told to be.
struct Held {
  PageDesk::Question Question() {
    return [this]() -> Result<PageAnswer> {
      began_.set_value();
      opens_.get_future().wait();
      return PageAnswer{.body = "late"};
    };
  }
  void WaitUntilBegun() { began_.get_future().wait(); }
  void Open() { opens_.set_value(); }

 private:
  std::promise<void> began_;
  std::promise<void> opens_;
};

TEST(PageDesk, AnswersOneQuestionAfterTheOther) {
  Asked asked;
  const auto first = asked.Ask(Says("1"));
  const auto second = asked.Ask(Says("2"));
  asked.Wait(2);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*(*first)->answer())->body, "1");
  EXPECT_EQ((*(*second)->answer())->body, "2");
}

TEST(PageDesk, HasNoAnswerBeforeThereIsOne) {
  Held gate;  // outlives the thread that waits at it
  Asked asked;
  const auto pending = asked.Ask(gate.Question());
  gate.WaitUntilBegun();
  EXPECT_EQ((*pending)->answer(), nullptr);
  gate.Open();
  asked.Wait(1);
  EXPECT_NE((*pending)->answer(), nullptr);
}

TEST(PageDesk, PassesErrorsOnAndTakesWhatIsThrownForOne) {
  Asked asked;
  const auto refused = asked.Ask([]() -> Result<PageAnswer> {
    return Error{ErrorCode::kNotFound, "nothing"};
  });
  const auto thrown = asked.Ask([]() -> Result<PageAnswer> { throw std::runtime_error("bug"); });
  asked.Wait(2);
  EXPECT_EQ((*refused)->answer()->error().code, ErrorCode::kNotFound);
  EXPECT_EQ((*thrown)->answer()->error().code, ErrorCode::kInternal);
}

TEST(PageDesk, RefusesWhatIsTooMuch) {
  Held gate;  // outlives the thread that waits at it
  Asked asked;
  const auto works = asked.Ask(gate.Question());
  gate.WaitUntilBegun();
  std::vector<std::shared_ptr<const PageDesk::Pending>> waiting;
  for (std::size_t i = 0; i < PageDesk::kMostWaiting; ++i) waiting.push_back(*asked.Ask(Says("")));
  const auto refused = asked.Ask(Says(""));
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  waiting.pop_back();  // its caller has gone
  EXPECT_TRUE(asked.Ask(Says("")).ok());
  gate.Open();
}

TEST(PageDesk, PassesOverWhatNobodyWaitsForAnyMore) {
  Held gate;  // outlives the thread that waits at it
  Asked asked;
  const auto works = asked.Ask(gate.Question());
  gate.WaitUntilBegun();
  auto was_asked = std::make_shared<bool>(false);
  {
    const auto given_up = asked.Ask([was_asked]() -> Result<PageAnswer> {
      *was_asked = true;
      return PageAnswer{};
    });
  }
  const auto last = asked.Ask(Says("last"));
  gate.Open();
  asked.Wait(2);
  EXPECT_FALSE(*was_asked);
  EXPECT_NE((*last)->answer(), nullptr);
}

TEST(PageDesk, WorksWithTheLowestPriorityAndLeavesThatOfOthers) {
  Asked asked;
  const auto pending = asked.Ask([]() -> Result<PageAnswer> {
    return PageAnswer{
        .body = std::to_string(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())))};
  });
  asked.Wait(1);
  EXPECT_EQ((*(*pending)->answer())->body, "19");
  EXPECT_LT(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), 19);
}

TEST(PageDesk, StopsWhenItRestsAndSaysSoWhenItWorks) {
  Asked asked;
  EXPECT_TRUE(asked.desk().Stop());
  Held gate;  // outlives the thread that waits at it
  Asked busy;
  const auto works = busy.Ask(gate.Question());
  gate.WaitUntilBegun();
  EXPECT_FALSE(busy.desk().Stop());
  gate.Open();
}

}  // namespace
}  // namespace forkcast::serving
