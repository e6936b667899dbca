#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "model/forecast/forecast_data.hpp"
#include "serving/bulk/bulk_forecast.hpp"
#include "serving/bulk/row_file.hpp"
#include "serving/bulk/rows_to_read.hpp"

namespace forkcast::serving {

/// What comes of rows: columns that are carried along, the features, and behind them the label,
/// which is carried along, too, but can be no feature.
struct FeaturePlan {
  preprocessing::Schema input;         ///< The pipeline's request fields, then what is no field.
  std::vector<std::size_t> carried{};  ///< Of the input, in front of the features;
  std::optional<std::size_t> label{};  ///< and behind them.
  preprocessing::Schema output{};
};

/// `keep`, `label`: columns, as "NAME" or "NAME:TYPE" (types as in a pipeline file); without a type
/// that of the request field or of the training table's column, else text. kInvalidArgument for a
/// name or type that will not do, and for a label that is a request field.
[[nodiscard]] Result<FeaturePlan> PlanFeatures(const preprocessing::PipelineSpec& spec,
                                               const std::vector<std::string>& keep,
                                               const std::string& label);

struct FeatureOptions {
  WhenRefused when_refused = WhenRefused::kStop;
  Instant now;  ///< Stands in for an absent time where the pipeline allows that.
  unsigned threads = 1;
  /// How far the input is read; true stops.
  std::function<bool(const preprocessing::SourcePosition&)> on_read{};
};

struct FeatureCounts {
  std::size_t rows = 0;  ///< Written.
  std::size_t refused = 0;
  std::string first_refusal{};
  bool stopped = false;
};

/// Computes the features of all rows as they would be served at the rows' times, and writes them
/// into `file` (schema: plan.output) in the rows' order. Leaves Finish() to the caller. A row whose
/// features cannot be computed has the code of FeatureComputer::Compute(), with its place; else as
/// ReadRows() and RowFile::Write().
[[nodiscard]] Result<FeatureCounts> ComputeFeatures(
    const preprocessing::PipelineSpec& spec, std::span<const preprocessing::Snapshot> snapshots,
    const FeaturePlan& plan, const RowsToRead& rows, const FeatureOptions& options, RowFile& file);

/// The examples that a forecast is learned from: the key, its origin and period, the step between
/// them, the features and the target. `numbers_alone` leaves out key, origin and period.
/// kInvalidArgument where two columns have one name.
[[nodiscard]] Result<preprocessing::Schema> GridSchema(const preprocessing::PipelineSpec& spec,
                                                       bool numbers_alone);

/// Computes them for all keys, in the order of the data, and of a key by period and step. Those of
/// which a feature cannot be computed are left out and counted as refused, as training does.
[[nodiscard]] Result<FeatureCounts> ComputeGrid(const model::ForecastData& data, bool numbers_alone,
                                                const FeatureOptions& options, RowFile& file);

}  // namespace forkcast::serving
