#include "model/drift/reference_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/evaluate/metrics.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using Numbers = std::vector<double>;

double MeanOf(const Numbers& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// (n - 1).
ordered_json DeviationOf(const Numbers& values) {
  if (values.size() < 2) return nullptr;
  const double mean = MeanOf(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// The deciles, equal ones once.
Numbers EdgesOf(const Numbers& values) {
  constexpr std::array kDeciles{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  Numbers edges = Quantiles(values, kDeciles);
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

/// Bin i holds edges[i-1] <= x < edges[i], the first and last are open.
std::vector<std::size_t> CountsOf(const Numbers& values) {
  const Numbers edges = EdgesOf(values);
  std::vector<std::size_t> counts(edges.size() + 1);
  for (const double value : values) {
    ++counts[static_cast<std::size_t>(std::ranges::upper_bound(edges, value) - edges.begin())];
  }
  return counts;
}

/// One of the numbers of a column that are not missing, of which there is one at least. Null where
/// there is none.
struct Statistic {
  std::string_view name;
  ordered_json (*of)(const Numbers& values);
};
constexpr std::array<Statistic, 6> kStatistics{{
    {"mean", [](const Numbers& values) -> ordered_json { return MeanOf(values); }},
    {"std", &DeviationOf},
    {"min", [](const Numbers& values) -> ordered_json { return std::ranges::min(values); }},
    {"max", [](const Numbers& values) -> ordered_json { return std::ranges::max(values); }},
    {"edges", [](const Numbers& values) -> ordered_json { return EdgesOf(values); }},
    {"counts", [](const Numbers& values) -> ordered_json { return CountsOf(values); }},
}};

}  // namespace

ordered_json ReferenceOf(std::span<const float> values) {
  Numbers present;
  for (const float value : values) {
    if (!std::isnan(value)) present.push_back(static_cast<double>(value));
  }
  ordered_json reference{{"rows", values.size()}, {"missing", values.size() - present.size()}};
  if (present.empty()) return reference;
  for (const Statistic& statistic : kStatistics) {
    ordered_json value = statistic.of(present);
    if (!value.is_null()) reference[std::string(statistic.name)] = std::move(value);
  }
  return reference;
}

ordered_json ReferenceOf(std::span<const std::string> texts, std::span<const std::size_t> counts,
                         std::size_t missing) {
  const std::size_t rows = std::accumulate(counts.begin(), counts.end(), missing);
  ordered_json categories = ordered_json::object();
  for (std::size_t i = 0; i < texts.size(); ++i) categories[texts[i]] = counts[i];
  return {{"rows", rows}, {"missing", missing}, {"categories", std::move(categories)}};
}

ordered_json ReferenceOf(const FeatureTable& table) {
  ordered_json all = ordered_json::object();
  for (std::size_t column = 0; column < table.columns().size(); ++column) {
    ordered_json& reference = all[table.columns()[column].name];
    const std::span<const float> cells = table.column(column);
    if (table.columns()[column].kind == FeatureKind::kNumber) {
      reference = ReferenceOf(cells);
      continue;
    }
    const std::vector<std::string>& texts = table.categories(column);
    std::vector<std::size_t> counts(texts.size());
    std::size_t missing = 0;
    for (const float code : cells) {
      if (std::isnan(code)) {
        ++missing;
      } else {
        ++counts[static_cast<std::size_t>(code)];
      }
    }
    reference = ReferenceOf(texts, counts, missing);
  }
  return all;
}

}  // namespace forkcast::model
