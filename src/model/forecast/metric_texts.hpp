#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model/evaluate/metrics.hpp"

namespace forkcast::model {

/// How many rows, and every metric of them; null where it is not defined.
[[nodiscard]] nlohmann::ordered_json MetricsJson(const ErrorSums& sums);

}  // namespace forkcast::model
