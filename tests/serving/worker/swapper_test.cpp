#include "serving/worker/swapper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "serving/worker/fake_disk.hpp"

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override { return {}; }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override { return now; }

  MonotonicTime now{std::chrono::hours(1)};
};

/// A pipeline of which nothing is known but what it was made from.
std::shared_ptr<const ServedPipeline> PipelineOf(std::string text) {
  const auto owner = std::make_shared<const std::string>(std::move(text));
  return {owner, reinterpret_cast<const ServedPipeline*>(owner.get())};
}
std::string TextOf(const std::shared_ptr<const ServedPipeline>& pipeline) {
  return *reinterpret_cast<const std::string*>(pipeline.get());
}

/// One server over a disk on which a deployment is one file of its name, beside which there may be
/// another. Text that begins with "bad" cannot be loaded.
class SwapperTest : public testing::Test {
 protected:
  SwapperTest() {
    disk_.Write("a", "a1");
    disk_.Write("b", "b1");
  }

  Swapper MakeWorker() {
    return {{Source("a"), Source("b")}, editions_, clock_, /*seed=*/7, [this](const auto& path) {
              return disk_.At(path);
            }};
  }
  SwapSource Source(const std::string& name) {
    return {.name = name,
            .origin = "--deploy",
            .load = [this, name](const LoadedDeployment& serves, preprocessing::SnapshotPool&) {
              loads_.push_back(name);
              LoadAttempt attempt{.made_of = {.snapshots = disk_.LookAt({name, name + ".runs"})},
                                  .loaded = Error{ErrorCode::kCorrupt, name + " is bad"}};
              const std::string text = disk_.Read(name);
              during_load_();
              if (text == "bad memory") throw std::bad_alloc();
              if (!text.starts_with("bad")) attempt.loaded = PipelineOf(text);
              if (serves.pipeline) lent_.push_back(TextOf(serves.pipeline));
              return attempt;
            }};
  }
  /// A look is due again.
  void Pass(std::chrono::milliseconds time = Editions::kBetweenLooks) { clock_.now += time; }
  static std::vector<std::string> Swapped(const SwapReport& report) {
    std::vector<std::string> texts;
    for (const Swap& swap : report.swaps) texts.push_back(TextOf(swap.pipeline));
    return texts;
  }

  FakeDisk disk_;
  Editions editions_;
  ManualClock clock_;
  std::function<void()> during_load_ = [] {};
  std::vector<std::string> loads_;
  std::vector<std::string> lent_;
};

TEST_F(SwapperTest, LoadsAllAtFirst) {
  Swapper worker = MakeWorker();
  const auto report = worker.Boot();
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(Swapped(*report), ElementsAre("a1", "b1"));
  EXPECT_EQ(report->edition, 1U);
  EXPECT_EQ(report->failure, "");
  EXPECT_EQ(report->oldest_snapshot, Instant(std::chrono::seconds(1)));
  EXPECT_THAT(lent_, IsEmpty());
}

TEST_F(SwapperTest, CountsTheAgeOfASeriesFromTheNewerOfItsFiles) {
  disk_.Write("a.runs", "");
  Swapper worker = MakeWorker();
  const auto report = worker.Boot();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->oldest_snapshot, Instant(std::chrono::seconds(2)));  // of b
}

TEST_F(SwapperTest, DoesNotBootWithoutOneOfThem) {
  disk_.Write("b", "bad");
  Swapper worker = MakeWorker();
  const auto report = worker.Boot();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message, "--deploy: b is bad");
}

TEST_F(SwapperTest, TellsNothingWhileNothingIsPublished) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(worker.Turn());
    Pass();
  }
  EXPECT_EQ(editions_.newest(), 1U);
  EXPECT_THAT(loads_, ElementsAre("a", "b"));
}

TEST_F(SwapperTest, LoadsWhatWasPublishedAndThatAlone) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("b", "b2");
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  EXPECT_THAT(Swapped(*report), ElementsAre("b2"));
  EXPECT_EQ(report->swaps.front().source, 1U);
  EXPECT_EQ(report->edition, 2U);
  EXPECT_THAT(lent_, ElementsAre("b1"));
  Pass();
  EXPECT_FALSE(worker.Turn());
}

TEST_F(SwapperTest, IsToldByTheWorkerWhoseTurnItWas) {
  Swapper looks = MakeWorker();
  Swapper is_told = MakeWorker();
  ASSERT_TRUE(looks.Boot().ok());
  ASSERT_TRUE(is_told.Boot().ok());
  disk_.Write("a", "a2");
  EXPECT_TRUE(looks.Turn());
  const auto report = is_told.Turn();  // it is not time for another look
  ASSERT_TRUE(report);
  EXPECT_THAT(Swapped(*report), ElementsAre("a2"));
  EXPECT_EQ(report->edition, 2U);
  EXPECT_EQ(editions_.newest(), 2U);
}

