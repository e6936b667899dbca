#include "model/onnx/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "model/double_parts.hpp"
#include "model/onnx/graph_writer.hpp"
#include "model/onnx/protobuf.hpp"

namespace forkcast::model::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr auto kFloat = ElementType::kFloat;
constexpr auto kInt64 = ElementType::kInt64;

/// Writes a graph of the float columns a, b and c, which are [a, b, c] together, and one output.
using WriteNodes = std::function<std::string(GraphWriter&, const std::string& row)>;

std::string GraphOf(const WriteNodes& write, std::int64_t width, ElementType type = kFloat) {
  GraphWriter writer;
  for (const char* const name : {"a", "b", "c"}) writer.Input(name, kFloat);
  const std::string row = writer.Node("Concat", {"a", "b", "c"}, Attributes().Integer("axis", 1));
  writer.Rename(write(writer, row), "y");
  writer.Output("y", type, width);
  return writer.Finish("graph", "1");
}

std::vector<double> Answer(const Model& model, const std::vector<float>& row) {
  std::vector<double> answer(model.outputs().size());
  model.Predict(row, answer);
  return answer;
}

std::string ErrorOf(std::string_view bytes) {
  const Result<Graph> graph = Graph::FromBytes(bytes);
  EXPECT_FALSE(graph);
  return graph ? "" : graph.error().message;
}

// ---- operators ----

struct OperatorCase {
  const char* name;
  WriteNodes write;
  std::vector<float> row;
  std::vector<double> answer;

  friend std::ostream& operator<<(std::ostream& out, const OperatorCase& one) {
    return out << one.name;
  }
};

class Operator : public testing::TestWithParam<OperatorCase> {};

TEST_P(Operator, AnswersAsItsSpecificationSays) {
  const Result<Graph> graph =
      Graph::FromBytes(GraphOf(GetParam().write, std::ssize(GetParam().answer)));
  ASSERT_TRUE(graph) << graph.error().message;
  const std::vector<double> answer = Answer(*graph, GetParam().row);
  ASSERT_EQ(answer.size(), GetParam().answer.size());
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (std::isnan(GetParam().answer[i])) {
      EXPECT_TRUE(std::isnan(answer[i])) << answer[i];
    } else {
      EXPECT_DOUBLE_EQ(answer[i], GetParam().answer[i]) << i;
    }
  }
}

WriteNodes Ml(const char* op, Attributes attributes) {
  return [op, attributes = std::move(attributes)](GraphWriter& writer, const std::string& row) {
    return writer.MlNode(op, {row}, attributes);
  };
}
WriteNodes Plain(const char* op, Attributes attributes) {
  return [op, attributes = std::move(attributes)](GraphWriter& writer, const std::string& row) {
    return writer.Node(op, {row}, attributes);
  };
}

std::string Floats(GraphWriter& writer, std::vector<double> numbers,
                   std::vector<std::int64_t> dims) {
  return writer.Numbers(kFloat, numbers, std::move(dims));
}
std::string Wholes(GraphWriter& writer, std::vector<double> numbers) {
  return writer.Numbers(kInt64, numbers, {std::ssize(numbers)});
}

std::string OneHot(GraphWriter& writer, const std::string& row, std::int64_t zeros) {
  const std::string first =
      writer.Node("Gather", {row, Wholes(writer, {0})}, Attributes().Integer("axis", 1));
  const std::string ones =
      writer.MlNode("OneHotEncoder", {first},
                    Attributes()
                        .Integers("cats_int64s", std::vector<std::int64_t>{3, 7})
                        .Integer("zeros", zeros));
  return writer.Node("Reshape", {ones, Wholes(writer, {-1, 2})});
}

/// The one support vector [1, 2, 3], which counts twice, and an offset.
Attributes Vectors(const char* kernel, float gamma = 0.5F) {
  return Attributes()
      .Text("kernel_type", kernel)
      .Floats("kernel_params", std::vector{gamma, 1.0F, 2.0F})
      .Floats("support_vectors", std::vector{1.0F, 2.0F, 3.0F})
      .Floats("coefficients", std::vector{2.0F})
      .Floats("rho", std::vector{0.25F});
}

WriteNodes OneVector(const char* kernel) {
  return Ml("SVMRegressor", Vectors(kernel).Integer("n_supports", 1));
}

