#pragma once

#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_pattern.hpp"
#include "serving/routes/answer_template.hpp"

namespace forkcast::serving {

/// The schemas (JSON Schema 2020-12, as OpenAPI 3.1 takes it) of what is sent and answered.
using JsonSchema = nlohmann::ordered_json;

/// May a value be null?
enum class Nullable { kNo, kYes };

[[nodiscard]] JsonSchema SchemaOf(preprocessing::ColumnType type, Nullable nullable);
/// Of a time that is written so.
[[nodiscard]] JsonSchema SchemaOf(const preprocessing::TimePattern& format, Nullable nullable);
/// An object with these members. Those that may be missing may be null and are not required.
[[nodiscard]] JsonSchema ObjectSchema(const std::vector<preprocessing::ColumnSpec>& members);
[[nodiscard]] JsonSchema TextSchema();
[[nodiscard]] JsonSchema ArrayOf(JsonSchema element);
/// `#/components/schemas/NAME`.
[[nodiscard]] JsonSchema SchemaNamed(std::string_view name);
/// What `shape` makes of values of `scope`. `bad_row`: of what may stand in the place of a row;
/// null for nothing. Precondition: an AnswerTemplate was made of the two.
[[nodiscard]] JsonSchema SchemaOf(const preprocessing::JsonNode& shape, const TemplateScope& scope,
                                  const JsonSchema& bad_row);

}  // namespace forkcast::serving
