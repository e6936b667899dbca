// A file that is written and read back answers as the model that it was made of, bit for bit; and
// so does ONNX Runtime, where it can be had (run_onnx.py).

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/export/exported_model.hpp"
#include "model/import/onnx_format.hpp"
#include "model/onnx/graph.hpp"
#include "model/predict/predictor.hpp"
#include "model/predict/published_kinds.hpp"
#include "model/tree/forest_compiler.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::Value;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// Of a shop: a price that is imputed and scaled, a stock as it is, a text in each encoding.
ordered_json Transforms() {
  return ordered_json::parse(R"({"format": "forkcast.transforms", "format_version": 1, "features": [
    {"name": "price", "kind": "number", "fill": 2.3, "mean": 1.7, "deviation": 0.3},
    {"name": "stock", "kind": "number"},
    {"name": "day", "kind": "number", "fill": 3.1},
    {"name": "fruit", "kind": "category", "encoding": "ordinal", "unknown": "missing", "categories": ["apple", "pear"]},
    {"name": "shop", "kind": "category", "encoding": "one_hot", "unknown": "missing", "categories": ["a", "b", "größe"]},
    {"name": "town", "kind": "category", "encoding": "target_mean", "unknown": "missing",
     "categories": ["x", "y"], "means": [0.1, 0.7], "overall_mean": 0.4}]})");
}
const std::vector<std::string> kColumns{"price",  "stock",  "day",        "fruit",
                                        "shop=a", "shop=b", "shop=größe", "town"};

/// What a row may have: as a request gives it.
std::vector<std::vector<Value>> Rows() {
  const std::vector<Value> numbers{Value(), 0.1, 1.7, 2.0, -3.25, 1e30, 0.5};
  const std::vector<Value> fruits{std::string_view("apple"), std::string_view("pear"),
                                  std::string_view("durian"), Value()};
  const std::vector<Value> shops{std::string_view("a"), std::string_view("größe"),
                                 std::string_view("z")};
  const std::vector<Value> towns{std::string_view("x"), std::string_view("y"), Value()};
  std::vector<std::vector<Value>> rows;
  std::mt19937 random(7);
  const auto one_of = [&random](const std::vector<Value>& values) {
    return values[random() % values.size()];
  };
  for (int i = 0; i < 300; ++i) {
    rows.push_back({one_of(numbers), one_of(numbers), one_of(numbers), one_of(fruits),
                    one_of(shops), one_of(towns)});
  }
  return rows;
}

/// Trees of three levels over all columns, with leaves of any size.
ForestSource RandomForest(std::size_t margins, Link link) {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> number(-2, 2);
  ForestSource forest{
      .features = kColumns, .base_margins = {}, .link = link, .trees = {}, .attributes = {}};
  for (std::size_t i = 0; i < margins; ++i) forest.base_margins.push_back(number(random));
  for (std::size_t tree = 0; tree < 7 * margins; ++tree) {
    ForestSource::Tree& added = forest.trees.emplace_back();
    added.margin = static_cast<std::uint32_t>(tree % margins);
    for (std::uint32_t i = 0; i < 7; ++i) {
      ForestSource::Node node{.value = number(random), .weight = 1};
      if (i < 3) {
        node.feature = static_cast<std::uint32_t>(random() % kColumns.size());
        node.left = 2 * i + 1;
        node.right = 2 * i + 2;
        node.missing_goes_right = random() % 2 == 0;
      }
      added.nodes.push_back(node);
    }
  }
  return forest;
}

LinearSource RandomLinear(std::size_t outputs, LinearLink link, Polynomial polynomial) {
  std::mt19937 random(13);
  std::uniform_real_distribution<double> number(-1, 1);
  LinearSource linear{.algorithm = "ridge",
                      .link = link,
                      .features = kColumns,
                      .is_scaled = true,
                      .inputs = {},
                      .polynomial = polynomial,
                      .outputs = {}};
  for (const std::uint32_t feature : {0U, 2U, 5U, 7U}) {
    linear.inputs.push_back({.feature = feature, .mean = number(random), .deviation = 0.7});
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    LinearOutput& output = linear.outputs.emplace_back();
    output.intercept = number(random);
    for (std::size_t k = 0; k < CountTerms(4, polynomial); ++k) {
      output.coefficients.push_back(number(random));
    }
  }
  return linear;
}

