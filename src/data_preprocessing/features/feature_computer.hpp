#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_columns.hpp"
#include "data_preprocessing/features/feature_operator.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/features/forecast_spec.hpp"
#include "data_preprocessing/features/request_spec.hpp"
#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// Set of series by their position in the pipeline; at most 64.
using SeriesMask = std::uint64_t;
inline constexpr std::size_t kMaxSeries = 64;

/// Computes the features of rows. This is where a row meets data, and the one place where
/// look-ahead is prevented: it hands operators nothing that was not known at the row's origin, but
/// for what is known in advance. Holds scratch memory: one object a thread. Allocates nothing in
/// steady state.
class FeatureComputer {
 public:
  /// `features` and `series` must be valid together (as a PipelineSpec has them) and, like
  /// `request`, `zone` and `forecast` (null: nothing is forecast), outlive the object.
  FeatureComputer(std::span<const FeatureSpec> features, std::span<const SeriesSpec> series,
                  const RequestSpec& request, const TimeZone& zone,
                  const ForecastSpec* forecast = nullptr);

  [[nodiscard]] std::size_t feature_count() const noexcept { return features_.size(); }

  /// Computes the features of row `row` of `rows` (schema: request.fields) into `values`, of
  /// feature_count() elements. `snapshots` are the series' in the pipeline's order; text values
  /// are views into them or into the specs. `now` stands in for an absent time where allowed.
  /// `stale` gains the series whose data are older than they may be and are answered with a flag.
  /// kFeatureMissing or kFeatureStale, with the feature's name, when the pipeline refuses.
  Status Compute(std::span<const Snapshot> snapshots, const Table& rows, std::size_t row,
                 Instant now, std::span<Value> values, SeriesMask& stale);

  /// The same in two steps, for many origins and targets of one row: Select() looks its keys up,
  /// ComputeAt() reads them at a moment, whatever time the row itself says. What is selected must
  /// stay as it is until the next Select().
  void Select(std::span<const Snapshot> snapshots, const Table& rows, std::size_t row);
  /// When Compute() reads row `row` of `rows`: at the row's own time.
  [[nodiscard]] FeatureMoment MomentOf(const Table& rows, std::size_t row, Instant now) const;
  /// Precondition: Select(). `moment.assumed` is empty unless there is a forecast.
  Status ComputeAt(const FeatureMoment& moment, std::span<Value> values, SeriesMask& stale);

  /// For training, which reads many neighbouring moments of each key: moments with neither assumed
  /// values nor `known_by`, best in ascending order.
  [[nodiscard]] FeatureMoments Prepare(std::vector<FeatureMoment> moments) const;
  /// What ComputeAt() gives at each of `count` of the moments, from `first` on, bit for bit, but
  /// for which series are stale: faster, since it goes by column. Precondition: Select(), and
  /// Prepare() of this computer's pipeline.
  void ComputeColumns(const FeatureMoments& moments, std::size_t first, std::size_t count,
                      FeatureColumns& columns);

 private:
  /// One series by one choice of request fields.
  struct LookUp {
    std::size_t series = 0;
    std::vector<std::size_t> key_columns;
    friend bool operator==(const LookUp&, const LookUp&) = default;
  };
  /// What was looked up for the selected row.
  struct Found {
    const Snapshot* snapshot = nullptr;
    std::optional<Snapshot::KeyRows> rows;
  };
  /// It, read at one of the row's instants.
  struct Read {
    std::size_t look_up = 0;
    ReadAt at = ReadAt::kOrigin;
    bool is_grid = false;
    bool is_forecast = false;  // of the series and key that are forecast: reads assumed values
    bool has_max_age = false;
    bool strict = false;
    std::optional<std::size_t> skips_missing{};  // of this column
    std::size_t first_feature = 0;               // for messages
  };

  [[nodiscard]] std::optional<std::uint64_t> RowAsOf(const Read& read,
                                                     const Snapshot::KeyRows& rows,
                                                     const FeatureMoment& moment) const;
  [[nodiscard]] LookUp LookUpOf(const std::string& series,
                                std::span<const std::string> fields) const;
  std::size_t AddLookUp(LookUp look_up);
  void AddRead(const SeriesRead& read);

  /// The row of a plan that holds at the target.
  [[nodiscard]] std::optional<std::uint64_t> PlannedAt(const Read& read,
                                                       const Snapshot::KeyRows& rows,
                                                       const FeatureMoment& moment) const;
  /// Of a grid the row that is the period `target`.
  [[nodiscard]] static std::optional<std::uint64_t> RowOfTarget(const Snapshot::KeyRows& rows,
                                                                PeriodIndex target) noexcept;

