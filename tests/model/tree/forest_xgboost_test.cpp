// Forests against XGBoost itself: models of every kind that is read, trained here, are answered bit
// for bit as the library's C interface answers them, in one thread.
//
// And explained as by it, up to 1e-5: it explains in float.
//
// Each model is asked 5,000 rows; FORKCAST_FOREST_ROWS=100000 asks as many.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xgboost/c_api.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_testing.hpp"
#include "model/tree/shap_compiler.hpp"
#include "model/tree/tree_shap.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace forkcast::model {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// ---- XGBoost ----

void Check(int code) {
  if (code != 0) throw std::runtime_error(XGBGetLastError());
}

std::string ArrayOf(std::span<const float> values, std::size_t columns) {
  return R"({"data":[)" + std::to_string(reinterpret_cast<std::uintptr_t>(values.data())) +
         R"(,true],"shape":[)" + std::to_string(values.size() / columns) + "," +
         std::to_string(columns) + R"(],"typestr":"<f4","version":3})";
}

struct FreeMatrix {
  void operator()(void* handle) const noexcept { XGDMatrixFree(handle); }
};
using Matrix = std::unique_ptr<void, FreeMatrix>;

Matrix MatrixOf(std::span<const float> values, std::size_t columns) {
  DMatrixHandle handle = nullptr;
  Check(XGDMatrixCreateFromDense(ArrayOf(values, columns).c_str(), R"({"missing":NaN,"nthread":1})",
                                 &handle));
  return Matrix(handle);
}

struct FreeBooster {
  void operator()(void* handle) const noexcept { XGBoosterFree(handle); }
};

class Trained {
 public:
  Trained(const Matrix& matrix, const Parameters& parameters, int rounds) {
    DMatrixHandle data = matrix.get();
    BoosterHandle handle = nullptr;
    Check(XGBoosterCreate(&data, 1, &handle));
    handle_.reset(handle);
    Check(XGBoosterSetParam(handle, "nthread", "1"));
    for (const auto& [name, value] : parameters) {
      Check(XGBoosterSetParam(handle, name.c_str(), value.c_str()));
    }
    for (int round = 0; round < rounds; ++round) Check(XGBoosterUpdateOneIter(handle, round, data));
  }

  [[nodiscard]] std::string Save(const char* format) const {
    bst_ulong size = 0;
    const char* bytes = nullptr;
    const std::string config = R"({"format":")" + std::string(format) + R"("})";
    Check(XGBoosterSaveModelToBuffer(handle_.get(), config.c_str(), &size, &bytes));
    return {bytes, size};
  }

  /// As its in-place prediction answers.
  [[nodiscard]] std::vector<double> Predict(std::span<const float> rows,
                                            std::size_t columns) const {
    constexpr auto kConfig = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                             R"("strict_shape":true,"cache_id":0,"missing":NaN})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* scores = nullptr;
    Check(XGBoosterPredictFromDense(handle_.get(), ArrayOf(rows, columns).c_str(), kConfig, nullptr,
                                    &shape, &dimensions, &scores));
    return Widen(scores, shape, dimensions);
  }

  /// As it answers rows of a matrix.
  [[nodiscard]] std::vector<double> PredictMatrix(std::span<const float> rows,
                                                  std::size_t columns) const {
    constexpr auto kConfig = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                             R"("strict_shape":true})";
    const Matrix matrix = MatrixOf(rows, columns);
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* scores = nullptr;
    Check(XGBoosterPredictFromDMatrix(handle_.get(), matrix.get(), kConfig, &shape, &dimensions,
                                      &scores));
    return Widen(scores, shape, dimensions);
  }

  /// Rows x margins x (columns and the base), as it explains them.
  [[nodiscard]] std::vector<double> Contributions(std::span<const float> rows,
                                                  std::size_t columns) const {
    constexpr auto kConfig = R"({"type":2,"training":false,"iteration_begin":0,"iteration_end":0,)"
                             R"("strict_shape":true})";
    const Matrix matrix = MatrixOf(rows, columns);
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* contributions = nullptr;
    Check(XGBoosterPredictFromDMatrix(handle_.get(), matrix.get(), kConfig, &shape, &dimensions,
                                      &contributions));
    return Widen(contributions, shape, dimensions);
  }