INSTANTIATE_TEST_SUITE_P(
    OfLaterDays, Operator,
    testing::Values(OperatorCase{"VectorsThatAreTheRow", OneVector("RBF"), {1, 2, 3}, {2.25}},
                    OperatorCase{
                        "VectorsBesideTheRow",
                        OneVector("RBF"),
                        {1, 2, 5},
                        {double{static_cast<float>(2.0 * double{std::exp(-2.0F)} + 0.25)}}},
                    OperatorCase{"VectorsOfAProduct", OneVector("LINEAR"), {1, 1, 1}, {12.25}},
                    OperatorCase{"VectorsOfAPower", OneVector("POLY"), {1, 1, 1}, {32.25}},
                    OperatorCase{
                        "VectorsOfASign",
                        Ml("SVMRegressor",
                           Vectors("LINEAR").Integer("n_supports", 1).Integer("one_class", 1)),
                        {-1, -1, -1},
                        {-1}},
                    OperatorCase{"MaxOfSeveral",
                                 [](GraphWriter& w, const std::string& row) {
                                   return w.Node("Max", {row, Floats(w, {2}, {1}),
                                                         Floats(w, {1, 1, 9}, {3})});
                                 },
                                 {1, 3, 5},
                                 {2, 3, 9}},
                    OperatorCase{"TanhAsOnnxRuntimeComputesIt",
                                 Plain("Tanh", {}),
                                 {1, -2.5F, 20},
                                 {0x1.85efacp-1, -0x1.f92584p-1, 1}},
                    OperatorCase{"MinOfOne", Plain("Min", {}), {1, 3, 5}, {1, 3, 5}},
                    OperatorCase{"ReduceProd",
                                 Plain("ReduceProd",
                                       Attributes().Integers("axes", std::vector<std::int64_t>{1})),
                                 {2, 3, 4},
                                 {24}},
                    OperatorCase{"ReduceSumOfConstants",
                                 [](GraphWriter& w, const std::string& row) {
                                   const std::string sums = w.Node(
                                       "ReduceSum", {Floats(w, {1, 2, 3, 10, 20, 30}, {2, 3})},
                                       Attributes().Integers("axes", std::vector<std::int64_t>{0}));
                                   return w.Node("Add", {row, sums});
                                 },
                                 {1, 2, 3},
                                 {12, 24, 36}},
                    OperatorCase{
                        "ReduceMeanOfAnswersBehindEachOther",
                        [](GraphWriter& w, const std::string& row) {
                          const std::string twice = w.Node("Add", {row, row});
                          const std::string first = w.Node("Reshape", {row, Wholes(w, {1, -1, 3})});
                          const std::string second =
                              w.Node("Reshape", {twice, Wholes(w, {1, -1, 3})});
                          const std::string both =
                              w.Node("Concat", {first, second}, Attributes().Integer("axis", 0));
                          return w.Node("ReduceMean", {both},
                                        Attributes()
                                            .Integers("axes", std::vector<std::int64_t>{0})
                                            .Integer("keepdims", 0));
                        },
                        {2, 4, 8},
                        {3, 6, 12}},
                    OperatorCase{"ReduceLogSumExpOfEquals",
                                 Plain("ReduceLogSumExp",
                                       Attributes().Integers("axes", std::vector<std::int64_t>{1})),
                                 {200, 200, 200},
                                 {double{std::log(3.0F) + 200.0F}}},
                    OperatorCase{"LpNormalization",
                                 Plain("LpNormalization", Attributes().Integer("p", 2)),
                                 {0, 3, -4},
                                 {0, double{3.0F / 5.0F}, double{-4.0F / 5.0F}}},
                    OperatorCase{"LpNormalizationOfNothing",
                                 Plain("LpNormalization", Attributes().Integer("p", 1)),
                                 {0, 0, 0},
                                 {0, 0, 0}},
                    OperatorCase{"ConstantOfTheShapeOfRows",
                                 [](GraphWriter& w, const std::string& row) {
                                   const std::string zeros =
                                       w.Node("ConstantOfShape", {w.Node("Shape", {row})});
                                   return w.Node("Max", {row, zeros});
                                 },
                                 {-1, 0, 5},
                                 {0, 0, 5}},
                    OperatorCase{"ConstantOfNumbersWithoutATensor",
                                 [](GraphWriter& w, const std::string& row) {
                                   const std::string numbers =
                                       w.Node("Constant", {},
                                              Attributes().Floats("value_floats",
                                                                  std::vector{1.0F, 2.0F, 3.0F}));
                                   return w.Node("Add", {row, numbers});
                                 },
                                 {1, 1, 1},
                                 {2, 3, 4}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(Cases, Operator,
                         testing::
                             Values(OperatorCase{"ScalerInFloat",
                                                 Ml("Scaler",
                                                    Attributes()
                                                        .Floats("offset",
                                                                std::vector{1.0F, 0.0F, 2.0F})
                                                        .Floats("scale",
                                                                std::vector{0.1F, 2.0F, 1.0F})),
                                                 {2, 3, 2.5F},
                                                 {static_cast<double>(0.1F), 6, 0.5}},
                                    OperatorCase{"ImputerOfMissing",
                                                 Ml("Imputer",
                                                    Attributes()
                                                        .Floats(
                                                            "imputed_value_floats", std::vector{5.0F})
                                                        .Float("replaced_value_float", NAN)),
                                                 {NAN, 1, NAN},
                                                 {5, 1, 5}},
                                    OperatorCase{"NormalizerBySizes",
                                                 Ml("Normalizer", Attributes().Text("norm", "L1")),
                                                 {1, -2, 1},
                                                 {0.25, -0.5, 0.25}},
                                    OperatorCase{
                                        "NormalizerLeavesNothingAsItIs",
                                        Ml("Normalizer", Attributes().Text("norm", "L2")),
                                        {0, 0, 0},
                                        {0, 0, 0}},
                                    OperatorCase{
                                        "BinarizerAboveItsThreshold",
                                        Ml("Binarizer", Attributes().Float("threshold", 1)),
                                        {1, 1.5F, 0},
                                        {0, 1, 0}},
                                    OperatorCase{"OneHotOfAKnownNumber",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return OneHot(w, row, 1);
                                                 },
                                                 {7.9F, 0, 0},
                                                 {0, 1}},
                                    OperatorCase{"OneHotOfAnUnknownNumber",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return OneHot(w, row, 1);
                                                 },
                                                 {4, 0, 0},
                                                 {0, 0}},
                                    OperatorCase{
                                        "OneHotThatFailsForAnUnknownNumber",
                                        [](GraphWriter& w, const std::string& row) {
                                          return OneHot(w, row, 0);
                                        },
                                        {4, 0, 0},
                                        {kNan, kNan}},
                                    OperatorCase{
                                        "LabelEncoderWithMissingKey",
                                        Ml("LabelEncoder", Attributes()
                                                               .Floats(
                                                                   "keys_floats", std::
                                                                                      vector{2.0F, NAN})
                                                               .Floats("values_floats",
                                                                       std::
                                                                           vector{20.0F, -1.0F})
                                                               .Float("default_float", 9)),
                                        {2, NAN, 3},
                                        {20, -1, 9}},
                                    OperatorCase{"GatherAndConcat",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   const std::string picked =
                                                       w.Node("Gather", {row, Wholes(w, {2, 0})},
                                                              Attributes().Integer("axis", 1));
                                                   return w.Node("Concat", {picked, row},
                                                                 Attributes().Integer("axis", -1));
                                                 },
                                                 {1, 2, 3},
                                                 {3, 1, 1, 2, 3}},
                                    OperatorCase{"ArithmeticWithStretchedConstants",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   const std::string sum = w.Node(
                                                       "Add", {row, Floats(w, {1, 2, 3}, {1, 3})});
                                                   return w.Node("Div", {sum, Floats(w, {2}, {})});
                                                 },
                                                 {1, 2, 3},
                                                 {1, 2, 3}},
                                    OperatorCase{"WhereMissing",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return w.Node("Where",
                                                                 {w.Node("IsNaN", {row}),
                                                                  Floats(w, {4}, {1}), row});
                                                 },
                                                 {NAN, 2, 3},
                                                 {4, 2, 3}},
                                    OperatorCase{"SumOfSeveral",
                                                 [](GraphWriter& w, const std::string& /*row*/) {
                                                   return w.Node("Sum", {"a", "b", "c"});
                                                 },
                                                 {1, 2, 3},
                                                 {6}},
                                    OperatorCase{
                                        "ReduceMaxOfARow",
                                        Plain("ReduceMax",
                                              Attributes().Integers("axes",
                                                                    std::vector<std::int64_t>{1})),
                                        {1, 4, 3},
                                        {4}},
                                    OperatorCase{"ArgMaxTheFirstOfEquals",
                                                 Plain("ArgMax", Attributes().Integer("axis", 1)),
                                                 {1, 4, 4},
                                                 {1}},
                                    OperatorCase{"SoftmaxOfEquals",
                                                 Plain("Softmax", Attributes().Integer("axis", 1)),
                                                 {2, 2, -std::numeric_limits<float>::infinity()},
                                                 {0.5, 0.5, 0}},
                                    OperatorCase{"ClipBetweenConstants",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return w.Node("Clip", {row, w.Number(kFloat, 0),
                                                                          w.Number(kFloat, 1)});
                                                 },
                                                 {-1, 0.5F, 2},
                                                 {0, 0.5, 1}},
                                    OperatorCase{"CastToWholeNumbersCutsThem",
                                                 Plain("Cast", Attributes().Integer("to", 7)),
                                                 {-1.9F, 2.9F, 0},
                                                 {-1, 2, 0}},
                                    OperatorCase{"MatMul",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return w.Node("MatMul",
                                                                 {row, Floats(w, {1, 0, 0, 1, 1, 1},
                                                                              {3, 2})});
                                                 },
                                                 {1, 2, 3},
                                                 {4, 5}},
                                    OperatorCase{"GemmTurnedWithOffset",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return w.Node("Gemm",
                                                                 {row, Floats(w, {1, 2, 3}, {1, 3}),
                                                                  Floats(w, {10}, {1})},
                                                                 Attributes().Integer("transB", 1));
                                                 },
                                                 {1, 1, 1},
                                                 {16}},
                                    OperatorCase{"LinearRegressor",
                                                 Ml("LinearRegressor",
                                                    Attributes()
                                                        .Floats("coefficients",
                                                                std::vector{1.0F, 2.0F, 3.0F})
                                                        .Floats("intercepts", std::vector{0.5F})),
                                                 {1, 1, 1},
                                                 {6.5}},
                                    OperatorCase{"SliceToTheEnd",
                                                 [](GraphWriter& w, const std::string& row) {
                                                   return w.Node("Slice",
                                                                 {row, Wholes(w, {1}),
                                                                  Wholes(w, {9}), Wholes(w, {1})});
                                                 },
                                                 {1, 2, 3},
                                                 {2, 3}}),
                         [](const auto& param) { return param.param.name; });