/// It sees what was announced, and more that nobody has seen yet: the other one must not miss that.
TEST_F(SwapperTest, TakesPartInAnEditionAndTheNextLookFindsTheNext) {
  Swapper looks = MakeWorker();
  Swapper is_told = MakeWorker();
  ASSERT_TRUE(looks.Boot().ok());
  ASSERT_TRUE(is_told.Boot().ok());
  disk_.Write("a", "a2");
  EXPECT_TRUE(looks.Turn());
  disk_.Write("a", "a3");
  EXPECT_THAT(Swapped(*is_told.Turn()), ElementsAre("a3"));
  EXPECT_FALSE(looks.Turn());
  Pass();
  EXPECT_FALSE(is_told.Turn());  // has the look, and has it all
  Pass();
  EXPECT_THAT(Swapped(*looks.Turn()), ElementsAre("a3"));
  EXPECT_EQ(is_told.Turn()->edition, 3U);
}

TEST_F(SwapperTest, BootedBesideOthersServesTheEditionOfThatMoment) {
  Swapper first = MakeWorker();
  ASSERT_TRUE(first.Boot().ok());
  disk_.Write("a", "a2");
  EXPECT_TRUE(first.Turn());
  Swapper second = MakeWorker();
  const auto report = second.Boot();
  EXPECT_THAT(Swapped(*report), ElementsAre("a2", "b1"));
  EXPECT_EQ(report->edition, 2U);
}

TEST_F(SwapperTest, TakesWhatIsPublishedDuringALoadBehindIt) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("a", "a2");
  during_load_ = [this] { disk_.Write("a", "a3"); };
  EXPECT_THAT(Swapped(*worker.Turn()), ElementsAre("a2"));
  during_load_ = [] {};
  Pass();
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  EXPECT_THAT(Swapped(*report), ElementsAre("a3"));
  EXPECT_EQ(report->edition, 3U);
}

TEST_F(SwapperTest, KeepsWhatServesWhenTheNewCannotBeLoadedAndSaysWhy) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("a", "bad");
  disk_.Write("b", "b2");
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  EXPECT_THAT(Swapped(*report), ElementsAre("b2"));
  ASSERT_EQ(report->failures.size(), 1U);
  EXPECT_EQ(report->failures.front().source, 0U);
  EXPECT_FALSE(report->failures.front().is_known);
  EXPECT_EQ(report->failure, "a: a is bad");
  EXPECT_EQ(report->edition, 1U);
  EXPECT_EQ(editions_.newest(), 2U);
}

TEST_F(SwapperTest, TriesAgainByItselfAndKnowsTheFailure) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("a", "bad");
  EXPECT_TRUE(worker.Turn());
  Pass();  // longer than the first delay
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->failures.size(), 1U);
  EXPECT_TRUE(report->failures.front().is_known);
  EXPECT_EQ(editions_.newest(), 2U);
}

TEST_F(SwapperTest, TakesWhatMendsAFailure) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("a", "bad");
  EXPECT_TRUE(worker.Turn());
  disk_.Write("a", "a2");
  Pass();
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  EXPECT_THAT(Swapped(*report), ElementsAre("a2"));
  EXPECT_EQ(report->failure, "");
  EXPECT_EQ(report->edition, 3U);
}

TEST_F(SwapperTest, ForgetsAFailureWhenWhatServesIsPublishedAgain) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  const FakeDisk before = disk_;
  disk_.Write("a", "bad");
  EXPECT_TRUE(worker.Turn());
  disk_ = before;
  Pass();
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->swaps, IsEmpty());
  EXPECT_EQ(report->failure, "");
  EXPECT_EQ(report->edition, 3U);
}

TEST_F(SwapperTest, TakesWhatIsThrownForAFailure) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("a", "bad memory");
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->failures.size(), 1U);
  EXPECT_EQ(report->failures.front().error.code, ErrorCode::kInternal);
}

TEST_F(SwapperTest, LetsTheOldGoWhenNobodyHoldsItAnyMore) {
  Swapper worker = MakeWorker();
  auto report = worker.Boot();
  std::shared_ptr<const ServedPipeline> in_work = report->swaps.front().pipeline;
  const std::weak_ptr<const ServedPipeline> old = in_work;
  report = Error{ErrorCode::kInternal, ""};
  disk_.Write("a", "a2");
  EXPECT_TRUE(worker.Turn());
  EXPECT_FALSE(worker.Turn());
  EXPECT_EQ(worker.retired(), 1U);
  in_work.reset();
  EXPECT_FALSE(old.expired());  // on no other thread than this one's
  EXPECT_FALSE(worker.Turn());
  EXPECT_EQ(worker.retired(), 0U);
  EXPECT_TRUE(old.expired());
}

TEST_F(SwapperTest, WatchesWhatIsKeptSinceUntilItIsDropped) {
  Swapper worker = MakeWorker();
  ASSERT_TRUE(worker.Boot().ok());
  disk_.Write("c", "c1");
  SwapSource source = Source("c");
  source.id = 9;
  preprocessing::SnapshotPool pool;
  const LoadAttempt made = source.load({}, pool);
  worker.Keep(source, made);
  EXPECT_FALSE(worker.Turn());
  disk_.Write("c", "c2");
  Pass();
  const auto report = worker.Turn();
  ASSERT_TRUE(report);
  EXPECT_THAT(Swapped(*report), ElementsAre("c2"));
  EXPECT_EQ(report->swaps.front().source, 2U);

  worker.Drop(9);
  EXPECT_TRUE(worker.IsHeld(9));
  disk_.Write("c", "c3");
  Pass();
  EXPECT_FALSE(worker.Turn());
}

}  // namespace
}  // namespace forkcast::serving
