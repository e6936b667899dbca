#include "model/drift/learned_constraints.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnRule;
using preprocessing::JsonNode;

constexpr double kMost = std::numeric_limits<double>::max();

double NextFloat(double value, float towards) {
  return static_cast<double>(std::nextafter(static_cast<float>(value), towards));
}

ColumnRule RuleOf(const std::string& column, const JsonNode& reference) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  ColumnRule rule{.column = column};
  const double rows = reference.Get("rows").Number(0, kMost);
  rule.nullable = rows == 0 || reference.Get("missing").Number(0, kMost) > 0;
  if (const auto min = reference.Find("min")) {
    rule.min = NextFloat(min->Number(-kMost, kMost), -kInfinity);
    rule.max = NextFloat(reference.Get("max").Number(-kMost, kMost), kInfinity);
  }
  const auto categories = reference.Find("categories");
  if (!categories || categories->json().size() > ColumnRule::kMaxAllowed) return rule;
  std::vector<std::string> texts;
  categories->EachMember([&texts](const std::string& text, const JsonNode& count) {
    if (count.Number(0, kMost) > 0) texts.push_back(text);
  });
  std::ranges::sort(texts);
  if (!texts.empty()) rule.allowed_texts = std::move(texts);
  return rule;
}

std::vector<ColumnRule> RulesOf(const nlohmann::ordered_json& columns, const std::string& path) {
  std::vector<ColumnRule> rules;
  for (const auto& [name, reference] : columns.items()) {
    ColumnRule rule = RuleOf(name, JsonNode(reference, path + "." + name));
    if (!rule.ToJson().empty()) rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

preprocessing::Constraints LearnConstraints(const Reference& reference) {
  preprocessing::Constraints constraints{.features = RulesOf(reference.features, "$.features"),
                                         .outputs = RulesOf(reference.outputs, "$.outputs")};
  // A classifier may well be surer, or less sure, of a row than of those that it was judged by:
  // that breaks no rule.
  std::erase_if(constraints.outputs,
                [](const ColumnRule& rule) { return rule.column.starts_with("probability"); });
  return constraints;
}

}  // namespace forkcast::model