// ---- trees ----

/// A test of column a with the value 1 in a tree of leaves 10 (passed) and 20, in float.
Attributes TreeOf(const char* mode, std::int64_t tracks, float value = 1) {
  using Integers = std::vector<std::int64_t>;
  return Attributes()
      .Integer("n_targets", 1)
      .Integers("nodes_treeids", Integers{0, 0, 0})
      .Integers("nodes_nodeids", Integers{0, 1, 2})
      .Integers("nodes_featureids", Integers{0, 0, 0})
      .Floats("nodes_values", std::vector{value, 0.0F, 0.0F})
      .Texts("nodes_modes", std::vector<std::string>{mode, "LEAF", "LEAF"})
      .Integers("nodes_truenodeids", Integers{1, 0, 0})
      .Integers("nodes_falsenodeids", Integers{2, 0, 0})
      .Integers("nodes_missing_value_tracks_true", Integers{tracks, 0, 0})
      .Integers("target_treeids", Integers{0, 0})
      .Integers("target_nodeids", Integers{1, 2})
      .Integers("target_ids", Integers{0, 0})
      .Floats("target_weights", std::vector{10.0F, 20.0F});
}

struct ModeCase {
  const char* name;
  const char* mode;
  /// Whether the test is passed by a number below, the same, and above.
  std::array<bool, 3> passes;

