#include "serving/hooks/hook_chain.hpp"

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/allocation_counter.hpp"
#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// Says in the log of the context what it is called with, under the name that it is given, and
// judges as it is told.
class EchoHook final : public Hook {
 public:
  EchoHook(std::string name, Verdict verdict, const HookContext& context)
      : name_(std::move(name)), verdict_(verdict), context_(context) {}
  Verdict OnRequest(const Invocation& invocation, Remarks& /*remarks*/) override {
    return Say("request", invocation);
  }
  Verdict OnRows(const Invocation& invocation, Remarks& /*remarks*/) override {
    return Say("rows", invocation);
  }
  Verdict OnFeatures(const Invocation& invocation, Remarks& /*remarks*/) override {
    return Say("features", invocation);
  }
  Verdict OnOutputs(const Invocation& invocation, Remarks& /*remarks*/) override {
    return Say("outputs", invocation);
  }
  void OnAnswer(const Invocation& invocation) override { Say("answer", invocation); }
  void OnTick(MonotonicTime now) override {
    context_.log.info("{} tick {}", name_, std::chrono::nanoseconds(now.time_since_epoch()) / 1s);
  }
  void OnDrain() override { context_.log.info("{} drain", name_); }

 private:
  Verdict Say(std::string_view what, const Invocation& invocation) {
    context_.log.info("{} {} {}", name_, what, invocation.request.id);
    return verdict_;
  }
  std::string name_;
  Verdict verdict_;
  HookContext context_;
};

// Throws whatever it sees: `what`, or when that is "nothing known" an int; "every other time" it
// does not. With features, it
// remarks something before.
class ThrowingHook final : public Hook {
 public:
  explicit ThrowingHook(std::string what) : what_(std::move(what)) {}
  Verdict OnFeatures(const Invocation& /*invocation*/, Remarks& remarks) override {
    remarks.flags.push_back({.row = 0, .text = "half a judgement"});
    remarks.refused_rows.push_back({.row = 0, .error = {}});
    remarks.refusal = Error{};
    throw std::runtime_error(what_);
  }
  void OnAnswer(const Invocation& /*invocation*/) override {
    if (what_ == "nothing known") throw 42;
    if (what_ == "every other time" && ++calls_ % 2 == 0) return;
    throw std::runtime_error(what_);
  }

 private:
  std::string what_;
  int calls_ = 0;
};

void AcceptAnything(const JsonNode& /*settings*/) {}

constexpr std::array<HookType, 2> kTestHooks{
    HookType{
        .name = "echo",
        .validate = AcceptAnything,
        .make = [](const JsonNode& settings, const HookContext& context) -> std::unique_ptr<Hook> {
          const auto verdict = settings.Find("verdict");
          return std::make_unique<EchoHook>(
              settings.Get("name").String(),
              verdict ? static_cast<Verdict>(verdict->Integer(0, 2)) : Verdict::kGoOn, context);
        }},
    HookType{.name = "throwing",
             .validate = AcceptAnything,
             .make = [](const JsonNode& settings,
                        const HookContext& /*context*/) -> std::unique_ptr<Hook> {
               return std::make_unique<ThrowingHook>(settings.Get("what").String());
             }},
};

class HookChainTest : public testing::Test {
 protected:
  HookChain Chain(std::string_view hooks) { return {Configs(hooks), context_, kTestHooks}; }

  LogLines lines_;
  WorkerSlot slot_;
  ManualClock clock_;
  HookContext context_{.log = lines_.log(), .slot = slot_, .clock = clock_};
  SampleInvocation sample_;
  Remarks remarks_;
};

TEST_F(HookChainTest, CallsHooksInTheOrderOfTheConfiguration) {
  HookChain chain = Chain(R"([{"type":"echo","name":"b"},{"type":"echo","name":"a"}])");
  chain.OnRequest(sample_.view(), remarks_);
  chain.OnRows(sample_.view(), remarks_);
  chain.OnFeatures(sample_.view(), remarks_);
  chain.OnOutputs(sample_.view(), remarks_);
  chain.OnAnswer(sample_.view());
  EXPECT_THAT(lines_.lines(), ElementsAre("info b request request-1", "info a request request-1",
                                          "info b rows request-1", "info a rows request-1",
                                          "info b features request-1", "info a features request-1",
                                          "info b outputs request-1", "info a outputs request-1",
                                          "info b answer request-1", "info a answer request-1"));
}

