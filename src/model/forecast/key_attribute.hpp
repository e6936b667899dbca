#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {

/// What keys are grouped by: a key column of the series that is forecast, or what a series without
/// time says of such columns, or of what others say of them.
struct KeyAttribute {
  std::string name;                         ///< As the pipeline says it.
  std::optional<std::size_t> key_column{};  ///< Or, of the pipeline's series,
  std::size_t series = 0;
  std::size_t value = 0;            ///< among its values,
  std::vector<KeyAttribute> key{};  ///< by its key.
};

/// Of a name, such as "category", or "products.category" where several series have one. Throws
/// SpecError: for one that is nowhere or in several places, and for attributes that need each other
/// in a circle.
[[nodiscard]] KeyAttribute ReadKeyAttribute(const preprocessing::JsonNode& node,
                                            const preprocessing::PipelineSpec& spec);

/// What `attributes` are of a key (its values, those of the series' key columns), as texts; empty
/// where one is missing. `snapshots`: of the pipeline's series.
[[nodiscard]] std::vector<std::string> AttributesOf(
    std::span<const KeyAttribute> attributes, std::span<const preprocessing::Value> key,
    std::span<const preprocessing::Snapshot> snapshots);

}  // namespace forkcast::model
