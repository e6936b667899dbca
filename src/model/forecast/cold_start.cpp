#include "model/forecast/cold_start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {
namespace {

using preprocessing::GridReader;
using preprocessing::JsonNode;
using preprocessing::PeriodIndex;
using preprocessing::Value;

/// The step-th period after `origin`, from the `values` of one that begins with period `first`.
BaselineForecast ForecastFrom(const BaselineSpec& baseline, std::span<const double> values,
                              PeriodIndex first, PeriodIndex origin, std::size_t step) {
  const auto count = static_cast<PeriodIndex>(values.size());
  const PeriodIndex known = std::clamp<PeriodIndex>(origin - first + 1, 0, count);
  // Of periods that end before the origin, the target is so much further ahead.
  const auto further =
      static_cast<std::size_t>(std::max<PeriodIndex>(0, origin - first + 1 - count));
  return ForecastBaseline(baseline, values.first(static_cast<std::size_t>(known)), step + further);
}

/// The mean of some keys' values, by period.
class AverageKey {
 public:
  explicit AverageKey(const GridReader::Range& all)
      : first_(all.first),
        sums_(static_cast<std::size_t>(all.last - all.first + 1)),
        counts_(sums_.size()) {}

  void Add(PeriodIndex first, std::span<const double> values) {
    auto place = static_cast<std::size_t>(first - first_);
    for (const double value : values) {
      if (!std::isnan(value)) {
        sums_[place] += value;
        ++counts_[place];
      }
      ++place;
    }
  }
  /// Nobody's value is missing: 0 / 0.
  [[nodiscard]] std::vector<double> Values() && {
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] /= static_cast<double>(counts_[i]);
    return std::move(sums_);
  }

 private:
  PeriodIndex first_;
  std::vector<double> sums_;
  std::vector<std::size_t> counts_;
};

std::vector<KeyAttribute> ReadAlike(const ColdStartSpec& rule,
                                    const preprocessing::PipelineSpec& spec) {
  std::vector<KeyAttribute> attributes;
  for (const std::string& name : rule.alike) {
    const nlohmann::ordered_json json = name;
    attributes.push_back(ReadKeyAttribute(JsonNode(json, "cold_start.alike"), spec));
  }
  return attributes;
}

}  // namespace

ColdStartRule ReadColdStart(const JsonNode& node) {
  if (node.json() == "refuse") return std::nullopt;
  const bool has_analogues = node.json().is_object() && node.Find("alike").has_value();
  if (!has_analogues) return ColdStartSpec{.baseline = ReadBaseline(node)};
  node.RequireObject({"baseline", "alike"});
  ColdStartSpec rule{.baseline = ReadBaseline(node.Get("baseline")),
                     .alike = node.Get("alike").Strings()};
  if (rule.alike.empty()) node.Get("alike").Fail("expected at least one attribute");
  return rule;
}

std::string NameOf(const ColdStartSpec& rule) {
  if (rule.alike.empty()) return NameOf(rule.baseline);
  return fmt::format("{}, alike in {}", NameOf(rule.baseline), fmt::join(rule.alike, " and "));
}

Result<ColdStart> ColdStart::Make(const ColdStartSpec& rule,
                                  const preprocessing::PipelineSpec& spec,
                                  std::span<const preprocessing::Snapshot> snapshots,
                                  const GridReader& grid, std::size_t column) {
  ColdStart made(rule.baseline, grid, column, snapshots);
  try {
    made.alike_ = ReadAlike(rule, spec);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what(), "cold_start"};
  }
  const std::optional<GridReader::Range> all = grid.AllPeriods();
  if (!all) return made;
  made.first_ = all->first;
  AverageKey average(*all);
  std::map<std::vector<std::string>, AverageKey> averages;
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    const std::span<const double> values = grid.Values(key, column);
    average.Add(grid.FirstPeriod(key), values);
    if (made.alike_.empty()) continue;
    averages.try_emplace(AttributesOf(made.alike_, grid.KeyValues(key), snapshots), *all)
        .first->second.Add(grid.FirstPeriod(key), values);
  }
  made.average_ = std::move(average).Values();
  for (auto& [attributes, one] : averages) {
    made.averages_.emplace(attributes, std::move(one).Values());
  }
  return made;
}

double ColdStart::ScaleOf(std::size_t number, std::span<const double> average,
                          PeriodIndex origin) const {
  double own = 0;
  double others = 0;
  const PeriodIndex last = std::min(origin, grid_.LastPeriod(number));
  for (PeriodIndex period = grid_.FirstPeriod(number); period <= last; ++period) {
    const double value = grid_.ValueIn(number, column_, period);
    const double of_others = average[static_cast<std::size_t>(period - first_)];
    if (std::isnan(value) || std::isnan(of_others)) continue;
    own += value;
    others += of_others;
  }
  return own >= 0 && others > 0 ? own / others : 1;
}

BaselineForecast ColdStart::Forecast(std::optional<std::size_t> number, std::span<const Value> key,
                                     PeriodIndex origin, std::size_t step) const {
  const bool has_history = number && grid_.FirstPeriod(*number) <= origin;
  if (has_history) {
    const BaselineForecast own = ForecastFrom(baseline_, grid_.Values(*number, column_),
                                              grid_.FirstPeriod(*number), origin, step);
    if (own.reason == NoForecast::kNone) return own;
  }
  if (!alike_.empty()) {
    const std::vector<std::string> attributes = AttributesOf(alike_, key, snapshots_);
    const bool are_known = std::ranges::find(attributes, std::string()) == attributes.end();
    const auto alike = averages_.find(attributes);
    if (are_known && alike != averages_.end()) {
      BaselineForecast forecast = ForecastFrom(baseline_, alike->second, first_, origin, step);
      if (has_history) forecast.value *= ScaleOf(*number, alike->second, origin);
      if (forecast.reason == NoForecast::kNone) return forecast;
    }
  }
  return ForecastFrom(baseline_, average_, first_, origin, step);
}

}  // namespace forkcast::model
