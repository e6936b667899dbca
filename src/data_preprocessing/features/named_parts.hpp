#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/request_spec.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/table/schema.hpp"

/// What the names in a declaration stand for. All throw SpecError naming the place when there is
/// nothing of that name, or it is of the wrong kind.
namespace forkcast::preprocessing {

/// The column of `schema` that `name` names; `where` is for the message.
const ColumnSpec& RequireColumn(const Schema& schema, const JsonNode& name,
                                const std::string& where);
[[nodiscard]] const SeriesSpec& RequireSeries(std::span<const SeriesSpec> series,
                                              const JsonNode& name);
/// The same for one with `aggregate`.
[[nodiscard]] const SeriesSpec& RequireGrid(std::span<const SeriesSpec> series,
                                            const JsonNode& name);
/// The position of the column that `name` names among the series' values.
std::size_t RequireValue(const SeriesSpec& series, const JsonNode& name);
/// Request fields that hold the key of `series`, of the same types in the same order.
[[nodiscard]] std::vector<std::string> ReadKeyFields(const JsonNode& node, const SeriesSpec& series,
                                                     const RequestSpec& request);

}  // namespace forkcast::preprocessing
