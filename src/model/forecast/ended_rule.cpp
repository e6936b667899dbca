#include "model/forecast/ended_rule.hpp"

#include <algorithm>
#include <cmath>

namespace forkcast::model {

using preprocessing::PeriodIndex;

EndedRule::EndedRule(std::optional<std::size_t> periods, const preprocessing::SeriesSpec& series,
                     const preprocessing::GridReader& grid,
                     const preprocessing::ForecastSpec& forecast)
    : periods_(periods),
      grid_(grid),
      column_(*series.ValueSchema().Find(forecast.value)),
      censored_by_(series.aggregate->CensoredBy(column_)) {}

bool EndedRule::HasEnded(std::size_t key, PeriodIndex origin) const noexcept {
  if (!periods_) return false;
  const auto enough = static_cast<PeriodIndex>(*periods_);
  const PeriodIndex last = std::min(origin, grid_.LastPeriod(key));
  PeriodIndex quiet = origin - last;
  for (PeriodIndex period = last; quiet < enough && period >= grid_.FirstPeriod(key); --period) {
    const double value = grid_.ValueIn(key, column_, period);
    if (!std::isnan(value) && value != 0) return false;
    const bool is_censored =
        censored_by_ && preprocessing::IsCensoring(grid_.ValueIn(key, *censored_by_, period));
    if (!is_censored) ++quiet;
  }
  return quiet >= enough;
}

}  // namespace forkcast::model