  friend std::ostream& operator<<(std::ostream& out, const ModeCase& one) {
    return out << one.name;
  }
};

class Mode : public testing::TestWithParam<ModeCase> {};

TEST_P(Mode, TestsTheThresholdAndItsNeighbours) {
  const float below = std::nextafter(1.0F, 0.0F);
  const float above = std::nextafter(1.0F, 2.0F);
  for (const std::int64_t tracks : {0, 1}) {
    Result<Graph> graph =
        Graph::FromBytes(GraphOf(Ml("TreeEnsembleRegressor", TreeOf(GetParam().mode, tracks)), 1));
    ASSERT_TRUE(graph) << graph.error().message;
    const auto expected = [](bool passes) { return ElementsAre(passes ? 10 : 20); };
    EXPECT_THAT(Answer(*graph, {below, 0, 0}), expected(GetParam().passes[0]));
    EXPECT_THAT(Answer(*graph, {1, 0, 0}), expected(GetParam().passes[1]));
    EXPECT_THAT(Answer(*graph, {above, 0, 0}), expected(GetParam().passes[2]));
    const bool missing_passes = tracks == 1 || std::string_view(GetParam().mode) == "BRANCH_NEQ";
    EXPECT_THAT(Answer(*graph, {NAN, 0, 0}), expected(missing_passes));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Mode,
                         testing::Values(ModeCase{"LessOrEqual", "BRANCH_LEQ", {true, true, false}},
                                         ModeCase{"Less", "BRANCH_LT", {true, false, false}},
                                         ModeCase{
                                             "GreaterOrEqual", "BRANCH_GTE", {false, true, true}},
                                         ModeCase{"Greater", "BRANCH_GT", {false, false, true}},
                                         ModeCase{"Equal", "BRANCH_EQ", {false, true, false}},
                                         ModeCase{"NotEqual", "BRANCH_NEQ", {true, false, true}}),
                         [](const auto& param) { return param.param.name; });

TEST(Graph, IsAForestWhereTreesAreAllThatItIs) {
  Result<Graph> trees =
      Graph::FromBytes(GraphOf(Ml("TreeEnsembleRegressor", TreeOf("BRANCH_LT", 0)), 1));
  ASSERT_TRUE(trees) << trees.error().message;
  EXPECT_EQ(trees->tree_count(), 1U);
  const std::optional<ForestSource> forest = trees->TakeForest();
  ASSERT_TRUE(forest);
  EXPECT_THAT(forest->features, ElementsAre("a", "b", "c"));

  const WriteNodes doubled = [](GraphWriter& writer, const std::string& row) {
    const std::string y = writer.MlNode("TreeEnsembleRegressor", {row}, TreeOf("BRANCH_LT", 0));
    return writer.Node("Add", {y, y});
  };
  Result<Graph> more = Graph::FromBytes(GraphOf(doubled, 1));
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_FALSE(more->TakeForest());
  EXPECT_THAT(Answer(*more, {0, 0, 0}), ElementsAre(20));
  EXPECT_EQ(more->summary(), "TreeEnsembleRegressor, Add");
}

TEST(Graph, TakesOtherNamesForItsColumns) {
  const std::string bytes = GraphOf(Plain("Identity", {}), 3);
  const std::vector<std::string> names{"price", "stock", "größe"};
  const Result<Graph> graph = Graph::FromBytes(NameColumns(bytes, names));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->inputs()[2].name, "größe");
}

