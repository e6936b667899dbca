#include "model/drift/drift_bins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr std::int64_t kMostRows = std::int64_t{1} << 53;

/// The smallest float that is not below it.
float CeilToFloat(double edge) {
  const auto rounded = static_cast<float>(edge);
  if (static_cast<double>(rounded) >= edge) return rounded;
  return std::nextafter(rounded, std::numeric_limits<float>::infinity());
}

double AnyNumber(const JsonNode& node) {
  constexpr double kMax = std::numeric_limits<double>::max();
  return node.Number(-kMax, kMax);
}

double CountIn(const JsonNode& node) { return static_cast<double>(node.Integer(0, kMostRows)); }

void ReadNumbers(const JsonNode& column, ColumnBins& bins) {
  // None of the training rows had one: then every number is as new as any other.
  if (!column.Find("edges")) {
    bins.reference.push_back(0);
    return;
  }
  const JsonNode edges = column.Get("edges");
  for (const JsonNode& edge : edges.Elements()) bins.edges.push_back(CeilToFloat(AnyNumber(edge)));
  if (bins.edges.size() > ColumnBins::kMostEdges) {
    edges.Fail(fmt::format("expected at most {} edges", ColumnBins::kMostEdges));
  }
  const JsonNode counts = column.Get("counts");
  for (const JsonNode& count : counts.Elements()) bins.reference.push_back(CountIn(count));
  if (bins.reference.size() != bins.edges.size() + 1) counts.Fail("expected one more than edges");
  bins.minimum = AnyNumber(column.Get("min"));
  bins.maximum = AnyNumber(column.Get("max"));
  if (const auto deviation = column.Find("std")) bins.deviation = AnyNumber(*deviation);
}

void ReadCategories(const JsonNode& categories, ColumnBins& bins) {
  bins.is_number = false;
  std::vector<std::pair<std::string, double>> all;
  categories.EachMember([&](const std::string& name, const JsonNode& count) {
    all.emplace_back(name, CountIn(count));
  });
  std::ranges::stable_sort(
      all, [](const auto& one, const auto& other) { return one.second > other.second; });
  double others = 0;
  for (auto& [name, count] : all) {
    if (bins.categories.size() == ColumnBins::kMostCategories) {
      others += count;
      continue;
    }
    bins.categories.push_back(std::move(name));
    bins.reference.push_back(count);
  }
  bins.reference.push_back(others);
}

/// `all_bins`: those of all columns.
void ReadColumns(const ordered_json& columns, const char* group, std::size_t& all_bins,
                 std::vector<ColumnBins>& all) {
  JsonNode(columns, group).EachMember([&](const std::string& name, const JsonNode& column) {
    ColumnBins bins{.name = name};
    if (const auto categories = column.Find("categories")) {
      ReadCategories(*categories, bins);
    } else {
      ReadNumbers(column, bins);
    }
    bins.reference.push_back(CountIn(column.Get("missing")));
    if (all_bins + bins.reference.size() > kMostBins) return;
    all_bins += bins.reference.size();
    all.push_back(std::move(bins));
  });
}

}  // namespace

Result<std::vector<ColumnBins>> BinsOf(const Reference& reference) {
  try {
    std::vector<ColumnBins> all;
    std::size_t all_bins = 0;
    ReadColumns(reference.features, "features", all_bins, all);
    ReadColumns(reference.outputs, "outputs", all_bins, all);
    return all;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", Reference::kFile, error.what())};
  }
}

BinCounter::BinCounter(const ColumnBins& bins, std::span<std::uint32_t> counts)
    : bins_(bins), counts_(counts) {
  edges_.fill(std::numeric_limits<float>::quiet_NaN());
  std::ranges::copy(bins.edges, edges_.begin());
  for (std::size_t i = 0; i < bins.categories.size(); ++i) categories_[bins.categories[i]] = i;
}

}  // namespace forkcast::model
