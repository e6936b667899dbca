#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/examples.hpp"

namespace forkcast::model {

/// The series that a pipeline forecasts, with what its features read: the published snapshots,
/// which pipelines that differ in their features alone share. Keys are numbered as GridReader does.
class ForecastData {
 public:
  /// `spec` has a forecast, and outlives the object. As CheckForecastRequest() and
  /// OpenSnapshots().
  static Result<std::unique_ptr<ForecastData>> Open(const preprocessing::PipelineSpec& spec,
                                                    const std::filesystem::path& snapshots);
  /// The same data for `spec`, whose series, request, zone and, but for its strategy, forecast are
  /// those of this one, and which outlives the object. Opens nothing.
  [[nodiscard]] std::unique_ptr<ForecastData> For(const preprocessing::PipelineSpec& spec) const;
  ForecastData(const ForecastData&) = delete;
  ForecastData& operator=(const ForecastData&) = delete;

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const preprocessing::ForecastSpec& forecast() const noexcept {
    return *spec_.forecast;
  }
  [[nodiscard]] std::size_t horizon() const noexcept {
    return static_cast<std::size_t>(forecast().horizon);
  }
  [[nodiscard]] const preprocessing::SeriesSpec& series() const noexcept { return opened_->series; }
  [[nodiscard]] const preprocessing::GridReader& grid() const noexcept { return opened_->grid; }
  [[nodiscard]] std::size_t key_count() const noexcept { return grid().key_count(); }
  /// A key as people read it: its columns' values, joined by commas.
  [[nodiscard]] std::string KeyName(std::size_t key) const;
  /// The numbers of all keys, ascending.
  [[nodiscard]] std::vector<std::uint32_t> AllKeys() const;
  /// The first calendar day of a period in the pipeline's zone, "2024-03-31".
  [[nodiscard]] std::string FirstDay(std::int64_t period) const;
  /// The value to forecast in all periods of a key, oldest first; NaN where missing.
  [[nodiscard]] std::span<const double> Values(std::size_t key) const noexcept {
    return grid().Values(key, opened_->column);
  }
  /// Its position among the series' values.
  [[nodiscard]] std::size_t column() const noexcept { return opened_->column; }
  /// Those up to and with period `last`.
  [[nodiscard]] std::span<const double> ValuesUpTo(std::size_t key,
                                                   std::int64_t last) const noexcept {
    return grid().ValuesUpTo(key, opened_->column, last);
  }
  [[nodiscard]] double ValueIn(std::size_t key, std::int64_t period) const noexcept {
    return grid().ValueIn(key, opened_->column, period);
  }
  /// Whether the series declares that the value to forecast may be censored.
  [[nodiscard]] bool may_be_censored() const noexcept { return opened_->censored_by.has_value(); }
  /// Whether a period's value is missing since nobody knows what it would have been.
  [[nodiscard]] bool IsCensored(std::size_t key, std::int64_t period) const noexcept {
    return opened_->censored_by &&
           preprocessing::IsCensoring(grid().ValueIn(key, *opened_->censored_by, period));
  }
  [[nodiscard]] std::span<const preprocessing::Snapshot> snapshots() const noexcept {
    return opened_->snapshots;
  }
  /// That of the series that is forecast.
  [[nodiscard]] const preprocessing::Snapshot& forecast_snapshot() const noexcept {
    return opened_->snapshots[opened_->forecast_series];
  }
  /// A request for each key, by its number: the key's fields are set.
  [[nodiscard]] const preprocessing::Table& requests() const noexcept { return opened_->requests; }

 private:
  /// What all that share the data have in common.
  struct Opened {
    Opened(const preprocessing::PipelineSpec& spec, std::size_t position,
           std::vector<preprocessing::Snapshot> opened);
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

    preprocessing::SeriesSpec series;  ///< Which the grid reads by, as the zone.
    preprocessing::TimeZone zone;
    std::vector<preprocessing::Snapshot> snapshots;
    std::size_t forecast_series = 0;
    preprocessing::GridReader grid;
    std::size_t column = 0;
    std::optional<std::size_t> censored_by;  ///< Column that says so of `column`.
    preprocessing::Table requests;
  };

  ForecastData(const preprocessing::PipelineSpec& spec, std::shared_ptr<const Opened> opened)
      : spec_(spec), opened_(std::move(opened)) {}

  const preprocessing::PipelineSpec& spec_;
  std::shared_ptr<const Opened> opened_;
};

/// What a row's features say of its target; NaN where the plan names no feature for it, or its
/// value is missing.
[[nodiscard]] TargetReference ReferenceIn(const TrainingPlan& plan,
                                          std::span<const preprocessing::Value> features);

/// One key's period whose value is to be forecast.
struct ForecastPoint {
  std::uint32_t key = 0;
  std::int64_t period = 0;
};

/// Rows to learn from or to forecast, sorted by key and then by period. Left out are those of which
/// a feature could not be computed, and may not be missing.
struct PointExamples : Examples {
  using Examples::Examples;

  std::vector<ForecastPoint> points;  ///< One a row, as all that follows.
  std::vector<double> actual;         ///< NaN where not known.
  std::vector<TargetReference> references;
  /// Of the first row that nothing can be learned from as it was declared, names key and period:
  /// its weight is missing, negative or no number that can be learned with; or its value has no
  /// logarithm.
  std::optional<Error> bad_row;

  /// Adds rows of later keys. Precondition: the same features.
  void Append(PointExamples later);
};

/// How many periods before a point's own its features are read (1: the period before it is the last
/// one known).
using DistanceOf = std::function<std::int64_t(const ForecastPoint&)>;

/// Computes the features of points; none where the plan reads no features. kInvalidArgument from
/// the features' types only.
[[nodiscard]] Result<PointExamples> ComputeExamples(const ForecastData& data,
                                                    const TrainingPlan& plan,
                                                    std::span<const ForecastPoint> points,
                                                    const DistanceOf& distance);

/// The points of `keys` in `periods` whose value is known, by key.
[[nodiscard]] std::vector<ForecastPoint> KnownPoints(const ForecastData& data, PeriodRange periods,
                                                     std::span<const std::uint32_t> keys);

}  // namespace forkcast::model
