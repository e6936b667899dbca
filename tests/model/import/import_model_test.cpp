#include "model/import/import_model.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/table/value.hpp"
#include "model/explainer.hpp"
#include "model/import/imported_version.hpp"
#include "model/import/small_models.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using preprocessing::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Of a shop: prices and stocks of requests, and a text.
constexpr std::string_view kPipeline = R"({
  "name": "shop", "version": "3", "tables": {}, "series": {},
  "request": {"fields": {"stock": {"type": "int64", "nullable": true}, "price": "double",
                         "kind": "text", "time": "timestamp"}, "time": "time"},
  "features": [
    {"op": "field", "field": "kind"},
    {"op": "field", "field": "stock", "missing": "keep"},
    {"op": "field", "field": "price", "group": "money"},
    {"name": "twice", "op": "multiply", "left": "price", "right": "price"}],
  "serving": {"model": "tree.json", "answer": [{"name": "decision", "output": "value"}]},
  "metrics": [{"name": "sum", "sum": "value"}]})";

class ImportModelTest : public testing::Test {
 protected:
  Result<PreparedImport> Prepare(ImportRequest request = {},
                                 const std::string& model = SmallXGBoost()) {
    request.file = folder_.Write("model.json", model);
    request.name = "demand";
    return PrepareImport(request);
  }
  Result<PreparedImport> PrepareForShop(ImportRequest request = {},
                                        const std::string& model = SmallXGBoost()) {
    request.pipeline = folder_.Write("shop.json", kPipeline);
    return Prepare(std::move(request), model);
  }

  /// Publishes it and reads it back.
  Result<ImportedVersion> PublishAndRead(const PreparedImport& prepared) {
    const Registry registry(folder_.path() / "models");
    const Result<std::uint64_t> number =
        registry.Publish("demand", prepared.manifest, prepared.files, {});
    EXPECT_TRUE(number) << number.error().message;
    return ImportedVersion::Read(*registry.Find("demand", "1"));
  }

  /// What a version answers a row of its pipeline's features.
  static std::vector<double> Answer(const Predictor& predictor, const std::vector<Value>& row) {
    std::vector<float> inputs(predictor.input_count());
    const Status encoded = predictor.Encode(row, inputs);
    EXPECT_TRUE(encoded) << encoded.error().message;
    std::vector<double> answer(predictor.outputs().size());
    predictor.Predict(inputs, {}, answer);
    return answer;
  }

  std::string ErrorOf(ImportRequest request, const std::string& model = SmallXGBoost()) {
    const Result<PreparedImport> prepared = Prepare(std::move(request), model);
    EXPECT_FALSE(prepared);
    return prepared ? "" : prepared.error().message;
  }

  preprocessing::TempFolder folder_;
};

TEST_F(ImportModelTest, WithoutAPipelineAsksForTheInputsThemselves) {
  const Result<PreparedImport> prepared = Prepare();
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_THAT(prepared->outputs, ElementsAre("value"));
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  ASSERT_TRUE(version) << version.error().message;
  const auto& fields = version->spec().request.fields.columns;
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0].name, "price");
  EXPECT_EQ(fields[1].name, "stock");
  EXPECT_EQ(version->spec().request.time, "time");
  const Result<Predictor> predictor = version->ReadPredictor();
  ASSERT_TRUE(predictor) << predictor.error().message;
  EXPECT_THAT(Answer(*predictor, {10.0, 2.0}), ElementsAre(1.5));
  EXPECT_THAT(Answer(*predictor, {9.99, Value()}), ElementsAre(4.5));
}

TEST_F(ImportModelTest, CallsTheRequestsTimeOtherwiseWhereTheModelReadsATime) {
  const Result<PreparedImport> prepared = Prepare({.inputs = {"time", "request_time"}});
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  EXPECT_EQ(version->spec().request.time, "request_request_time");
}

TEST_F(ImportModelTest, WithAPipelineMatchesInputsAndFeaturesByName) {
  const Result<PreparedImport> prepared = PrepareForShop();
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->spec().name, "shop");
  EXPECT_FALSE(version->document()["serving"].contains("model"));
  const Result<Predictor> predictor = version->ReadPredictor();
  ASSERT_TRUE(predictor) << predictor.error().message;
  EXPECT_THAT(Answer(*predictor, {std::string_view("x"), std::int64_t{3}, 9.0, 81.0}),
              ElementsAre(4.5));
}

