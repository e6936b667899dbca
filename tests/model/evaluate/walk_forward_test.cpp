#include "model/evaluate/walk_forward.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "data_preprocessing/base/random.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecErrorOf;
using testing::ElementsAre;
using testing::StartsWith;

using Window = FoldSpec::Window;

struct FoldsCase {
  std::string name;
  FoldSpec spec;
  PeriodRange periods;
  std::vector<Fold> folds;
};

void PrintTo(const FoldsCase& one, std::ostream* out) { *out << one.name; }

class FoldsTest : public testing::TestWithParam<FoldsCase> {};

TEST_P(FoldsTest, AreCutFromTheEnd) {
  const auto folds = WalkForwardFolds(GetParam().spec, GetParam().periods);
  ASSERT_TRUE(folds) << folds.error().message;
  EXPECT_EQ(*folds, GetParam().folds);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FoldsTest,
    testing::Values(
        FoldsCase{"AnchoredGrow",
                  {.n_splits = 2, .horizon = 3},
                  {101, 110},
                  {{{101, 104}, 104, {105, 107}}, {{101, 107}, 107, {108, 110}}}},
        FoldsCase{"RollingKeepTheirLength",
                  {.window = Window::kRolling, .n_splits = 2, .horizon = 3, .train_periods = 2},
                  {101, 110},
                  {{{103, 104}, 104, {105, 107}}, {{106, 107}, 107, {108, 110}}}},
        FoldsCase{"RollingOfNoGivenLengthHaveThatOfTheFirst",
                  {.window = Window::kRolling, .n_splits = 2, .horizon = 3},
                  {101, 110},
                  {{{101, 104}, 104, {105, 107}}, {{104, 107}, 107, {108, 110}}}},
        FoldsCase{"AGapIsLeftOutOfTrainingButFeaturesReadIt",
                  {.n_splits = 1, .horizon = 2, .gap = 3},
                  {1, 10},
                  {{{1, 5}, 8, {9, 10}}}},
        FoldsCase{"AStepBelowTheHorizonLetsTestsOverlap",
                  {.n_splits = 3, .horizon = 3, .step = 1},
                  {1, 6},
                  {{{1, 1}, 1, {2, 4}}, {{1, 2}, 2, {3, 5}}, {{1, 3}, 3, {4, 6}}}},
        FoldsCase{"PeriodsBefore1970HaveNegativeNumbers",
                  {.n_splits = 1, .horizon = 1},
                  {-5, -3},
                  {{{-5, -4}, -4, {-3, -3}}}}),
    [](const auto& one) { return one.param.name; });

TEST(WalkForwardFolds, NeverTrainOnWhatTheyTest) {
  std::mt19937_64 engine(6);
  int cut = 0;
  for (int round = 0; round < 2000; ++round) {
    FoldSpec spec{.window = DrawBelow(engine, 2) == 0 ? Window::kAnchored : Window::kRolling,
                  .n_splits = 1 + DrawBelow(engine, 6),
                  .horizon = 1 + DrawBelow(engine, 6),
                  .gap = DrawBelow(engine, 4)};
    if (DrawBelow(engine, 2) == 0) spec.step = 1 + DrawBelow(engine, 8);
    if (DrawBelow(engine, 2) == 0) spec.train_periods = 1 + DrawBelow(engine, 10);
    const auto first = static_cast<std::int64_t>(DrawBelow(engine, 100)) - 50;
    const PeriodRange periods{first, first + static_cast<std::int64_t>(DrawBelow(engine, 60))};
    const auto folds = WalkForwardFolds(spec, periods);
    if (!folds) continue;
    ++cut;
    ASSERT_EQ(folds->size(), spec.n_splits);
    ASSERT_EQ(folds->back().test.last, periods.last);
    for (std::size_t i = 0; i < folds->size(); ++i) {
      const Fold& fold = (*folds)[i];
      ASSERT_EQ(fold.train.last + static_cast<std::int64_t>(spec.gap) + 1, fold.test.first);
      ASSERT_EQ(fold.origin + 1, fold.test.first);
      ASSERT_EQ(fold.test.size(), static_cast<std::int64_t>(spec.horizon));
      ASSERT_GE(fold.train.first, periods.first);
      ASSERT_GE(fold.train.size(), static_cast<std::int64_t>(spec.train_periods.value_or(1)));
      if (spec.window == Window::kRolling) {
        ASSERT_EQ(fold.train.size(), folds->front().train.size());
      } else {
        ASSERT_EQ(fold.train.first, periods.first);
      }
      if (i > 0 && spec.step.value_or(spec.horizon) >= spec.horizon) {
        ASSERT_LT((*folds)[i - 1].test.last, fold.test.first);
      }
    }
  }
  EXPECT_GT(cut, 500);
}

