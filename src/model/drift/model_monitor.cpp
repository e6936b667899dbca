#include "model/drift/model_monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "model/drift/divergence.hpp"
#include "model/drift/peers.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr double kThreshold = 0.1;  // of distances; Model Monitor's default

bool IsText(const ordered_json& column) { return column.contains("categories"); }

ordered_json CommonOf(const ordered_json& column) {
  const auto rows = column.at("rows").get<std::uint64_t>();
  const auto missing = column.at("missing").get<std::uint64_t>();
  return {{"num_present", rows - missing}, {"num_missing", missing}};
}

ordered_json NumericalStatistics(const ordered_json& column) {
  ordered_json statistics{{"common", CommonOf(column)}};
  if (!column.contains("edges")) return statistics;
  const auto present = statistics["common"]["num_present"].get<double>();
  statistics["mean"] = column.at("mean");
  statistics["sum"] = column.at("mean").get<double>() * present;
  if (column.contains("std")) statistics["std_dev"] = column.at("std");
  statistics["min"] = column.at("min");
  statistics["max"] = column.at("max");
  ordered_json buckets = ordered_json::array();
  ordered_json lower = column.at("min");
  for (std::size_t i = 0; i < column.at("counts").size(); ++i) {
    const bool is_last = i == column.at("edges").size();
    const ordered_json upper = is_last ? column.at("max") : column.at("edges").at(i);
    buckets.push_back(
        {{"lower_bound", lower}, {"upper_bound", upper}, {"count", column.at("counts").at(i)}});
    lower = upper;
  }
  statistics["distribution"] = {{"kll", {{"buckets", std::move(buckets)}}}};
  return statistics;
}

ordered_json StringStatistics(const ordered_json& column) {
  ordered_json buckets = ordered_json::array();
  for (const auto& [value, count] : column.at("categories").items()) {
    buckets.push_back({{"value", value}, {"count", count}});
  }
  return {{"common", CommonOf(column)},
          {"distinct_count", buckets.size()},
          {"distribution", {{"categorical", {{"buckets", buckets}}}}}};
}

/// Calls `visit` with name and reference of each feature, then of each output.
template <typename Visit>
void EachColumn(const Reference& reference, Visit visit) {
  for (const ordered_json* group : {&reference.features, &reference.outputs}) {
    for (const auto& [name, column] : group->items()) visit(name, column);
  }
}

ordered_json Violation(const std::string& feature, const char* check, std::string description) {
  return {{"feature_name", feature},
          {"constraint_check_type", check},
          {"description", std::move(description)}};
}

/// What one column does not keep. `counts`: by bin.
void AddViolations(const ColumnBins& bins, std::span<const double> counts, ordered_json& all) {
  const double reference_rows = std::accumulate(bins.reference.begin(), bins.reference.end(), 0.0);
  const double rows = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (rows == 0 || reference_rows == 0) return;
  const double complete = 1 - counts[bins.missing_bin()] / rows;
  const double was_complete = 1 - bins.reference[bins.missing_bin()] / reference_rows;
  if (complete < was_complete) {
    all.push_back(
        Violation(bins.name, "completeness_check",
                  fmt::format("Data is complete for {:.4f} of the rows, expected at least {:.4f}.",
                              complete, was_complete)));
  }
  const bool knows_all = !bins.is_number && bins.reference[bins.other_bin()] == 0;
  if (knows_all && counts[bins.other_bin()] > 0) {
    all.push_back(
        Violation(bins.name, "categorical_values_check",
                  fmt::format("{:.4f} of the rows have a value that the baseline has not.",
                              counts[bins.other_bin()] / rows)));
  }
  const std::vector<double> was = SharesOf(bins.reference, reference_rows);
  const std::vector<double> is = SharesOf(counts, rows);
  const double gap = bins.is_number ? BinnedKolmogorovSmirnov(was, is) : LargestShareGap(was, is);
  const double distance = std::max(gap - DeequSlack(reference_rows, rows), 0.0);
  if (distance > kThreshold) {
    all.push_back(
        Violation(bins.name, "baseline_drift_check",
                  fmt::format("Baseline drift distance {:.4f} exceeds the threshold {:.1f}.",
                              distance, kThreshold)));
  }
}

}  // namespace

ordered_json MonitorStatistics(const Reference& reference) {
  ordered_json features = ordered_json::array();
  std::uint64_t rows = 0;
  EachColumn(reference, [&](const std::string& name, const ordered_json& column) {
    rows = std::max(rows, column.at("rows").get<std::uint64_t>());
    ordered_json feature{{"name", name}};
    feature["inferred_type"] = IsText(column) ? "String" : "Fractional";
    feature[IsText(column) ? "string_statistics" : "numerical_statistics"] =
        IsText(column) ? StringStatistics(column) : NumericalStatistics(column);
    features.push_back(std::move(feature));
  });
  return {{"version", 0.0}, {"dataset", {{"item_count", rows}}}, {"features", features}};
}

ordered_json MonitorConstraints(const Reference& reference) {
  ordered_json features = ordered_json::array();
  EachColumn(reference, [&](const std::string& name, const ordered_json& column) {
    const auto rows = column.at("rows").get<double>();
    const double complete = rows == 0 ? 0 : 1 - column.at("missing").get<double>() / rows;
    ordered_json feature{{"name", name}};
    feature["inferred_type"] = IsText(column) ? "String" : "Fractional";
    feature["completeness"] = complete;
    if (IsText(column)) {
      ordered_json domains = ordered_json::array();
      for (const auto& [value, count] : column.at("categories").items()) domains.push_back(value);
      feature["string_constraints"] = {{"domains", std::move(domains)}};
    } else if (column.contains("min")) {
      feature["num_constraints"] = {{"is_non_negative", column.at("min").get<double>() >= 0}};
    }
    features.push_back(std::move(feature));
  });
  return {{"version", 0.0},
          {"features", std::move(features)},
          {"monitoring_config",
           {{"evaluate_constraints", "Enabled"},
            {"emit_metrics", "Enabled"},
            {"datatype_check_threshold", 1.0},
            {"domain_content_threshold", 1.0},
            {"distribution_constraints",
             {{"perform_comparison", "Enabled"},
              {"comparison_threshold", kThreshold},
              {"comparison_method", "Robust"}}}}}};
}

ordered_json MonitorViolations(std::span<const ColumnBins> reference,
                               std::span<const ColumnBins> present,
                               std::span<const double> counts) {
  ordered_json violations = ordered_json::array();
  for (const ColumnBins& column : reference) {
    if (std::ranges::find(present, column.name, &ColumnBins::name) != present.end()) continue;
    violations.push_back(
        Violation(column.name, "missing_column_check", "The baseline has this column."));
  }
  for (const ColumnBins& column : present) {
    AddViolations(column, counts.first(column.reference.size()), violations);
    counts = counts.subspan(column.reference.size());
  }
  return {{"violations", std::move(violations)}};
}

}  // namespace forkcast::model
