#include "serving/service/explained_features.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace forkcast::serving {

using preprocessing::FeatureSpec;
using preprocessing::Value;

ExplainedFeatures::ExplainedFeatures(std::span<const FeatureSpec> features,
                                     std::span<const std::string> groups,
                                     model::ContributionScale scale)
    : features_(features), scale_(std::move(scale)) {
  const bool has_groups =
      std::ranges::any_of(groups, [](const std::string& group) { return !group.empty(); });
  if (!has_groups) return;
  for (const std::string& group : groups) {
    const std::string_view name = group.empty() ? model::kNoGroup : std::string_view(group);
    const auto known = std::ranges::find(groups_, name);
    group_of_.push_back(static_cast<std::size_t>(known - groups_.begin()));
    if (known == groups_.end()) groups_.push_back(name);
  }
}

void ExplainedFeatures::Append(const ExplainedScore& score, std::span<const Value> values,
                               std::size_t count, std::string& out) {
  const std::span<const double> contributions = score.contributions;
  order_.resize(contributions.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::erase_if(order_, [&](std::size_t i) { return contributions[i] == 0; });
  std::ranges::stable_sort(order_, [&](std::size_t one, std::size_t other) {
    return std::abs(contributions[one]) > std::abs(contributions[other]);
  });
  explanation_.of = score.of;
  explanation_.scale = scale_.name;
  explanation_.is_logarithmic = scale_.is_logarithmic;
  explanation_.base = score.base;
  explanation_.score = score.score;
  explanation_.others = 0;
  explanation_.features.clear();
  for (std::size_t place = 0; place < order_.size(); ++place) {
    const std::size_t i = order_[place];
    if (place >= count) {
      explanation_.others += contributions[i];
      continue;
    }
    explanation_.features.push_back(
        {.name = features_[i].name, .value = values[i], .contribution = contributions[i]});
  }
  explanation_.groups.clear();
  for (const std::string_view group : groups_) explanation_.groups.push_back({.name = group});
  for (std::size_t i = 0; i < group_of_.size(); ++i) {
    explanation_.groups[group_of_[i]].contribution += contributions[i];
  }
  wire::AppendExplanation(explanation_, out);
}

}  // namespace forkcast::serving
