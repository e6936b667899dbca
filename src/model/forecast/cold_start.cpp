#include "model/forecast/cold_start.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace forkcast::model {
namespace {

using preprocessing::GridReader;
using preprocessing::JsonNode;
using preprocessing::PeriodIndex;

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

}  // namespace

ColdStartRule ReadColdStart(const JsonNode& node) {
  if (node.json() == "refuse") return std::nullopt;
  return ReadBaseline(node);
}

ColdStart::ColdStart(const BaselineSpec& baseline, const GridReader& grid, std::size_t column)
    : baseline_(baseline), grid_(grid), column_(column) {
  const std::optional<GridReader::Range> all = grid.AllPeriods();
  if (!all) return;
  first_ = all->first;
  average_.resize(static_cast<std::size_t>(all->last - all->first + 1));
  std::vector<std::size_t> counts(average_.size());
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    auto place = static_cast<std::size_t>(grid.FirstPeriod(key) - first_);
    for (const double value : grid.Values(key, column)) {
      if (!std::isnan(value)) {
        average_[place] += value;
        ++counts[place];
      }
      ++place;
    }
  }
  // Nobody's value is missing: 0 / 0.
  for (std::size_t i = 0; i < average_.size(); ++i) average_[i] /= static_cast<double>(counts[i]);
}

BaselineForecast ColdStart::Forecast(std::optional<std::size_t> key, PeriodIndex origin,
                                     std::size_t step) const {
  if (key && grid_.FirstPeriod(*key) <= origin) {
    const BaselineForecast own =
        ForecastFrom(baseline_, grid_.Values(*key, column_), grid_.FirstPeriod(*key), origin, step);
    if (own.reason == NoForecast::kNone) return own;
  }
  return ForecastFrom(baseline_, average_, first_, origin, step);
}

}  // namespace forkcast::model
