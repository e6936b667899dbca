#include "model/forecast/hierarchy_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::GridReader;
using preprocessing::JsonNode;
using preprocessing::PeriodIndex;

constexpr const char* kHierarchyFormat = "forkcast.hierarchy";

bool HasValue(std::span<const double> values) {
  return std::ranges::any_of(values, [](double value) { return !std::isnan(value); });
}

/// The periods from `from` up to `last` that there are.
std::span<const double> PartOf(const SummedHistory& history, PeriodIndex from, PeriodIndex last) {
  const auto count = static_cast<PeriodIndex>(history.values.size());
  const PeriodIndex begin = std::clamp<PeriodIndex>(from - history.first, 0, count);
  const PeriodIndex end = std::clamp<PeriodIndex>(last - history.first + 1, begin, count);
  return std::span(history.values)
      .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

/// A group by which it is known in any data.
ordered_json GroupJson(const Hierarchy& hierarchy, std::size_t group) {
  return {{"level", hierarchy.LevelOf(group).name}, {"values", hierarchy.ValuesOf(group)}};
}

}  // namespace

std::vector<SummedHistory> SumHistories(const Hierarchy& hierarchy, const GridReader& grid,
                                        std::size_t column) {
  const SummedLeaves& summed = hierarchy.summed();
  std::vector<SummedHistory> sums(summed.sums);
  const auto all = grid.AllPeriods();
  if (!all) return sums;
  for (SummedHistory& sum : sums) sum.first = all->last + 1;
  for (std::size_t key = 0; key < summed.leaves(); ++key) {
    for (const std::uint32_t sum : summed.sums_of[key]) {
      sums[sum].first = std::min(sums[sum].first, grid.FirstPeriod(key));
    }
  }
  for (SummedHistory& sum : sums) {
    sum.values.resize(static_cast<std::size_t>(all->last - sum.first + 1), kNaN);
  }
  for (std::size_t key = 0; key < summed.leaves(); ++key) {
    const std::span<const double> values = grid.Values(key, column);
    for (const std::uint32_t sum : summed.sums_of[key]) {
      auto place = static_cast<std::size_t>(grid.FirstPeriod(key) - sums[sum].first);
      for (const double value : values) {
        double& total = sums[sum].values[place++];
        if (!std::isnan(value)) total = (std::isnan(total) ? 0 : total) + value;
      }
    }
  }
  return sums;
}

HierarchyModel HierarchyModel::Learn(const HistoryMethod& method,
                                     std::span<const SummedHistory> histories, PeriodRange train) {
  HierarchyModel model;
  for (const SummedHistory& history : histories) {
    auto& sum = model.sums_.emplace_back();
    const PeriodIndex from = std::max(train.first, history.first);
    const std::span<const double> learned = PartOf(history, from, train.last);
    if (!HasValue(learned)) continue;
    sum = HistoryModel::Part{.from = from, .learned = method.Learn(learned)};
    sum->forecaster = *method.Make(sum->learned);
  }
  return model;
}

std::vector<std::vector<double>> HierarchyModel::ForecastSums(
    std::span<const SummedHistory> histories, PeriodIndex origin, std::size_t steps) const {
  std::vector<std::vector<double>> by_step(steps, std::vector<double>(histories.size(), kNaN));
  HistoryScratch scratch;
  std::vector<double> forecasts(steps);
  for (std::size_t sum = 0; sum < sums_.size(); ++sum) {
    if (!sums_[sum]) continue;
    const std::span<const double> known = PartOf(histories[sum], *sums_[sum]->from, origin);
    if (!HasValue(known)) continue;
    sums_[sum]->forecaster->Forecast(known, forecasts, scratch);
    for (std::size_t step = 0; step < steps; ++step) by_step[step][sum] = forecasts[step];
  }
  return by_step;
}

void HierarchyModel::ReconcileKeys(const Hierarchy& hierarchy, std::span<const double> sums,
                                   std::span<double> keys) const {
  Reconcile(hierarchy.summed(), gains_, sums, keys);
}

