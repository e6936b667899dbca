#pragma once

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

/// Appends a row that has these values in the fields of the key, and nothing else. Precondition:
/// of the types of the key's columns, none missing; `rows` has the pipeline's request fields.
void AppendForecastRequest(const preprocessing::PipelineSpec& spec,
                           std::span<const preprocessing::Value> key, preprocessing::Table& rows);

}  // namespace forkcast::model