TEST_F(ImportModelTest, TellsOfWhatTheVersionWasMade) {
  const Result<PreparedImport> prepared = PrepareForShop();
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto& manifest = prepared->manifest;
  EXPECT_EQ(manifest["kind"], "imported");
  EXPECT_EQ(manifest["pipeline"]["name"], "shop");
  EXPECT_EQ(manifest["source"]["format"], "xgboost");
  EXPECT_EQ(manifest["source"]["format_version"], "2.1.4");
  EXPECT_EQ(manifest["source"]["file"], "model.json");
  EXPECT_EQ(manifest["source"]["objective"], "reg:squarederror");
  EXPECT_EQ(manifest["source"]["trees"], 2);
  EXPECT_THAT(manifest["source"]["hash"].get<std::string>(), testing::StartsWith("xxh3-128:"));
  EXPECT_EQ(prepared->files.back().path, "source/model");
  EXPECT_EQ(prepared->files.back().bytes, SmallXGBoost());
}

TEST_F(ImportModelTest, ExplainsItsAnswersByThePipelinesFeatures) {
  const Result<PreparedImport> prepared = PrepareForShop();
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  const Result<Predictor> predictor = version->ReadPredictor();
  ASSERT_TRUE(predictor) << predictor.error().message;
  ASSERT_NE(predictor->explainer(), nullptr);
  std::vector<float> inputs(2);
  const std::vector<Value> row{std::string_view("x"), std::int64_t{1}, 11.0, 121.0};
  ASSERT_TRUE(predictor->Encode(row, inputs));
  std::vector<double> answer(1);
  predictor->Predict(inputs, {}, answer);
  Explanation explanation;
  explanation.contributions.resize(4);
  predictor->Explain(inputs, answer, explanation);
  // Half of the rows of training had a price of 10 or more, a quarter a stock of 3 or more.
  EXPECT_DOUBLE_EQ(explanation.base, 0.5 + 0.5 + 1);
  EXPECT_THAT(explanation.contributions, ElementsAre(0, -1, 0.5, 0));
}

/// A tree of LightGBM that is a chain: each test's right child is the next one.
std::string Chain(std::size_t tests) {
  std::string features;
  std::string thresholds;
  std::string left;
  std::string right;
  std::string leaves = "0";
  for (std::size_t i = 0; i < tests; ++i) {
    features += fmt::format("{} ", i % 2);
    thresholds += fmt::format("{} ", i);
    left += fmt::format("{} ", -1 - static_cast<std::int64_t>(i));
    right += fmt::format("{} ", i + 1 < tests ? static_cast<std::int64_t>(i + 1)
                                              : -1 - static_cast<std::int64_t>(tests));
    leaves += fmt::format(" {}", i + 1);
  }
  return fmt::format(
      "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=regression\n"
      "feature_names=price stock\nfeature_infos=[0:1] [0:1]\n\nTree=0\nnum_leaves={}\n"
      "split_feature={}\nthreshold={}\nleft_child={}\nright_child={}\nleaf_value={}\n\n"
      "end of trees\n",
      tests + 1, features, thresholds, left, right, leaves);
}