ordered_json HierarchyModel::ToJson(const Hierarchy& hierarchy, const GridReader& grid) const {
  ordered_json sums = ordered_json::array();
  for (std::size_t group = 0; group < sums_.size(); ++group) {
    ordered_json one = GroupJson(hierarchy, group);
    if (sums_[group]) {
      one["from"] = *sums_[group]->from;
      one["form"] = sums_[group]->learned.form;
      one["parameters"] = sums_[group]->learned.parameters;
    }
    sums.push_back(std::move(one));
  }
  ordered_json keys = ordered_json::array();
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    ordered_json gains = ordered_json::array();
    for (std::size_t sum = 0; sum < sums_.size(); ++sum) {
      gains.push_back(gains_.values[key * sums_.size() + sum]);
    }
    keys.push_back({{"values", KeyToJson(grid.KeyValues(key))}, {"gains", std::move(gains)}});
  }
  return {{"format", kHierarchyFormat},
          {"format_version", 1},
          {"shrinkage", gains_.shrinkage},
          {"sums", std::move(sums)},
          {"keys", std::move(keys)}};
}

namespace {

constexpr double kMost = std::numeric_limits<double>::max();

HistoryModel::Part ReadSum(const JsonNode& node, const HistoryMethod& method) {
  constexpr PeriodIndex kMostPeriod = std::numeric_limits<std::int32_t>::max();
  HistoryModel::Part part{.from = node.Get("from").Integer(-kMostPeriod, kMostPeriod),
                          .learned = {.form = node.Get("form").String()}};
  for (const JsonNode& number : node.Get("parameters").Elements()) {
    part.learned.parameters.push_back(number.Number(-kMost, kMost));
  }
  auto forecaster = method.Make(part.learned);
  if (!forecaster) node.Fail(forecaster.error().message);
  part.forecaster = *std::move(forecaster);
  return part;
}

}  // namespace

HierarchyModel HierarchyModel::FromJson(const JsonNode& node, const HistoryMethod& method,
                                        const Hierarchy& hierarchy, const GridReader& grid) {
  node.RequireObject({"format", "format_version", "shrinkage", "sums", "keys"});
  node.RequireFormat(kHierarchyFormat, 1);
  const std::size_t groups = hierarchy.summed().sums;
  std::map<std::string, std::size_t> group_of;
  for (std::size_t i = 0; i < groups; ++i) group_of.emplace(GroupJson(hierarchy, i).dump(), i);
  HierarchyModel model;
  model.sums_.resize(groups);
  model.gains_ = {.values = std::vector<double>(groups * grid.key_count()),
                  .shrinkage = node.Get("shrinkage").Number(0, 1)};
  std::vector<std::optional<std::size_t>> place;  // by sum of the file
  for (const JsonNode& one : node.Get("sums").Elements()) {
    one.RequireObject({"level", "values", "from", "form", "parameters"});
    const ordered_json name{{"level", one.Get("level").json()},
                            {"values", one.Get("values").json()}};
    const auto known = group_of.find(name.dump());
    place.push_back(known == group_of.end() ? std::nullopt : std::optional(known->second));
    if (place.back() && one.Find("form")) model.sums_[*place.back()] = ReadSum(one, method);
  }
  std::map<std::string, std::size_t> key_of;
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    key_of.emplace(KeyToJson(grid.KeyValues(key)).dump(), key);
  }
  for (const JsonNode& one : node.Get("keys").Elements()) {
    one.RequireObject({"values", "gains"});
    const std::vector<JsonNode> gains = one.Get("gains").Elements();
    if (gains.size() != place.size()) {
      one.Get("gains").Fail(fmt::format("expected {} numbers, one a sum", place.size()));
    }
    const auto key = key_of.find(one.Get("values").json().dump());
    if (key == key_of.end()) continue;
    for (std::size_t sum = 0; sum < gains.size(); ++sum) {
      const double gain = gains[sum].Number(-kMost, kMost);
      if (place[sum]) model.gains_.values[key->second * groups + *place[sum]] = gain;
    }
  }
  return model;
}

}  // namespace forkcast::model