TEST_F(HookChainTest, TellsHooksTheTimeAndTheEnd) {
  HookChain chain = Chain(R"([{"type":"echo","name":"a"}])");
  chain.OnTick(clock_.Monotonic());
  chain.OnDrain();
  EXPECT_THAT(lines_.lines(), ElementsAre("info a tick 1000", "info a drain"));
}

TEST_F(HookChainTest, ReturnsTheGravestVerdictAndStillAsksTheOthers) {
  HookChain chain = Chain(R"([{"type":"echo","name":"flags","verdict":1},
                              {"type":"echo","name":"rejects","verdict":2},
                              {"type":"echo","name":"goes on"}])");
  EXPECT_EQ(chain.OnFeatures(sample_.view(), remarks_), Verdict::kReject);
  EXPECT_THAT(lines_.lines(),
              ElementsAre("info flags features request-1", "info rejects features request-1",
                          "info goes on features request-1"));
}

TEST_F(HookChainTest, AHookThatThrowsIsCountedAndLoggedAndTheNextStillRuns) {
  HookChain chain =
      Chain(R"([{"type":"throwing","what":"out of \"luck\""},{"type":"echo","name":"next"}])");
  chain.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.metrics.Get("hook_failures"), 1U);
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(warning hook_failed request_id="request-1" hook=throwing )"
                          R"(reason="out of \"luck\"" suppressed=0)",
                          "info next answer request-1"));
}

TEST_F(HookChainTest, WhatIsNoExceptionIsCaughtToo) {
  HookChain chain = Chain(R"([{"type":"throwing","what":"nothing known"}])");
  chain.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.metrics.Get("hook_failures"), 1U);
}

TEST_F(HookChainTest, AFailingHookLogsOneLineInTenSecondsAndSaysHowManyItHeldBack) {
  HookChain chain = Chain(R"([{"type":"throwing","what":"one","max_failures":0},
                {"type":"throwing","what":"other","max_failures":0}])");
  const std::string one =
      R"(warning hook_failed request_id="request-1" hook=throwing reason="one")";
  const std::string other =
      R"(warning hook_failed request_id="request-1" hook=throwing reason="other")";
  for (int i = 0; i < 5; ++i) chain.OnAnswer(sample_.view());
  clock_.Advance(std::chrono::seconds(9));
  chain.OnAnswer(sample_.view());
  EXPECT_THAT(lines_.lines(), ElementsAre(one + " suppressed=0", other + " suppressed=0"));
  clock_.Advance(std::chrono::seconds(1));
  chain.OnAnswer(sample_.view());
  EXPECT_THAT(lines_.lines(), ElementsAre(one + " suppressed=0", other + " suppressed=0",
                                          one + " suppressed=5", other + " suppressed=5"));
  EXPECT_EQ(slot_.metrics.Get("hook_failures"), 14U);
}

TEST_F(HookChainTest, WhatAHookRemarkedBeforeItFailedIsTakenBack) {
  HookChain chain = Chain(R"([{"type":"throwing","what":"x"}])");
  remarks_.flags.push_back({.row = 7, .text = "of another"});
  EXPECT_EQ(chain.OnFeatures(sample_.view(), remarks_), Verdict::kGoOn);
  EXPECT_THAT(remarks_.flags, ElementsAre(Remarks::Flag{.row = 7, .text = "of another"}));
  EXPECT_THAT(remarks_.refused_rows, IsEmpty());
  EXPECT_FALSE(remarks_.refusal.has_value());
}

