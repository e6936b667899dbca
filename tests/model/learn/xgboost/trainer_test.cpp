#include "model/learn/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <numeric>
#include <ostream>
#include <tuple>

#include "model/learn/xgboost/training_data.hpp"

namespace forkcast::model {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNaNFloat = std::numeric_limits<float>::quiet_NaN();

TreeOptions Options(const TreeAlgorithm* algorithm, Task task = Task::kRegression) {
  TreeOptions options = algorithm->defaults();
  options.task = task;
  options.classes = 3;
  options.trees = 30;
  options.threads = 1;
  return options;
}

TrainingData DataFor(Task task, std::size_t rows, std::uint64_t seed) {
  if (task == Task::kRegression) return NoisyRows(rows, 5, seed);
  return NoisyClasses(rows, 5, task == Task::kBinary ? 2 : 3, seed);
}

double RootMeanSquare(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

struct Kind {
  std::string name;
  const TreeAlgorithm* algorithm;
  Task task;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class EveryTrainer : public testing::TestWithParam<Kind> {
 protected:
  const TreeOptions options_ = Options(GetParam().algorithm, GetParam().task);
  const TrainingData data_ = DataFor(GetParam().task, 2000, 1);
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryTrainer,
    testing::Values(Kind{"ForestRegression", &kRandomForest, Task::kRegression},
                    Kind{"ForestBinary", &kRandomForest, Task::kBinary},
                    Kind{"ForestMultiClass", &kRandomForest, Task::kMultiClass},
                    Kind{"BoostingRegression", &kGradientBoosting, Task::kRegression},
                    Kind{"BoostingBinary", &kGradientBoosting, Task::kBinary},
                    Kind{"BoostingMultiClass", &kGradientBoosting, Task::kMultiClass}),
    [](const auto& kind) { return kind.param.name; });

TEST_P(EveryTrainer, ForecastsRowsThatItHasNotSeen) {
  const TrainedModel trained = Train(options_, data_);
  const TrainingData unseen = DataFor(GetParam().task, 500, 2);
  const std::vector<double> scores = Predict(trained, unseen.values);
  const std::size_t outputs = trained.scoring.model->outputs().size();
  ASSERT_EQ(scores.size(), 500 * outputs);
  if (GetParam().task == Task::kRegression) {
    EXPECT_LT(RootMeanSquare(scores, unseen.target), 0.25);  // the target's own spread is 1.3
    return;
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < unseen.target.size(); ++i) {
    const auto row = std::span(scores).subspan(i * outputs, outputs);
    const std::size_t label =
        outputs == 1 ? (row[0] > 0.5 ? 1 : 0)
                     : static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    if (static_cast<double>(label) == unseen.target[i]) ++right;
  }
  EXPECT_GT(right, 450U);
}

/// What turns a margin into the output is monotone, and of classes here one: the odds.
TEST_P(EveryTrainer, LeavesWhatExplainsItsAnswers) {
  const TrainedModel trained = Train(options_, data_);
  ASSERT_NE(trained.scoring.explainer, nullptr);
  const Explainer& explainer = *trained.scoring.explainer;
  const Model& model = *trained.scoring.model;
  const std::size_t columns = data_.features.size();
  const std::size_t outputs = model.outputs().size();
  ASSERT_EQ(explainer.input_count(), columns);
  ASSERT_EQ(explainer.margin_count(), outputs);
  ExplainScratch scratch;
  std::vector<double> contributions(columns);
  for (std::size_t row = 0; row < 50; ++row) {
    const auto values = std::span(data_.values).subspan(row * columns, columns);
    std::vector<double> answer(outputs);
    model.Predict(values, answer);
    std::vector<double> margins;
    for (std::size_t margin = 0; margin < outputs; ++margin) {
      explainer.Explain(values, margin, scratch, contributions);
      margins.push_back(
          std::accumulate(contributions.begin(), contributions.end(), explainer.base(margin)));
    }
    std::vector<double> expected = margins;
    if (explainer.scale() == MarginScale::kLogOdds) {
      expected = {1 / (1 + std::exp(-margins[0]))};
    } else if (explainer.scale() == MarginScale::kRaw) {
      double sum = 0;
      for (const double margin : margins) sum += std::exp(margin);
      for (double& share : expected) share = std::exp(share) / sum;
    }
    EXPECT_THAT(answer, testing::Pointwise(testing::DoubleNear(1e-5), expected)) << row;
  }
}

TEST_P(EveryTrainer, WritesTheSameBytesForTheSameRowsAndSeed) {
  // Few and shallow trees: two threads that must wait for a busy CPU at every level are slow.
  TreeOptions options = options_;
  options.trees = 3;
  options.max_depth = 5;
  options.row_share = 0.7;
  options.columns_per_tree = 0.8;
  options.columns_per_node = 0.5;
  options.threads = 1;
  options.seed = 0;
  const std::string bytes = BytesOf(Train(options, data_));
  EXPECT_EQ(BytesOf(Train(options, data_)), bytes);
  options.threads = 2;
  EXPECT_EQ(BytesOf(Train(options, data_)), bytes);
  options.seed = 1;
  EXPECT_NE(BytesOf(Train(options, data_)), bytes);
}

TEST_P(EveryTrainer, DoesNotDependOnWhatTheThreadTrainedBefore) {
  TreeOptions options = options_;
  options.columns_per_node = 0.5;
  const std::string first = BytesOf(Train(options, data_));
  TreeOptions other = options;
  other.seed = 99;
  (void)Train(other, DataFor(GetParam().task, 100, 5));
  EXPECT_EQ(BytesOf(Train(options, data_)), first);
}

TEST_P(EveryTrainer, AnswersProbabilitiesThatAddUpOrNumbersWithinTheTarget) {
  const TrainedModel trained = Train(options_, data_);
  const std::vector<double> scores = Predict(trained, data_.values);
  const std::size_t outputs = trained.scoring.model->outputs().size();
  EXPECT_EQ(outputs, GetParam().task == Task::kMultiClass ? 3U : 1U);
  if (GetParam().task == Task::kRegression) {
    EXPECT_THAT(scores, Each(testing::AllOf(testing::Gt(-2.1), testing::Lt(3.3))));
    return;
  }
  EXPECT_THAT(scores, Each(testing::AllOf(testing::Ge(0), testing::Le(1.000001))));
  for (std::size_t i = 0; outputs > 1 && i < scores.size(); i += outputs) {
    EXPECT_NEAR(scores[i] + scores[i + 1] + scores[i + 2], 1, 1e-6);
  }
}

TEST_P(EveryTrainer, TellsEachRoundAndItsEnd) {
  std::vector<std::size_t> rounds;
  const TrainedModel trained = Train(options_, data_, [&](const TrainingProgress& progress) {
    EXPECT_EQ(progress.rounds, 30U);
    rounds.push_back(progress.round);
    return true;
  });
  std::vector<std::size_t> expected(30);
  std::iota(expected.begin(), expected.end(), std::size_t{1});
  EXPECT_EQ(rounds, expected);
  EXPECT_EQ(trained.rounds, 30U);
}

TEST_P(EveryTrainer, StopsAtTheRoundThatCancels) {
  std::size_t calls = 0;
  const auto result = MakeTreeTrainer(options_)->Train(
      data_.rows(), options_, [&](const TrainingProgress&) { return ++calls < 3; });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->has_value());
  EXPECT_EQ(calls, 3U);
}

TEST_P(EveryTrainer, TakesARowOfWeightTwoForTwoRows) {
  // Few values a column, so that the histogram has the same bins whatever the weights.
  TrainingData once = data_;
  for (float& value : once.values) value = std::round(value * 8);
  TrainingData twice = once;
  once.weights.assign(once.target.size(), 1);
  for (std::size_t i = 0; i < once.target.size(); i += 2) {
    once.weights[i] = 2;
    twice.target.push_back(twice.target[i]);
    for (std::size_t column = 0; column < 5; ++column) {
      twice.values.push_back(twice.values[i * 5 + column]);
    }
  }
  if (GetParam().algorithm == &kRandomForest) {
    // Bootstrap samples of the two differ; their averages over many trees come close.
    TreeOptions options = options_;
    options.max_depth = 3;
    options.trees = 300;
    const auto a = Predict(Train(options, once), data_.values);
    const auto b = Predict(Train(options, twice), data_.values);
    EXPECT_LT(RootMeanSquare(a, b), 0.05);
    return;
  }
  const auto a = Predict(Train(options_, once), data_.values);
  const auto b = Predict(Train(options_, twice), data_.values);
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-4);
}

TEST_P(EveryTrainer, LearnsNothingFromRowsOfWeightZero) {
  TrainingData few = data_;
  for (float& value : few.values) value = std::round(value * 8);
  TrainingData more = few;
  few.weights.assign(few.target.size(), 1);
  more.weights = few.weights;
  for (std::size_t i = 0; i < 500; ++i) {
    more.target.push_back(i % 2 == 0 ? 0 : 1);
    more.weights.push_back(0);
    for (std::size_t column = 0; column < 5; ++column) {
      more.values.push_back(more.values[i * 5 + column]);
    }
  }
  TreeOptions options = options_;
  if (GetParam().algorithm == &kRandomForest) {
    options.row_share = 10;  // every row is in every sample of either
    options.max_depth = 2;
    options.columns_per_node = 1;
  }
  const auto a = Predict(Train(options, few), data_.values);
  const auto b = Predict(Train(options, more), data_.values);
  const double tolerance = GetParam().algorithm == &kRandomForest ? 0.05 : 1e-4;
  EXPECT_LT(RootMeanSquare(a, b), tolerance);
}

TEST(ForestTrainer, AveragesTheMeansOfBootstrapSamples) {
  // One column of two values: a tree's leaves are the means of the drawn rows of either value.
  TrainingData data{.features = {"x"}, .values = {}, .target = {}};
  std::mt19937_64 numbers(3);
  for (std::size_t i = 0; i < 40; ++i) {
    data.values.push_back(i % 4 == 0 ? 1 : 0);
    data.target.push_back(100 * DrawShare(numbers) + (i % 4 == 0 ? 1000 : 0));
  }
  TreeOptions options = Options(&kRandomForest);
  options.columns_per_node = 1;
  options.min_child_weight = 1;
  options.trees = 7;
  options.seed = 11;

  double expected_zero = 0;
  double expected_one = 0;
  std::mt19937_64 draws(11);
  for (int tree = 0; tree < 7; ++tree) {
    double sum[2] = {};
    double count[2] = {};
    for (int draw = 0; draw < 40; ++draw) {
      const std::size_t row = DrawBelow(draws, 40);
      sum[row % 4 == 0 ? 1 : 0] += data.target[row];
      ++count[row % 4 == 0 ? 1 : 0];
    }
    expected_zero += sum[0] / count[0] / 7;
    expected_one += sum[1] / count[1] / 7;
  }
  const TrainedModel trained = Train(options, data);
  const std::vector<float> rows{0, 1};
  EXPECT_THAT(Predict(trained, rows), ElementsAre(testing::DoubleNear(expected_zero, 1e-3),
                                                  testing::DoubleNear(expected_one, 1e-3)));
}

/// 0..9 in each row, and a target of that plus noise of 0 on, of which half is below 1 and the mean
/// is 1.44: an exponential distribution.
TrainingData SkewedRows(std::size_t rows) {
  std::mt19937_64 engine(3);
  TrainingData data{.features = {"x"}, .values = {}, .target = {}};
  for (std::size_t i = 0; i < rows; ++i) {
    data.values.push_back(static_cast<float>(i % 10));
    data.target.push_back(static_cast<double>(i % 10) - std::log2(1 - DrawShare(engine)));
  }
  return data;
}

TEST(AbsoluteErrors, AreLeastAtTheMedian) {
  TreeOptions options = Options(&kGradientBoosting);
  options.objective = Objective::kAbsoluteError;
  options.trees = 200;
  options.learning_rate = 0.1;
  const TrainedModel trained = Train(options, SkewedRows(20'000));
  for (int x = 0; x < 10; ++x) {
    const std::vector<float> row{static_cast<float>(x)};
    EXPECT_NEAR(Predict(trained, row).front(), x + 1, 0.1);
  }
}

TEST(AbsoluteErrors, AreApproachedAsTheLearningRateSays) {
  const TrainingData data = SkewedRows(2'000);
  TreeOptions options = Options(&kGradientBoosting);
  options.objective = Objective::kAbsoluteError;
  options.trees = 1;
  std::vector<double> sorted = data.target;
  std::ranges::sort(sorted);
  const double start = sorted[sorted.size() / 2 - 1];  // the median, from which trees start
  const auto moved = [&](double learning_rate) {
    options.learning_rate = learning_rate;
    return Predict(Train(options, data), std::vector<float>{9}).front() - start;
  };
  EXPECT_GT(moved(1), 1);
  EXPECT_NEAR(moved(0.1) / moved(1), 0.1, 0.03);
  EXPECT_NEAR(moved(0.5) / moved(1), 0.5, 0.03);
}

TEST(AbsoluteErrors, OfRowsWithoutWeightCarryNothingAway) {
  TrainingData data = SkewedRows(2'000);
  for (std::size_t i = 0; i < data.target.size(); ++i) {
    data.weights.push_back(data.values[i] < 5 ? 0 : 1);
    if (data.values[i] < 5 && i % 3 == 0) data.target[i] = 1000;
  }
  TreeOptions options = Options(&kGradientBoosting);
  options.objective = Objective::kAbsoluteError;
  options.trees = 100;
  const TrainedModel trained = Train(options, data);
  EXPECT_THAT(Predict(trained, data.values),
              Each(testing::AllOf(testing::Gt(0.0), testing::Lt(20.0))));
}

struct ConstantCase {
  std::string name;
  const TreeAlgorithm* algorithm;
  Objective objective;
  std::vector<double> target;
  double answer;
};

void PrintTo(const ConstantCase& one, std::ostream* out) { *out << one.name; }

class NothingToSplitBy : public testing::TestWithParam<ConstantCase> {};

TEST_P(NothingToSplitBy, IsAnsweredWithTheBestConstant) {
  TreeOptions options = Options(GetParam().algorithm);
  options.objective = GetParam().objective;
  TrainingData data{.features = {"x"}, .values = {}, .target = GetParam().target};
  data.values.assign(data.target.size(), 1);
  options.row_share = options.algorithm == &kRandomForest ? 10 : 1;
  const TrainedModel trained = Train(options, data);
  const std::vector<float> rows{1, 5, kNaNFloat};
  const double tolerance =
      std::abs(GetParam().answer) * (options.algorithm == &kRandomForest ? 0.1 : 2e-7);
  EXPECT_THAT(Predict(trained, rows), Each(testing::DoubleNear(GetParam().answer, tolerance)));
}

constexpr const TreeAlgorithm* kForest = &kRandomForest;
constexpr const TreeAlgorithm* kBoosting = &kGradientBoosting;

INSTANTIATE_TEST_SUITE_P(
    Cases, NothingToSplitBy,
    testing::Values(
        ConstantCase{"MeanOfSquaredErrors", kBoosting, Objective::kSquaredError, {1, 2, 9}, 4},
        ConstantCase{"MedianOfAbsoluteErrors", kBoosting, Objective::kAbsoluteError, {1, 2, 9}, 2},
        // Sum of 1 / y over sum of 1 / y^2; the 0 counts for nothing.
        ConstantCase{"RelativeErrors",
                     kBoosting,
                     Objective::kSquaredRelativeError,
                     {1, 2, 4, 0},
                     1.75 / 1.3125},
        ConstantCase{"MeanOfAForest", kForest, Objective::kSquaredError, {4, 5, 6}, 5},
        ConstantCase{"RelativeErrorsOfAForest",
                     kForest,
                     Objective::kSquaredRelativeError,
                     {1, 2, 4, 0},
                     1.75 / 1.3125}),
    [](const auto& one) { return one.param.name; });

class ConstantTarget : public testing::TestWithParam<std::tuple<const TreeAlgorithm*, double>> {};

TEST_P(ConstantTarget, IsAnswered) {
  const auto [algorithm, constant] = GetParam();
  TrainingData data = NoisyRows(200, 3, 5);
  data.target.assign(200, constant);
  const TrainedModel trained = Train(Options(algorithm), data);
  const std::vector<double> answers = Predict(trained, data.values);
  for (const double answer : answers) {
    ASSERT_FLOAT_EQ(static_cast<float>(answer), static_cast<float>(constant));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ConstantTarget,
                         testing::Combine(testing::Values(kForest, kBoosting),
                                          testing::Values(0, 1, 0.1, -3.7, 12345.678, 1e-12,
                                                          7.7e20)));

TEST(Trainers, LearnFromMissingValues) {
  TrainingData data{.features = {"x"}, .values = {}, .target = {}};
  for (int i = 0; i < 100; ++i) {
    data.values.push_back(i % 2 == 0 ? kNaNFloat : 1);
    data.target.push_back(i % 2 == 0 ? 8 : 2);
  }
  for (const TreeAlgorithm* const algorithm : {kForest, kBoosting}) {
    TreeOptions options = Options(algorithm);
    options.learning_rate = 1;
    options.lambda = 0;
    const TrainedModel trained = Train(options, data);
    const std::vector<float> rows{kNaNFloat, 1};
    EXPECT_THAT(Predict(trained, rows),
                ElementsAre(testing::DoubleNear(8, 1e-4), testing::DoubleNear(2, 1e-4)));
  }
}

TEST(EarlyStopping, KeepsTheRoundsWithTheLeastValidationError) {
  TreeOptions options = Options(kBoosting);
  options.trees = 500;
  options.learning_rate = 0.5;
  options.early_stopping = EarlyStopping{.rounds = 10};
  TrainingData data = NoisyRows(600, 5, 7);
  data.validation_rows = 200;
  std::vector<double> errors;
  const TrainedModel trained = Train(options, data, [&](const TrainingProgress& progress) {
    errors.push_back(progress.validation_error.value());
    return true;
  });
  const auto best = std::ranges::min_element(errors);
  EXPECT_EQ(trained.rounds, static_cast<std::size_t>(best - errors.begin()) + 1);
  EXPECT_EQ(errors.size(), trained.rounds + 10);
  EXPECT_EQ(trained.validation_error, *best);
  const std::vector<double> scores =
      Predict(trained, std::span(data.values).subspan(std::size_t{400} * 5));
  EXPECT_NEAR(RootMeanSquare(scores, std::span(data.target).subspan(400)), *best, 1e-5);
}

TEST(EarlyStopping, LearnsNothingFromTheValidationRows) {
  TreeOptions options = Options(kBoosting);
  options.trees = 1;
  options.early_stopping = EarlyStopping{};
  TrainingData data = NoisyRows(600, 5, 7);
  data.validation_rows = 200;
  const std::string before = BytesOf(Train(options, data));
  std::fill(data.target.begin() + 400, data.target.end(), 1000);
  std::fill(data.values.begin() + std::ptrdiff_t{400} * 5, data.values.end(), 0.25F);
  EXPECT_EQ(BytesOf(Train(options, data)), before);
}

TEST(EarlyStopping, RefitsOnAllRowsWithAsManyRounds) {
  TreeOptions options = Options(kBoosting);
  options.trees = 500;
  options.learning_rate = 0.5;
  options.early_stopping = EarlyStopping{.rounds = 10};
  TrainingData data = NoisyRows(600, 5, 7);
  data.validation_rows = 200;
  const std::size_t best = Train(options, data).rounds;
  options.early_stopping->refit = true;
  TrainingProgress last;
  const TrainedModel refitted = Train(options, data, [&](const TrainingProgress& progress) {
    last = progress;
    return true;
  });
  EXPECT_EQ(refitted.rounds, best);
  EXPECT_EQ(last.round, last.rounds);

  options.early_stopping.reset();
  options.trees = best;
  data.validation_rows = 0;
  EXPECT_EQ(Predict(refitted, data.values), Predict(Train(options, data), data.values));
}

struct BadRows {
  std::string name;
  std::function<void(TreeOptions&, TrainingData&)> spoil;
  std::string message;
};

void PrintTo(const BadRows& one, std::ostream* out) { *out << one.name; }

class BadRowsTest : public testing::TestWithParam<BadRows> {};

TEST_P(BadRowsTest, AreRefusedBeforeATreeIsGrown) {
  TrainingData data = NoisyRows(20, 2, 9);
  TreeOptions options = Options(kBoosting);
  GetParam().spoil(options, data);
  for (const TreeAlgorithm* const algorithm : {kForest, kBoosting}) {
    if (options.early_stopping && algorithm == kForest) continue;
    options.algorithm = algorithm;
    bool has_begun = false;
    const auto result = MakeTreeTrainer(options)->Train(
        data.rows(), options, [&](const TrainingProgress&) { return has_begun = true; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(result.error().message, HasSubstr(GetParam().message));
    EXPECT_FALSE(has_begun);
  }
}

using O = TreeOptions;
using D = TrainingData;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Cases, BadRowsTest,
    testing::Values(
        BadRows{"NoRow", [](O&, D& d) { d = {.features = {"x"}, .values = {}, .target = {}}; },
                "at least 2 are needed, and there are 0"},
        BadRows{"OneRow", [](O&, D& d) { d.target.resize(1), d.values.resize(2); },
                "at least 2 are needed, and there are 1"},
        BadRows{"OneRowBesideThoseOfValidation",
                [](O& o, D& d) { o.early_stopping = EarlyStopping{}, d.validation_rows = 19; },
                "at least 2 are needed, and there are 1"},
        BadRows{"MoreValidationRowsThanRows",
                [](O& o, D& d) { o.early_stopping = EarlyStopping{}, d.validation_rows = 21; },
                "at least 2 are needed, and there are 0"},
        BadRows{"NoFeature", [](O&, D& d) { d.features.clear(), d.values.clear(); }, "no feature"},
        BadRows{"ValuesOfAnotherLength", [](O&, D& d) { d.values.pop_back(); },
                "expected 20 rows of 2 values, got 39 values"},
        BadRows{"WeightsOfAnotherLength", [](O&, D& d) { d.weights = {1}; },
                "a weight for each of 20 rows, got 1"},
        BadRows{"MissingTarget", [](O&, D& d) { d.target[3] = d.target[7] = NAN; },
                "the target of 2 of 20 rows is not a finite number, first of row 3"},
        BadRows{"InfiniteTarget", [](O&, D& d) { d.target[3] = -kInfinity; }, "first of row 3"},
        BadRows{"TargetBeyondFloat", [](O&, D& d) { d.target[0] = 1e39; }, "first of row 0"},
        BadRows{"InfiniteFeature",
                [](O&, D& d) { d.values[5] = std::numeric_limits<float>::infinity(); },
                "infinite in row 2"},
        BadRows{"NegativeWeight", [](O&, D& d) { d.weights.assign(20, 1), d.weights[4] = -1; },
                "the weight of row 4"},
        BadRows{"MissingWeight", [](O&, D& d) { d.weights.assign(20, 1), d.weights[4] = NAN; },
                "the weight of row 4"},
        BadRows{"NoWeightAtAll", [](O&, D& d) { d.weights.assign(20, 0); },
                "weights of all rows to learn from are 0"},
        BadRows{"NoWeightOfValidationRows",
                [](O& o, D& d) {
                  o.early_stopping = EarlyStopping{};
                  d.validation_rows = 5;
                  d.weights.assign(20, 1);
                  std::fill(d.weights.begin() + 15, d.weights.end(), 0);
                },
                "the weights of all validation rows are 0"},
        BadRows{"RelativeErrorsOfZeros",
                [](O& o, D& d) {
                  o.objective = Objective::kSquaredRelativeError;
                  d.target.assign(20, 0);
                },
                "a target other than 0"},
        BadRows{"OneClass", [](O& o, D& d) { o.task = Task::kBinary, d.target.assign(20, 1); },
                "all rows to learn from are of class 1"},
        BadRows{"AClassThatIsNone",
                [](O& o, D& d) {
                  o.task = Task::kBinary;
                  d.target.assign(20, 1);
                  d.target[6] = 2;
                },
                "expected a class from 0 to 1, got 2 in row 6"},
        BadRows{"HalfAClass",
                [](O& o, D& d) {
                  o.task = Task::kMultiClass;
                  d.target.assign(20, 1);
                  d.target[6] = 0.5;
                },
                "expected a class from 0 to 2, got 0.5 in row 6"},
        BadRows{"EarlyStoppingWithoutRows", [](O& o, D&) { o.early_stopping = EarlyStopping{}; },
                "early stopping needs validation rows"},
        BadRows{"ValidationRowsForNothing", [](O&, D& d) { d.validation_rows = 5; },
                "only early stopping has validation rows"}),
    [](const auto& one) { return one.param.name; });

struct TailCase {
  std::string name;
  std::vector<std::int64_t> periods;
  double share;
  std::size_t rows;
};

void PrintTo(const TailCase& one, std::ostream* out) { *out << one.name; }

class ValidationTailTest : public testing::TestWithParam<TailCase> {};

TEST_P(ValidationTailTest, HoldsBackWholePeriodsAtTheEnd) {
  EXPECT_EQ(ValidationTail(GetParam().periods, GetParam().share), GetParam().rows);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ValidationTailTest,
    testing::Values(TailCase{"NoRows", {}, 0.5, 0}, TailCase{"OnePeriod", {3, 3, 3}, 0.5, 0},
                    TailCase{"AtLeastOnePeriod", {1, 2, 3, 4, 4}, 0.01, 2},
                    TailCase{"NeverAll", {1, 1, 2}, 0.9, 1},
                    TailCase{"AShareOfPeriodsNotOfRows", {1, 1, 1, 1, 2, 3, 4}, 0.5, 2},
                    TailCase{"PeriodsMayBeLeftOut", {1, 1, 5, 9, 9, 9}, 0.34, 3}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::model