// ---- what is refused ----

struct RefusedCase {
  const char* name;
  WriteNodes write;
  const char* error;

  friend std::ostream& operator<<(std::ostream& out, const RefusedCase& one) {
    return out << one.name;
  }
};

class RefusedGraph : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedGraph, IsRefusedByName) {
  EXPECT_THAT(ErrorOf(GraphOf(GetParam().write, 1)), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(Cases, RefusedGraph,
                         testing::Values(
                             RefusedCase{"OfAnUnknownOperator", Plain("TopK", {}), "operator TopK"},
                             RefusedCase{"OfAnUnknownOperatorOfTheOtherDomain",
                                         Ml("DictVectorizer", {}), "operator DictVectorizer"},
                             RefusedCase{
                                 "OfNoSupportVectors",
                                 Ml("SVMRegressor", Vectors("RBF").Integer("n_supports", 0)),
                                 "support_vectors: 3 numbers for 0 vectors"},
                             RefusedCase{
                                 "OfSupportVectorsOfOtherRows",
                                 Ml("SVMRegressor", Vectors("RBF").Integer("n_supports", 3)),
                                 "coefficients: 1 numbers, expected 3"},
                             RefusedCase{
                                 "OfAnUnknownKernel",
                                 Ml("SVMRegressor", Vectors("LAPLACE").Integer("n_supports", 1)),
                                 "kernel_type: \"LAPLACE\" is not understood"},
                             RefusedCase{
                                 "OfAShapeAsNumbers",
                                 [](GraphWriter& w, const std::string& row) {
                                   return w.Node("Add", {w.Node("Shape", {row}), Wholes(w, {1})});
                                 },
                                 "of the shape of rows it is not understood"},
                             RefusedCase{"OfAGroupsUnknownNorm",
                                         Plain("LpNormalization", Attributes().Integer("p", 3)),
                                         "p of 3"},
                             RefusedCase{"OfAValueThatNothingMakes",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node("Add", {row, "forkcast/Add/9"});
                                         },
                                         "a cycle, or is not in order"},
                             RefusedCase{"OfShapesThatDoNotFit",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node("Add", {row, Floats(w, {1, 2}, {2})});
                                         },
                                         "shapes do not fit: 3 and 2"},
                             RefusedCase{"OfNumbersOfTwoTypes",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node("Add", {row, Wholes(w, {1})});
                                         },
                                         "inputs of different types"},
                             RefusedCase{
                                 "AcrossRows",
                                 Plain("ReduceMax",
                                       Attributes().Integers("axes", std::vector<std::int64_t>{0})),
                                 "across rows"},
                             RefusedCase{"AcrossRowsOfAnswersBehindEachOther",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node(
                                               "ReduceMax",
                                               {w.Node("Reshape", {row, Wholes(w, {1, -1, 3})})},
                                               Attributes().Integers("axes",
                                                                     std::vector<std::int64_t>{1}));
                                         },
                                         "across rows"},
                             RefusedCase{"OfAnswersBehindEachOtherThatAreNotSummedUp",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node(
                                               "Exp",
                                               {w.Node("Reshape", {row, Wholes(w, {1, -1, 3})})});
                                         },
                                         "of answers behind each other"},
                             RefusedCase{"OfAnIndexOutOfBounds",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node("Gather", {row, Wholes(w, {3})},
                                                         Attributes().Integer("axis", 1));
                                         },
                                         "index 3 of 3"},
                             RefusedCase{"OfAShapeThatMixesRows",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node("Reshape", {row, Wholes(w, {-1, 1})});
                                         },
                                         "does not keep rows apart"},
                             RefusedCase{"OfAConstantOfAnotherSize",
                                         [](GraphWriter& w, const std::string& row) {
                                           return w.Node("Add", {row, Floats(w, {1, 2}, {3})});
                                         },
                                         "2 elements, but its dimensions say 3"},
                             RefusedCase{"OfTreesThatTestNoColumn",
                                         [](GraphWriter& w, const std::string& row) {
                                           const std::string picked =
                                               w.Node("Slice", {row, Wholes(w, {3}), Wholes(w, {3}),
                                                                Wholes(w, {1})});
                                           return w.MlNode("TreeEnsembleRegressor", {picked},
                                                           TreeOf("BRANCH_LT", 0));
                                         },
                                         "tests column 0 of 0"},
                             RefusedCase{"OfCategoriesOfNoColumn",
                                         [](GraphWriter& w, const std::string& row) {
                                           const std::string none =
                                               w.Node("Slice", {row, Wholes(w, {3}), Wholes(w, {3}),
                                                                Wholes(w, {1})});
                                           const std::string whole = w.Node(
                                               "Cast", {none}, Attributes().Integer("to", 7));
                                           return w.MlNode(
                                               "OneHotEncoder", {whole},
                                               Attributes().Integers(
                                                   "cats_int64s", std::vector<std::int64_t>{3, 7}));
                                         },
                                         "of constants"},
                             RefusedCase{"OfAModeThatIsNone",
                                         Ml("TreeEnsembleRegressor", TreeOf("BRANCH_NEAR", 0)),
                                         "nodes_modes: \"BRANCH_NEAR\""},
                             RefusedCase{"OfATransformThatIsReadInTwoWays",
                                         Ml("TreeEnsemble", Attributes()
                                                                .Integer("n_targets", 2)
                                                                .Integer("post_transform", 1)),
                                         "ONNX Runtime takes 1 for LOGISTIC"},
                             RefusedCase{"OfATransformOfOneTarget",
                                         Ml("TreeEnsemble", Attributes()
                                                                .Integer("n_targets", 1)
                                                                .Integer("post_transform", 3)),
                                         "post_transform: of one target"}),
                         [](const auto& param) { return param.param.name; });

