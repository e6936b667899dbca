#include "model/learn/xgboost/tree_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_preprocessing/document/json.hpp"
#include "model/learn/xgboost/training_data.hpp"

namespace forkcast::model {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TrainingResult SmallModel(Algorithm algorithm, Task task) {
  TrainerOptions options = DefaultOptions(algorithm);
  options.task = task;
  options.classes = 3;
  options.trees = 5;
  options.threads = 1;
  return Train(options, task == Task::kRegression
                            ? NoisyRows(300, 3, 1)
                            : NoisyClasses(300, 3, task == Task::kBinary ? 2 : 3, 1));
}

class SavedModel : public testing::TestWithParam<std::tuple<Algorithm, Task, ModelFormat>> {};

TEST_P(SavedModel, IsTheSameWhenLoadedAgain) {
  const auto [algorithm, task, format] = GetParam();
  const TreeModel model = SmallModel(algorithm, task).model;
  const std::string bytes = *model.Save(format);
  const Result<TreeModel> loaded = TreeModel::Load(bytes);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->task(), task);
  EXPECT_EQ(loaded->features(), model.features());
  EXPECT_EQ(loaded->rounds(), 5U);
  EXPECT_EQ(loaded->output_count(), model.output_count());
  const TrainingData rows = NoisyRows(200, 3, 2);
  EXPECT_EQ(*loaded->Predict(rows.values), *model.Predict(rows.values));
  EXPECT_EQ(*loaded->Save(format), bytes);
}

TEST_P(SavedModel, IsRefusedWhenItsEndIsMissing) {
  const auto [algorithm, task, format] = GetParam();
  const std::string bytes = *SmallModel(algorithm, task).model.Save(format);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 8) {
    const Result<TreeModel> loaded = TreeModel::Load(bytes.substr(0, size));
    ASSERT_FALSE(loaded) << size << " of " << bytes.size();
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SavedModel,
    testing::Combine(testing::Values(Algorithm::kRandomForest, Algorithm::kGradientBoosting),
                     testing::Values(Task::kRegression, Task::kBinary, Task::kMultiClass),
                     testing::Values(ModelFormat::kJson, ModelFormat::kUbj)));

TEST(TreeModel, ScoresRowByRowAsInABatch) {
  const TreeModel model = SmallModel(Algorithm::kRandomForest, Task::kMultiClass).model;
  const TrainingData rows = NoisyRows(300, 3, 4);
  const std::vector<double> batch = *model.Predict(rows.values);
  for (std::size_t i = 0; i < 300; ++i) {
    const auto one = *model.Predict(std::span(rows.values).subspan(i * 3, 3));
    ASSERT_THAT(one, ElementsAre(batch[i * 3], batch[i * 3 + 1], batch[i * 3 + 2])) << i;
  }
  EXPECT_TRUE(model.Predict({})->empty());
}

TEST(TreeModel, RefusesRowsOfAnotherWidth) {
  const TreeModel model = SmallModel(Algorithm::kRandomForest, Task::kRegression).model;
  const std::vector<float> rows(4);
  EXPECT_EQ(model.Predict(rows).error(),
            (Error{ErrorCode::kInvalidArgument, "expected rows of 3 values"}));
}

TEST(TreeModel, KeepsNamesOfFeaturesAsTheyAre) {
  TrainingData data = NoisyRows(100, 3, 1);
  data.features = {"size [m²]", "city=\"Köln\\Bonn\"", "a<b\n{\t}"};
  TrainerOptions options{.trees = 3, .threads = 1};
  for (const ModelFormat format : {ModelFormat::kJson, ModelFormat::kUbj}) {
    const Result<TreeModel> loaded = TreeModel::Load(*Train(options, data).model.Save(format));
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->features(), data.features);
  }
}

TEST(TreeModel, SaysWhatItIsInItsFile) {
  const TreeModel model = SmallModel(Algorithm::kRandomForest, Task::kMultiClass).model;
  const auto learner = nlohmann::json::parse(*model.Save(ModelFormat::kJson)).at("learner");
  EXPECT_EQ(learner.at("attributes").at("forkcast_algorithm"), "random_forest");
  EXPECT_EQ(learner.at("attributes").at("forkcast_task"), "multiclass");
  EXPECT_EQ(learner.at("objective").at("name"), "reg:squarederror");
  EXPECT_EQ(learner.at("learner_model_param").at("num_target"), "3");
  EXPECT_EQ(learner.at("gradient_booster").at("model").at("trees").size(), 15U);
}

TEST(TreeModel, OfAnotherProgramIsRefused) {
  const TreeModel model = SmallModel(Algorithm::kGradientBoosting, Task::kRegression).model;
  auto foreign = nlohmann::json::parse(*model.Save(ModelFormat::kJson));
  foreign["learner"]["attributes"] = nlohmann::json::object();
  EXPECT_THAT(TreeModel::Load(foreign.dump()).error().message, HasSubstr("not written by"));
  for (const std::string bytes : {"", "nothing", "{}", "{\"learner\": 1}", "binf\0\0\0\0"}) {
    EXPECT_EQ(TreeModel::Load(bytes).error().code, ErrorCode::kCorrupt) << bytes;
  }
}

TEST(TreeModel, WeighsFeaturesByWhatTheirSplitsGain) {
  const TreeModel model = SmallModel(Algorithm::kGradientBoosting, Task::kRegression).model;
  const std::vector<FeatureImportance> importances = *model.Importances();
  ASSERT_EQ(importances.size(), 3U);
  double sum = 0;
  for (const FeatureImportance& one : importances) sum += one.share;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_EQ(importances.back().feature, "f2");  // says nothing of the target
  EXPECT_LT(importances.back().share, 0.05);
}

TEST(TreeModel, WithoutASplitWeighsNoFeature) {
  TrainingData data = NoisyRows(100, 3, 1);
  data.target.assign(100, 4);
  const std::vector<FeatureImportance> importances =
      *Train({.trees = 3, .threads = 1}, data).model.Importances();
  EXPECT_THAT(importances, ElementsAre(FeatureImportance{"f0", 0}, FeatureImportance{"f1", 0},
                                       FeatureImportance{"f2", 0}));
}

TEST(XGBoostLibrary, IsTheVersionThatWasTried) {
  EXPECT_THAT(XGBoostLibraryVersion(), testing::StartsWith("1.7."));
}

}  // namespace
}  // namespace forkcast::model
