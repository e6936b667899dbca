#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_operator.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"

namespace forkcast::preprocessing {

/// The fields that a row to be scored brings along.
struct RequestSpec {
  Schema fields;
  std::string time;                   ///< The field that says at which instant features are read.
  bool time_defaults_to_now = false;  ///< Else a row without time is an error.

  friend bool operator==(const RequestSpec&, const RequestSpec&) = default;
};

/// Set of series by their position in the pipeline; at most 64.
using SeriesMask = std::uint64_t;
inline constexpr std::size_t kMaxSeries = 64;

/// Computes the features of rows, each at the row's own time. This is where a row meets data, and
/// the one place where look-ahead is prevented: it hands operators nothing later than that time.
/// Holds scratch memory: one object a thread. Compute() allocates nothing in steady state.
class FeatureComputer {
 public:
  /// `features` and `series` must be valid together (as a PipelineSpec has them) and, like
  /// `request` and `zone`, outlive the object.
  FeatureComputer(std::span<const FeatureSpec> features, std::span<const SeriesSpec> series,
                  const RequestSpec& request, const TimeZone& zone);

  [[nodiscard]] std::size_t feature_count() const noexcept { return features_.size(); }

  /// Computes the features of row `row` of `rows` (schema: request.fields) into `values`, of
  /// feature_count() elements. `snapshots` are the series' in the pipeline's order; text values
  /// are views into them or into the specs. `now` stands in for an absent time where allowed.
  /// `stale` gains the series whose data are older than they may be and are answered with a flag.
  /// kFeatureMissing or kFeatureStale, with the feature's name, when the pipeline refuses.
  Status Compute(std::span<const Snapshot> snapshots, const Table& rows, std::size_t row,
                 Instant now, std::span<Value> values, SeriesMask& stale);

 private:
  /// One series read by one choice of request fields.
  struct Read {
    std::size_t series = 0;
    std::vector<std::size_t> key_columns;
    std::size_t first_feature = 0;  // for messages
  };

  std::size_t AddRead(const AsOfOp& op, std::size_t feature);
  void LookUp(const Read& read, const Table& rows, std::size_t row, Instant time,
              SeriesRead& found);
  [[nodiscard]] Status CheckStaleness(const Read& read, const Snapshot& snapshot, Instant time,
                                      SeriesMask& stale) const;

  std::span<const FeatureSpec> features_;
  std::span<const SeriesSpec> series_;
  const RequestSpec& request_;
  const TimeZone& zone_;
  std::size_t time_column_;
  std::vector<Read> reads_;
  std::vector<std::unique_ptr<FeatureOperator>> operators_;
  bool needs_civil_time_ = false;
  // Scratch of one Compute().
  std::vector<SeriesRead> found_;
  std::vector<Value> key_values_;
  std::string key_bytes_;
};

}  // namespace forkcast::preprocessing
