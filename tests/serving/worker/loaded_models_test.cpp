#include "serving/worker/loaded_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "serving/worker/fake_disk.hpp"
#include "serving/worker/model_changes.hpp"
#include "serving/worker/model_path.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = ModelChange::Outcome;

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override { return {}; }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override { return now; }

  MonotonicTime now{std::chrono::hours(1)};
};

/// A pipeline of which nothing is known but what it was made from.
std::shared_ptr<const ServedPipeline> PipelineOf(const std::string& text) {
  const auto owner = std::make_shared<const std::string>(text);
  return {owner, reinterpret_cast<const ServedPipeline*>(owner.get())};
}

/// A server's workers, whose loops and loader threads are turned by hand. A model is a file below
/// the root; what is loaded is its contents: "bad" cannot be loaded, "no memory" and "no pages" for
/// want of memory, "large" is more than fits.
class Workers : public testing::Test {
 protected:
  static constexpr std::size_t kWorkers = 3;
  static constexpr std::size_t kMost = 2;

  /// One worker: what its threads have, and what its catalogue would answer for.
  struct Worker {
    Worker(Workers& all, std::size_t number, Editions& editions, const Clock& clock)
        : swapper({}, editions, clock, /*seed=*/7),
          models(all.list_, swapper,
                 {.worker = number,
                  .root = all.root_.path(),
                  .most = kMost,
                  .has_room = [&all] { return !all.is_full_; },
                  .source = [&all, number](
                                const ListedModel& model) { return all.Source(number, model); }}),
          changes(all.list_, all.slots_, number, clock, all.root_.path(),
                  [this](ModelTask task) { models.Ask(std::move(task)); }) {}

    std::set<std::string> Names() const {
      std::set<std::string> names;
      for (const ModelArrival& one : serves) names.insert(one.name);
      return names;
    }

    Swapper swapper;
    LoadedModels models;
    ModelChanges changes;
    std::vector<ModelArrival> serves;
  };

  Workers() {
    for (std::size_t i = 0; i < kWorkers; ++i) Boot(i);
  }

  void Boot(std::size_t number, std::vector<std::string> declared = {"declared"}) {
    workers_[number].reset();
    workers_[number] = std::make_unique<Worker>(*this, number, editions_, clock_);
    slots_[number].SetState(WorkerState::kBooting);
    ASSERT_TRUE(workers_[number]->swapper.Boot().ok());
    Take(number, workers_[number]->models.Boot(std::move(declared)));
    slots_[number].SetState(WorkerState::kReady);
  }
  void Kill(std::size_t number) {
    workers_[number].reset();
    slots_[number].SetState(WorkerState::kEmpty);
  }

  SwapSource Source(std::size_t worker, const ListedModel& model) {
    return {.name = model.name,
            .origin = "POST /models",
            .id = model.id,
            .load = [this, worker, place = model.place](const LoadedDeployment&,
                                                        preprocessing::SnapshotPool&) {
              ++loads_;
              const std::string text = preprocessing::ReadWhole(place);
              const auto during = during_load_;  // which may be replaced by what it does
              during();
              if (text == "no memory") throw std::bad_alloc();
              if (text == "no pages") {
                throw std::system_error(ENOMEM, std::generic_category(), "mmap");
              }
              is_full_ = text == "large";
              LoadAttempt attempt{.loaded = PipelineOf(text)};
              if (text == "bad" || broken_in_ == worker) {
                attempt.loaded = Error{ErrorCode::kCorrupt, place + " is bad"};
              }
              return attempt;
            }};
  }

