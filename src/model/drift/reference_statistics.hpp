#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "model/inputs/feature_table.hpp"

namespace forkcast::model {

/// What a column of training rows looked like, against which live traffic can be compared later:
/// rows, missing ones, and of a number mean, standard deviation (n - 1), least, greatest, and
/// counts between `edges`, its deciles (equal ones once); bin i holds edges[i-1] <= x < edges[i],
/// the first and last are open. NaN is missing.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(std::span<const float> values);

/// The same for every column of `table`; a column of texts has the count of each.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(const FeatureTable& table);

}  // namespace forkcast::model
