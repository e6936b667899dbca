#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// Models that a strategy trains for a key, or for all keys: `direct` one a step, else one.
[[nodiscard]] std::size_t ModelsOf(const preprocessing::ForecastSpec& forecast);

/// How many periods before the point's own the features are read of the example that `model` (from
/// 0) learns from. Of `pooled` each point is an example of one step, every step's turn comes in
/// every key and every period.
[[nodiscard]] std::int64_t DistanceOfPoint(const preprocessing::ForecastSpec& forecast,
                                           std::size_t model, const ForecastPoint& point) noexcept;

/// The examples that a strategy learns from and is judged on, computed once for all folds: features
/// are read as of a row's own origin, so that no fold changes them.
class StepExamples {
 public:
  /// Of all points of `keys` (their numbers in `data`, none twice) in `periods` whose value is
  /// known, but for those that nobody asks for, since the key has ended as of every origin that
  /// they are forecast from. kInvalidArgument for a row whose weight is missing, negative or not
  /// finite, or whose value has no logarithm where the target takes it.
  static Result<StepExamples> Compute(const ForecastData& data, const TrainingPlan& plan,
                                      PeriodRange periods, std::vector<std::uint32_t> keys);

  [[nodiscard]] const std::vector<std::uint32_t>& keys() const noexcept { return keys_; }

  /// ModelsOf() the forecast; 1 where nothing is learned from features, whose rows have none.
  [[nodiscard]] std::size_t model_count() const noexcept { return Shown().by_model_.size(); }
  /// Of candidates those of the first that reads features.
  [[nodiscard]] const PointExamples& of_model(std::size_t model) const noexcept {
    return Shown().by_model_[model];
  }
  [[nodiscard]] const StepExamples& of_candidate(std::size_t candidate) const noexcept {
    return candidates_[candidate];
  }

 private:
  [[nodiscard]] const StepExamples& Shown() const noexcept {
    return candidates_.empty() ? *this : candidates_[shown_];
  }
  static Result<StepExamples> ComputeCandidates(const ForecastData& data, const TrainingPlan& plan,
                                                PeriodRange periods,
                                                const std::vector<std::uint32_t>& keys);

  std::vector<std::uint32_t> keys_;
  std::vector<PointExamples> by_model_;
  std::vector<StepExamples> candidates_;  // instead
  std::size_t shown_ = 0;                 // of them
};

/// Rows of `examples` whose periods lie in `periods`, sorted by period and then by key.
[[nodiscard]] std::vector<std::uint32_t> RowsIn(const PointExamples& examples, PeriodRange periods);

}  // namespace forkcast::model
