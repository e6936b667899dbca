#include "data_preprocessing/rules/rule_learner.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

namespace forkcast::preprocessing {

RuleLearner::RuleLearner(const Schema& schema) : schema_(schema), seen_(schema.columns.size()) {}

void RuleLearner::Seen::Take(const Value& value) {
  ++rows;
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    const std::size_t length = CharactersIn(*text);
    shortest = std::min(shortest, length);
    longest = std::max(longest, length);
    if (texts.size() <= kMostTexts && !texts.contains(*text)) texts.emplace(*text);
    return;
  }
  if (const auto number = NumberIn(value); number && !std::isnan(*number)) {
    least = std::min(least, *number);
    greatest = std::max(greatest, *number);
    return;
  }
  if (IsMissing(value) || std::holds_alternative<double>(value)) ++missing;
}

void RuleLearner::Add(const Table& rows) {
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const Column& column = rows.column(i);
    for (std::size_t row = 0; row < column.size(); ++row) seen_[i].Take(ValueAt(column, row));
  }
}

std::vector<ColumnRule> RuleLearner::Rules() const {
  std::vector<ColumnRule> rules;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const Seen& seen = seen_[i];
    ColumnRule rule{.column = schema_.columns[i].name};
    if (seen.rows > 0) rule.nullable = seen.missing > 0;
    if (seen.least <= seen.greatest) {
      rule.min = seen.least;
      rule.max = seen.greatest;
    }
    if (!seen.texts.empty() && seen.texts.size() <= kMostTexts) {
      rule.allowed_texts.emplace(seen.texts.begin(), seen.texts.end());
    } else if (!seen.texts.empty()) {
      rule.min_length = seen.shortest;
      rule.max_length = seen.longest;
    }
    if (!rule.ToJson().empty()) rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace forkcast::preprocessing