TEST_F(HookChainTest, AHookThatFailsThreeTimesInARowIsOffAndTheOthersGoOn) {
  HookChain chain = Chain(R"([{"type":"throwing","what":"x"},{"type":"echo","name":"next"}])");
  for (int i = 0; i < 5; ++i) chain.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.hooks[0].failures, 3U);
  EXPECT_TRUE(slot_.hooks[0].is_off);
  EXPECT_EQ(slot_.hooks[1].calls, 5U);
  EXPECT_FALSE(slot_.hooks[1].is_off);
  EXPECT_THAT(lines_.lines(), Contains(R"(error hook_off hook=throwing place=0 )"
                                       R"(reason="it failed again and again")"));
}

TEST_F(HookChainTest, AHookThatAnswersInBetweenStaysOn) {
  HookChain chain = Chain(R"([{"type":"throwing","what":"every other time"}])");
  for (int i = 0; i < 10; ++i) chain.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.hooks[0].failures, 5U);
  EXPECT_FALSE(slot_.hooks[0].is_off);
}

TEST_F(HookChainTest, AHookThatAlwaysFailsAtOneStageIsOffThoughOthersGoWell) {
  HookChain chain = Chain(R"([{"type":"throwing","what":"x"}])");
  for (int i = 0; i < 3; ++i) {
    chain.OnRows(sample_.view(), remarks_);
    EXPECT_FALSE(slot_.hooks[0].is_off);
    chain.OnAnswer(sample_.view());
  }
  EXPECT_TRUE(slot_.hooks[0].is_off);
}

TEST_F(HookChainTest, AHookInWhichThreeWorkersDiedIsNotMade) {
  ServerState server;
  context_.server = &server;
  const std::string hooks = R"([{"type":"echo","name":"a"},{"type":"echo","name":"b"}])";
  server.hook_deaths[0] = 2;
  Chain(hooks).OnAnswer(sample_.view());
  server.hook_deaths[0] = 3;
  Chain(hooks).OnAnswer(sample_.view());
  EXPECT_THAT(lines_.lines(),
              ElementsAre("info a answer request-1", "info b answer request-1",
                          R"(error hook_off hook=echo place=0 reason="workers died in it")",
                          "info b answer request-1"));
  EXPECT_TRUE(slot_.hooks[0].is_off);
}

TEST_F(HookChainTest, OneThatIsMadeAlreadyIsOffFromTheNextTickOn) {
  ServerState server;
  context_.server = &server;
  HookChain chain = Chain(R"([{"type":"echo","name":"a"}])");
  server.hook_deaths[0] = 3;
  chain.OnTick(clock_.Monotonic());
  chain.OnAnswer(sample_.view());
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(error hook_off hook=echo place=0 reason="workers died in it")"));
}

TEST_F(HookChainTest, CountsCallsVerdictsAndTheTimeOfSomeCalls) {
  HookChain chain = Chain(R"([{"type":"echo","name":"a","verdict":2},
                              {"type":"echo","name":"b","verdict":1}])");
  for (int i = 0; i < 17; ++i) chain.OnRows(sample_.view(), remarks_);
  EXPECT_EQ(slot_.hooks[0].calls, 17U);
  EXPECT_EQ(slot_.hooks[0].rejected, 17U);
  EXPECT_EQ(slot_.hooks[0].flagged, 0U);
  EXPECT_EQ(slot_.hooks[0].timed_calls, 2U);
  EXPECT_EQ(slot_.hooks[1].flagged, 17U);
  EXPECT_EQ(slot_.hooks[1].rejected, 0U);
}

struct Choice {
  const char* name;
  const char* settings;
  bool watched;

  friend std::ostream& operator<<(std::ostream& out, const Choice& choice) {
    return out << choice.settings;
  }
};

class ChosenRequests : public HookChainTest, public testing::WithParamInterface<Choice> {};

