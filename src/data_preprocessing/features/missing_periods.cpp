#include "data_preprocessing/features/missing_periods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace forkcast::preprocessing {
namespace {

/// More than that, and nobody reads them: those of a year's days, say.
constexpr std::size_t kListed = 12;

}  // namespace

void MissingPeriods::Add(const SeriesSpec& series, std::size_t column, PeriodIndex period) {
  auto value = std::ranges::find_if(
      periods_, [&](const OfValue& one) { return one.series == &series && one.column == column; });
  if (value == periods_.end()) {
    value = periods_.insert(value, {.series = &series, .column = column, .periods = {}});
  }
  const auto place = std::ranges::lower_bound(value->periods, period);
  if (place == value->periods.end() || *place != period) value->periods.insert(place, period);
}

std::string MissingPeriods::Text(const OfValue& value) {
  const AggregateSpec& aggregate = *value.series->aggregate;
  std::string text = fmt::format("series \"{}\" has no \"{}\" in the {}{} of ", value.series->name,
                                 aggregate.values[value.column].name, ToString(aggregate.period),
                                 value.periods.size() == 1 ? "" : "s");
  const std::size_t listed = std::min(kListed, value.periods.size());
  for (std::size_t i = 0; i < listed; ++i) {
    if (i > 0) text += ", ";
    AppendPeriodText(value.periods[i], aggregate.period, text);
  }
  if (value.periods.size() > listed) {
    fmt::format_to(std::back_inserter(text), " and {} more", value.periods.size() - listed);
  }
  return text;
}

std::string MissingPeriods::Text() const {
  std::string text;
  for (const OfValue& value : periods_) {
    if (!text.empty()) text += "; ";
    text += Text(value);
  }
  return text;
}

}  // namespace forkcast::preprocessing
