#include "model/learn/mean_contributions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <utility>

#include "data_preprocessing/base/random.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kShown = 15;

std::vector<MeanContributions::Mean> Sorted(std::vector<MeanContributions::Mean> means) {
  std::ranges::stable_sort(means, std::greater<>(), &MeanContributions::Mean::size);
  return means;
}

}  // namespace

ContributionSums::ContributionSums(const ModelInputs& inputs, std::span<const std::string> groups)
    : inputs_(inputs), by_feature_(inputs.features.size()) {
  const bool has_groups =
      std::ranges::any_of(groups, [](const std::string& group) { return !group.empty(); });
  for (std::size_t i = 0; has_groups && i < inputs.features.size(); ++i) {
    const std::string& group = groups[inputs.features[i]];
    const std::string name = group.empty() ? std::string(kNoGroup) : group;
    const auto known = std::ranges::find(groups_, name);
    group_of_.push_back(static_cast<std::size_t>(known - groups_.begin()));
    if (known == groups_.end()) groups_.push_back(name);
  }
  by_group_.resize(groups_.size());
  explanation_.contributions.resize(inputs.features.empty() ? 0 : inputs.features.back() + 1);
}

Status ContributionSums::Add(const Predictor& predictor, const FeatureTable& table,
                             std::uint32_t row) {
  const Result<std::vector<float>> encoded = predictor.Encode(table, {&row, 1});
  if (!encoded) return encoded.error();
  outputs_.resize(predictor.outputs().size());
  const TargetReference nothing{.scale = 1, .anchor = 0};  // of the score all is known without it
  predictor.Predict(*encoded, {&nothing, 1}, outputs_);
  predictor.Explain(*encoded, outputs_, explanation_);
  if (rows_++ == 0) scale_ = predictor.contribution_scale();
  of_groups_.assign(groups_.size(), 0);
  for (std::size_t i = 0; i < inputs_.features.size(); ++i) {
    const double contribution = explanation_.contributions[inputs_.features[i]];
    by_feature_[i] += std::abs(contribution);
    if (!groups_.empty()) of_groups_[group_of_[i]] += contribution;
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) by_group_[i] += std::abs(of_groups_[i]);
  return {};
}

MeanContributions ContributionSums::Means() const {
  MeanContributions means{.scale = scale_, .rows = rows_};
  if (rows_ == 0) return means;
  const auto rows = static_cast<double>(rows_);
  for (std::size_t i = 0; i < by_feature_.size(); ++i) {
    means.features.push_back({.name = inputs_.columns[i].name, .size = by_feature_[i] / rows});
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    means.groups.push_back({.name = groups_[i], .size = by_group_[i] / rows});
  }
  means.features = Sorted(std::move(means.features));
  means.groups = Sorted(std::move(means.groups));
  return means;
}

std::size_t RowsToExplain(const Explainer& explainer, std::size_t count) noexcept {
  constexpr std::size_t kMostRows = 1000;
  constexpr std::size_t kMostCost = 500'000'000;  // about a second or two
  const std::size_t affordable = kMostCost / std::max<std::size_t>(1, explainer.cost());
  return std::min({count, kMostRows, std::max<std::size_t>(1, affordable)});
}

std::vector<std::size_t> DrawRows(std::size_t count, std::size_t wanted, std::uint32_t seed) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::mt19937_64 engine(seed);
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(rows[i], rows[i + DrawBelow(engine, count - i)]);
  }
  rows.resize(wanted);
  std::ranges::sort(rows);
  return rows;
}

ordered_json ToJson(const MeanContributions& means) {
  if (means.rows == 0) return nullptr;
  ordered_json json{{"scale", means.scale.name}, {"rows", means.rows}};
  json["features"] = ordered_json::object();
  for (const auto& [name, size] : means.features) json["features"][name] = size;
  for (const auto& [name, size] : means.groups) json["groups"][name] = size;
  return json;
}

std::string Describe(const MeanContributions& means) {
  if (means.rows == 0) return {};
  const bool has_groups = !means.groups.empty();
  const auto& shown = has_groups ? means.groups : means.features;
  std::string text =
      fmt::format("{}\tmean |SHAP| ({})\n", has_groups ? "group" : "feature", means.scale.name);
  for (std::size_t i = 0; i < std::min(shown.size(), kShown); ++i) {
    text += fmt::format("{}\t{:.4g}\n", shown[i].name, shown[i].size);
  }
  return text;
}

std::string ContributionSection(const MeanContributions& means) {
  if (means.rows == 0) return {};
  std::string section = fmt::format(
      "<h2>Contributions of features</h2>\n<p>Mean |SHAP| over {} rows of the last fold: by how "
      "much a feature moves the model's score ({}), up or down.</p>\n",
      means.rows, EscapeHtml(means.scale.name));
  for (const auto* const part : {&means.groups, &means.features}) {
    Bars bars;
    for (const auto& [name, size] : *part) {
      if (bars.size() < 2 * kShown) bars.emplace_back(name, size);
    }
    if (!bars.empty()) section += BarTable(bars);
  }
  return section;
}

}  // namespace forkcast::model
