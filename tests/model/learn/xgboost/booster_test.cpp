#include "model/learn/xgboost/booster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "data_preprocessing/document/json.hpp"
#include "model/learn/xgboost/training_data.hpp"
#include "model/predict/published_kinds.hpp"

namespace forkcast::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TrainedModel SmallModel(const TreeAlgorithm* algorithm, Task task) {
  TreeOptions options = algorithm->defaults();
  options.task = task;
  options.classes = 3;
  options.trees = 5;
  options.threads = 1;
  return Train(options, task == Task::kRegression
                            ? NoisyRows(300, 3, 1)
                            : NoisyClasses(300, 3, task == Task::kBinary ? 2 : 3, 1));
}

TreeOptions ThreeTrees() {
  TreeOptions options = kGradientBoosting.defaults();
  options.trees = 3;
  options.threads = 1;
  return options;
}

std::unique_ptr<Booster> BoosterOf(const TrainedModel& trained) {
  return *Booster::Load(PartOf(trained, kXGBoostEnding), 1);
}

/// The library's own document of a model.
nlohmann::json DocumentOf(const TrainedModel& trained) {
  return nlohmann::json::parse(*BoosterOf(trained)->Save("json"));
}

class PublishedTrees : public testing::TestWithParam<std::tuple<const TreeAlgorithm*, Task>> {
 protected:
  const TrainedModel trained_ = SmallModel(std::get<0>(GetParam()), std::get<1>(GetParam()));
  const TrainingData rows_ = NoisyRows(200, 3, 2);
};

TEST_P(PublishedTrees, AreTheSameInTheLibraryWhenItReadsThemAgain) {
  for (const char* format : {"json", "ubj"}) {
    const std::string bytes = *BoosterOf(trained_)->Save(format);
    const auto loaded = Booster::Load(bytes, 1);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_THAT(*(*loaded)->Features(), ElementsAre("f0", "f1", "f2"));
    EXPECT_EQ(*(*loaded)->RoundCount(), 5U);
    EXPECT_EQ(*(*loaded)->Save(format), bytes);
  }
  EXPECT_EQ(*BoosterOf(trained_)->Save("ubj"), PartOf(trained_, kXGBoostEnding));
}

/// What was judged, what is served, and what is made of a version of before: one and the same.
TEST_P(PublishedTrees, AnswerAsTheLibraryDoesFromEitherFile) {
  const Model& model = *trained_.scoring.model;
  std::vector<double> answers(200 * model.outputs().size());
  model.Predict(rows_.values, answers);
  const auto library = BoosterOf(trained_)->Predict(rows_.values, 3);
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_EQ(answers, library->values);

  const auto forest = Forest::FromBytes(PartOf(trained_, kForestEnding));
  ASSERT_TRUE(forest) << forest.error().message;
  std::vector<double> served(answers.size());
  forest->Predict(rows_.values, served);
  EXPECT_EQ(served, answers);

  const auto converted = PublishedKinds().front().convert(PartOf(trained_, kXGBoostEnding));
  ASSERT_TRUE(converted) << converted.error().message;
  EXPECT_EQ(converted->are_shares, trained_.scoring.are_shares);
  converted->model->Predict(rows_.values, served);
  EXPECT_EQ(served, answers);
}

TEST_P(PublishedTrees, AreRefusedWhenTheirEndIsMissing) {
  const std::string bytes = PartOf(trained_, kXGBoostEnding);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 8) {
    const auto loaded = Booster::Load(bytes.substr(0, size), 1);
    ASSERT_FALSE(loaded) << size << " of " << bytes.size();
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
    EXPECT_FALSE(PublishedKinds().front().convert(bytes.substr(0, size))) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PublishedTrees,
                         testing::Combine(testing::Values(&kRandomForest, &kGradientBoosting),
                                          testing::Values(Task::kRegression, Task::kBinary,
                                                          Task::kMultiClass)),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param)->name) + "_" +
                                  std::string(ToString(std::get<1>(one.param)));
                         });