TEST(WalkForwardFolds, LearnFromTheFirstFoldsPeriodsInAllWithoutRefit) {
  const FoldSpec spec{.n_splits = 3, .horizon = 4, .gap = 1, .refit = false};
  const auto folds = WalkForwardFolds(spec, {1, 30});
  ASSERT_TRUE(folds);
  for (const Fold& fold : *folds) EXPECT_EQ(fold.train, (PeriodRange{1, 17}));
  EXPECT_EQ(folds->back().test, (PeriodRange{27, 30}));
  EXPECT_EQ(folds->back().origin, 26) << "what features may read grows all the same";
}

TEST(WalkForwardFolds, NeedExactlyWhatTheySay) {
  const FoldSpec spec{.n_splits = 3, .horizon = 4, .gap = 2, .step = 5, .train_periods = 6};
  // 6 to train on, 2 left out, 2 steps of 5, and 4 to test.
  EXPECT_TRUE(WalkForwardFolds(spec, {1, 22}));
  EXPECT_EQ(WalkForwardFolds(spec, {1, 21}).error(),
            (Error{ErrorCode::kInvalidArgument,
                   "too little history: 3 folds with horizon 4, step 5, gap 2 and at least 6 "
                   "training periods need 22 periods, and there are 21"}));
  EXPECT_THAT(WalkForwardFolds({}, {}).error().message, testing::HasSubstr("there are 0"));
}

FoldSpec Read(const std::string& text) {
  const auto json = ParseJson(text);
  return ReadFoldSpec(JsonNode(json), 4);
}

TEST(ReadFoldSpec, TakesTheDefaultsOfWhatIsNotGiven) {
  EXPECT_EQ(Read("{}"), (FoldSpec{.n_splits = 5, .horizon = 4, .gap = 0}));
  EXPECT_EQ(Read(R"({"window": "rolling", "n_splits": 2, "gap": 1, "step": 6,
                     "train_periods": 104, "refit": false})"),
            (FoldSpec{.window = Window::kRolling,
                      .n_splits = 2,
                      .horizon = 4,
                      .gap = 1,
                      .step = 6,
                      .train_periods = 104,
                      .refit = false}));
}

TEST(ReadFoldSpec, NamesWhatIsWrong) {
  const auto error_of = [](const char* text) { return SpecErrorOf([&] { Read(text); }); };
  EXPECT_THAT(error_of(R"({"window": "expanding"})"), StartsWith("$.window: expected anchored"));
  EXPECT_THAT(error_of(R"({"n_splits": 0})"), StartsWith("$.n_splits: expected"));
  EXPECT_THAT(error_of(R"({"step": 0})"), StartsWith("$.step: expected"));
  EXPECT_THAT(error_of(R"({"folds": 3})"), StartsWith("$.folds: unknown key"));
}

/// Twelve periods are judged in three folds; what is there before them is for calibration.
TEST(FoldsBefore, GoOnBackwardsInTheSameSteps) {
  const FoldSpec spec{.n_splits = 3, .horizon = 4};
  const auto folds = WalkForwardFolds(spec, {1, 32});
  const auto earlier = *FoldsBefore(spec, {1, 32}, folds->front(), 2);
  ASSERT_EQ(earlier.size(), 2U);
  EXPECT_EQ(earlier[0], (Fold{.train = {1, 12}, .origin = 12, .test = {13, 16}}));
  EXPECT_EQ(earlier[1], (Fold{.train = {1, 16}, .origin = 16, .test = {17, 20}}));
  EXPECT_EQ(folds->front().test, (PeriodRange{21, 24}));
}

TEST(FoldsBefore, TrainOnWhatIsThereOfARollingWindow) {
  const FoldSpec spec{.window = FoldSpec::Window::kRolling,
                      .n_splits = 1,
                      .horizon = 4,
                      .gap = 1,
                      .train_periods = 10};
  const auto folds = WalkForwardFolds(spec, {1, 20});
  const auto earlier = *FoldsBefore(spec, {1, 20}, folds->front(), 2);
  EXPECT_EQ(folds->front(), (Fold{.train = {6, 15}, .origin = 16, .test = {17, 20}}));
  EXPECT_EQ(earlier[0], (Fold{.train = {1, 7}, .origin = 8, .test = {9, 12}}));
  EXPECT_EQ(earlier[1], (Fold{.train = {2, 11}, .origin = 12, .test = {13, 16}}));
}

TEST(FoldsBefore, NeedExactlyWhatTheySay) {
  const FoldSpec spec{.n_splits = 2, .horizon = 4, .train_periods = 10};
  EXPECT_TRUE(FoldsBefore(spec, {1, 26}, WalkForwardFolds(spec, {1, 26})->front(), 2));
  EXPECT_EQ(FoldsBefore(spec, {1, 25}, WalkForwardFolds(spec, {1, 25})->front(), 2).error().message,
            "too little history: 2 folds to calibrate intervals by, with step 4, need 18 periods "
            "that the first judged fold trains on, and there are 17");
}

}  // namespace
}  // namespace forkcast::model