TEST_P(ChosenRequests, AreThoseThatAHookIsConfiguredFor) {
  HookChain chain =
      Chain(std::string(R"([{"type":"echo","name":"a")") + GetParam().settings + "}]");
  sample_.invocation.deployment = "triage";
  sample_.invocation.route = "/invocations";
  chain.OnRequest(sample_.view(), remarks_);
  EXPECT_EQ(slot_.hooks[0].calls, GetParam().watched ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ChosenRequests,
    testing::Values(Choice{"AllByDefault", "", true},
                    Choice{"AllOfAWholeShare", R"(,"share":1)", true},
                    Choice{"NoneOfNoShare", R"(,"share":0)", false},
                    Choice{"OfItsDeployment", R"(,"deployments":["other","triage"])", true},
                    Choice{"NotOfAnother", R"(,"deployments":["other"])", false},
                    Choice{"OfItsRoute", R"(,"routes":["/invocations"])", true},
                    Choice{"NotOfAnotherRoute", R"(,"routes":["/orders/{id}"])", false}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(HookChainTest, AShareTakesTheSameRequestsAtEachStageAndAgain) {
  HookChain chain = Chain(R"([{"type":"echo","name":"a","share":0.5}])");
  int watched = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "request-" + std::to_string(i);
    sample_.invocation.request.id = id;
    const std::uint64_t before = slot_.hooks[0].calls;
    chain.OnRequest(sample_.view(), remarks_);
    chain.OnAnswer(sample_.view());
    const std::uint64_t calls = slot_.hooks[0].calls - before;
    EXPECT_EQ(calls, IsSampled(id, 0.5) ? 2U : 0U);
    watched += calls > 0 ? 1 : 0;
  }
  EXPECT_NEAR(watched, 500, 80);  // five standard deviations
}

TEST(HookConfigurations, HaveSixteenHooksAtMost) {
  std::string hooks = R"({"type":"slow_request","threshold_ms":1})";
  for (std::size_t i = 1; i < kMaxHooks; ++i)
    hooks += R"(,{"type":"slow_request","threshold_ms":1})";
  EXPECT_TRUE(ValidateHooks(Configs("[" + hooks + "]")).ok());
  const auto more = Configs("[" + hooks + R"(,{"type":"slow_request","threshold_ms":1}])");
  EXPECT_EQ(ValidateHooks(more).error().message, "$.hooks: expected at most 16 hooks, got 17");
}

TEST_F(HookChainTest, AnEmptyChainIsSilentAndAllocatesNothing) {
  HookChain chain = Chain("[]");
  for (const HookStage stage : {HookStage::kRequest, HookStage::kRows, HookStage::kFeatures,
                                HookStage::kOutputs, HookStage::kAnswer}) {
    EXPECT_FALSE(chain.Watches(stage));
  }
  const Invocation& invocation = sample_.view();
  const std::size_t before = AllocationCount();
  EXPECT_EQ(chain.OnRequest(invocation, remarks_), Verdict::kGoOn);
  EXPECT_EQ(chain.OnRows(invocation, remarks_), Verdict::kGoOn);
  EXPECT_EQ(chain.OnFeatures(invocation, remarks_), Verdict::kGoOn);
  EXPECT_EQ(chain.OnOutputs(invocation, remarks_), Verdict::kGoOn);
  chain.OnAnswer(invocation);
  EXPECT_EQ(AllocationCount(), before);
  EXPECT_THAT(lines_.lines(), IsEmpty());
}

TEST(HookConfiguration, OfEveryTypeIsAcceptedAndKnowsItsNeedForARecorder) {
  const auto both = Configs(R"([
      {"type":"capture","share":0.1,"folder":"f","endpoint":"e","variant":"v","max_bytes":1},
      {"type":"slow_request","threshold_ms":250}])");
  EXPECT_TRUE(ValidateHooks(both).ok());
  EXPECT_TRUE(NeedsRecorder(both));
  EXPECT_FALSE(NeedsRecorder(std::span(both).subspan(1)));
  LogLines lines;
  WorkerSlot slot;
  const ManualClock clock;
  EXPECT_TRUE(HookChain(both, {.log = lines.log(), .slot = slot, .clock = clock})
                  .Watches(HookStage::kAnswer));
}

struct WrongHook {
  const char* name;
  const char* entry;
  const char* message;

  friend std::ostream& operator<<(std::ostream& out, const WrongHook& wrong) {
    return out << wrong.entry;
  }
};

class WrongHookConfiguration : public testing::TestWithParam<WrongHook> {};

TEST_P(WrongHookConfiguration, IsRefusedNamingItsPlaceAndWhatIsAllowed) {
  const auto configs = Configs(std::string(R"([{"type":"slow_request","threshold_ms":1},)") +
                               GetParam().entry + "]");
  const Status status = ValidateHooks(configs);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error(), (Error{ErrorCode::kInvalidArgument, GetParam().message, "$.hooks[1]"}));

  LogLines lines;
  WorkerSlot slot;
  const ManualClock clock;
  const HookContext context{.log = lines.log(), .slot = slot, .clock = clock};
  EXPECT_THROW(HookChain(configs, context), preprocessing::SpecError);
}