  /// What the loop does with a report.
  void Take(std::size_t number, const ModelReport& report) {
    Worker& worker = *workers_[number];
    for (const std::string& name : report.dropped) {
      EXPECT_EQ(std::erase_if(worker.serves,
                              [&name](const ModelArrival& one) { return one.name == name; }),
                1U)
          << name;
    }
    for (const ModelArrival& model : report.added) {
      EXPECT_FALSE(worker.Names().contains(model.name)) << model.name;
      worker.serves.push_back(model);
    }
    for (const ModelTaskResult& result : report.results) worker.changes.OnResult(result);
    for (const WithdrawnModel& model : report.withdrawn) worker.changes.OnWithdrawn(model);
    list_.progress(number).freed.store(report.freed);
    list_.progress(number).taken.store(report.taken);
  }
  void Turn(std::size_t number) {
    if (const auto report = workers_[number]->models.Turn()) Take(number, *report);
    workers_[number]->changes.Look();
  }
  void TurnAll(int times = 3) {
    for (int i = 0; i < times; ++i) {
      for (std::size_t number = 0; number < kWorkers; ++number) {
        if (workers_[number]) Turn(number);
      }
    }
  }
  std::string Place(const std::string& name, const std::string& text) {
    return root_.Write(name, text).string();
  }
  auto Load(std::size_t worker, const std::string& name, const std::string& url) {
    return workers_[worker]->changes.Load(name, url, clock_.now + std::chrono::minutes(1));
  }
  auto Unload(std::size_t worker, const std::string& name) {
    return workers_[worker]->changes.Unload(name, clock_.now + std::chrono::minutes(1));
  }
  [[nodiscard]] std::vector<std::set<std::string>> Served() const {
    std::vector<std::set<std::string>> served;
    for (const auto& worker : workers_) {
      if (worker) served.push_back(worker->Names());
    }
    return served;
  }

  preprocessing::TempFolder root_;
  std::array<WorkerSlot, kWorkers> slots_;
  ModelList list_{kWorkers};
  Editions editions_;
  ManualClock clock_;
  std::function<void()> during_load_ = [] {};
  std::optional<std::size_t> broken_in_;
  bool is_full_ = false;
  int loads_ = 0;
  std::array<std::unique_ptr<Worker>, kWorkers> workers_;
};

using Names = std::set<std::string>;

TEST_F(Workers, ALoadIsDoneWhenAllOfThemHaveTheModel) {
  const auto change = Load(0, "m", Place("m", "1"));
  Turn(0);
  EXPECT_THAT(Served(), ElementsAre(Names{"m"}, Names{}, Names{}));
  EXPECT_EQ(change->outcome, Outcome::kPending);
  Turn(1);
  Turn(0);
  EXPECT_EQ(change->outcome, Outcome::kPending);
  Turn(2);
  Turn(0);
  EXPECT_EQ(change->outcome, Outcome::kDone);
  EXPECT_THAT(Served(), ElementsAre(Names{"m"}, Names{"m"}, Names{"m"}));
  EXPECT_EQ(loads_, 3) << "each worker loads it once";
}

TEST_F(Workers, OneThatBootsHasAllModelsBeforeItIsReady) {
  Load(0, "m", Place("m", "1"));
  TurnAll();
  Boot(1);
  EXPECT_THAT(Served(), ElementsAre(Names{"m"}, Names{"m"}, Names{"m"}));
}

/// The list changes between its look and the moment from which the others wait for it.
TEST_F(Workers, OneThatBootsMissesNothingThatComesMeanwhile) {
  const std::string other = Place("other", "1");
  Load(0, "m", Place("m", "1"));
  TurnAll();
  during_load_ = [&] {
    during_load_ = [] {};
    Load(0, "other", other);
    Turn(0);
  };
  Boot(1);
  EXPECT_THAT(workers_[1]->Names(), Names({"m", "other"}));
}

TEST_F(Workers, ALoadDoesNotWaitForOneThatIsGoneOrBoots) {
  Kill(1);
  slots_[2].SetState(WorkerState::kBooting);
  list_.progress(2).taken = 0;
  const auto change = Load(0, "m", Place("m", "1"));
  Turn(0);
  EXPECT_EQ(change->outcome, Outcome::kDone);
}

TEST_F(Workers, OfTwoLoadsOfOneNameOneIsRefused) {
  const std::string place = Place("m", "1");
  const auto first = Load(0, "m", place);
  const auto second = Load(1, "m", place);
  TurnAll();
  EXPECT_EQ(first->outcome, Outcome::kDone);
  EXPECT_EQ(second->outcome, Outcome::kRefused);
  EXPECT_EQ(second->error.code, ErrorCode::kConflict);
  EXPECT_EQ(second->error.message, "Model m is already registered.");
}