std::shared_ptr<const FittedEncoder> EncoderOf(const ordered_json& transforms) {
  FittedTransforms fitted = FittedTransforms::FromJson(JsonNode(transforms));
  std::vector<std::size_t> positions(fitted.inputs().size());
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = i;
  return std::make_shared<const FittedEncoder>(std::move(fitted), std::move(positions));
}

/// What serves the model here.
Predictor Served(const ExportableModel& model) {
  ScoringModel scoring;
  if (const auto* const forest = std::get_if<ForestSource>(&model.scorer)) {
    scoring = ScoringOf(*Forest::FromBytes(CompileForest(*forest)));
  } else {
    scoring = ScoringOf(LinearModel(std::get<LinearSource>(model.scorer)));
  }
  TrainedAnswer answer = ValueAnswer{model.target};
  if (!model.classes.empty()) answer = ClassAnswer{model.classes};
  Result<Predictor> predictor =
      Predictor::Make(std::move(scoring), EncoderOf(model.transforms), std::move(answer));
  EXPECT_TRUE(predictor) << predictor.error().message;
  return *std::move(predictor);
}

/// What serves the file that it is exported to, when that is imported.
Predictor Reread(std::string_view bytes) {
  Result<ImportedModel> model = ImportOnnx(bytes, Rounds::kAll);
  EXPECT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->has_input_names);
  Result<onnx::Graph> graph = onnx::Graph::FromBytes(bytes);
  EXPECT_TRUE(graph) << graph.error().message;
  Result<Predictor> predictor =
      Predictor::Make(ScoringOf(*std::move(graph)), EncoderOf(TransformsJson(model->inputs)),
                      std::move(model->answer));
  EXPECT_TRUE(predictor) << predictor.error().message;
  return *std::move(predictor);
}

std::vector<double> Answer(const Predictor& predictor, const std::vector<Value>& row) {
  std::vector<float> inputs(predictor.input_count());
  EXPECT_TRUE(predictor.Encode(row, inputs));
  const TargetReference reference{.scale = kMissing, .anchor = kMissing};
  std::vector<double> answer(predictor.outputs().size());
  predictor.Predict(inputs, std::span(&reference, 1), answer);
  return answer;
}

ExportableModel ModelOf(std::variant<ForestSource, LinearSource> scorer,
                        std::vector<std::string> classes = {}) {
  return {.name = "demand 1",
          .library_version = "1.0",
          .transforms = Transforms(),
          .classes = std::move(classes),
          .scorer = std::move(scorer)};
}

struct ExportCase {
  const char* name;
  ExportableModel model;

  friend std::ostream& operator<<(std::ostream& out, const ExportCase& one) {
    return out << one.name;
  }
};

class ExportedOnnx : public testing::TestWithParam<ExportCase> {};

TEST_P(ExportedOnnx, IsReadBackAsTheSameBits) {
  const Result<ExportedFile> file = ExportOnnx(GetParam().model);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_THAT(file->notes, IsEmpty());
  const Predictor served = Served(GetParam().model);
  const Predictor reread = Reread(file->bytes);
  ASSERT_TRUE(std::ranges::equal(served.outputs(), reread.outputs(), {}, &OutputColumn::name,
                                 &OutputColumn::name));
  for (const std::vector<Value>& row : Rows()) {
    const std::vector<double> expected = Answer(served, row);
    const std::vector<double> given = Answer(reread, row);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i]) && std::isnan(given[i])) continue;
      ASSERT_EQ(std::bit_cast<std::uint64_t>(expected[i]), std::bit_cast<std::uint64_t>(given[i]))
          << testing::PrintToString(row) << ": " << expected[i] << " and not " << given[i];
    }
  }
}

// ---- by ONNX Runtime ----

