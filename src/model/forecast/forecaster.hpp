#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/table.hpp"
#include "model/evaluate/intervals.hpp"
#include "model/forecast/assumptions.hpp"
#include "model/forecast/cold_start.hpp"
#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/ended_rule.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/step_forecaster.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// The forecast of one key that someone asks for: `steps`, or `from` and `to`, or all steps.
struct ForecastQuestion {
  /// Schema: begins with the pipeline's request fields. Row `row` has the key and, in the field of
  /// the request's time, the origin: the periods that were known by this instant are. Where it is
  /// missing, the origin is the newest period of all keys.
  const preprocessing::Table& rows;
  std::size_t row = 0;
  std::optional<Instant> origin{};  ///< Instead of the request's time.
  Instant now;                      ///< The origin being missing, data must not be too old by then.
  /// Set: the forecast that would have been made at this instant, of what was known by then.
  std::optional<Instant> known_by{};
  std::optional<std::int64_t> steps{};  ///< The first so many.
  /// From the period on that holds it; missing: from step 1. Without an origin it may be one that
  /// has happened: such periods are forecast each as of the one before.
  std::optional<Instant> from{};
  std::optional<Instant> to{};  ///< To the period that holds it; missing: to the horizon.
  /// What is supposed of plans in these periods.
  std::span<const Assumption> assumptions{};
  bool explain = false;  ///< Also what forecasts are made of. Needs ForecastModel::explained().
};

struct StepForecast {
  std::size_t step = 1;
  preprocessing::PeriodIndex period = 0;
  /// The last period known.
  [[nodiscard]] preprocessing::PeriodIndex origin() const noexcept {
    return period - static_cast<preprocessing::PeriodIndex>(step);
  }
  double value = 0;  ///< A number, never NaN.
  /// What is known of the period by now (or `known_by`), whatever the origin; NaN: nothing.
  double actual = std::numeric_limits<double>::quiet_NaN();
  bool cold_start = false;  ///< A baseline's, for want of a model or of history.

  friend bool operator==(const StepForecast&, const StepForecast&) = default;
};

/// Keeps its memory for the next answer.
struct ForecastAnswer {
  preprocessing::PeriodIndex origin = 0;  ///< The last period known, of all steps.
  std::vector<StepForecast> steps;        ///< Those that were asked for, one after the other.
  /// Steps x Forecaster::levels(); NaN around what a baseline stands in for.
  std::vector<PredictionInterval> intervals;
  /// Steps x the pipeline's features; missing for what no model forecast.
  std::vector<preprocessing::Value> features;
  /// By step, where they were asked for; nothing of what no model forecast.
  std::vector<StepExplanation> explanations;
  preprocessing::SeriesMask stale = 0;  ///< Series whose data are older than they may be.
};