/// Both have loaded it before either lists it.
TEST_F(Workers, OfTwoLoadsOfOneNameAtOnceOneIsRefused) {
  const std::string place = Place("m", "1");
  const auto first = Load(0, "m", place);
  const auto second = Load(1, "m", place);
  during_load_ = [this] {
    during_load_ = [] {};
    Turn(1);
  };
  TurnAll();
  EXPECT_EQ(second->outcome, Outcome::kDone);
  EXPECT_EQ(first->outcome, Outcome::kRefused);
  EXPECT_THAT(Served(), ElementsAre(Names{"m"}, Names{"m"}, Names{"m"}));
}

struct Refusal {
  std::string name;
  std::string model = "m";
  std::string contents = "1";
  std::string url{};  ///< Empty: that of the contents.
  Outcome outcome = Outcome::kRefused;
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message{};
};
void PrintTo(const Refusal& one, std::ostream* out) { *out << one.name; }

class ModelThatIsRefused : public Workers, public testing::WithParamInterface<Refusal> {};

TEST_P(ModelThatIsRefused, IsInNoWorkerAndTheAnswerSaysWhy) {
  const Refusal& one = GetParam();
  const std::string place = Place("place", one.contents);
  const auto change = Load(0, one.model, one.url.empty() ? place : one.url);
  Turn(0);
  EXPECT_EQ(change->outcome, one.outcome);
  if (one.outcome == Outcome::kRefused) {
    EXPECT_EQ(change->error.code, one.code);
  }
  EXPECT_THAT(change->error.message, HasSubstr(one.message));
  TurnAll();
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
  EXPECT_EQ(list_.version(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ModelThatIsRefused,
    testing::Values(
        Refusal{.name = "Broken", .contents = "bad", .message = "place is bad"},
        Refusal{.name = "NotThereAndOutside",
                .url = "/proc/../NOWHERE",
                .message = "\"/proc/../NOWHERE\" is not below "},
        Refusal{.name = "Relative", .url = "place", .message = "the absolute path of a model"},
        Refusal{.name = "OutsideOfTheRoot", .url = "/etc/passwd", .message = "is not below "},
        Refusal{.name = "NameOfADeclaredOne",
                .model = "declared",
                .code = ErrorCode::kConflict,
                .message = "already registered"},
        Refusal{.name = "WithoutMemory", .contents = "no memory", .outcome = Outcome::kNoRoom},
        Refusal{.name = "WithoutPages", .contents = "no pages", .outcome = Outcome::kNoRoom},
        Refusal{.name = "BeyondTheWorkersMemory",
                .contents = "large",
                .outcome = Outcome::kNoRoom,
                .message = "max_memory_mb"}),
    [](const auto& param) { return param.param.name; });

TEST_F(Workers, NoMoreModelsAreLoadedThanMayBe) {
  const std::string place = Place("m", "1");
  Load(0, "a", place);
  Load(0, "b", place);
  TurnAll();
  const auto change = Load(0, "c", place);
  Turn(0);
  EXPECT_EQ(change->outcome, Outcome::kNoRoom);
  EXPECT_THAT(change->error.message, AllOf(HasSubstr("2 models"), HasSubstr("max_models")));
  Unload(1, "a");
  TurnAll();
  EXPECT_EQ(Load(0, "c", place)->outcome, Outcome::kPending);
  TurnAll();
  EXPECT_THAT(Served().front(), Names({"b", "c"}));
}

TEST_F(Workers, AModelThatOneOfThemCannotLoadIsWithdrawnFromAll) {
  broken_in_ = 2;
  const auto change = Load(0, "m", Place("m", "1"));
  TurnAll();
  EXPECT_EQ(change->outcome, Outcome::kRefused);
  EXPECT_THAT(change->error.message, HasSubstr("is bad"));
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
}

TEST_F(Workers, AModelThatOneThatBootsCannotLoadAnyMoreIsWithdrawnFromAll) {
  const std::string place = Place("m", "1");
  Load(0, "m", place);
  TurnAll();
  Place("m", "bad");
  Boot(1);
  TurnAll();
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
}

TEST_F(Workers, AModelOfTheNameOfOneThatIsDeclaredSinceIsWithdrawn) {
  Load(0, "m", Place("m", "1"));
  TurnAll();
  Boot(1, {"m"});
  TurnAll();
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
}

TEST_F(Workers, AnUnloadIsDoneWhenNoneOfThemHoldsAnything) {
  Load(0, "m", Place("m", "1"));
  TurnAll();
  std::shared_ptr<const ServedPipeline> in_work = workers_[2]->serves[0].pipeline;
  const auto change = Unload(1, "m");
  TurnAll();
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
  EXPECT_EQ(change->outcome, Outcome::kPending) << "a request is in work";
  const auto other = Load(1, "other", Place("other", "1"));
  TurnAll();
  EXPECT_EQ(other->outcome, Outcome::kDone) << "others need not wait for that";
  EXPECT_EQ(change->outcome, Outcome::kPending);
  in_work.reset();
  TurnAll();
  EXPECT_EQ(change->outcome, Outcome::kDone);
  EXPECT_EQ(workers_[2]->swapper.retired(), 0U);
}

TEST_F(Workers, OneThatIsNotLoadedCannotBeUnloaded) {
  const auto change = Unload(1, "m");
  Turn(1);
  EXPECT_EQ(change->outcome, Outcome::kRefused);
  EXPECT_EQ(change->error.code, ErrorCode::kNotFound);
  EXPECT_EQ(change->error.message, "Model not found: m");
}

TEST_F(Workers, AModelMayComeAgainUnderItsName) {
  const std::string place = Place("m", "1");
  for (int i = 0; i < 3; ++i) {
    const auto loaded = Load(i % kWorkers, "m", place);
    TurnAll();
    EXPECT_EQ(loaded->outcome, Outcome::kDone);
    const auto unloaded = Unload((i + 1) % kWorkers, "m");
    TurnAll();
    EXPECT_EQ(unloaded->outcome, Outcome::kDone);
  }
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
}

/// Whoever gets no answer in time may ask again: what came too late is not there.
TEST_F(Workers, ALoadThatTakesTooLongLeavesNothing) {
  const auto change = Load(0, "m", Place("m", "1"));
  Turn(0);
  clock_.now += std::chrono::minutes(2);
  Turn(0);
  EXPECT_EQ(change->outcome, Outcome::kRefused);
  EXPECT_EQ(change->error.code, ErrorCode::kDeadlineExceeded);
  TurnAll();
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
}

TEST_F(Workers, ALoadThatEndsAfterItsTimeLeavesNothing) {
  const auto change = Load(0, "m", Place("m", "1"));
  during_load_ = [this] {
    clock_.now += std::chrono::minutes(2);
    workers_[0]->changes.Look();
  };
  Turn(0);
  EXPECT_EQ(change->error.code, ErrorCode::kDeadlineExceeded);
  TurnAll();
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
}

TEST_F(Workers, AnUnloadThatTakesTooLongGoesOn) {
  Load(0, "m", Place("m", "1"));
  TurnAll();
  std::shared_ptr<const ServedPipeline> in_work = workers_[2]->serves[0].pipeline;
  const auto change = Unload(0, "m");
  TurnAll();
  clock_.now += std::chrono::minutes(2);
  TurnAll();
  EXPECT_EQ(change->error.code, ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(Served(), ElementsAre(Names{}, Names{}, Names{}));
  in_work.reset();
  TurnAll();
  EXPECT_EQ(workers_[2]->swapper.retired(), 0U);
}

TEST(ModelPath, IsBelowTheRootAfterAllLinks) {
  const preprocessing::TempFolder root;
  const preprocessing::TempFolder elsewhere;
  std::filesystem::create_directories(root.path() / "models/a/model");
  std::filesystem::create_directory_symlink(root.path() / "models/a", root.path() / "b");
  std::filesystem::create_directory_symlink(elsewhere.path(), root.path() / "out");
  const std::filesystem::path real = std::filesystem::canonical(root.path());
  const auto resolved = [&root](const std::string& url) {
    const auto path = ResolveModelPath((root.path() / url).string(), root.path());
    return path ? path->string() : path.error().message;
  };
  EXPECT_EQ(resolved("models/a/model"), real / "models/a/model");
  EXPECT_EQ(resolved("b/../a/model/"), real / "models/a/model");
  EXPECT_THAT(resolved("b/none"), HasSubstr("is not there"));
  EXPECT_THAT(resolved("out"), HasSubstr("is not below"));
  EXPECT_THAT(resolved("../"), HasSubstr("is not below"));
  EXPECT_THAT(resolved(std::string("models\0", 7)), HasSubstr("is not below"));
  EXPECT_FALSE(ResolveModelPath(root.path().string() + "2", root.path()).ok());
}

}  // namespace
}  // namespace forkcast::serving
