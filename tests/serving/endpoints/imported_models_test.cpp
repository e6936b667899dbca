#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"
#include "model/import/small_models.hpp"
#include "serving/endpoints/order_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;

/// A model of XGBoost (SmallXGBoost) that was imported.
class ImportedModelsTest : public testing::Test {
 protected:
  /// Imports it and serves the version.
  void Serve(model::ImportRequest request = {}, const std::string& bytes = model::SmallXGBoost()) {
    request.file = folder_.Write("model.json", bytes);
    request.name = "demand";
    const auto prepared = model::PrepareImport(request);
    ASSERT_TRUE(prepared) << prepared.error().message;
    const std::filesystem::path models = folder_.path() / "models";
    ASSERT_TRUE(model::Registry(models).Publish("demand", prepared->manifest, prepared->files, {},
                                                "champion"));
    auto loaded = LoadDeployments(
        std::vector{Deployment{.name = "demand", .model = "demand@champion", .origin = "--deploy"}},
        models);
    ASSERT_TRUE(loaded) << loaded.error().message;
    test_.service.catalogue.Serve(*std::move(loaded));
  }

  json Ask(const json& row, std::string_view query = {}) {
    const Response response = PostTo(test_.router, row.dump(), {.query = query});
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  TestService test_{slots_, 0, clock_};
};

TEST_F(ImportedModelsTest, AnswerTheirInputs) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  EXPECT_EQ(Ask({{"price", 10}, {"stock", 2}}), (json{{"value", 1.5}}));
  EXPECT_EQ(Ask({{"price", 9.5}, {"stock", nullptr}}), (json{{"value", 4.5}}));
  EXPECT_EQ(Ask(json::array({{{"price", 10}, {"stock", 3}}, {{"price", nullptr}}})),
            json::parse(R"([{"value": 5.5}, {"value": 4.5}])"));
}

TEST_F(ImportedModelsTest, AnswerRowsOfCsv) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  const Response csv =
      PostTo(test_.router, "stock,price\n2,10\n,1\n", {.content_type = "text/csv"});
  EXPECT_EQ(csv.body, "value\n1.5\n4.5\n");
}

TEST_F(ImportedModelsTest, AnswerClassesWithTheirProbabilities) {
  ASSERT_NO_FATAL_FAILURE(
      Serve({.classes = {"keep", "order"}}, model::SmallXGBoost("binary:logistic")));
  const json answer = Ask({{"price", 1}, {"stock", 1}});
  EXPECT_EQ(answer,
            (json{{"class", "keep"}, {"probability.keep", 0.5}, {"probability.order", 0.5}}));
}

TEST_F(ImportedModelsTest, AnswerWhatMlflowSendsAsItsServerDoes) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  const json expected = json::parse(R"({"predictions": [1.5, 4.5, 5.5]})");
  const auto ask = [this](const std::string& body) {
    const Response response = PostTo(test_.router, body, {});
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  };
  for (const char* const body : {
           R"({"dataframe_split": {"columns": ["stock", "price"],
                                   "data": [[2, 10], [NaN, 9.5], [3, 10]]}})",
           R"({"dataframe_split": {"data": [[2, 10], [null, 9.5], [3, 10]],
                                   "columns": ["stock", "price"]}})",
           R"({"dataframe_split": {"columns": ["other", "stock", "price"], "index": [7, 8, 9],
                                   "data": [["x", 2, 10], ["y", NaN, 9.5], [NaN, 3, 10]]}})",
           R"({"dataframe_records": [{"stock": 2, "price": 10}, {"price": 9.5, "stock": NaN},
                                     {"stock": 3, "price": 10}], "params": {"any": 1}})",
           R"({"inputs": [{"stock": 2, "price": 10}, {"price": 9.5}, {"stock": 3, "price": 10}]})",
           R"({"inputs": {"price": [10, 9.5, 10], "stock": [2, NaN, 3]}})",
           R"({"params": {}, "inputs": {"price": [[10], [9.5], [10]], "stock": [2, null, 3]}})",
       }) {
    EXPECT_EQ(ask(body), expected) << body;
  }
  EXPECT_EQ(ask(R"({"dataframe_records": []})"), json::parse(R"({"predictions": []})"));
}

