#include "serving/hooks/slow_request_hook.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "support/hook_testing.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SlowRequestHookTest : public testing::Test {
 protected:
  void Answer(std::chrono::nanoseconds latency) { Answer(hook_, latency); }
  void Answer(SlowRequestHook& hook, std::chrono::nanoseconds latency) {
    sample_.invocation.answer.latency = latency;
    sample_.invocation.answer.stages = stages_;
    hook.OnAnswer(sample_.view());
  }
  /// `labels: count`, of each series.
  [[nodiscard]] std::vector<std::string> Counted() const {
    std::vector<std::string> counted;
    for (const SeriesSum& one : SumSeries(series_.blocks())) {
      counted.push_back(one.labels + ": " + std::to_string(one.cells.front()));
    }
    return counted;
  }

  LogLines lines_;
  WorkerSlot slot_;
  TestSeries series_;
  ManualClock clock_;
  SampleInvocation sample_;
  StageTimes stages_{};
  const HookContext context_{
      .log = lines_.log(), .slot = slot_, .clock = clock_, .series = &series_.writer};
  SlowRequestHook hook_{{.threshold = std::chrono::milliseconds(250)}, context_};
};

TEST_F(SlowRequestHookTest, SaysNothingBelowTheThreshold) {
  Answer(std::chrono::nanoseconds(249'999'999));
  EXPECT_THAT(lines_.lines(), IsEmpty());
  EXPECT_THAT(Counted(), IsEmpty());
}

TEST_F(SlowRequestHookTest, WarnsFromTheThresholdOnAndSaysWhatTookLong) {
  sample_.invocation.answer.status = 422;
  sample_.invocation.request.id = "a\nb";
  sample_.invocation.request.traceparent =
      "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
  sample_.invocation.deployment = "triage";
  sample_.invocation.route = "/invocations";
  sample_.rows = {0, 3};
  stages_[static_cast<std::size_t>(LatencyStage::kDecode)] = std::chrono::microseconds(1500);
  stages_[static_cast<std::size_t>(LatencyStage::kModel)] = std::chrono::milliseconds(248);
  Answer(std::chrono::milliseconds(250));
  EXPECT_THAT(
      lines_.lines(),
      ElementsAre(R"(warning slow_request request_id="a\nb" )"
                  R"(traceparent="00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01" )"
                  R"(deployment="triage" route="/invocations" stage=total took_ms=250.000 )"
                  R"(threshold_ms=250 latency_ms=250.000 stages_ms="decode=1.500 model=248.000" )"
                  R"(status=422 rows=2 suppressed=0)"));
  EXPECT_THAT(Counted(),
              ElementsAre(R"(deployment="triage",route="/invocations",stage="total": 1)"));
}

TEST_F(SlowRequestHookTest, LooksAtTheStageThatItIsABudgetOf) {
  SlowRequestHook model({.threshold = std::chrono::milliseconds(5), .stage = LatencyStage::kModel},
                        context_);
  stages_[static_cast<std::size_t>(LatencyStage::kWrite)] = std::chrono::milliseconds(100);
  stages_[static_cast<std::size_t>(LatencyStage::kModel)] = std::chrono::microseconds(4999);
  Answer(model, std::chrono::milliseconds(105));
  EXPECT_THAT(lines_.lines(), IsEmpty());

  stages_[static_cast<std::size_t>(LatencyStage::kModel)] = std::chrono::milliseconds(5);
  Answer(model, std::chrono::milliseconds(105));
  EXPECT_THAT(lines_.lines(), ElementsAre(testing::HasSubstr("stage=model took_ms=5.000 ")));
}

TEST_F(SlowRequestHookTest, WarnsOnceInTenSecondsAndSaysHowManyItHeldBack) {
  for (int i = 0; i < 4; ++i) Answer(std::chrono::seconds(2));
  clock_.Advance(std::chrono::seconds(10));
  Answer(std::chrono::seconds(3));
  EXPECT_THAT(lines_.lines(), ElementsAre(testing::HasSubstr("took_ms=2000.000 "),
                                          testing::HasSubstr("took_ms=3000.000 ")));
  EXPECT_THAT(lines_.lines().front(), testing::EndsWith(" suppressed=0"));
  EXPECT_THAT(lines_.lines().back(), testing::EndsWith(" suppressed=3"));
  EXPECT_THAT(Counted(), ElementsAre(testing::EndsWith(": 5")));
}

}  // namespace
}  // namespace forkcast::serving