/// A Python that has onnxruntime and numpy, from ONNX_PYTHON or the one of the path;
/// empty: there is none.
std::string OnnxPython() {
  const char* const given = std::getenv("ONNX_PYTHON");
  const std::string python = given == nullptr ? "python3" : given;
  const std::string asks = fmt::format("{} -c 'import onnxruntime, numpy' 2> /dev/null", python);
  return std::system(asks.c_str()) == 0 ? python : std::string();
}

std::string RowsAsJson(const std::vector<std::vector<Value>>& rows) {
  const ordered_json transforms = Transforms();
  std::string lines;
  for (const std::vector<Value>& row : rows) {
    ordered_json line;
    std::size_t i = 0;
    for (const ordered_json& feature : transforms["features"]) {
      ordered_json& cell = line[feature["name"].get<std::string>()];
      const Value& value = row[i++];
      if (const auto* const number = std::get_if<double>(&value)) cell = *number;
      if (const auto* const text = std::get_if<std::string_view>(&value)) cell = *text;
    }
    lines += line.dump();
    lines += '\n';
  }
  return lines;
}

/// What ONNX Runtime answers: of classes their probabilities.
std::vector<std::vector<double>> RunOnnx(const std::string& python, std::string_view bytes,
                                         const std::vector<std::vector<Value>>& rows) {
  const preprocessing::TempFolder folder;
  const auto model = folder.Write("model.onnx", bytes);
  const auto asked = folder.Write("rows.jsonl", RowsAsJson(rows));
  const auto answered = folder.path() / "answers.jsonl";
  const std::string command =
      fmt::format("{} {}/tests/model/export/run_onnx.py {} {} > {}", python, FORKCAST_SOURCE_DIR,
                  model.string(), asked.string(), answered.string());
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::vector<std::vector<double>> answers;
  std::ifstream file(answered);
  for (std::string line; std::getline(file, line);) {
    std::vector<double>& answer = answers.emplace_back();
    for (const ordered_json& number : ordered_json::parse(line)) {
      answer.push_back(number.is_null() ? double{kMissing} : number.get<double>());
    }
  }
  return answers;
}

TEST_P(ExportedOnnx, AnswersTheSameInOnnxRuntime) {
  const std::string python = OnnxPython();
  if (python.empty()) {
    GTEST_SKIP() << "no Python with onnxruntime: python3 -m venv V && V/bin/pip install "
                    "onnxruntime==1.32.0, then ONNX_PYTHON=V/bin/python";
  }
  const Result<ExportedFile> file = ExportOnnx(GetParam().model);
  ASSERT_TRUE(file) << file.error().message;
  const Predictor served = Served(GetParam().model);
  const std::vector<std::vector<Value>> rows = Rows();
  const auto answers = RunOnnx(python, file->bytes, rows);
  ASSERT_EQ(answers.size(), rows.size());
  // Trees and divisions are the same number; e^x and sums of products are so but for the last
  // digits.
  const auto* const forest = std::get_if<ForestSource>(&GetParam().model.scorer);
  const bool is_exact = forest != nullptr && forest->link == Link::kIdentity;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::vector<double> expected = Answer(served, rows[row]);
    if (served.outputs().front().name == "class") expected.erase(expected.begin());
    ASSERT_EQ(answers[row].size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i]) && std::isnan(answers[row][i])) continue;
      const double tolerance = is_exact ? 0 : 1e-6 * std::max(1.0, std::abs(expected[i]));
      ASSERT_NEAR(answers[row][i], expected[i], tolerance) << testing::PrintToString(rows[row]);
    }
  }
}

