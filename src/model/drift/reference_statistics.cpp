#include "model/drift/reference_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/drift/tail_probability.hpp"
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

/// The deciles, equal ones once; none of nothing.
Numbers EdgesOf(const Numbers& values) {
  if (values.empty()) return {};
  constexpr std::array kDeciles{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  Numbers edges = Quantiles(values, kDeciles);
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

double ShareBelow(const Numbers& values, double edge) {
  const auto below = std::ranges::count_if(values, [edge](double value) { return value < edge; });
  return static_cast<double>(below) / static_cast<double>(values.size());
}

/// Whether so many of the values of each model are below `edge` as chance lets one expect, or as
/// makes no difference to the judgement of drift.
bool Agree(std::span<const Numbers> by_model, const Numbers& all, double edge) {
  constexpr double kChance = 0.01;
  constexpr double kMatters = 0.001;  // a tenth of the least effect that alarms, unless told
  const double share = ShareBelow(all, edge);
  if (share <= 0 || share >= 1) return true;  // of each of them, too
  double chi_square = 0;
  for (const Numbers& values : by_model) {
    const double off = ShareBelow(values, edge) - share;
    chi_square += static_cast<double>(values.size()) * off * off / (share * (1 - share));
  }
  const double degrees = static_cast<double>(by_model.size()) - 1;
  const double effect = (chi_square - degrees) / static_cast<double>(all.size());
  return effect < kMatters || ChiSquareTail(chi_square, degrees) >= kChance;
}

/// Bin i holds edges[i-1] <= x < edges[i], the first and last are open.
std::vector<std::size_t> CountsOf(const Numbers& values, const Numbers& edges) {
  std::vector<std::size_t> counts(edges.size() + 1);
  for (const double value : values) {
    ++counts[static_cast<std::size_t>(std::ranges::upper_bound(edges, value) - edges.begin())];
  }
  return counts;
}

/// The numbers of a column that are not missing, of which there is one at least, and its edges.
struct NumberColumn {
  Numbers values;
  Numbers edges;
};

/// Null where there is none.
struct Statistic {
  std::string_view name;
  ordered_json (*of)(const NumberColumn& column);
};
constexpr std::array<Statistic, 6> kStatistics{{
    {"mean", [](const NumberColumn& column) -> ordered_json { return MeanOf(column.values); }},
    {"std", [](const NumberColumn& column) { return DeviationOf(column.values); }},
    {"min",
     [](const NumberColumn& column) -> ordered_json { return std::ranges::min(column.values); }},
    {"max",
     [](const NumberColumn& column) -> ordered_json { return std::ranges::max(column.values); }},
    {"edges", [](const NumberColumn& column) -> ordered_json { return column.edges; }},
    {"counts",
     [](const NumberColumn& column) -> ordered_json {
       return CountsOf(column.values, column.edges);
     }},
}};

Numbers Present(std::span<const float> values) {
  Numbers present;
  for (const float value : values) {
    if (!std::isnan(value)) present.push_back(static_cast<double>(value));
  }
  return present;
}

ordered_json Describe(std::size_t rows, const NumberColumn& column) {
  ordered_json reference{{"rows", rows}, {"missing", rows - column.values.size()}};
  if (column.values.empty()) return reference;
  for (const Statistic& statistic : kStatistics) {
    ordered_json value = statistic.of(column);
    if (!value.is_null()) reference[std::string(statistic.name)] = std::move(value);
  }
  return reference;
}

}  // namespace

ordered_json ReferenceOf(std::span<const float> values) {
  Numbers present = Present(values);
  Numbers edges = EdgesOf(present);
  return Describe(values.size(), {.values = std::move(present), .edges = std::move(edges)});
}

ordered_json ReferenceOfProbability(std::span<const std::vector<float>> by_model, double share) {
  std::vector<Numbers> present;
  std::size_t rows = 0;
  Numbers all;
  for (const std::vector<float>& values : by_model) {
    rows += values.size();
    Numbers& own = present.emplace_back(Present(values));
    all.insert(all.end(), own.begin(), own.end());
    if (own.empty()) present.pop_back();
  }
  Numbers edges = EdgesOf(all);
  constexpr double kSure = 0.1;
  for (double& edge : edges) edge = std::clamp(edge, kSure * share, 1 - kSure * (1 - share));
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  std::erase_if(edges, [&](double edge) { return !Agree(present, all, edge); });
  return Describe(rows, {.values = std::move(all), .edges = std::move(edges)});
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