TEST(TrainedTrees, ScoreRowByRowAsInABatch) {
  const TrainedModel trained = SmallModel(&kRandomForest, Task::kMultiClass);
  const TrainingData rows = NoisyRows(300, 3, 4);
  const std::vector<double> batch = Predict(trained, rows.values);
  for (std::size_t i = 0; i < 300; ++i) {
    const auto one = Predict(trained, std::span(rows.values).subspan(i * 3, 3));
    ASSERT_THAT(one, ElementsAre(batch[i * 3], batch[i * 3 + 1], batch[i * 3 + 2])) << i;
  }
  EXPECT_TRUE(Predict(trained, {}).empty());
}

TEST(TrainedTrees, KeepNamesOfFeaturesAsTheyAre) {
  TrainingData data = NoisyRows(100, 3, 1);
  data.features = {"size [m²]", "city=\"Köln\\Bonn\"", "a<b\n{\t}"};
  const TrainedModel trained = Train(ThreeTrees(), data);
  std::vector<std::string> names;
  for (const InputColumn& input : trained.scoring.model->inputs()) names.push_back(input.name);
  EXPECT_EQ(names, data.features);
  for (const char* format : {"json", "ubj"}) {
    const auto loaded = Booster::Load(*BoosterOf(trained)->Save(format), 1);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(*(*loaded)->Features(), data.features);
  }
}

TEST(TrainedTrees, SayWhatTheyAreInTheirFile) {
  const auto learner = DocumentOf(SmallModel(&kRandomForest, Task::kMultiClass)).at("learner");
  EXPECT_EQ(learner.at("attributes").at("forkcast_algorithm"), "random_forest");
  EXPECT_EQ(learner.at("attributes").at("forkcast_task"), "multiclass");
  EXPECT_EQ(learner.at("objective").at("name"), "reg:squarederror");
  EXPECT_EQ(learner.at("learner_model_param").at("num_target"), "3");
  EXPECT_EQ(learner.at("gradient_booster").at("model").at("trees").size(), 15U);
}

TEST(TreesOfAnotherProgram, AreRefused) {
  auto foreign = DocumentOf(SmallModel(&kGradientBoosting, Task::kRegression));
  foreign["learner"]["attributes"] = nlohmann::json::object();
  const auto convert = PublishedKinds().front().convert;
  EXPECT_THAT(convert(foreign.dump()).error().message, HasSubstr("not written by"));
  for (const std::string bytes : {"", "nothing", "{}", "{\"learner\": 1}", "binf\0\0\0\0"}) {
    EXPECT_EQ(Booster::Load(bytes, 1).error().code, ErrorCode::kCorrupt) << bytes;
    EXPECT_FALSE(convert(bytes)) << bytes;
  }
}

TEST(TrainedTrees, WeighFeaturesByWhatTheirSplitsGain) {
  const TrainedModel trained = SmallModel(&kGradientBoosting, Task::kRegression);
  ASSERT_EQ(trained.importances.size(), 3U);
  double sum = 0;
  for (const FeatureImportance& one : trained.importances) sum += one.share;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_EQ(trained.importances.back().feature, "f2");  // says nothing of the target
  EXPECT_LT(trained.importances.back().share, 0.05);
}

TEST(TrainedTrees, WithoutASplitWeighNoFeature) {
  TrainingData data = NoisyRows(100, 3, 1);
  data.target.assign(100, 4);
  EXPECT_THAT(Train(ThreeTrees(), data).importances,
              ElementsAre(FeatureImportance{"f0", 0}, FeatureImportance{"f1", 0},
                          FeatureImportance{"f2", 0}));
}

TEST(XGBoostLibrary, IsTheVersionThatWasTried) {
  EXPECT_THAT(XGBoostLibraryVersion(), testing::StartsWith("1.7."));
}

}  // namespace
}  // namespace forkcast::model