 private:
  static std::vector<double> Widen(const float* scores, const bst_ulong* shape,
                                   bst_ulong dimensions) {
    std::size_t count = 1;
    for (bst_ulong i = 0; i < dimensions; ++i) count *= shape[i];
    return {scores, scores + count};
  }

  std::unique_ptr<void, FreeBooster> handle_;
};

// ---- models ----

struct Model {
  const char* name = "";
  Parameters parameters{};
  int rounds = 20;
  std::size_t columns = 6;
  std::size_t rows = 1'000;
  double missing = 0.1;
  std::size_t classes = 0;  ///< Labels are 0 .. classes - 1; 0: numbers above 0.
  std::size_t targets = 1;
  std::size_t categories = 0;  ///< The first half of the columns are categories, so many each.

  friend std::ostream& operator<<(std::ostream& out, const Model& model) {
    return out << model.name;
  }
};

class TrainedModel : public testing::TestWithParam<Model> {
 protected:
  TrainedModel() {
    const Model& model = GetParam();
    std::mt19937_64 engine(1);
    std::vector<float> values;
    std::vector<float> labels;
    for (std::size_t row = 0; row < model.rows; ++row) {
      float target = 0.01F;
      for (std::size_t column = 0; column < model.columns; ++column) {
        const bool is_category = model.categories > 0 && column < model.columns / 2;
        const auto value = static_cast<float>(
            is_category ? static_cast<double>(DrawBelow(engine, model.categories))
                        : DrawShare(engine));
        target += is_category ? static_cast<float>(static_cast<int>(value) * 7 % 3)
                              : value * value * static_cast<float>(column % 3);
        values.push_back(DrawShare(engine) < model.missing ? NAN : value);
      }
      for (std::size_t i = 0; i < model.targets; ++i) {
        target += static_cast<float>(DrawShare(engine));
        labels.push_back(model.classes == 0 ? target
                                            : std::fmod(std::floor(target * 2),
                                                        static_cast<float>(model.classes)));
      }
    }
    Check(XGBSetGlobalConfig(R"({"verbosity":0})"));
    const Matrix matrix = MatrixOf(values, model.columns);
    Check(XGDMatrixSetInfoFromInterface(matrix.get(), "label",
                                        ArrayOf(labels, model.targets).c_str()));
    // What survival:aft learns from.
    Check(XGDMatrixSetFloatInfo(matrix.get(), "label_lower_bound", labels.data(), model.rows));
    Check(XGDMatrixSetFloatInfo(matrix.get(), "label_upper_bound", labels.data(), model.rows));
    if (model.categories > 0) {
      std::vector<const char*> types(model.columns, "q");
      std::fill_n(types.begin(), model.columns / 2, "c");
      Check(XGDMatrixSetStrFeatureInfo(matrix.get(), "feature_type", types.data(), types.size()));
    }
    trained_ = std::make_unique<Trained>(matrix, model.parameters, model.rounds);
  }

  static std::size_t RowCount() {
    const char* const asked = std::getenv("FORKCAST_FOREST_ROWS");
    return asked == nullptr ? 5'000 : std::strtoul(asked, nullptr, 10);
  }

  [[nodiscard]] bool is_dart() const {
    return std::ranges::find(GetParam().parameters,
                             std::pair<std::string, std::string>("booster", "dart")) !=
           GetParam().parameters.end();
  }

  std::unique_ptr<Trained> trained_;
};