TEST(Graph, RefusesTreesThatGoRoundInACircle) {
  using Integers = std::vector<std::int64_t>;
  const Attributes tree = Attributes()
                              .Integers("nodes_treeids", Integers{0, 0})
                              .Integers("nodes_nodeids", Integers{0, 1})
                              .Integers("nodes_featureids", Integers{0, 0})
                              .Floats("nodes_values", std::vector{1.0F, 0.0F})
                              .Texts("nodes_modes", std::vector<std::string>{"BRANCH_LT", "LEAF"})
                              .Integers("nodes_truenodeids", Integers{0, 0})
                              .Integers("nodes_falsenodeids", Integers{1, 0});
  EXPECT_THAT(ErrorOf(GraphOf(Ml("TreeEnsembleRegressor", tree), 1)),
              HasSubstr("leads back to the root"));
}

TEST(Graph, RefusesConstantsInOtherFiles) {
  MessageWriter place;
  place.Bytes(1, "location");
  place.Bytes(2, "../../etc/passwd");
  MessageWriter tensor;
  tensor.Integer(2, 1);
  tensor.Bytes(8, "weights");
  tensor.Message(13, place);
  MessageWriter graph;
  graph.Message(5, tensor);
  MessageWriter model;
  model.Integer(1, 8);
  model.Message(7, graph);
  EXPECT_THAT(ErrorOf(model.bytes()), HasSubstr("external_data: a constant lies in another file"));
}

