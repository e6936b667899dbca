#include "serving/hooks/drift_hook.hpp"

#include <gmock/gmock.h>

#include <string>

#include "serving/capture/capture_channel.hpp"
#include "serving/drift/drift_message.hpp"
#include "support/allocation_counter.hpp"
#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using model::ColumnBins;
using preprocessing::Value;
using testing::ElementsAre;

constexpr CaptureReceiver::Outcome kMessage = CaptureReceiver::Outcome::kMessage;
constexpr CaptureReceiver::Outcome kNothing = CaptureReceiver::Outcome::kNothing;

class DriftHookTest : public testing::Test {
 protected:
  DriftHookTest() {
    sample_.invocation.deployment = "shop";
    sample_.invocation.drift_reference = reference_.get();
  }
  void Count(std::vector<Value> values) {
    sample_.values = std::move(values);
    sample_.rows.assign(sample_.values.size() / sample_.names.size(), 0);
    const Invocation& invocation = sample_.view();
    hook_.OnFeatures(invocation, remarks_);
    sample_.invocation.outputs = {.names = output_names_, .values = outputs_, .row_numbers = {}};
    hook_.OnOutputs(sample_.invocation, remarks_);
  }
  void Tick() { hook_.OnTick(clock_.Monotonic()); }
  std::vector<std::uint32_t> Received() {
    EXPECT_EQ(receiver_.Receive(), kMessage);
    const Result<DriftMessage> message = DecodeDrift(receiver_.message());
    return message ? message->counts : std::vector<std::uint32_t>();
  }

  std::pair<Fd, Fd> sockets_ = MakeCaptureSockets();
  CaptureReceiver receiver_{sockets_.second.get()};
  LogLines lines_;
  WorkerSlot slot_;
  ManualClock clock_;
  Remarks remarks_;
  SampleInvocation sample_;  // features "inventory" and "payment"
  std::vector<std::string> output_names_{"value"};
  std::vector<Value> outputs_{1.5};
  // The reference has a feature that the pipeline has not, as one that the model does not see.
  std::shared_ptr<const model::DriftReference> reference_ =
      std::make_shared<const model::DriftReference>(
          "/models/shop/1",
          std::vector<ColumnBins>{
              {.name = "payment", .is_number = false, .categories = {"OK"}, .reference = {9, 0, 1}},
              {.name = "absent", .edges = {0}, .reference = {5, 5, 0}},
              {.name = "value", .edges = {1, 2}, .reference = {3, 3, 3, 0}}});
  DriftHook hook_{{.settings = {.folder = "drift"}, .json = R"({"type":"drift"})"},
                  {.log = lines_.log(),
                   .slot = slot_,
                   .clock = clock_,
                   .capture_socket = sockets_.first.get()}};
};

TEST_F(DriftHookTest, CountsFeaturesAndOutputsInTheBinsOfTheirVersion) {
  Count({std::int64_t{7}, std::string_view("OK"), std::int64_t{8}, std::string_view("FAILED"),
         Value(), Value()});
  Tick();
  ASSERT_EQ(receiver_.Receive(), kMessage);
  const Result<DriftMessage> message = DecodeDrift(receiver_.message());
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_THAT(message->counts, ElementsAre(1, 1, 1, /*absent*/ 0, 0, 0, /*value*/ 0, 1, 0, 0));
  EXPECT_EQ(message->deployment, "shop");
  EXPECT_EQ(message->version, "v1");
  EXPECT_EQ(message->folder, "/models/shop/1");
  EXPECT_EQ(message->sent, kLastSecondOfJanuary);
}

TEST_F(DriftHookTest, SendsWithEachTickWhatCameSinceTheLast) {
  Count({Value(), std::string_view("OK")});
  Tick();
  EXPECT_THAT(Received(), ElementsAre(1, 0, 0, 0, 0, 0, 0, 1, 0, 0));
  Tick();
  EXPECT_EQ(receiver_.Receive(), kNothing);
  Count({Value(), std::string_view("OK")});
  Tick();
  EXPECT_THAT(Received(), ElementsAre(1, 0, 0, 0, 0, 0, 0, 1, 0, 0));
}

TEST_F(DriftHookTest, SendsTheLastCountsWhenTheWorkerEnds) {
  Count({Value(), std::string_view("OK")});
  hook_.OnDrain();
  EXPECT_THAT(Received(), ElementsAre(1, 0, 0, 0, 0, 0, 0, 1, 0, 0));
}

TEST_F(DriftHookTest, KeepsWhatTheRecorderDoesNotTakeForTheNextTick) {
  while (slot_.metrics.Get("drift_delayed") == 0) {
    Count({Value(), std::string_view("OK")});
    Tick();
  }
  std::uint64_t received = 0;
  while (receiver_.Receive() == kMessage) received += DecodeDrift(receiver_.message())->counts[0];
  Tick();
  EXPECT_THAT(Received(), ElementsAre(1, 0, 0, 0, 0, 0, 0, 1, 0, 0));
  EXPECT_GT(received, 0U);
}

TEST_F(DriftHookTest, WatchesNothingWithoutAReference) {
  sample_.invocation.drift_reference = nullptr;
  Count({Value(), std::string_view("OK")});
  Tick();
  EXPECT_EQ(receiver_.Receive(), kNothing);
}

TEST_F(DriftHookTest, LetsAVersionGoThatIsServedNoMoreAndTold) {
  Count({Value(), std::string_view("OK")});
  const std::weak_ptr<const model::DriftReference> kept = reference_;
  reference_.reset();
  EXPECT_FALSE(kept.expired());
  Tick();
  EXPECT_TRUE(kept.expired());
}

TEST_F(DriftHookTest, AllocatesNothingOnceItKnowsAVersion) {
  Count({std::int64_t{7}, std::string_view("OK")});
  const Invocation& invocation = sample_.view();
  const std::size_t before = AllocationCount();
  hook_.OnFeatures(invocation, remarks_);
  hook_.OnOutputs(invocation, remarks_);
  EXPECT_EQ(AllocationCount(), before);
}

}  // namespace
}  // namespace forkcast::serving
