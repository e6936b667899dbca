#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "model/inputs/feature_table.hpp"

namespace forkcast::model {

/// What a column of numbers looked like: rows, missing ones, and the statistics of the table in
/// reference_statistics.cpp. NaN is missing.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(std::span<const float> values);

/// The same of the probability of a class, of which `share` of the rows are, as several models gave
/// it, each to other rows of the same kind. Its edges are those that say something of the rows:
/// - What is below a tenth of the share is surely not the class, and what is as near to 1 surely
/// it;
///   how sure, says what the model is like. So no edge lies beyond these.
/// - An edge at which the models differ, more than by chance and enough to matter, is left out.
[[nodiscard]] nlohmann::ordered_json ReferenceOfProbability(
    std::span<const std::vector<float>> by_model, double share);

/// The same of a column of texts: how often each occurs. `counts`: one a text.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(std::span<const std::string> texts,
                                                 std::span<const std::size_t> counts,
                                                 std::size_t missing);

/// The same for every column of `table`, by its name.
[[nodiscard]] nlohmann::ordered_json ReferenceOf(const FeatureTable& table);

}  // namespace forkcast::model