TEST_F(ImportModelTest, LeavesOutReasonsOfTreesThatAreFarTooDeepForThem) {
  const Result<PreparedImport> usual = Prepare({}, Chain(200));
  ASSERT_TRUE(usual) << usual.error().message;
  EXPECT_THAT(usual->notes, ElementsAre());
  const Result<PreparedImport> deep = Prepare({}, Chain(70'000));
  ASSERT_TRUE(deep) << deep.error().message;
  EXPECT_THAT(deep->notes, ElementsAre(HasSubstr("so deep that reasons of answers")));
  const Result<ImportedVersion> version = PublishAndRead(*deep);
  ASSERT_TRUE(version) << version.error().message;
  const Result<Predictor> predictor = version->ReadPredictor();
  ASSERT_TRUE(predictor) << predictor.error().message;
  EXPECT_EQ(predictor->explainer(), nullptr);
  EXPECT_THAT(Answer(*predictor, {70'000.0, 70'000.0}), ElementsAre(70'000));
}

TEST_F(ImportModelTest, NamesInputsThatTheFileDoesNot) {
  const std::string model = SmallXGBoost("reg:squarederror", "[]");
  EXPECT_THAT(PrepareForShop({}, model).error().message,
              HasSubstr("does not say what the model's 2 inputs are called"));
  const Result<PreparedImport> prepared = PrepareForShop({.inputs = {"twice", "stock"}}, model);
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  const Result<Predictor> predictor = version->ReadPredictor();
  ASSERT_TRUE(predictor) << predictor.error().message;
  EXPECT_THAT(Answer(*predictor, {std::string_view("x"), std::int64_t{0}, 4.0, 16.0}),
              ElementsAre(1.5));
}

TEST_F(ImportModelTest, AnswersClassesByTheirNames) {
  const Result<PreparedImport> prepared =
      Prepare({.classes = {"keep", "order"}}, SmallXGBoost("binary:logistic"));
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_THAT(prepared->outputs, ElementsAre("class", "probability.keep", "probability.order"));
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  const Result<Predictor> predictor = version->ReadPredictor();
  ASSERT_TRUE(predictor) << predictor.error().message;
  const std::vector<double> answer = Answer(*predictor, {10.0, 5.0});
  EXPECT_EQ(answer[0], 1);  // of the base 0.5 the margin is 0
  EXPECT_NEAR(answer[2], 1 / (1 + std::exp(-5.0)), 1e-6);
}

TEST_F(ImportModelTest, NotesHowItsLibraryPredictsWhereRequestsAreItsInputs) {
  const auto predictions = [this](ImportRequest request, std::string_view objective) {
    const auto prepared = Prepare(std::move(request), SmallXGBoost(objective));
    return prepared ? prepared->manifest["predictions"].dump() : prepared.error().message;
  };
  EXPECT_EQ(predictions({}, "reg:squarederror"), R"([{"output":"value"}])");
  EXPECT_EQ(predictions({}, "binary:logistic"), R"([{"output":"probability.1"}])");
  EXPECT_EQ(predictions({.classes = {"no", "yes"}}, "binary:logistic"),
            R"([{"output":"probability.yes"}])");
  EXPECT_EQ(predictions({.predicts_labels = true}, "binary:logistic"),
            R"([{"output":"class","integer":true}])");
  EXPECT_EQ(predictions({.classes = {"no", "yes"}, .predicts_labels = true}, "binary:logistic"),
            R"([{"output":"class"}])");
  const auto of_pipeline = PrepareForShop();
  ASSERT_TRUE(of_pipeline) << of_pipeline.error().message;
  EXPECT_FALSE(of_pipeline->manifest.contains("predictions"));
}

TEST_F(ImportModelTest, ReadsBackHowItsLibraryPredicts) {
  const auto prepared = Prepare();
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto version = PublishAndRead(*prepared);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->prediction_form(), PredictionForm{{.outputs = {"value"}}});
}

TEST_F(ImportModelTest, RefusesAVersionWhosePredictionsContradictThemselves) {
  auto damaged = Prepare();
  ASSERT_TRUE(damaged) << damaged.error().message;
  damaged->manifest["predictions"] =
      preprocessing::ParseJson(R"([{"outputs": ["value"], "keys": ["a", "b"]}])");
  const auto refused = PublishAndRead(*damaged);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("expected a key for each output"));
}

TEST_F(ImportModelTest, TakesTheRoundsUpToTheBestWhereItIsAskedTo) {
  const std::string model =
      SmallXGBoost("reg:squarederror", R"(["price", "stock"])", R"({"best_iteration": "0"})");
  const Result<PreparedImport> all = Prepare({}, model);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->manifest["source"]["trees"], 2);
  EXPECT_THAT(all->notes, ElementsAre(HasSubstr("found round 0 of 0 to 1 best")));
  const Result<PreparedImport> best = Prepare({.rounds = Rounds::kBest}, model);
  ASSERT_TRUE(best) << best.error().message;
  EXPECT_EQ(best->manifest["source"]["trees"], 1);
  EXPECT_THAT(best->notes, IsEmpty());
  EXPECT_THAT(ErrorOf({.rounds = Rounds::kBest}), HasSubstr("names no best one of its 2 rounds"));
  const Result<PreparedImport> if_named = Prepare({.rounds = Rounds::kBestIfNamed}, model);
  ASSERT_TRUE(if_named) << if_named.error().message;
  EXPECT_EQ(if_named->manifest["source"]["trees"], 1);
  const Result<PreparedImport> none_named = Prepare({.rounds = Rounds::kBestIfNamed});
  ASSERT_TRUE(none_named) << none_named.error().message;
  EXPECT_EQ(none_named->manifest["source"]["trees"], 2);
}

// ---- predictions that were stored with it ----

TEST_F(ImportModelTest, FindsThatPredictionsAgree) {
  const Result<PreparedImport> prepared =
      Prepare({.check = folder_.Write("check.csv", "stock,value,price\n2,1.5,10\n,4.5000001,9\n")});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(prepared->check->rows, 2U);
  EXPECT_EQ(prepared->check->differing, 0U);
  EXPECT_NEAR(prepared->check->greatest, 1e-7 / 4.5, 1e-9);
  EXPECT_EQ(prepared->manifest["check"]["rows"], 2);
}

TEST_F(ImportModelTest, SaysWhichPredictionDiffersFirst) {
  const Result<PreparedImport> prepared =
      Prepare({.check = folder_.Write("check.csv", "price,stock,value\n10,2,1.5\n9,2,7\n9,2,\n")});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(prepared->check->differing, 2U);
  EXPECT_EQ(prepared->check->first_difference, "line 3, value: expected 7, got 0.5");
}

TEST_F(ImportModelTest, ComparesClasses) {
  const Result<PreparedImport> prepared =
      Prepare({.check = folder_.Write("check.csv", "price,stock,class\n10,5,1\n9,1,1\n")},
              SmallXGBoost("binary:logistic"));
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(prepared->check->first_difference, "line 3, class: expected 1, got 0");
}

TEST_F(ImportModelTest, RefusesPredictionsOfNothing) {
  EXPECT_THAT(ErrorOf({.check = folder_.Write("check.csv", "price,stock,y\n1,2,3\n")}),
              HasSubstr("expected a column of predictions, called as an output: value"));
  EXPECT_THAT(ErrorOf({.check = folder_.Write("check.csv", "price,stock,value\n")}),
              HasSubstr("no row to compare"));
  EXPECT_THAT(ErrorOf({.check = folder_.Write("check.csv", "price,value\n1,2\n")}),
              HasSubstr("stock"));
  EXPECT_THAT(ErrorOf({.check = folder_.path() / "none.csv"}), HasSubstr("none.csv"));
}

// ---- what is refused ----

struct RefusedCase {
  const char* name;
  std::string from;  ///< What is replaced in the pipeline,
  std::string to;
  ImportRequest request;
  const char* error;

  friend std::ostream& operator<<(std::ostream& out, const RefusedCase& one) {
    return out << one.name;
  }
};

class RefusedImport : public ImportModelTest, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedImport, IsRefusedWithItsReason) {
  std::string pipeline(kPipeline);
  const std::size_t at = pipeline.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  pipeline.replace(at, GetParam().from.size(), GetParam().to);
  ImportRequest request = GetParam().request;
  request.pipeline = folder_.Write("shop.json", pipeline);
  EXPECT_THAT(ErrorOf(request), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedImport,
    testing::Values(
        RefusedCase{
            "OfAFeatureThatIsNotThere",
            R"("field": "stock", "missing")",
            R"("name": "stocks", "field": "stock", "missing")",
            {},
            R"(reads "stock", and the pipeline has no feature of this name; did you mean "stocks"?)"},
        RefusedCase{"OfATextWhereTheModelReadsANumber",
                    R"("field": "kind")",
                    R"("name": "unused", "field": "kind")",
                    {.inputs = {"unused", "stock"}},
                    "reads \"unused\" as a number, and the pipeline's feature is a text"},
        RefusedCase{"OfTooFewNames",
                    "shop",
                    "shop",
                    {.inputs = {"price"}},
                    "--inputs: 1 names, but the model reads 2 numbers"},
        RefusedCase{"OfANameTwice",
                    "shop",
                    "shop",
                    {.inputs = {"price", "price"}},
                    "two inputs are called \"price\""},
        RefusedCase{"OfClassesOfANumber",
                    "shop",
                    "shop",
                    {.classes = {"a", "b"}},
                    "--classes: the model (reg:squarederror) tells no classes apart"},
        RefusedCase{"OfAnAnswerThatTheModelDoesNotGive",
                    R"("output": "value")",
                    R"("output": "class")",
                    {},
                    "answer names the output \"class\", and the model has: value"},
        RefusedCase{"OfAMetricThatTheModelDoesNotGive",
                    R"("sum": "value")",
                    R"("sum": "score")",
                    {},
                    "metrics names the output \"score\", and the model has: value"},
        RefusedCase{"OfAPipelineThatIsNone",
                    R"("series": {},)",
                    "",
                    {},
                    "shop.json: $: missing key \"series\""}),
    [](const auto& param) { return param.param.name; });

TEST_F(ImportModelTest, RefusesInputsThatNoRequestCanHave) {
  EXPECT_THAT(ErrorOf({}, SmallXGBoost("reg:squarederror", R"x(["price (EUR)", "stock"])x")),
              HasSubstr("input \"price (EUR)\" cannot be a field of a request"));
}

TEST_F(ImportModelTest, NamesTheFileThatIsNotThere) {
  const Result<PreparedImport> prepared =
      PrepareImport({.file = folder_.path() / "none.ubj", .name = "demand"});
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(prepared.error().message, HasSubstr("none.ubj"));
}

TEST_F(ImportModelTest, RefusesAVersionWhoseTransformsAreAnothers) {
  Result<PreparedImport> prepared = Prepare();
  ASSERT_TRUE(prepared) << prepared.error().message;
  for (ArtefactFile& file : prepared->files) {
    if (!file.path.ends_with(kTransformsEnding)) continue;
    const std::size_t at = file.bytes.find("stock");
    ASSERT_NE(at, std::string::npos);
    file.bytes.replace(at, 5, "stick");
  }
  const Result<ImportedVersion> version = PublishAndRead(*prepared);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_THAT(version->ReadPredictor().error().message,
              HasSubstr("1.transforms.json: $.transforms: the pipeline has no feature \"stick\""));
}

}  // namespace
}  // namespace forkcast::model
