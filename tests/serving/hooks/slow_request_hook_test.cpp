#include "serving/hooks/slow_request_hook.hpp"

#include <gmock/gmock.h>

#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SlowRequestHookTest : public testing::Test {
 protected:
  void Answer(std::chrono::nanoseconds latency) {
    sample_.invocation.answer.latency = latency;
    hook_.OnAnswer(sample_.view());
  }

  LogLines lines_;
  WorkerSlot slot_;
  ManualClock clock_;
  SampleInvocation sample_;
  SlowRequestHook hook_{{std::chrono::milliseconds(250)},
                        {.log = lines_.log(), .slot = slot_, .clock = clock_}};
};

TEST_F(SlowRequestHookTest, SaysNothingBelowTheThreshold) {
  Answer(std::chrono::nanoseconds(249'999'999));
  EXPECT_THAT(lines_.lines(), IsEmpty());
}

TEST_F(SlowRequestHookTest, WarnsFromTheThresholdOn) {
  sample_.invocation.answer.status = 422;
  sample_.invocation.request.id = "a\nb";
  sample_.rows = {0, 3};
  Answer(std::chrono::milliseconds(250));
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(warning slow_request request_id="a\nb" latency_ms=250.000 status=422 )"
                          R"(rows=2 suppressed=0)"));
}

TEST_F(SlowRequestHookTest, WarnsOnceInTenSecondsAndSaysHowManyItHeldBack) {
  for (int i = 0; i < 4; ++i) Answer(std::chrono::seconds(2));
  clock_.Advance(std::chrono::seconds(10));
  Answer(std::chrono::seconds(3));
  EXPECT_THAT(
      lines_.lines(),
      ElementsAre(testing::HasSubstr("latency_ms=2000.000 status=200 rows=1 suppressed=0"),
                  testing::HasSubstr("latency_ms=3000.000 status=200 rows=1 suppressed=3")));
}

}  // namespace
}  // namespace forkcast::serving
