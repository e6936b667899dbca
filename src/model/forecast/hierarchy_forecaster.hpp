#pragma once

#include <cstddef>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/period.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/forecaster.hpp"
#include "model/forecast/hierarchy.hpp"
#include "model/forecast/hierarchy_model.hpp"

namespace forkcast::model {

/// Forecasts of the sums of a published pipeline with a hierarchy, which agree with those of its
/// keys. Never changes; thread-safe.
class HierarchyForecaster {
 public:
  /// `forecaster` is of `version`, and outlives the object. kCorrupt; otherwise as
  /// Hierarchy::Build(). Precondition: the version's plan has a hierarchy.
  static Result<HierarchyForecaster> Open(const ForecastVersion& version,
                                          const Forecaster& forecaster);

  [[nodiscard]] const Hierarchy& hierarchy() const noexcept { return hierarchy_; }
  /// Reconciles forecasts of the keys, by step from 1 on and then by the key's number in the
  /// forecaster's grid, NaN where there is none; and gives the sums, by step and group.
  [[nodiscard]] std::vector<std::vector<double>> Reconcile(
      preprocessing::PeriodIndex origin, std::vector<std::vector<double>>& keys) const;

 private:
  HierarchyForecaster(const TrainingPlan& plan, Hierarchy hierarchy)
      : output_(plan.output), hierarchy_(std::move(hierarchy)) {}

  OutputRule output_;
  Hierarchy hierarchy_;
  HierarchyModel model_;
  bool is_mint_ = false;
  std::vector<SummedHistory> histories_;
};

}  // namespace forkcast::model
