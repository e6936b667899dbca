#include "model/classify/slice.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::FeatureSpec;
using preprocessing::JsonNode;
using preprocessing::OwnedValue;
using preprocessing::Value;

constexpr std::array<std::pair<const char*, Comparison>, 6> kComparisons{
    {{"<", Comparison::kLess},
     {"<=", Comparison::kLessEqual},
     {"==", Comparison::kEqual},
     {"!=", Comparison::kNotEqual},
     {">=", Comparison::kGreaterEqual},
     {">", Comparison::kGreater}}};

template <typename T>
bool Compares(const T& left, Comparison comparison, const T& right) {
  switch (comparison) {
    case Comparison::kLess:
      return left < right;
    case Comparison::kLessEqual:
      return left <= right;
    case Comparison::kEqual:
      return left == right;
    case Comparison::kNotEqual:
      return left != right;
    case Comparison::kGreaterEqual:
      return left >= right;
    case Comparison::kGreater:
      return left > right;
  }
  return false;
}

bool Passes(const Value& value, const Condition& condition) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return Compares(*text, condition.comparison,
                    std::string_view(std::get<std::string>(condition.value)));
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    return Compares(*flag, condition.comparison, std::get<bool>(condition.value));
  }
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const auto* real = std::get_if<double>(&value)) number = *real;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*integer);
  }
  return !std::isnan(number) &&
         Compares(number, condition.comparison, std::get<double>(condition.value));
}

OwnedValue ReadOperand(const JsonNode& node, ColumnType type, Comparison comparison) {
  constexpr double kMost = std::numeric_limits<double>::max();
  if (type == ColumnType::kInt64 || type == ColumnType::kDouble) return node.Number(-kMost, kMost);
  if (comparison != Comparison::kEqual && comparison != Comparison::kNotEqual) {
    node.Fail("a " + std::string(ToString(type)) + " is compared by == and != alone");
  }
  if (type == ColumnType::kBool) return node.Bool();
  return node.String();
}

void ReadConditions(const JsonNode& node, std::span<const FeatureSpec> features, SliceSpec& slice) {
  const JsonNode name = node.Get("feature");
  const auto feature = std::ranges::find(features, name.String(), &FeatureSpec::name);
  if (feature == features.end()) name.Fail("no feature is called \"" + name.String() + "\"");
  if (feature->type == ColumnType::kTimestamp) {
    name.Fail("feature \"" + name.String() + "\" is a timestamp, which is compared with nothing");
  }
  const std::size_t before = slice.conditions.size();
  for (const auto& [sign, comparison] : kComparisons) {
    const std::optional<JsonNode> operand = node.Find(sign);
    if (!operand) continue;
    slice.conditions.push_back({.feature = static_cast<std::size_t>(feature - features.begin()),
                                .comparison = comparison,
                                .value = ReadOperand(*operand, feature->type, comparison)});
  }
  if (slice.conditions.size() == before) node.Fail("expected a comparison: <, <=, ==, !=, >= or >");
}

}  // namespace

bool SliceSpec::Contains(std::span<const Value> features) const {
  return std::ranges::all_of(conditions, [features](const Condition& condition) {
    return Passes(features[condition.feature], condition);
  });
}

std::vector<SliceSpec> ReadSlices(const JsonNode& node, std::span<const FeatureSpec> features) {
  std::vector<SliceSpec> slices;
  for (const JsonNode& element : node.Elements()) {
    const std::optional<JsonNode> all = element.Find("all");
    if (all) {
      element.RequireObject({"name", "all"});
    } else {
      element.RequireObject({"name", "feature", "<", "<=", "==", "!=", ">=", ">"});
    }
    SliceSpec slice{.name = element.Get("name").String(), .conditions = {}};
    if (std::ranges::find(slices, slice.name, &SliceSpec::name) != slices.end()) {
      element.Get("name").Fail("given twice");
    }
    if (all) {
      for (const JsonNode& condition : all->Elements()) {
        condition.RequireObject({"feature", "<", "<=", "==", "!=", ">=", ">"});
        ReadConditions(condition, features, slice);
      }
      if (slice.conditions.empty()) all->Fail("expected at least one condition");
    } else {
      ReadConditions(element, features, slice);
    }
    slices.push_back(std::move(slice));
  }
  if (slices.size() > kMaxSlices) {
    node.Fail("at most " + std::to_string(kMaxSlices) + " slices");
  }
  return slices;
}

}  // namespace forkcast::model