TEST(Graph, RefusesTextsAsAnswers) {
  GraphWriter writer;
  writer.Input("a", ElementType::kString);
  writer.Rename(writer.Node("Identity", {"a"}), "y");
  writer.Output("y", ElementType::kString, 1);
  EXPECT_THAT(ErrorOf(writer.Finish("graph", "1")),
              HasSubstr("output \"y\": a text without probabilities of classes"));
}

TEST(Graph, RefusesTextsWhereNumbersAreComputedWith) {
  GraphWriter writer;
  writer.Input("a", ElementType::kString);
  writer.Rename(writer.Node("Abs", {"a"}), "y");
  writer.Output("y", kFloat, 1);
  EXPECT_THAT(ErrorOf(writer.Finish("graph", "1")), HasSubstr("of texts it is not understood"));
}

TEST(Graph, RefusesInputsOfOtherTypes) {
  GraphWriter writer;
  writer.Input("a", ElementType::kUint8);
  writer.Rename(writer.Node("Identity", {"a"}), "y");
  writer.Output("y", ElementType::kUint8, 1);
  EXPECT_THAT(ErrorOf(writer.Finish("graph", "1")), HasSubstr("input \"a\": expected a tensor of"));
}

TEST(Graph, TakesADoubleAsThreeFloats) {
  GraphWriter writer;
  writer.Input("a", ElementType::kDouble);
  writer.Rename(writer.Node("Add", {"a", writer.Number(ElementType::kDouble, 1)}), "y");
  writer.Output("y", ElementType::kDouble, 1);
  const Result<Graph> graph = Graph::FromBytes(writer.Finish("graph", "1"));
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->inputs().size(), kDoubleParts);
  EXPECT_EQ(graph->inputs()[0].name, "a:high");
  for (const double number : {0.1, -1e300, 5e-324}) {
    const auto parts = SplitDouble(number);
    EXPECT_THAT(Answer(*graph, {parts.begin(), parts.end()}), ElementsAre(number + 1));
  }
  EXPECT_TRUE(std::isnan(Answer(*graph, {std::nanf(""), 0, 0})[0]));
}

/// A machine of two classes with a vector each, [0] and [2].
Attributes Pair() {
  return Attributes()
      .Text("kernel_type", "LINEAR")
      .Floats("kernel_params", std::vector{0.0F, 0.0F, 0.0F})
      .Floats("support_vectors", std::vector{0.0F, 2.0F})
      .Integers("vectors_per_class", std::vector<std::int64_t>{1, 1})
      .Floats("coefficients", std::vector{1.0F, -1.0F})
      .Floats("rho", std::vector{2.0F})
      .Integers("classlabels_ints", std::vector<std::int64_t>{0, 1});
}