TEST_P(TrainedModel, IsAnsweredAsByXGBoostBitForBitWhateverItsFormat) {
  const Result<ForestSource> source = ReadXGBoost(trained_->Save("ubj"));
  ASSERT_TRUE(source) << source.error().message;
  ASSERT_EQ(source->features.size(), GetParam().columns);
  std::vector<float> rows = RowsFor(*source, RowCount(), 3);
  std::vector<double> expected;
  if (is_dart()) {
    // In place it subtracts the base from each tree's sum again, which rounds; of a matrix it adds
    // up as it did in training. A matrix takes no infinity.
    for (float& value : rows) value = std::isinf(value) ? 1e30F : value;
    expected = trained_->PredictMatrix(rows, GetParam().columns);
  } else {
    expected = trained_->Predict(rows, GetParam().columns);
  }
  const std::string bytes = CompileForest(*source);
  const Result<ForestSource> text = ReadXGBoost(trained_->Save("json"));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(CompileForest(*text) == bytes);
  EXPECT_EQ(text->attributes, source->attributes);
  for (const ForestKernel& kernel : ForestKernels()) {
    SCOPED_TRACE(kernel.name);
    const Result<Forest> forest = Forest::FromBytes(bytes, kernel);
    ASSERT_TRUE(forest) << forest.error().message;
    std::vector<double> answers(expected.size());
    ASSERT_EQ(expected.size(), RowCount() * forest->outputs().size());
    forest->Predict(rows, answers);
    ExpectSame(answers, expected);
  }
}

