#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/base/random.hpp"
#include "model/learn/linear/linear_trainers.hpp"
#include "model/linear/linear_model.hpp"

namespace forkcast::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Data {
  std::vector<std::string> features;
  std::vector<float> values;
  std::vector<double> target;
  std::vector<double> weights{};

  [[nodiscard]] TrainingRows rows() const {
    return {.features = features, .values = values, .target = target, .weights = weights};
  }
  [[nodiscard]] std::span<const float> row(std::size_t at) const {
    return std::span(values).subspan(at * features.size(), features.size());
  }
};

/// Numbers of 0..1 a row, and as target 5 + 2 a - 3 b and noise of 0..0.1, or its class.
Data Invent(Task task, std::size_t rows, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  Data data{.features = {"a", "b", "noise"}, .values = {}, .target = {}};
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      data.values.push_back(static_cast<float>(DrawShare(engine)));
    }
    const auto row = data.row(i);
    const double y = 5 + 2.0 * row[0] - 3.0 * row[1] + 0.1 * DrawShare(engine);
    if (task == Task::kRegression) data.target.push_back(y);
    if (task == Task::kBinary) data.target.push_back(y > 4.5 ? 1 : 0);
    if (task == Task::kMultiClass) data.target.push_back(y > 5.3 ? 2 : y > 3.8 ? 1 : 0);
  }
  return data;
}

LearningSetting SettingOf(Task task) { return {.task = task, .classes = 3}; }

Result<std::optional<TrainedModel>> TryTrain(const LinearOptions& options, const Data& data,
                                             Task task = Task::kRegression,
                                             const OnRound& on_round = {}) {
  return MakeLinearTrainer(options)->Train(data.rows(), SettingOf(task), on_round);
}

TrainedModel Train(const LinearOptions& options, const Data& data, Task task = Task::kRegression) {
  auto trained = TryTrain(options, data, task);
  if (!trained) throw std::runtime_error(trained.error().message);
  return std::move(**trained);
}

std::vector<double> Predict(const TrainedModel& trained, const Data& data) {
  const Model& model = *trained.scoring.model;
  std::vector<double> out(data.target.size() * model.outputs().size());
  model.Predict(data.values, out);
  return out;
}

struct Kind {
  std::string name;
  LinearOptions options;
  Task task;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class EveryLinearTrainer : public testing::TestWithParam<Kind> {
 protected:
  const Data data_ = Invent(GetParam().task, 3000, 1);
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryLinearTrainer,
    testing::Values(Kind{"Ridge", {.algorithm = LinearAlgorithm::kRidge}, Task::kRegression},
                    Kind{"Lasso",
                         {.algorithm = LinearAlgorithm::kLasso, .alpha = 0.001, .l1_ratio = 1},
                         Task::kRegression},
                    Kind{"ElasticNet",
                         {.algorithm = LinearAlgorithm::kElasticNet, .alpha = 0.001},
                         Task::kRegression},
                    Kind{"RidgeOfSquaresOfTheBest",
                         {.algorithm = LinearAlgorithm::kRidge,
                          .is_scaled = true,
                          .best = BestFeatures{.k = 2, .score = FeatureScore::kMutualInformation},
                          .polynomial = {.degree = 2}},
                         Task::kRegression},
                    Kind{"Logistic", {.algorithm = LinearAlgorithm::kLogistic}, Task::kBinary},
                    Kind{"LogisticOfThree",
                         {.algorithm = LinearAlgorithm::kLogistic, .is_scaled = true},
                         Task::kMultiClass}),
    [](const auto& kind) { return kind.param.name; });

TEST_P(EveryLinearTrainer, ForecastsRowsThatItHasNotSeen) {
  const TrainedModel trained = Train(GetParam().options, data_, GetParam().task);
  const Data unseen = Invent(GetParam().task, 400, 2);
  const std::vector<double> scores = Predict(trained, unseen);
  const std::size_t outputs = trained.scoring.model->outputs().size();
  std::size_t right = 0;
  for (std::size_t i = 0; i < unseen.target.size(); ++i) {
    const auto row = std::span(scores).subspan(i * outputs, outputs);
    if (GetParam().task == Task::kRegression) {
      right += std::abs(row[0] - unseen.target[i]) < 0.1 ? 1 : 0;
      continue;
    }
    const std::size_t label =
        outputs == 1 ? (row[0] > 0.5 ? 1 : 0)
                     : static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    right += static_cast<double>(label) == unseen.target[i] ? 1 : 0;
  }
  EXPECT_GT(right, 370U);
}

TEST_P(EveryLinearTrainer, PublishesWhatItJudgesByBitForBit) {
  const TrainedModel trained = Train(GetParam().options, data_, GetParam().task);
  ASSERT_EQ(trained.parts.size(), 1U);
  const auto read = LinearModel::Parse(trained.parts[0].bytes);
  ASSERT_TRUE(read) << read.error().message;
  std::vector<double> out(data_.target.size() * read->outputs().size());
  read->Predict(data_.values, out);
  EXPECT_EQ(out, Predict(trained, data_));
}

TEST_P(EveryLinearTrainer, WritesTheSameBytesForTheSameRows) {
  EXPECT_EQ(Train(GetParam().options, data_, GetParam().task).parts[0].bytes,
            Train(GetParam().options, data_, GetParam().task).parts[0].bytes);
}

TEST_P(EveryLinearTrainer, TakesARowOfWeightTwoForTwoRowsAndLearnsNothingFromWeightZero) {
  LinearOptions options = GetParam().options;
  options.is_scaled = false;  // scaling and choosing do not weigh
  options.best.reset();
  options.tolerance = 1e-13;
  Data once = data_;
  Data twice = data_;
  once.weights.assign(once.target.size(), 1);
  twice.target.clear();
  twice.values.clear();
  for (std::size_t i = 0; i < once.target.size(); ++i) {
    once.weights[i] = static_cast<double>(i % 3);
    for (std::size_t time = 0; time < i % 3; ++time) {
      twice.target.push_back(once.target[i]);
      twice.values.insert(twice.values.end(), once.row(i).begin(), once.row(i).end());
    }
  }
  const auto a = Predict(Train(options, once, GetParam().task), data_);
  const auto b = Predict(Train(options, twice, GetParam().task), data_);
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-6);
}

