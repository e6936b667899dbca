#pragma once

#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/drift/drift_bins.hpp"
#include "model/drift/reference.hpp"

namespace forkcast::model {

// The files of SageMaker Model Monitor, so that what reads them can go on: of a version's reference
// statistics.json and constraints.json, of rows that are compared with it
// constraint_violations.json. What a reference does not know is left out: the sketch of all values,
// and types within numbers, which are all "Fractional".

[[nodiscard]] nlohmann::ordered_json MonitorStatistics(const Reference& reference);
[[nodiscard]] nlohmann::ordered_json MonitorConstraints(const Reference& reference);

/// What of the constraints rows do not keep: completeness, unseen categories, a column that is not
/// there, and a distance ("Robust", above 0.1) from the baseline. `present`: the columns that the
/// rows have; `counts`: of them, by bin, one column after the other.
[[nodiscard]] nlohmann::ordered_json MonitorViolations(std::span<const ColumnBins> reference,
                                                       std::span<const ColumnBins> present,
                                                       std::span<const double> counts);

}  // namespace forkcast::model
