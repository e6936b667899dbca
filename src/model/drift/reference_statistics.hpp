#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "model/inputs/feature_table.hpp"

namespace forkcast::model {

/// What a column of numbers looked like: rows, missing ones, and the statistics of the table in
/// reference_statistics.cpp. NaN is missing.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(std::span<const float> values);

/// The same of a column of texts: how often each occurs. `counts`: one a text.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(std::span<const std::string> texts,
                                                 std::span<const std::size_t> counts,
                                                 std::size_t missing);

/// The same for every column of `table`, by its name.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(const FeatureTable& table);

}  // namespace forkcast::model
