#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_operator.hpp"
#include "data_preprocessing/series/period.hpp"

namespace forkcast::preprocessing {

/// A value that somebody supposes of a plan, in place of what it says of a period.
struct AssumedPlan {
  std::size_t series = 0;  ///< Known in advance; its periods, if it has some, are the forecast's.
  std::size_t column = 0;  ///< Of its values.
  PeriodIndex period = 0;
  Value value{};  ///< Of the column's type; of a series with periods a double.
};

/// When a row is read and what it forecasts.
struct FeatureMoment {
  Instant origin;  ///< Nothing that became known later is read.
  Instant target;  ///< Start of the period to forecast; the origin where nothing is forecast.
  /// Recursive forecasts: the values of the forecast series, of this key, in the periods that
  /// follow the last one known at the origin. They are read as if they had happened; the series'
  /// other values are missing in these periods, and other series are read as of the origin.
  std::span<const double> assumed{};
  /// By when data must not be too old; unset: the origin. Later than it where someone asks now for
  /// what follows the newest data.
  std::optional<Instant> asked_at{};
  /// Set: the row is read as it would have been at this instant, which may lie before its origin:
  /// of what became known later nothing is seen, and data are as old as they were then.
  std::optional<Instant> known_by{};
  /// What is supposed of plans, of whichever key they are read: what features read at the target
  /// reads it. `target_period`: the target's.
  std::span<const AssumedPlan> plans{};
  PeriodIndex target_period = 0;
};

/// Moments at which rows of many keys are read, with what follows from these alone, so that it is
/// worked out once. FeatureComputer::Prepare() makes it, for that pipeline.
class FeatureMoments {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return moments_.size(); }

 private:
  friend class FeatureComputer;

  std::vector<FeatureMoment> moments_;
  std::vector<WallTime> origins_;
  std::vector<WallTime> targets_;
  std::array<std::vector<PeriodIndex>, kPeriodKinds> target_periods_;  // of those that are read
  std::vector<std::vector<double>> features_;  // of operators that see moments alone
};

/// The features of many rows of one key, by column: what FeatureComputer::ComputeColumns() fills.
class FeatureColumns {
 public:
  /// A row whose features the pipeline refuses, and why.
  struct Refused {
    std::size_t row = 0;
    Error error;
  };

  [[nodiscard]] std::size_t row_count() const noexcept { return row_count_; }
  [[nodiscard]] const FeatureColumn& column(std::size_t feature) const noexcept {
    return columns_[feature];
  }
  /// Ascending; what columns hold of them means nothing.
  [[nodiscard]] std::span<const Refused> refused() const noexcept { return refused_; }

 private:
  friend class FeatureComputer;

  std::size_t row_count_ = 0;
  std::vector<FeatureColumn> columns_;
  std::vector<Refused> refused_;
};

}  // namespace forkcast::preprocessing