  // Parts of ComputeColumns().
  void ReadMany(std::size_t number, const FeatureMoments& moments, std::size_t first,
                std::size_t count);
  /// Of a grid the last period visible at `origin`; `before`: that of an origin before, if any.
  [[nodiscard]] static std::optional<std::uint64_t> PeriodInForce(
      const SeriesViews& views, Instant origin, std::optional<std::uint64_t> before) noexcept;
  [[nodiscard]] std::optional<std::uint64_t> RowInForce(const Read& read, const SeriesViews& views,
                                                        std::size_t row,
                                                        const FeatureMoment& moment) const;
  /// Rows whose data are older than they may be are computed by themselves.
  void MarkOld(std::size_t number, const FeatureMoments& moments, std::size_t first);
  void ComputeByRow(std::size_t feature, const FeatureMoments& moments, std::size_t first,
                    FeatureColumn& column);
  /// As the feature declares; rows that may not lack it are computed by themselves.
  void FillMissing(std::size_t feature, FeatureColumn& column);
  void ComputeByItself(const FeatureMoment& moment, std::size_t row, FeatureColumns& columns);

  Status ReadAll(const FeatureMoment& moment, SeriesMask& stale);
  void ReadSeries(std::size_t number, const FeatureMoment& moment);
  /// Puts the values of all columns as they were known at `origin` in place of the newest.
  void GoBack(Instant origin, std::vector<std::vector<double>>& past, SeriesView& view);
  void Assume(std::span<const double> assumed, std::vector<std::vector<double>>& past,
              SeriesView& view);
  /// What is supposed of plans takes the place of what was read of them.
  void AssumePlans(const FeatureMoment& moment);
  void AssumePeriods(std::size_t read, std::span<const AssumedPlan> plans);
  void AssumeRow(std::size_t read, const FeatureMoment& moment);
  /// By when the data of a read must not be too old.
  [[nodiscard]] Instant AskedAt(const Read& read, const FeatureMoment& moment) const;
  /// Whether that is the target: of plans that do not say when they were made.
  [[nodiscard]] bool IsByTarget(const Read& read) const noexcept;
  [[nodiscard]] Status CheckStaleness(const Read& read, const FeatureMoment& moment,
                                      SeriesMask& stale);
  /// Until when what was looked up has all that there was; as of `known_by` its watermark.
  [[nodiscard]] std::optional<Instant> WatermarkOf(std::size_t look_up,
                                                   const std::optional<Instant>& known_by);
  /// The same of the row in force of one key.
  [[nodiscard]] Status CheckAge(const Read& read, const SeriesView& view,
                                const FeatureMoment& moment, SeriesMask& stale) const;
  /// What a series says of old data, done to the row: `too_old` is the error's text.
  template <typename Text>
  [[nodiscard]] Status Obey(WhenStale rule, const Read& read, SeriesMask& stale,
                            const Text& too_old) const;
  [[nodiscard]] std::string KeyTextOf(const LookUp& look_up) const;
  /// Why a feature is missing, with the periods that it lacks.
  [[nodiscard]] Error Missing(std::size_t feature, const RowContext& row);
  void AddMissing(std::size_t feature, const RowContext& row, MissingPeriods& missing) const;
  /// The last period visible, of a grid whose key has none, or the target's.
  [[nodiscard]] PeriodIndex PeriodZero(const Read& read, const SeriesView& view,
                                       Instant origin) const;

  std::span<const FeatureSpec> features_;
  std::span<const SeriesSpec> series_;
  const RequestSpec& request_;
  const TimeZone& zone_;
  std::size_t time_column_;
  std::optional<LookUp> forecast_look_up_;
  std::size_t forecast_column_ = 0;
  std::vector<LookUp> look_ups_;
  std::vector<Read> reads_;
  std::vector<std::vector<std::size_t>> reads_of_;  // by feature, in reads_
  std::vector<const FeatureOperator*> operators_;
  bool needs_origin_civil_ = false;
  bool needs_target_civil_ = false;
  std::vector<Period> periods_;  // of the target, each once
  // What Select() found.
  std::vector<Found> found_;
  /// By look-up: what WatermarkOf() has found last, which takes long.
  struct PastWatermark {
    std::uint64_t of = 0;  ///< The checksum of a snapshot.
    std::optional<Instant> known_by{};
    std::optional<Instant> watermark{};
  };
  std::vector<PastWatermark> past_watermarks_;
  const Table* rows_ = nullptr;
  std::size_t row_ = 0;
  // Scratch of ComputeAt().
  std::array<PeriodIndex, kPeriodKinds> target_period_{};
  std::vector<SeriesView> views_;
  std::vector<PlanView> plans_;
  // By read: SeriesView::past_, by column, where the read may need it.
  std::vector<std::vector<std::vector<double>>> past_;
  /// By read, where something is supposed of it.
  struct Supposed {
    std::vector<std::vector<double>> periods;  ///< PlanView::assumed_
    std::vector<Value> row;                    ///< SeriesView::assumed_
  };
  std::vector<Supposed> supposed_;
  std::vector<Value> key_values_;
  std::string key_bytes_;
  // Scratch of ComputeColumns().
  std::vector<SeriesViews> many_;        // by read
  std::vector<std::uint8_t> by_itself_;  // by row: whether ComputeAt() has to be asked
  std::vector<Value> values_;
};

}  // namespace forkcast::preprocessing