/// A pipeline's forecast with the data to make it of. Never changes; thread-safe, each thread with
/// a ForecastSession of its own.
class Forecaster {
 public:
  struct Parts {
    preprocessing::PipelineSpec spec;  ///< With a forecast.
    TrainingPlan plan;
    std::shared_ptr<const ForecastModel> model;      ///< Also of those over other snapshots.
    std::vector<preprocessing::Snapshot> snapshots;  ///< Of the spec's series, verified.
    ColdStartRule cold_start{};
    std::shared_ptr<const ConformalIntervals> intervals{};  ///< Null: there are none.
  };
  /// As CheckForecastRequest() and ColdStart::Make(). O(keys), and O(all periods) where there is a
  /// cold start.
  static Result<std::unique_ptr<const Forecaster>> Make(Parts parts);
  /// Of a published version. As ForecastVersion::Model(), OpenSnapshots() and Make().
  static Result<std::unique_ptr<const Forecaster>> Open(const ForecastVersion& version,
                                                        const std::filesystem::path& snapshots,
                                                        const ColdStartRule& cold_start);
  /// The same over other snapshots of its series; the model is lent, not loaded again. As Make().
  [[nodiscard]] Result<std::unique_ptr<const Forecaster>> Over(
      std::vector<preprocessing::Snapshot> snapshots) const;
  Forecaster(const Forecaster&) = delete;
  Forecaster& operator=(const Forecaster&) = delete;

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return parts_.spec; }
  [[nodiscard]] const TrainingPlan& plan() const noexcept { return parts_.plan; }
  [[nodiscard]] const ForecastModel& model() const noexcept { return *parts_.model; }
  /// Of the intervals around forecasts, ascending; empty when there are none.
  [[nodiscard]] std::span<const double> levels() const noexcept {
    return parts_.intervals ? parts_.intervals->levels() : std::span<const double>();
  }
  [[nodiscard]] std::size_t horizon() const noexcept {
    return static_cast<std::size_t>(spec().forecast->horizon);
  }
  [[nodiscard]] std::span<const preprocessing::Snapshot> snapshots() const noexcept {
    return parts_.snapshots;
  }
  /// What questions may suppose.
  [[nodiscard]] const AssumablePlans& assumable() const noexcept { return assumable_; }
  /// The series that is forecast, with its keys.
  [[nodiscard]] const preprocessing::GridReader& grid() const noexcept { return grid_; }
  /// The newest period of all keys; none without data.
  [[nodiscard]] std::optional<preprocessing::PeriodIndex> newest() const noexcept;

  /// The last period known at an origin; none: the newest. kInvalidArgument for an origin before or
  /// behind the data, kFeatureMissing without any.
  [[nodiscard]] Result<preprocessing::PeriodIndex> PeriodAt(
      const std::optional<Instant>& origin) const;
  /// Whether the question's origin and steps can be forecast at all, whatever its key is. As
  /// ForecastSession::Forecast().
  [[nodiscard]] Status Check(const ForecastQuestion& question) const;

  /// Whether a key, by its number in grid(), has ended by the period `origin`, so that it is not
  /// forecast from there.
  [[nodiscard]] bool HasEnded(std::size_t key, preprocessing::PeriodIndex origin) const noexcept {
    return ended_.HasEnded(key, origin);
  }

  /// Appends a period as answers say it: its first calendar day, "2024-03-31".
  void AppendPeriod(preprocessing::PeriodIndex period, std::string& text) const;
  /// Appends an origin as answers say it: when its last period became known, as a day of the
  /// pipeline's zone if that is midnight, else in UTC. Who asks as of it gets the same answer.
  void AppendOrigin(preprocessing::PeriodIndex period, std::string& text) const;

 private:
  friend class ForecastSession;

  /// What a question means.
  struct Asked {
    ForecastOrigin origin;
    std::size_t first_step = 1;
    std::size_t last_step = 1;  ///< Less than the first: none.
    /// Before these steps, the periods from here to the origin's, each as of the one before.
    std::optional<preprocessing::PeriodIndex> past_from{};
    preprocessing::PeriodIndex past_to = 0;
  };

  explicit Forecaster(Parts parts);
  [[nodiscard]] Result<Asked> Resolve(const ForecastQuestion& question) const;
  /// The instant whose known periods a question is asked of; none: all that there are.
  [[nodiscard]] Result<std::optional<Instant>> OriginOf(const ForecastQuestion& question) const;
  /// The origin that the question itself says.
  [[nodiscard]] std::optional<Instant> GivenOrigin(const ForecastQuestion& question) const;
  Status ResolvePast(const ForecastQuestion& question, Asked& asked) const;
  Status ResolveSteps(const ForecastQuestion& question, Asked& asked) const;
  [[nodiscard]] Result<std::size_t> StepOf(Instant instant, const char* field,
                                           preprocessing::PeriodIndex origin) const;
  [[nodiscard]] std::string Name(preprocessing::PeriodIndex period) const;
  [[nodiscard]] std::string Name(Instant instant) const;

  Parts parts_;
  std::size_t series_;  // that is forecast
  preprocessing::GridReader grid_;
  std::size_t column_;
  std::optional<preprocessing::GridReader::Range> periods_;
  EndedRule ended_;
  std::optional<ColdStart> cold_start_;
  AssumablePlans assumable_;
};

/// Answers questions to a Forecaster. Holds scratch memory: one object a thread. Allocates nothing
/// in the steady state, but for analogues and the median of a cold start, and "rolling_median".
class ForecastSession {
 public:
  /// `forecaster` outlives the object.
  explicit ForecastSession(const Forecaster& forecaster);

  /// Forecasts equal those that the model was judged by: made with the same features of the same
  /// (key, origin, step), bit for bit. A step that cannot be forecast refuses the whole question:
  /// - kInvalidArgument with the field ("steps", "from", "to", or the pipeline's) for a question
  ///   that is beyond what can be forecast, and says what can;
  /// - kNotFound for a key without history or model, unless the cold start has a baseline for it,
  ///   and for one that has ended;
  /// - kFeatureMissing, kFeatureStale with the feature, or the series where no feature reads it.
  Status Forecast(const ForecastQuestion& question, ForecastAnswer& answer);

 private:
  Status CheckKey(const ForecastQuestion& question) const;
  /// Works out `plans_`. kInvalidArgument for a period that is not forecast.
  Status Suppose(const ForecastQuestion& question, const Forecaster::Asked& asked);
  /// Adds the steps `first` to `last` as of one origin to the answer.
  Status Append(const ForecastQuestion& question, const ForecastOrigin& origin, std::size_t first,
                std::size_t last, ForecastAnswer& answer);
  /// The question's key, as messages say it.
  [[nodiscard]] std::string KeyOf(const ForecastQuestion& question) const;
  /// Whether the series is new enough for what reads it alone, without features that would see to
  /// it.
  Status CheckSeries(const ForecastOrigin& origin, preprocessing::SeriesMask& stale) const;
  Status Answer(const StepResult& result, const ForecastQuestion& question,
                preprocessing::PeriodIndex origin, StepForecast& forecast) const;
  /// The intervals around the last `count` steps, which are as of `origin`.
  void AddIntervals(preprocessing::PeriodIndex origin, std::size_t count,
                    ForecastAnswer& answer) const;
  [[nodiscard]] Error Refused(Error error, const StepForecast& forecast) const;
  [[nodiscard]] Error Ended(const ForecastQuestion& question,
                            preprocessing::PeriodIndex origin) const;
  [[nodiscard]] Error NoModel(const ForecastQuestion& question, preprocessing::PeriodIndex origin,
                              const StepForecast& forecast) const;

  const Forecaster& forecaster_;
  StepForecaster steps_;
  std::vector<StepResult> results_;
  std::vector<preprocessing::AssumedPlan> plans_;
};

}  // namespace forkcast::model
