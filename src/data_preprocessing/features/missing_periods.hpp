#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/series/series_spec.hpp"

namespace forkcast::preprocessing {

/// What a feature is computed from, for the message when it is missing.
struct FeatureNeeds {
  /// The value of a series with `aggregate`, so many periods before period 0.
  struct Past {
    std::size_t read = 0;
    std::size_t column = 0;
    PeriodIndex back = 0;
  };
  std::vector<Past> past;
  std::vector<std::size_t> features;  ///< Named before it, by their positions.
};

/// Periods of series that have no value, as a message lists them.
class MissingPeriods {
 public:
  /// `column`: the position among the values of `series`, which has `aggregate` and outlives the
  /// object.
  void Add(const SeriesSpec& series, std::size_t column, PeriodIndex period);
  [[nodiscard]] bool empty() const noexcept { return periods_.empty(); }
  /// `series "weekly" has no "quantity" in the weeks of 2024-01-01, 2024-01-08 and 5 more`.
  [[nodiscard]] std::string Text() const;

 private:
  struct OfValue {
    const SeriesSpec* series = nullptr;
    std::size_t column = 0;
    std::vector<PeriodIndex> periods;
  };
  static std::string Text(const OfValue& value);

  std::vector<OfValue> periods_;
};

}  // namespace forkcast::preprocessing
