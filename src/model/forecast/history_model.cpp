#include "model/forecast/history_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::GridReader;
using preprocessing::JsonNode;
using preprocessing::PeriodIndex;

constexpr const char* kHistoryFormat = "forkcast.history";
constexpr double kMost = std::numeric_limits<double>::max();
constexpr PeriodIndex kMostPeriod = std::numeric_limits<std::int32_t>::max();

HistoryModel::Part ReadPart(const JsonNode& node, const HistoryMethod& method) {
  HistoryModel::Part part{.learned = {.form = node.Get("form").String()}};
  if (const auto from = node.Find("from")) part.from = from->Integer(-kMostPeriod, kMostPeriod);
  for (const JsonNode& number : node.Get("parameters").Elements()) {
    part.learned.parameters.push_back(number.Number(-kMost, kMost));
  }
  Result<std::unique_ptr<const SeriesForecaster>> forecaster = method.Make(part.learned);
  if (!forecaster) node.Fail(forecaster.error().message);
  part.forecaster = *std::move(forecaster);
  return part;
}

}  // namespace

void HistoryModel::Forecast(std::size_t part, const GridReader& grid, std::size_t column,
                            std::size_t key, PeriodIndex origin, std::span<double> out,
                            HistoryScratch& scratch) const {
  const Part& one = parts_[part];
  const PeriodIndex first = grid.FirstPeriod(key);
  const PeriodIndex last = std::min(origin, grid.LastPeriod(key));
  const PeriodIndex from = one.from.value_or(first);
  std::ranges::fill(out, std::numeric_limits<double>::quiet_NaN());
  if (last < std::max(from, first)) return;
  const std::span<const double> values = grid.Values(key, column);
  const auto place = [first](PeriodIndex period) {
    return static_cast<std::size_t>(period - first);
  };
  std::span<const double> history;
  if (from >= first) {
    history = values.subspan(place(from), static_cast<std::size_t>(last - from + 1));
  } else {
    // Periods that were learned from and are gone: the states begin where they did.
    scratch.known.assign(static_cast<std::size_t>(first - from),
                         std::numeric_limits<double>::quiet_NaN());
    scratch.known.insert(scratch.known.end(), values.begin(),
                         values.begin() + static_cast<std::ptrdiff_t>(place(last) + 1));
    history = scratch.known;
  }
  const auto behind = static_cast<std::size_t>(origin - last);
  if (behind == 0) return one.forecaster->Forecast(history, out, scratch);
  scratch.steps.resize(behind + out.size());
  one.forecaster->Forecast(history, scratch.steps, scratch);
  std::ranges::copy(std::span(scratch.steps).subspan(behind), out.begin());
}

ordered_json HistoryModel::ToJson() const {
  ordered_json keys = ordered_json::array();
  for (const Part& part : parts_) {
    ordered_json one{{"form", part.learned.form}};
    if (part.from) one["from"] = *part.from;
    one["parameters"] = part.learned.parameters;
    keys.push_back(std::move(one));
  }
  return {{"format", kHistoryFormat}, {"format_version", 1}, {"keys", std::move(keys)}};
}

HistoryModel HistoryModel::FromJson(const JsonNode& node, const HistoryMethod& method,
                                    std::size_t keys) {
  node.RequireObject({"format", "format_version", "keys"});
  node.RequireFormat(kHistoryFormat, 1);
  std::vector<Part> parts;
  for (const JsonNode& one : node.Get("keys").Elements()) {
    one.RequireObject({"form", "from", "parameters"});
    parts.push_back(ReadPart(one, method));
    if (method.learns() != parts.back().from.has_value()) {
      one.Fail(method.learns() ? "\"from\" is missing"
                               : "the algorithm learns nothing of a period");
    }
  }
  if (parts.size() != (method.learns() ? keys : 1)) {
    node.Get("keys").Fail(fmt::format("expected {} keys, got {}", keys, parts.size()));
  }
  return HistoryModel(std::move(parts));
}

}  // namespace forkcast::model
