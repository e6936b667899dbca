#include "data_preprocessing/rules/rule_learner.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <string>

namespace forkcast::preprocessing {
namespace {

std::string Json(const RuleLearner& learner) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const ColumnRule& rule : learner.Rules()) json[rule.column] = rule.ToJson();
  return json.dump();
}

TEST(RuleLearnerTest, LearnsRangesSetsAndWhetherValuesMayBeMissing) {
  Table rows(Schema{{{.name = "price", .type = ColumnType::kDouble},
                     {.name = "quantity", .type = ColumnType::kInt64},
                     {.name = "state", .type = ColumnType::kText},
                     {.name = "paid", .type = ColumnType::kBool}}});
  RuleLearner learner(rows.schema());
  const auto add = [&](double price, std::string_view state) {
    rows.Clear();
    rows.column(0).AppendDouble(price);
    rows.column(1).AppendMissing();
    rows.column(2).AppendText(state);
    rows.column(3).AppendBool(true);
    learner.Add(rows);
  };
  add(2.5, "open");
  add(-1, "closed");
  add(std::nan(""), "open");
  EXPECT_EQ(Json(learner), R"({"price":{"min":-1.0,"max":2.5},)"
                           R"("state":{"nullable":false,"allowed":["closed","open"]},)"
                           R"("paid":{"nullable":false}})");
}

TEST(RuleLearnerTest, LearnsLengthsWhereThereAreTooManyTexts) {
  Table rows(Schema{{{.name = "sku", .type = ColumnType::kText, .nullable = true}}});
  for (int i = 0; i < 101; ++i) rows.column(0).AppendText("é" + std::to_string(i));
  rows.column(0).AppendMissing();
  RuleLearner learner(rows.schema());
  learner.Add(rows);
  EXPECT_EQ(Json(learner), R"({"sku":{"min_length":2,"max_length":4}})");
}

TEST(RuleLearnerTest, WhatItLearnedIsKeptByTheRowsThatItLearnedFrom) {
  Table rows(Schema{
      {{.name = "x", .type = ColumnType::kDouble}, {.name = "t", .type = ColumnType::kText}}});
  for (int i = 0; i < 500; ++i) {
    rows.column(0).AppendDouble(std::sin(i) * 1e3);
    rows.column(1).AppendText(std::string(static_cast<std::size_t>(i % 130), 'a'));
  }
  RuleLearner learner(rows.schema());
  learner.Add(rows);
  for (const ColumnRule& rule : learner.Rules()) {
    const Column& column = rows.column(*rows.schema().Find(rule.column));
    for (std::size_t row = 0; row < column.size(); ++row) {
      EXPECT_EQ(rule.BrokenBy(ValueAt(column, row)), std::nullopt);
    }
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
