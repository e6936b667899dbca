#pragma once

#include <cstddef>
#include <optional>

#include "data_preprocessing/features/forecast_spec.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/series_spec.hpp"

namespace forkcast::model {

/// When nobody asks for a key's forecast any more: as of an origin, each of its last so many
/// periods was without a sale. Only periods up to the origin are looked at, so that who judges the
/// past leaves out the keys that would have been left out then, also those that were sold again.
class EndedRule {
 public:
  /// `periods`: TrainingPlan::ended_after; none: no key ever ends. `grid` is of `series`, which is
  /// the one that `forecast` names, and outlives the object.
  EndedRule(std::optional<std::size_t> periods, const preprocessing::SeriesSpec& series,
            const preprocessing::GridReader& grid, const preprocessing::ForecastSpec& forecast);

  [[nodiscard]] std::optional<std::size_t> periods() const noexcept { return periods_; }
  /// A value that is missing or 0 is no sale, and so is a period behind the key's last one. Periods
  /// that are censored tell nothing and do not count. A key that is younger has not ended. O(the
  /// periods and the censored ones among them).
  [[nodiscard]] bool HasEnded(std::size_t key, preprocessing::PeriodIndex origin) const noexcept;

 private:
  std::optional<std::size_t> periods_;
  const preprocessing::GridReader& grid_;
  std::size_t column_;
  std::optional<std::size_t> censored_by_;
};

}  // namespace forkcast::model