TEST_P(TrainedModel, IsExplainedAsByXGBoost) {
  constexpr std::size_t kRows = 30;
  const std::size_t columns = GetParam().columns;
  const Result<ForestSource> source = ReadXGBoost(trained_->Save("ubj"));
  ASSERT_TRUE(source) << source.error().message;
  const Result<TreeShap> shap = TreeShap::FromBytes(CompileShap(*source));
  ASSERT_TRUE(shap) << shap.error().message;
  std::vector<float> rows = RowsFor(*source, kRows, 4);
  for (float& value : rows) value = std::isinf(value) ? 1e30F : value;  // a matrix takes none
  const std::vector<double> expected = trained_->Contributions(rows, columns);
  ASSERT_EQ(expected.size(), kRows * shap->margin_count() * (columns + 1));
  ExplainScratch scratch;
  std::vector<double> contributions(columns);
  auto theirs = expected.begin();
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t margin = 0; margin < shap->margin_count(); ++margin) {
      shap->Explain(std::span(rows).subspan(row * columns, columns), margin, scratch,
                    contributions);
      contributions.push_back(shap->base(margin));
      for (const double ours : contributions) {
        ASSERT_NEAR(ours, *theirs, 1e-5 * std::max(1.0, std::abs(*theirs)))
            << "row " << row << ", margin " << margin;
        ++theirs;
      }
      contributions.pop_back();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, TrainedModel,
    testing::Values(
        Model{.name = "OneStump", .parameters = {{"max_depth", "1"}}, .rounds = 1},
        Model{.name = "OneThousandTreesOfDepthThree",
              .parameters = {{"max_depth", "3"}},
              .rounds = 1'000},
        Model{.name = "DepthSix", .parameters = {{"max_depth", "6"}}, .rounds = 100},
        Model{.name = "DepthTwelve",
              .parameters = {{"max_depth", "12"}, {"eta", "0.1"}},
              .rounds = 30,
              .rows = 5'000},
        Model{.name = "DepthThirty",
              .parameters = {{"max_depth", "30"}, {"min_child_weight", "0"}, {"lambda", "0"}},
              .rounds = 5,
              .rows = 5'000},
        Model{.name = "LeafByLeaf",
              .parameters = {{"tree_method", "hist"},
                             {"grow_policy", "lossguide"},
                             {"max_depth", "0"},
                             {"max_leaves", "300"}},
              .rows = 5'000},
        Model{.name = "PrunedNodesStay",
              .parameters = {{"tree_method", "exact"}, {"gamma", "0.5"}}},
        Model{.name = "NothingMissing", .parameters = {}, .missing = 0},
        Model{.name = "HalfMissing", .parameters = {{"tree_method", "approx"}}, .missing = 0.5},
        Model{.name = "OneColumn", .columns = 1}, Model{.name = "FortyColumns", .columns = 40},
        Model{.name = "NinetyColumns", .columns = 90, .rows = 500},
        Model{.name = "ThreeHundredColumns", .columns = 300, .rows = 500},
        Model{.name = "RandomForest",
              .parameters = {{"num_parallel_tree", "100"},
                             {"eta", "1"},
                             {"subsample", "0.6"},
                             {"colsample_bynode", "0.5"},
                             {"lambda", "0"},
                             {"max_depth", "20"}},
              .rounds = 1},
        Model{.name = "Dart",
              .parameters = {{"booster", "dart"}, {"rate_drop", "0.3"}},
              .rounds = 30},
        Model{.name = "DartOfClasses",
              .parameters = {{"booster", "dart"},
                             {"rate_drop", "0.3"},
                             {"objective", "multi:softprob"},
                             {"num_class", "3"}},
              .classes = 3},
        Model{.name = "CategoriesOneByOne",
              .parameters = {{"tree_method", "hist"}, {"max_cat_to_onehot", "100"}},
              .categories = 12},
        Model{.name = "CategoriesInSets",
              .parameters = {{"tree_method", "hist"}, {"max_cat_to_onehot", "1"}},
              .categories = 90},
        Model{.name = "CategoriesOfManyColumns",
              .parameters = {{"tree_method", "approx"}, {"max_cat_to_onehot", "5"}},
              .columns = 70,
              .categories = 40},
        Model{.name = "SquaredLogError", .parameters = {{"objective", "reg:squaredlogerror"}}},
        Model{.name = "PseudoHuber", .parameters = {{"objective", "reg:pseudohubererror"}}},
        Model{.name = "AbsoluteError", .parameters = {{"objective", "reg:absoluteerror"}}},
        Model{.name = "Linear",
              .parameters = {{"objective", "reg:squarederror"}, {"base_score", "-17.3"}}},
        Model{.name = "Logistic",
              .parameters = {{"objective", "binary:logistic"}, {"base_score", "0.123"}},
              .classes = 2},
        Model{.name = "RegressionLogistic",
              .parameters = {{"objective", "reg:logistic"}, {"base_score", "0.9"}},
              .classes = 2},
        Model{.name = "LogisticMargin",
              .parameters = {{"objective", "binary:logitraw"}, {"base_score", "0.3"}},
              .classes = 2},
        Model{.name = "Hinge", .parameters = {{"objective", "binary:hinge"}}, .classes = 2},
        Model{.name = "Probabilities",
              .parameters = {{"objective", "multi:softprob"}, {"num_class", "5"}},
              .classes = 5},
        Model{.name = "LikeliestClass",
              .parameters = {{"objective", "multi:softmax"}, {"num_class", "4"}},
              .classes = 4},
        Model{.name = "ForestOfClasses",
              .parameters = {{"objective", "multi:softprob"},
                             {"num_class", "3"},
                             {"num_parallel_tree", "5"}},
              .rounds = 3,
              .classes = 3},
        Model{.name = "SeveralTargets", .parameters = {{"tree_method", "hist"}}, .targets = 3},
        Model{.name = "Poisson",
              .parameters = {{"objective", "count:poisson"}, {"base_score", "2.5"}}},
        Model{.name = "Gamma", .parameters = {{"objective", "reg:gamma"}}},
        Model{.name = "Tweedie",
              .parameters = {{"objective", "reg:tweedie"}, {"tweedie_variance_power", "1.4"}}},
        Model{.name = "Cox", .parameters = {{"objective", "survival:cox"}}},
        Model{.name = "AcceleratedFailureTime", .parameters = {{"objective", "survival:aft"}}},
        Model{.name = "RankPairwise", .parameters = {{"objective", "rank:pairwise"}}, .classes = 3},
        Model{.name = "RankNdcg", .parameters = {{"objective", "rank:ndcg"}}, .classes = 3},
        Model{.name = "RankMap", .parameters = {{"objective", "rank:map"}}, .classes = 2}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::model
