#pragma once

#include <string>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"

/// What the sections of a pipeline file have in common, and the larger ones. For
/// ParsePipelineSpec() alone; all throw SpecError naming the place.
namespace forkcast::preprocessing {

void RequirePresent(const ColumnSpec& column, const JsonNode& node);
void RequireTimestamp(const ColumnSpec& column, const JsonNode& node);
/// For names that become parts of file names, and so may not leave their folder.
void RequirePlainName(const std::string& name, const JsonNode& node);
/// The result columns of a query, which have no other form than the store's.
[[nodiscard]] Schema ReadSchema(const JsonNode& node);
/// Columns of files or requests, which may declare how their values are written.
[[nodiscard]] Schema ReadWrittenSchema(const JsonNode& node);
/// A text, or an array of its lines.
[[nodiscard]] std::string ReadLines(const JsonNode& node);
[[nodiscard]] std::chrono::microseconds ReadDuration(const JsonNode& node);
[[nodiscard]] const TableSpec& RequireTable(const PipelineSpec& pipeline, const JsonNode& node);

/// One member of `series`, one of `features`, and `forecast`; `pipeline` holds what was read
/// before.
[[nodiscard]] SeriesSpec ReadSeries(const std::string& name, const JsonNode& node,
                                    const PipelineSpec& pipeline);
[[nodiscard]] FeatureSpec ReadFeature(const JsonNode& node, const PipelineSpec& pipeline);
[[nodiscard]] ForecastSpec ReadForecast(const JsonNode& node, const PipelineSpec& pipeline);

}  // namespace forkcast::preprocessing