TEST_P(EveryLinearTrainer, FindsTheFeaturesThatTell) {
  const auto importances = Train(GetParam().options, data_, GetParam().task).importances;
  ASSERT_EQ(importances.size(), 3U);
  EXPECT_EQ(importances[0].feature, "b");
  EXPECT_EQ(importances[1].feature, "a");
  EXPECT_LT(importances[2].share, 0.1);
  EXPECT_NEAR(importances[0].share + importances[1].share + importances[2].share, 1, 1e-12);
}

TEST_P(EveryLinearTrainer, StopsWhenItIsCancelled) {
  const auto trained = TryTrain(GetParam().options, data_, GetParam().task,
                                [](const TrainingProgress&) { return false; });
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_FALSE(trained->has_value());
}

TEST_P(EveryLinearTrainer, RefusesAMissingValueWithItsFeature) {
  Data data = data_;
  data.values[3 * 7 + 1] = std::numeric_limits<float>::quiet_NaN();
  const auto trained = TryTrain(GetParam().options, data, GetParam().task);
  ASSERT_FALSE(trained);
  EXPECT_EQ(trained.error().field, "b");
  EXPECT_THAT(trained.error().message, HasSubstr("missing in 1 of 3000 rows"));
}

TEST(RidgeTrainer, LearnsALineAndAConstant) {
  const Data line{.features = {"x"}, .values = {0, 1, 2, 3}, .target = {1, 3, 5, 7}};
  const auto on_line = Predict(Train({.alpha = 0}, line), line);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(on_line[i], line.target[i], 1e-12);
  Data constant = line;
  constant.target = {4, 4, 4, 4};
  EXPECT_THAT(Predict(Train({.alpha = 0}, constant), constant), ElementsAre(4, 4, 4, 4));
}

TEST(RidgeTrainer, GivesAFeatureThatIsAlwaysTheSameNoCoefficient) {
  const Data data{
      .features = {"x", "same"}, .values = {0, 7, 1, 7, 2, 7, 3, 7}, .target = {1, 3, 5, 7}};
  const auto trained = Train({.alpha = 1, .is_scaled = true}, data);
  const auto& model = dynamic_cast<const LinearModel&>(*trained.scoring.model);
  EXPECT_EQ(model.source().outputs[0].coefficients[1], 0);
}

struct SingularCase {
  std::string name;
  Data data;
  std::string feature;  ///< One of these is named, parted by |.
};

void PrintTo(const SingularCase& one, std::ostream* out) { *out << one.name; }

class RidgeWithoutPenalty : public testing::TestWithParam<SingularCase> {};