constexpr const char* kNameRule =
    ": expected 1 to 63 letters, digits, '-', '_' and '.', not beginning with '.'";

const std::string kBadEndpoint = std::string("$.hooks[1].endpoint") + kNameRule;
const std::string kBadVariant = std::string("$.hooks[1].variant") + kNameRule;
const std::string kLongEndpoint =
    R"({"type":"capture","share":1,"folder":"f","endpoint":")" + std::string(64, 'e') + R"("})";

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongHookConfiguration,
    testing::Values(
        WrongHook{"UnknownType", R"({"type":"captur"})",
                  "$.hooks[1].type: unknown hook \"captur\"; known: capture, drift, library, "
                  "slow_request, thresholds"},
        WrongHook{"UnknownKey", R"({"type":"capture","shares":1})",
                  "$.hooks[1].shares: unknown key; known here: type, share, folder, endpoint, "
                  "variant, max_bytes, max_file_bytes, max_file_seconds, compress, keep_files, "
                  "keep_seconds, max_total_bytes, max_disk_share, statuses, drop_fields, "
                  "hash_fields, store"},
        WrongHook{"NoShare", R"({"type":"capture","folder":"f","endpoint":"e"})",
                  "$.hooks[1]: missing key \"share\""},
        WrongHook{"ShareAboveOne", R"({"type":"capture","share":1.5,"folder":"f","endpoint":"e"})",
                  "$.hooks[1].share: expected a number from 0 to 1, got 1.5"},
        WrongHook{"ShareBelowZero", R"({"type":"capture","share":-1,"folder":"f","endpoint":"e"})",
                  "$.hooks[1].share: expected a number from 0 to 1, got -1"},
        WrongHook{"ShareAsText", R"({"type":"capture","share":"1","folder":"f","endpoint":"e"})",
                  "$.hooks[1].share: expected a number from 0 to 1, got \"1\""},
        WrongHook{"NoFolder", R"({"type":"capture","share":1,"endpoint":"e"})",
                  "$.hooks[1]: missing key \"folder\""},
        WrongHook{"EmptyFolder", R"({"type":"capture","share":1,"folder":"","endpoint":"e"})",
                  "$.hooks[1].folder: expected a text that is not empty, got \"\""},
        WrongHook{"FolderWithNul",
                  R"({"type":"capture","share":1,"folder":"a\u0000b","endpoint":"e"})",
                  "$.hooks[1].folder: expected a path without NUL"},
        WrongHook{"NoEndpoint", R"({"type":"capture","share":1,"folder":"f"})",
                  "$.hooks[1]: missing key \"endpoint\""},
        WrongHook{"EndpointOfTwoFolders",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"a/b"})",
                  kBadEndpoint.c_str()},
        WrongHook{"EndpointThatLeadsUp",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":".."})",
                  kBadEndpoint.c_str()},
        WrongHook{"EndpointTooLong", kLongEndpoint.c_str(), kBadEndpoint.c_str()},
        WrongHook{"VariantThatLeadsUp",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","variant":".."})",
                  kBadVariant.c_str()},
        WrongHook{"NoBytes",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","max_bytes":0})",
                  "$.hooks[1].max_bytes: expected an integer from 1 to 33554432, got 0"},
        WrongHook{"DriftWithoutFolder", R"({"type":"drift"})",
                  "$.hooks[1]: missing key \"folder\""},
        WrongHook{"DriftInWindowsOfOneRow", R"({"type":"drift","folder":"f","window_rows":1})",
                  "$.hooks[1].window_rows: a window of 1 rows could never alarm, since it takes "
                  "min_rows, 500"},
        WrongHook{
            "KeptFilesOfZero",
            R"({"type":"capture","share":1,"folder":"f","endpoint":"e","keep_files":0})",
            "$.hooks[1].keep_files: expected an integer from 1 to 9223372036854775807, got 0"},
        WrongHook{"KeptForNoTime",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","keep_seconds":0})",
                  "$.hooks[1].keep_seconds: expected an integer from 1 to 3155760000, got 0"},
        WrongHook{"KeptOnNoDisk",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","max_disk_share":0})",
                  "$.hooks[1].max_disk_share: expected a share above 0: nothing would be kept"},
        WrongHook{"TooFewBytesForFiles",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","max_total_bytes":3})",
                  "$.hooks[1].max_total_bytes: expected an integer from 4 to 9223372036854775807, "
                  "got 3"},
        WrongHook{
            "FilesTooLargeForTheirSum",
            R"({"type":"capture","share":1,"folder":"f","endpoint":"e","max_total_bytes":400,"max_file_bytes":101})",
            "$.hooks[1].max_file_bytes: expected at most a quarter of max_total_bytes"},
        WrongHook{"CompressAsText",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","compress":"gzip"})",
                  "$.hooks[1].compress: expected true or false, got \"gzip\""},
        WrongHook{"UnknownStatuses",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","statuses":"2xx"})",
                  "$.hooks[1].statuses: expected \"success\" or \"all\""},
        WrongHook{"NoFieldToDrop",
                  R"({"type":"capture","share":1,"folder":"f","endpoint":"e","drop_fields":[]})",
                  "$.hooks[1].drop_fields: expected the name of a field at least"},
        WrongHook{
            "HashesWithoutAKey",
            R"({"type":"capture","share":1,"folder":"f","endpoint":"e","hash_fields":{"names":["a"]}})",
            "$.hooks[1].hash_fields: expected either key_file or key_variable, which say where "
            "the key is"},
        WrongHook{
            "KeyInTheConfig",
            R"({"type":"capture","share":1,"folder":"f","endpoint":"e","hash_fields":{"names":["a"],"key":"k"}})",
            "$.hooks[1].hash_fields.key: unknown key; known here: names, key_file, "
            "key_variable"},
        WrongHook{
            "DroppedAndHashed",
            R"({"type":"capture","share":1,"folder":"f","endpoint":"e","drop_fields":["a"],"hash_fields":{"names":["a"],"key_variable":"K"}})",
            "$.hooks[1].hash_fields.names: \"a\" is dropped: expected it in one of both"},
        WrongHook{"NoThreshold", R"({"type":"slow_request"})",
                  "$.hooks[1]: missing key \"threshold_ms\""},
        WrongHook{"ThresholdOfZero", R"({"type":"slow_request","threshold_ms":0})",
                  "$.hooks[1].threshold_ms: expected an integer from 1 to 3600000, got 0"},
        WrongHook{"ThresholdOverAnHour", R"({"type":"slow_request","threshold_ms":3600001})",
                  "$.hooks[1].threshold_ms: expected an integer from 1 to 3600000, got 3600001"},
        WrongHook{"UnknownStage", R"({"type":"slow_request","threshold_ms":1,"stage":"reading"})",
                  "$.hooks[1].stage: expected one of total, receive, queue, decode, features, "
                  "model, write, hooks"},
        WrongHook{"FractionalThreshold", R"({"type":"slow_request","threshold_ms":1.5})",
                  "$.hooks[1].threshold_ms: expected an integer from 1 to 3600000, got 1.5"},
        WrongHook{"ShareOfAnyHookAboveOne", R"({"type":"slow_request","threshold_ms":1,"share":2})",
                  "$.hooks[1].share: expected a number from 0 to 1, got 2"},
        WrongHook{"NegativeFailures",
                  R"({"type":"slow_request","threshold_ms":1,"max_failures":-1})",
                  "$.hooks[1].max_failures: expected an integer from 0 to 1000000, got -1"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
