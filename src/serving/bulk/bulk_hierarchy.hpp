#pragma once

#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/table.hpp"
#include "model/forecast/forecaster.hpp"
#include "model/forecast/hierarchy_forecaster.hpp"
#include "serving/bulk/bulk_forecast.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// The table of forecasts of keys and their sums: `level`; the key's fields and all other
/// attributes of levels as texts, empty where a level does not have them; `origin`, `step`,
/// `period`, `value`, and `cold_start`, missing of sums. kInvalidArgument where an attribute is
/// called as one of the others.
[[nodiscard]] Result<preprocessing::TableSpec> HierarchyTable(
    const preprocessing::PipelineSpec& spec, const model::Hierarchy& hierarchy, std::string name);

/// As ForecastAll() of rows that all have the same origin, with their sums in front; `sink` is of
/// HierarchyTable(). Holds all forecasts in memory.
[[nodiscard]] Result<BulkCounts> ForecastHierarchy(const model::Forecaster& forecaster,
                                                   const model::HierarchyForecaster& sums,
                                                   const preprocessing::Table& keys,
                                                   const BulkQuestion& question,
                                                   const BulkOptions& options, RowSink& sink);

}  // namespace forkcast::serving
