#pragma once

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"

namespace forkcast::preprocessing {

/// A dialect as pipelines declare it: the member `csv` of a table, or of `request`. Throws
/// SpecError.
[[nodiscard]] CsvDialect ReadDialect(const JsonNode& node);

}  // namespace forkcast::preprocessing
