#include "model/drift/reference_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/evaluate/metrics.hpp"

namespace forkcast::model {

using nlohmann::ordered_json;

ordered_json ReferenceOf(std::span<const float> values) {
  std::vector<double> present;
  for (const float value : values) {
    if (!std::isnan(value)) present.push_back(static_cast<double>(value));
  }
  ordered_json reference{{"rows", values.size()}, {"missing", values.size() - present.size()}};
  if (present.empty()) return reference;
  double sum = 0;
  for (const double value : present) sum += value;
  const auto count = static_cast<double>(present.size());
  const double mean = sum / count;
  double squares = 0;
  for (const double value : present) squares += (value - mean) * (value - mean);
  reference["mean"] = mean;
  if (present.size() > 1) reference["std"] = std::sqrt(squares / (count - 1));

  constexpr std::array kDeciles{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  std::vector<double> edges = Quantiles(present, kDeciles);
  edges.erase(std::ranges::unique(edges).begin(), edges.end());
  std::vector<std::size_t> counts(edges.size() + 1);
  for (const double value : present) {
    ++counts[static_cast<std::size_t>(std::ranges::upper_bound(edges, value) - edges.begin())];
  }
  reference["min"] = std::ranges::min(present);
  reference["max"] = std::ranges::max(present);
  reference["edges"] = edges;
  reference["counts"] = counts;
  return reference;
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
    reference = {
        {"rows", cells.size()}, {"missing", missing}, {"categories", ordered_json::object()}};
    for (std::size_t i = 0; i < texts.size(); ++i) reference["categories"][texts[i]] = counts[i];
  }
  return all;
}

}  // namespace forkcast::model