/// A tensor of rows; of 0 columns a row has one number, and no dimension for it.
MessageWriter TensorOfRows(std::string_view name, ElementType type, std::int64_t columns) {
  MessageWriter rows;
  rows.Bytes(2, "N");
  MessageWriter shape;
  shape.Message(1, rows);
  if (columns > 0) {
    MessageWriter width;
    width.Integer(1, columns);
    shape.Message(1, width);
  }
  MessageWriter tensor;
  tensor.Integer(1, static_cast<std::int64_t>(type));
  tensor.Message(2, shape);
  MessageWriter of;
  of.Message(1, tensor);
  MessageWriter info;
  info.Bytes(1, name);
  info.Message(2, of);
  return info;
}

/// A graph of one node, which gives a label and numbers of the column a.
std::string ClassifierOf(const Attributes& attributes) {
  MessageWriter node;
  node.Bytes(1, "a");
  node.Bytes(2, "label");
  node.Bytes(2, "probabilities");
  node.Bytes(4, "SVMClassifier");
  for (const MessageWriter& attribute : attributes.all()) node.Message(5, attribute);
  node.Bytes(7, "ai.onnx.ml");
  MessageWriter graph;
  graph.Message(1, node);
  graph.Message(11, TensorOfRows("a", kFloat, 1));
  graph.Message(12, TensorOfRows("label", kInt64, 0));
  graph.Message(12, TensorOfRows("probabilities", kFloat, 2));
  MessageWriter model;
  model.Integer(1, 8);
  model.Message(7, graph);
  return model.bytes();
}

TEST(Graph, MakesProbabilitiesOfPairsOfClasses) {
  const Attributes attributes =
      Pair().Floats("prob_a", std::vector{-1.0F}).Floats("prob_b", std::vector{0.0F});
  const Result<Graph> graph = Graph::FromBytes(ClassifierOf(attributes));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(graph->classes(), ElementsAre("0", "1"));
  // The sum of the pair is 2 - 2 a: of the first class it speaks where it is above 0.
  EXPECT_NEAR(Answer(*graph, {1})[0], 0.5, 5e-3);
  EXPECT_NEAR(Answer(*graph, {2})[0], 1 / (1 + std::exp(-2.0)), 5e-3);
  EXPECT_NEAR(Answer(*graph, {0})[0], 1 / (1 + std::exp(2.0)), 5e-3);
}

TEST(Graph, RefusesSumsOfPairsThatAreNoProbabilities) {
  EXPECT_THAT(ErrorOf(ClassifierOf(Pair())), HasSubstr("are scores, and no probabilities"));
}

TEST(Graph, RefusesPairsOfOtherClasses) {
  const Attributes more = Pair().Floats("prob_a", std::vector{1.0F, 1.0F});
  EXPECT_THAT(ErrorOf(ClassifierOf(more)), HasSubstr("prob_b: 0 numbers, expected 2"));
}

TEST(Graph, RefusesClassesWithoutNames) {
  GraphWriter writer;
  writer.Input("a", kFloat);
  const std::string scores = writer.MlNode(
      "LinearRegressor", {"a"},
      Attributes().Integer("targets", 2).Floats("coefficients", std::vector{1.0F, -1.0F}));
  const std::string greatest =
      writer.Node("ArgMax", {scores}, Attributes().Integer("axis", 1).Integer("keepdims", 0));
  writer.Rename(greatest, "label");
  writer.Rename(scores, "probabilities");
  writer.Output("label", kInt64, 0);
  writer.Output("probabilities", kFloat, 2);
  EXPECT_THAT(ErrorOf(writer.Finish("graph", "1")), HasSubstr("what its classes are called"));
}

TEST(Graph, RefusesAnyFileThatIsCutShort) {
  const std::string bytes = GraphOf(Ml("TreeEnsembleRegressor", TreeOf("BRANCH_LT", 0)), 1);
  // What ends behind the graph is whole, but for its opsets.
  const std::size_t graph_end = bytes.rfind("\x42\x04\x0A");
  ASSERT_NE(graph_end, std::string::npos);
  for (std::size_t size = 0; size < graph_end; ++size) {
    EXPECT_FALSE(Graph::FromBytes(bytes.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace forkcast::model::onnx