TEST_P(RidgeWithoutPenalty, RefusesColumnsThatSayTheSame) {
  const auto trained = TryTrain({.alpha = 0}, GetParam().data);
  ASSERT_FALSE(trained);
  EXPECT_EQ(trained.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(trained.error().message,
              AllOf(HasSubstr("says nothing that the other terms do not say"),
                    HasSubstr("give an alpha above 0")));
  EXPECT_THAT(GetParam().feature, HasSubstr(trained.error().field));
  EXPECT_TRUE(TryTrain({.alpha = 1e-3}, GetParam().data));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RidgeWithoutPenalty,
    testing::Values(
        SingularCase{"OneTwice",
                     {.features = {"x", "z", "again"},
                      .values = {1, 5, 1, 2, 1, 2, 3, 9, 3, 4, 0, 4, 7, 3, 7},
                      .target = {1, 2, 3, 4, 5}},
                     "x|again"},
        SingularCase{"ASumInFloats",
                     {.features = {"x", "z", "sum"},
                      .values = {0.1F, 5.3F, 0.1F + 5.3F, 2.7F, 1.9F, 2.7F + 1.9F, 3.3F, 9.1F,
                                 3.3F + 9.1F, 4.7F, 0.3F, 4.7F + 0.3F, 7.9F, 3.1F, 7.9F + 3.1F},
                      .target = {1, 2, 3, 4, 5}},
                     "x|z|sum"},
        SingularCase{
            "AlwaysTheSame",
            {.features = {"x", "same"}, .values = {0, 7, 1, 7, 2, 7, 3, 7}, .target = {1, 3, 5, 7}},
            "same"},
        SingularCase{"FewerRowsThanFeatures",
                     {.features = {"x", "z", "u"}, .values = {1, 2, 9, 4, 5, 1}, .target = {1, 2}},
                     "x|z|u"}),
    [](const auto& param) { return param.param.name; });

TEST(BestFeaturesOfATrainer, AreRefusedWhereFewerDiffer) {
  const Data data{.features = {"x", "same", "also"},
                  .values = {0, 7, 1, 1, 7, 1, 2, 7, 1, 3, 7, 1},
                  .target = {1, 3, 5, 7}};
  const auto trained =
      TryTrain({.best = BestFeatures{.k = 2, .score = FeatureScore::kFRegression}}, data);
  ASSERT_FALSE(trained);
  EXPECT_EQ(trained.error().message,
            "k_best asks for 2 features, and 1 of 3 differ between the 4 rows to learn from; "
            "always the same: same, also");
}

TEST(BestFeaturesOfATrainer, ArePublishedAlone) {
  const Data data = Invent(Task::kRegression, 200, 3);
  const auto trained =
      Train({.best = BestFeatures{.k = 2, .score = FeatureScore::kFRegression}}, data);
  const auto& model = dynamic_cast<const LinearModel&>(*trained.scoring.model);
  ASSERT_EQ(model.source().inputs.size(), 2U);
  EXPECT_EQ(model.source().inputs[0].feature, 0U);
  EXPECT_EQ(model.source().inputs[1].feature, 1U);
}

TEST(LassoTrainer, SaysWhatToDoWhenItDoesNotConverge) {
  const auto trained = TryTrain({.algorithm = LinearAlgorithm::kLasso,
                                 .alpha = 1e-9,
                                 .l1_ratio = 1,
                                 .polynomial = {.degree = 3},
                                 .tolerance = 1e-15,
                                 .max_rounds = 3},
                                Invent(Task::kRegression, 200, 3));
  ASSERT_FALSE(trained);
  EXPECT_EQ(trained.error().field, "max_rounds");
  EXPECT_THAT(trained.error().message,
              AllOf(HasSubstr("after 3 rounds"), HasSubstr("scale the features")));
}

TEST(PolynomialOfATrainer, IsRefusedWhereItHasTooManyTerms) {
  Data data{.features = {}, .values = {}, .target = {1, 2, 3}};
  for (int i = 0; i < 100; ++i) data.features.push_back("f" + std::to_string(i));
  for (std::size_t i = 0; i < 300; ++i) data.values.push_back(static_cast<float>(i % 17));
  const auto trained = TryTrain({.polynomial = {.degree = 5}}, data);
  ASSERT_FALSE(trained);
  EXPECT_THAT(trained.error().message,
              HasSubstr("products of up to 5 of 100 features are too many terms for 3 rows"));
}

}  // namespace
}  // namespace forkcast::model
