#include "model/import/imported_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

#include "model/tree/category_set.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

ordered_json ReadingJson(const ExactReading& reading) {
  constexpr std::array<std::string_view, 4> kNames{"rank", "whole", "integer", "parts"};  // by As
  ordered_json json{{"as", kNames[static_cast<std::size_t>(reading.as)]}};
  if (reading.as == ExactReading::As::kRank) json["cuts"] = reading.cuts;
  if (reading.zero_width > 0) json["zero_width"] = reading.zero_width;
  if (reading.zero_is_missing) json["zero_is_missing"] = true;
  return json;
}

ordered_json TransformJson(const ImportedInput& input) {
  if (input.is_text()) {
    return {{"name", input.name},
            {"kind", "category"},
            {"encoding", "ordinal"},
            {"unknown", input.unknown == UnknownCategory::kMissing ? "missing" : "error"},
            {"categories", input.texts}};
  }
  ordered_json json{{"name", input.name}, {"kind", "number"}};
  if (input.fill) json["fill"] = *input.fill;
  if (input.reading) json["reading"] = ReadingJson(*input.reading);
  return json;
}

}  // namespace

Status RenumberCategories(std::uint32_t feature, std::span<const std::uint32_t> position_of,
                          ForestSource& forest) {
  for (ForestSource::Tree& tree : forest.trees) {
    const std::vector<std::uint32_t> before = tree.categories;
    for (ForestSource::Node& node : tree.nodes) {
      if (!node.is_category || node.feature != feature) continue;
      // Behind all others: a list might be of two tests.
      const std::size_t first = node.first_category;
      node.first_category = static_cast<std::uint32_t>(tree.categories.size());
      for (std::size_t i = 0; i < node.category_count; ++i) {
        const std::uint32_t category = before[first + i];
        if (category >= position_of.size()) {
          return Error{ErrorCode::kCorrupt,
                       fmt::format("a test asks for category {} of feature {:?}, which has {}",
                                   category, forest.features[feature], position_of.size())};
        }
        tree.categories.push_back(position_of[category]);
      }
    }
  }
  return {};
}

Status TakeTexts(std::uint32_t feature, std::vector<std::string> texts, ImportedModel& model) {
  std::vector<std::uint32_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(
      order, {}, [&texts](std::uint32_t i) -> const auto& { return texts[i]; });
  std::vector<std::uint32_t> position_of(texts.size());
  std::vector<std::string> sorted;
  for (const std::uint32_t i : order) {
    if (!sorted.empty() && sorted.back() == texts[i]) {
      return Error{ErrorCode::kCorrupt, fmt::format("feature {:?} has the category {:?} twice",
                                                    model.forest.features[feature], texts[i])};
    }
    position_of[i] = static_cast<std::uint32_t>(sorted.size());
    sorted.push_back(texts[i]);
  }
  model.inputs[feature].texts = std::move(sorted);
  return RenumberCategories(feature, position_of, model.forest);
}

Status CheckModel(const ImportedModel& model) {
  try {
    (void)TransformsJson(model.inputs).dump();
    (void)ordered_json(model.objective).dump();
  } catch (const ordered_json::type_error&) {
    return Error{ErrorCode::kCorrupt, "a name or category is not UTF-8"};
  }
  std::size_t words = 0;
  for (const ForestSource::Tree& tree : model.forest.trees) words += CountCategoryWords(tree);
  if (words <= ForestSource::kMostCategoryWords) return {};
  return Error{ErrorCode::kInvalidArgument,
               "categories: too many, or too great numbers, to hold their sets as bits"};
}

ordered_json TransformsJson(std::span<const ImportedInput> inputs) {
  ordered_json features = ordered_json::array();
  for (const ImportedInput& input : inputs) features.push_back(TransformJson(input));
  return {
      {"format", "forkcast.transforms"}, {"format_version", 1}, {"features", std::move(features)}};
}

}  // namespace forkcast::model