std::vector<ExportCase> ExportCases() {
  const std::vector<std::string> two{"keep", "order"};
  const std::vector<std::string> three{"a", "b", "größe"};
  return {{"AForest", ModelOf(RandomForest(1, Link::kIdentity))},
          {"AForestOfShares", ModelOf(RandomForest(3, Link::kIdentity), three)},
          {"AForestOfTwoClasses", ModelOf(RandomForest(1, Link::kIdentity), two)},
          {"BoostedClasses", ModelOf(RandomForest(3, Link::kSoftmax), three)},
          {"TwoBoostedClasses", ModelOf(RandomForest(1, Link::kSigmoid), two)},
          {"BoostedCounts", ModelOf(RandomForest(1, Link::kExp))},
          {"BoostedRoundedCounts", ModelOf(RandomForest(1, Link::kRoundedExp))},
          {"ALine", ModelOf(RandomLinear(1, LinearLink::kIdentity, {}))},
          {"APolynomial", ModelOf(RandomLinear(1, LinearLink::kIdentity, {.degree = 3}))},
          {"ALogisticRegression", ModelOf(RandomLinear(1, LinearLink::kSigmoid, {}), two)},
          {"LogisticClasses",
           ModelOf(RandomLinear(3, LinearLink::kSoftmax, {.degree = 2, .interaction_only = true}),
                   three)}};
}

INSTANTIATE_TEST_SUITE_P(Cases, ExportedOnnx, testing::ValuesIn(ExportCases()),
                         [](const auto& param) { return param.param.name; });

TEST(ExportOnnx, InvertsALogarithmOfTheTargetButForTheLastDigits) {
  ExportableModel model = ModelOf(RandomForest(1, Link::kIdentity));
  model.target = TargetTransform{.log1p = true};
  const Result<ExportedFile> file = ExportOnnx(model);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_THAT(file->notes, testing::ElementsAre(HasSubstr("target: log1p")));
  const Predictor served = Served(model);
  const Predictor reread = Reread(file->bytes);
  for (const std::vector<Value>& row : Rows()) {
    EXPECT_NEAR(Answer(served, row)[0], Answer(reread, row)[0],
                1e-14 * (1 + std::abs(Answer(served, row)[0])));
  }
}

// ---- what is refused ----

void ExpectRefused(const ExportableModel& model, const char* error) {
  const Result<ExportedFile> file = ExportOnnx(model);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(file.error().message, HasSubstr(error));
}

TEST(ExportOnnx, RefusesATargetInRelationToTheRow) {
  ExportableModel model = ModelOf(RandomForest(1, Link::kIdentity));
  model.target = TargetTransform{.scale = true, .log1p = true};
  ExpectRefused(model, "target: scale+log1p: the answer depends on the row's own scale");
  model.target = TargetTransform{.difference = true};
  ExpectRefused(model, "target: difference: the answer depends on the row's own last value");
}

TEST(ExportOnnx, RefusesTextsThatAreErrors) {
  ExportableModel model = ModelOf(RandomForest(1, Link::kIdentity));
  model.transforms["features"][3]["unknown"] = "error";
  ExpectRefused(model, "feature \"fruit\": \"unknown\": \"error\"");
}

TEST(ExportOnnx, RefusesTestsOfCategories) {
  ForestSource forest = RandomForest(1, Link::kIdentity);
  forest.trees[0].nodes[0].is_category = true;
  ExpectRefused(ModelOf(std::move(forest)), "categories as sets");
}

TEST(ExportOnnx, RefusesALinkThatItDoesNotWrite) {
  ExpectRefused(ModelOf(RandomForest(1, Link::kSignedSquare)), "the link of its objective");
}

TEST(ExportOnnx, RefusesAFeatureThatIsCalledAsTheOutput) {
  ExportableModel model = ModelOf(RandomForest(1, Link::kIdentity));
  model.transforms["features"][1]["name"] = "value";
  ExpectRefused(model, "a feature is called \"value\"");
}

TEST(ExportXGBoost, IsTheModelAsXGBoostSavedIt) {
  ExportableModel model = ModelOf(RandomForest(1, Link::kIdentity));
  model.interchange = "{trees}";
  const Result<ExportedFile> file = ExportXGBoost(model);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->bytes, "{trees}");
  EXPECT_THAT(file->notes, testing::ElementsAre(HasSubstr("price, stock, day, fruit, shop=a")));
}

TEST(ExportXGBoost, RefusesWhatIsNoForest) {
  const Result<ExportedFile> file =
      ExportXGBoost(ModelOf(RandomLinear(1, LinearLink::kIdentity, {})));
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("a linear model"));
}

}  // namespace
}  // namespace forkcast::model
