// Sums of keys: how they are declared, and how they are judged.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "model/forecast/hierarchy_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

class Hierarchies : public HierarchyTest {};

TEST_F(Hierarchies, AreJudgedByLevel) {
  IngestItems();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json found = evaluation()["hierarchy"];
  EXPECT_EQ(found["reconcile"], "mint");
  const ordered_json names = {"category",      "department", "shop",     "region",
                              "shop,category", "all",        "shop,item"};
  const ordered_json groups = {2, 2, 3, 2, 6, 1, 12};
  ASSERT_EQ(found["levels"].size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ordered_json& level = found["levels"][i];
    EXPECT_EQ(level["level"], names[i]);
    EXPECT_EQ(level["groups"], groups[i]);
    for (const char* const how : {"bottom_up", "mint", "own"}) {
      EXPECT_EQ(level[how]["rows"], groups[i].get<int>() * kFolds * kHorizon) << how;
    }
  }
  EXPECT_EQ(found["levels"].back()["bottom_up"]["wape"], evaluation()["metrics"]["wape"]);
  // Nothing was off before the first fold; later ones know how errors go together.
  EXPECT_EQ(found["shrinkage_by_fold"][0], 1.0);
  EXPECT_LT(found["shrinkage_by_fold"][2].get<double>(), 1);
}

TEST_F(Hierarchies, OfAllKeysHaveTheErrorOfTheSumOfAll) {
  document_["training"]["hierarchy"] = {{"paths", ordered_json::array()},
                                        {"reconcile", "bottom_up"}};
  IngestItems();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json found = evaluation()["hierarchy"];
  ASSERT_EQ(found["levels"].size(), 2U);
  EXPECT_FALSE(found["levels"][0].contains("mint"));
  // The bias of the one sum is that of twelve keys.
  EXPECT_NEAR(found["levels"][0]["bottom_up"]["bias"].get<double>(),
              12 * evaluation()["metrics"]["bias"].get<double>(), 1e-9);
}

TEST_F(Hierarchies, LeaveTheForecastsOfKeysAsTheyAre) {
  IngestItems();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  ordered_json with = evaluation();
  with.erase("hierarchy");
  document_["training"].erase("hierarchy");
  SetDocument();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation(), with);
}

TEST_F(Hierarchies, AreShownInTablesAndOnThePage) {
  IngestItems();
  Show(Shows::kTables);
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page}), ExitCode::kDone) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("\nsums of keys "), HasSubstr("\ncategory (2), bottom-up "),
                           HasSubstr("\n  by MinT "), HasSubstr("\n  by their own past ")));
  EXPECT_THAT(ReadWhole(page),
              AllOf(HasSubstr("<h2>Sums of keys</h2>"), HasSubstr("shop,category (6), by MinT")));
}

TEST_F(Hierarchies, AreJudgedOfCandidatesToo) {
  const ordered_json model = document_["training"]["model"];
  document_["training"].erase("model");
  document_["training"]["candidates"] = {{{"model", model}},
                                         {{"model", {{"algorithm", "theta"}, {"season", 7}}}}};
  document_["training"]["choose"] = "mean";
  IngestItems();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json found = evaluation()["hierarchy"]["levels"];
  EXPECT_EQ(found.back()["bottom_up"]["wape"], evaluation()["metrics"]["wape"]);
  EXPECT_EQ(found[5]["mint"]["rows"], kFolds * kHorizon);
}

TEST_F(Hierarchies, GroupKeysOfWhichAnAttributeIsNotKnownTogether) {
  folder_.Write("items.csv", "item,category\nball,toys\nmilk,food\n");
  IngestItems();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["hierarchy"]["levels"][0]["groups"], 3);
}

TEST_F(Hierarchies, RefuseAGroupUnderTwoParentsNamingBoth) {
  document_["training"]["hierarchy"]["paths"] = ordered_json::parse(R"([["category", "region"]])");
  IngestItems();
  EXPECT_EQ(Train({"--dry-run"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("hierarchy: \"category\" toys lies in \"region\" north by key "
                               "000,ball, and in \"region\" south by key 002,ball: expected one"));
}

/// A declaration that means nothing.
struct Declaration {
  std::string name;
  std::string hierarchy;
  std::string message;
};
void PrintTo(const Declaration& one, std::ostream* out) { *out << one.name; }

class WrongHierarchies : public HierarchyTest, public testing::WithParamInterface<Declaration> {};

TEST_P(WrongHierarchies, AreRefused) {
  document_["series"]["towns"] = {{"table", "shops"}, {"key", {"shop"}}, {"values", {"region"}}};
  document_["tables"]["round"] = {{"columns", {{"here", "text"}, {"there", "text"}}},
                                  {"key", {"here"}}};
  document_["series"]["to"] = {{"table", "round"}, {"key", {"here"}}, {"values", {"there"}}};
  document_["series"]["fro"] = {{"table", "round"}, {"key", {"there"}}, {"values", {"here"}}};
  document_["tables"]["round"]["columns"]["there"] = "text";
  document_["training"]["hierarchy"] = ordered_json::parse(GetParam().hierarchy);
  SetDocument();
  EXPECT_EQ(Evaluate(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("$.training.hierarchy" + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongHierarchies,
    testing::Values(
        Declaration{"OfNoSuchAttribute", R"({"paths": [["colour"]], "reconcile": "bottom_up"})",
                    ".paths[0][0]: \"colour\" is neither a key column of series \"daily\" (shop, "
                    "item) nor a value"},
        Declaration{"OfAnAttributeInTwoSeries",
                    R"({"paths": [["region"]], "reconcile": "bottom_up"})",
                    ".paths[0][0]: \"region\" is in several series: expected one of "
                    "\"shops.region\", \"towns.region\""},
        Declaration{"OfAttributesInACircle", R"({"paths": [["there"]], "reconcile": "bottom_up"})",
                    ".paths[0][0]: goes in a circle: \"there\", which is looked up by \"here\" is "
                    "looked up by \"there\""},
        Declaration{"OfAPathThatComesBack",
                    R"({"paths": [["category", "shop", "category"]], "reconcile": "bottom_up"})",
                    ".paths[0][2]: this level is there already"},
        Declaration{"OfTheKeysThemselves",
                    R"({"paths": [[["item", "shop"]]], "reconcile": "bottom_up"})",
                    ".paths[0][0]: these are the keys themselves"},
        Declaration{"OfAnEmptyPath", R"({"paths": [[]], "reconcile": "bottom_up"})",
                    ".paths[0]: expected at least one level"},
        Declaration{"ByAnotherRule", R"({"paths": [["shop"]], "reconcile": "top_down"})",
                    ".reconcile: expected bottom_up or mint"},
        Declaration{"BottomUpWithAModel",
                    R"({"paths": [["shop"]], "reconcile": "bottom_up",
                        "model": {"algorithm": "naive"}})",
                    ".model: sums that are made bottom-up need no model"},
        Declaration{"ByMinTWithoutOne", R"({"paths": [["shop"]], "reconcile": "mint"})",
                    ": missing key \"model\""},
        Declaration{"ByTrees",
                    R"({"paths": [["shop"]], "reconcile": "mint",
                        "model": {"algorithm": "gradient_boosting"}})",
                    ".model.algorithm: sums are forecast from their own past: expected one of "}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
