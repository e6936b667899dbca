#pragma once

#include <optional>
#include <span>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/value.hpp"

/// Rows of request fields that ask for a key's forecast. All take a pipeline with a forecast.
namespace forkcast::model {

/// kInvalidArgument, naming it, when a request field besides the key and the time may not be
/// missing: a forecast knows no more.
[[nodiscard]] Status CheckForecastRequest(const preprocessing::PipelineSpec& spec);

/// Appends a row that has these values in the fields of the key, `origin` (none: missing) in that
/// of the time, and nothing else. Precondition: `key` is of the types of the key's columns, none
/// missing; `rows` has the pipeline's request fields.
void AppendForecastRequest(const preprocessing::PipelineSpec& spec,
                           std::span<const preprocessing::Value> key,
                           const std::optional<Instant>& origin, preprocessing::Table& rows);

}  // namespace forkcast::model
