// The input is a model file whose checksum need not fit: it is read as it is, and when it is
// refused for that, again with the checksum that the refusal names.
//
// A tree that is taken puts every row into one of its classes, the one that a slow walk over the
// JSON comes to, however odd the numbers. What is refused says where.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "fuzz/document_error.hpp"
#include "fuzz/require.hpp"
#include "model/tree/decision_tree.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::RequireSaysWhere;
using forkcast::model::DecisionTree;
using forkcast::model::InputColumn;
using forkcast::model::InputType;
using nlohmann::json;

std::string Sealed(std::string text, std::string_view refusal) {
  constexpr std::size_t kChecksumSize = std::string_view("xxh3-128:").size() + 32;
  Require(refusal.size() > kChecksumSize);
  const std::string given = json::parse(text)["checksum"];
  const std::string fitting(refusal.substr(refusal.size() - kChecksumSize));
  return text.replace(text.find(given), given.size(), fitting);
}

Result<DecisionTree> ParseSealed(std::string& text) {
  Result<DecisionTree> tree = DecisionTree::Parse(text);
  if (tree || tree.error().code != ErrorCode::kCorrupt) return tree;
  text = Sealed(std::move(text), tree.error().message);
  return DecisionTree::Parse(text);
}

// ---- a slow walk ----

bool Passes(const json& node, const InputColumn& input, float value) {
  if (std::isnan(value)) return false;
  if (node.contains("<")) return double{value} < node["<"].get<double>();
  if (node.contains("<=")) return double{value} <= node["<="].get<double>();
  if (node.contains("is")) return (value != 0) == node["is"].get<bool>();
  const auto category = static_cast<std::size_t>(value);
  if (category >= input.categories.size()) return false;
  for (const json& listed : node["in"]) {
    if (listed == input.categories[category]) return true;
  }
  return false;
}

std::string ClassOf(const json& document, const DecisionTree& tree, std::span<const float> row) {
  std::size_t at = 0;
  while (true) {
    const json& node = document["nodes"][at];
    if (node.contains("class")) return node["class"];
    std::size_t feature = 0;
    while (tree.inputs()[feature].name != node["if"]) ++feature;
    const bool passes = Passes(node, tree.inputs()[feature], row[feature]);
    at = node[passes ? "yes" : "no"].get<std::size_t>();
  }
}

// ---- rows ----

/// Numbers beside the limits of the tree's tests and at the ends of what a float holds.
std::vector<float> OddNumbers(const json& document) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> numbers{0, -kInfinity, kInfinity, std::nanf("")};
  for (const json& node : document["nodes"]) {
    for (const char* const test : {"<", "<="}) {
      if (!node.contains(test)) continue;
      const auto limit = static_cast<float>(node[test].get<double>());
      numbers.insert(numbers.end(),
                     {limit, std::nextafter(limit, kInfinity), std::nextafter(limit, -kInfinity)});
    }
  }
  return numbers;
}

float ValueFor(const InputColumn& input, std::size_t choice, std::span<const float> odd) {
  if (choice % 7 == 6) return std::nanf("");
  switch (input.type) {
    case InputType::kBool:
      return static_cast<float>(choice % 2);
    case InputType::kCategory:
      return static_cast<float>(choice % (input.categories.size() + 1));
    case InputType::kNumber:
      return odd[choice % odd.size()];
  }
  return 0;
}

void RequireAsSlowWalk(const json& document, const DecisionTree& tree) {
  const std::vector<float> odd = OddNumbers(document);
  const std::size_t width = tree.inputs().size();
  const std::size_t count = 2 * odd.size();
  std::vector<float> rows;
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t i = 0; i < width; ++i) {
      rows.push_back(ValueFor(tree.inputs()[i], row * (2 * i + 1) + i, odd));
    }
  }
  const std::vector<std::string>& classes = tree.outputs()[0].categories;
  std::vector<double> chosen(count);
  tree.Predict(rows, chosen);
  for (std::size_t row = 0; row < count; ++row) {
    const auto position = static_cast<std::size_t>(chosen[row]);
    Require(position < classes.size());
    const std::span<const float> values = std::span(rows).subspan(row * width, width);
    Require(classes[position] == ClassOf(document, tree, values));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  const Result<DecisionTree> tree = ParseSealed(text);
  if (tree) {
    RequireAsSlowWalk(json::parse(text), *tree);
  } else {
    RequireSaysWhere(tree.error());
  }
  return 0;
}
