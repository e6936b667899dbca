#include "data_preprocessing/rules/column_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, RuleAction>, 3> kActions{
    {{"count", RuleAction::kCount}, {"flag", RuleAction::kFlag}, {"reject", RuleAction::kReject}}};
constexpr std::array<std::string_view, kBounds> kBoundNames{"null",    "min",        "max",
                                                            "allowed", "min_length", "max_length"};
constexpr std::size_t kShownCharacters = 60;  // of a text in a message

template <typename T, typename V>
bool Has(const std::vector<T>& sorted, const V& value) noexcept {
  const auto found = std::ranges::lower_bound(sorted, value);
  return found != sorted.end() && *found == value;
}

std::string Show(const Value& value) {
  if (const auto number = NumberIn(value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (text->size() <= kShownCharacters) return fmt::format("{:?}", *text);
    return fmt::format("{:?}...", text->substr(0, kShownCharacters));
  }
  return "null";
}

template <typename T>
void SortOnce(std::vector<T>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

void ReadAllowed(const JsonNode& node, ColumnRule& rule) {
  const std::vector<JsonNode> elements = node.Elements();
  if (elements.empty()) node.Fail("expected at least one value");
  if (elements.size() > ColumnRule::kMaxAllowed) {
    node.Fail(
        fmt::format("expected at most {} values, got {}: make them a table of the pipeline, "
                    "and look the value up in a feature",
                    ColumnRule::kMaxAllowed, elements.size()));
  }
  if (elements.front().json().is_number()) {
    rule.allowed_numbers.emplace();
    for (const JsonNode& element : elements) {
      constexpr double kMost = std::numeric_limits<double>::max();
      rule.allowed_numbers->push_back(element.Number(-kMost, kMost));
    }
    return SortOnce(*rule.allowed_numbers);
  }
  rule.allowed_texts.emplace();
  for (const JsonNode& element : elements) {
    if (!element.json().is_string()) element.Fail("expected a text, as the first value is one");
    rule.allowed_texts->push_back(element.json().get<std::string>());
  }
  SortOnce(*rule.allowed_texts);
}

void ReadLengths(const JsonNode& node, ColumnRule& rule) {
  constexpr std::int64_t kMost = 1'000'000'000;
  const auto read = [&node](std::string_view name) -> std::optional<std::size_t> {
    const auto length = node.Find(name);
    if (!length) return std::nullopt;
    return static_cast<std::size_t>(length->Integer(0, kMost));
  };
  rule.min_length = read("min_length");
  rule.max_length = read("max_length");
  if (rule.min_length && rule.max_length && *rule.min_length > *rule.max_length) {
    node.Fail("min_length is above max_length");
  }
}

bool HasNumberBound(const ColumnRule& rule) noexcept {
  return rule.min || rule.max || rule.allowed_numbers;
}
bool HasTextBound(const ColumnRule& rule) noexcept {
  return rule.min_length || rule.max_length || rule.allowed_texts;
}

Error NoSuchColumn(const ColumnRule& rule, std::span<const RuleSubject> columns,
                   std::string_view kind) {
  std::vector<std::string> names;
  for (const RuleSubject& column : columns) names.emplace_back(column.name);
  constexpr std::size_t kNamed = 10;
  const std::size_t more = names.size() - std::min(names.size(), kNamed);
  const std::string hint = DidYouMean(rule.column, names);
  names.resize(names.size() - more);
  return {
      ErrorCode::kInvalidArgument,
      fmt::format("{}: there is no {} {:?}{}; there are: {}{}", rule.path, kind, rule.column, hint,
                  fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : ""),
      rule.column};
}

}  // namespace

std::size_t CharactersIn(std::string_view text) noexcept {
  // Bytes that begin a character.
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::optional<double> NumberIn(const Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::nullopt;
}

RuleAction ReadRuleAction(const JsonNode& node) {
  const std::string name = node.String();
  for (const auto& [known, action] : kActions) {
    if (known == name) return action;
  }
  node.Fail(fmt::format("expected \"count\", \"flag\" or \"reject\", got {:?}", name));
}

std::string_view NameOf(Bound bound) noexcept {
  return kBoundNames[static_cast<std::size_t>(bound)];
}

ColumnRule ColumnRule::FromJson(std::string column, const JsonNode& node, RuleAction usual) {
  node.RequireObject({"nullable", "min", "max", "allowed", "min_length", "max_length", "action"});
  ColumnRule rule{.column = std::move(column), .action = usual, .path = node.path()};
  constexpr double kMost = std::numeric_limits<double>::max();
  if (const auto nullable = node.Find("nullable")) rule.nullable = nullable->Bool();
  if (const auto min = node.Find("min")) rule.min = min->Number(-kMost, kMost);
  if (const auto max = node.Find("max")) rule.max = max->Number(-kMost, kMost);
  if (rule.min && rule.max && *rule.min > *rule.max) node.Fail("min is above max");
  if (const auto allowed = node.Find("allowed")) ReadAllowed(*allowed, rule);
  ReadLengths(node, rule);
  if (HasNumberBound(rule) && HasTextBound(rule)) {
    node.Fail("bounds of numbers (min, max) beside bounds of texts (min_length, max_length)");
  }
  if (const auto action = node.Find("action")) rule.action = ReadRuleAction(*action);
  return rule;
}

ordered_json ColumnRule::ToJson() const {
  ordered_json json = ordered_json::object();
  if (!nullable) json["nullable"] = false;
  if (min) json["min"] = *min;
  if (max) json["max"] = *max;
  if (allowed_texts) json["allowed"] = *allowed_texts;
  if (allowed_numbers) json["allowed"] = *allowed_numbers;
  if (min_length) json["min_length"] = *min_length;
  if (max_length) json["max_length"] = *max_length;
  return json;
}

std::optional<Bound> ColumnRule::BrokenBy(const Value& value) const noexcept {
  if (const auto number = NumberIn(value); number && !std::isnan(*number)) {
    if (min && *number < *min) return Bound::kMin;
    if (max && *number > *max) return Bound::kMax;
    if (allowed_numbers && !Has(*allowed_numbers, *number)) return Bound::kAllowed;
    return std::nullopt;
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (allowed_texts && !Has(*allowed_texts, *text)) return Bound::kAllowed;
    if (!min_length && !max_length) return std::nullopt;
    const std::size_t length = CharactersIn(*text);
    if (min_length && length < *min_length) return Bound::kMinLength;
    if (max_length && length > *max_length) return Bound::kMaxLength;
    return std::nullopt;
  }
  const bool is_missing = IsMissing(value) || std::holds_alternative<double>(value);
  return is_missing && !nullable ? std::optional(Bound::kMissing) : std::nullopt;
}

std::string ColumnRule::Explain(Bound bound, const Value& value) const {
  switch (bound) {
    case Bound::kMissing:
      return "there is no value, expected one";
    case Bound::kMin:
      return fmt::format("got {}, expected at least {}", Show(value), *min);
    case Bound::kMax:
      return fmt::format("got {}, expected at most {}", Show(value), *max);
    case Bound::kAllowed:
      return fmt::format("got {}, expected one of the {} that are allowed", Show(value),
                         allowed_texts ? allowed_texts->size() : allowed_numbers->size());
    case Bound::kMinLength:
      return fmt::format("got {}, expected at least {} characters", Show(value), *min_length);
    case Bound::kMaxLength:
      return fmt::format("got {}, expected at most {} characters", Show(value), *max_length);
  }
  return {};
}

Status FitRules(std::span<const ColumnRule> rules, std::span<const RuleSubject> columns,
                std::string_view kind) {
  for (const ColumnRule& rule : rules) {
    const auto column = std::ranges::find(columns, rule.column, &RuleSubject::name);
    if (column == columns.end()) return NoSuchColumn(rule, columns, kind);
    const bool is_number =
        column->type == ColumnType::kInt64 || column->type == ColumnType::kDouble;
    const bool is_text = column->type == ColumnType::kText;
    if ((!HasNumberBound(rule) || is_number) && (!HasTextBound(rule) || is_text)) continue;
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{}: {} {:?} is of type {}: bounds of {} do not fit it", rule.path, kind,
                    rule.column, ToString(column->type), HasTextBound(rule) ? "texts" : "numbers"),
        rule.column};
  }
  return {};
}

}  // namespace forkcast::preprocessing
