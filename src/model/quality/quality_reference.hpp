#pragma once

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/quality/quality_decision.hpp"

namespace forkcast::model {

/// Names of metrics that are no row of metrics.hpp.
inline constexpr const char* kRelativeBias = "relative_bias";

/// What the folds in a forecast's manifest say. Tested are the metric that decides and the bias,
/// relative to what happened, whose unit is the folds' mean WAPE. kRefusedData when there are no
/// folds with a value.
[[nodiscard]] Result<QualityReference> ForecastReferenceOf(const nlohmann::ordered_json& manifest);

/// The same of a classifier's. Tested are accuracy and log loss.
[[nodiscard]] Result<QualityReference> ClassReferenceOf(const nlohmann::ordered_json& manifest);

}  // namespace forkcast::model