TEST_F(ImportedModelsTest, AnswerWithNamesWhereMoreIsAskedThanPredictions) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  const json rows = json::parse(R"({"instances": [{"price": 10, "stock": 2}]})");
  EXPECT_EQ(Ask(rows)["predictions"][0], 1.5);
  for (const char* const query : {"features=true", "explain=true", "freshness=true"}) {
    EXPECT_EQ(Ask(rows, query)["predictions"][0]["value"], 1.5) << query;
  }
  const json one_bad = json::parse(R"({"instances": [{"price": "x"}, {"price": 10, "stock": 2}]})");
  const json partial = Ask(one_bad, "partial=true")["predictions"];
  EXPECT_EQ(partial[0]["error"]["field"], "price");
  EXPECT_EQ(partial[1], 1.5);
}

TEST_F(ImportedModelsTest, AnswerTheSecondOfTwoClassesWithItsProbability) {
  ASSERT_NO_FATAL_FAILURE(
      Serve({.classes = {"keep", "order"}}, model::SmallXGBoost("binary:logistic")));
  EXPECT_EQ(Ask(json::parse(R"({"inputs": [{"price": 1, "stock": 1}]})")),
            json::parse(R"({"predictions": [0.5]})"));
}

TEST_F(ImportedModelsTest, AnswerTheClassWhereTheirLibraryPredictsIt) {
  ASSERT_NO_FATAL_FAILURE(Serve({.predicts_labels = true}, model::SmallXGBoost("binary:logistic")));
  EXPECT_EQ(Ask(json::parse(R"({"inputs": [{"price": 1, "stock": 1}]})")),
            json::parse(R"({"predictions": [0]})"));
}

TEST_F(ImportedModelsTest, AnswerCsvAsMlflowWhereTheServerIsToldTo) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  test_.service.csv_as_predictions = true;
  const std::string body = "stock,price\n2,10\n,1\n";
  const Response usual = PostTo(test_.router, body, {.content_type = "text/csv"});
  EXPECT_EQ(usual.content_type, "application/json");
  EXPECT_EQ(json::parse(usual.body), json::parse(R"({"predictions": [1.5, 4.5]})"));
  const Response any = PostTo(test_.router, body, {.content_type = "text/csv", .accept = "*/*"});
  EXPECT_EQ(any.body, usual.body);
  const Response csv =
      PostTo(test_.router, body, {.content_type = "text/csv", .accept = "text/csv"});
  EXPECT_EQ(csv.body, "value\n1.5\n4.5\n");
}

TEST_F(ImportedModelsTest, ReadTheFeaturesOfAPipeline) {
  const auto pipeline = folder_.Write("shop.json", R"({
    "name": "shop", "version": "1", "tables": {}, "series": {},
    "request": {"fields": {"stock": "int64", "full_price": "double", "discount": "double",
                           "time": {"type": "timestamp", "nullable": true}},
                "time": {"field": "time", "default": "now"}},
    "features": [{"op": "field", "field": ["full_price", "discount", "stock"]},
                 {"name": "price", "op": "multiply", "left": "full_price", "right": "discount"}]})");
  ASSERT_NO_FATAL_FAILURE(Serve({.pipeline = pipeline}));
  EXPECT_EQ(Ask({{"stock", 0}, {"full_price", 20}, {"discount", 0.5}}),
            (json{{"stock", 0}, {"full_price", 20}, {"discount", 0.5}, {"value", 1.5}}));
  EXPECT_EQ(
      Ask(json::parse(R"({"inputs": [{"stock": 0, "full_price": 20, "discount": 0.5}]})")),
      json::parse(
          R"({"predictions": [{"stock": 0, "full_price": 20, "discount": 0.5, "value": 1.5}]})"));
}

TEST_F(ImportedModelsTest, SayWhatTheirAnswersAreMadeOf) {
  ASSERT_NO_FATAL_FAILURE(Serve());
  const json why = Ask({{"price", 10}, {"stock", 2}}, "explain=true")["explanation"];
  EXPECT_EQ(why["base"], 2.0);
  EXPECT_EQ(why["score"], 1.5);
  EXPECT_EQ(why["contributions"][0]["feature"], "stock");
  EXPECT_EQ(why["contributions"][0]["contribution"], -1.0);
}

}  // namespace
}  // namespace forkcast::serving
