#include "serving/web/route_api.hpp"

#include <optional>
#include <string>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
using preprocessing::JsonNode;

constexpr std::string_view kForm = "application/x-www-form-urlencoded";

/// Describes one route, place by place.
class RouteApi {
 public:
  RouteApi(const Route& route, const ApiDeployment& deployment, ApiOperation& operation)
      : route_(route), deployment_(deployment), operation_(operation) {}

  void Describe() {
    for (const Route::Input& input : route_.inputs()) DescribeInUrl(input);
    DescribeBody();
    DescribeAnswers();
  }

 private:
  [[nodiscard]] const ColumnSpec& ColumnOf(const Route::Input& input) const {
    return route_.question().columns[input.column];
  }

  [[nodiscard]] JsonSchema SchemaOfInput(const Route::Input& input) const {
    const Nullable nullable = input.required || !IsInBody(input) ? Nullable::kNo : Nullable::kYes;
    JsonSchema schema;
    if (input.until) {
      schema = {{"type", "string"},
                {"description", input.format->text() + ", or two of them with a blank between"}};
    } else if (input.format) {
      schema = SchemaOf(*input.format, nullable);
    } else {
      schema = SchemaOf(ColumnOf(input).type, nullable);
    }
    const preprocessing::Column& fallback = route_.constants()[input.column];
    if (fallback.size() > 0) {
      std::string json;
      wire::AppendJsonValue(ValueAt(fallback, 0), json);
      schema["default"] = ordered_json::parse(json);
    }
    return schema;
  }

  static bool IsInBody(const Route::Input& input) noexcept {
    return input.place == RoutePlace::kBody || input.place == RoutePlace::kRow;
  }

  /// What a key that there is has in the field, as callers write it; null for nothing.
  [[nodiscard]] ordered_json ExampleOf(const Route::Input& input) const {
    const auto found = deployment_.example.find(ColumnOf(input).name);
    if (found == deployment_.example.end()) return nullptr;
    if (!input.format || !found->is_string()) return *found;
    const auto time =
        preprocessing::ParseTimestamp(found->get_ref<const std::string&>(), route_.zone());
    if (!time) return nullptr;
    std::string text;
    input.format->Append(*time, route_.zone(), text);
    return text;
  }

  void DescribeInUrl(const Route::Input& input) {
    if (IsInBody(input)) return;
    const bool is_in_path = input.place == RoutePlace::kPath;
    operation_.Add({.in = is_in_path ? ApiOperation::In::kPath : ApiOperation::In::kQuery,
                    .name = input.name,
                    .required = is_in_path || input.required,
                    .schema = SchemaOfInput(input),
                    .example = ExampleOf(input)});
  }

  /// An object of what stands in the place, and an example of it.
  [[nodiscard]] std::pair<JsonSchema, ordered_json> ObjectOf(RoutePlace place) const {
    JsonSchema schema{{"type", "object"}, {"properties", JsonSchema::object()}};
    ordered_json example = ordered_json::object();
    for (const Route::Input& input : route_.inputs()) {
      if (input.place != place) continue;
      schema["properties"][input.name] = SchemaOfInput(input);
      if (input.required) schema["required"].push_back(input.name);
      ordered_json value = ExampleOf(input);
      if (!value.is_null()) example[input.name] = std::move(value);
    }
    return {std::move(schema), std::move(example)};
  }

  void DescribeBody() {
    auto [schema, example] = ObjectOf(RoutePlace::kBody);
    const std::string_view json = wire::MediaType(wire::Format::kJson);
    const std::optional<std::string>& rows = route_.spec().rows;
    if (rows) {
      auto [row, row_example] = ObjectOf(RoutePlace::kRow);
      if (*rows == "$") {
        return operation_.AddBody(json, ArrayOf(std::move(row)),
                                  ordered_json::array({std::move(row_example)}));
      }
      schema["properties"][*rows] = ArrayOf(std::move(row));
      schema["required"].push_back(*rows);
      example[*rows] = ordered_json::array({std::move(row_example)});
    }
    if (schema["properties"].empty()) return;
    if (!rows) operation_.AddBody(kForm, schema, example);
    operation_.AddBody(json, std::move(schema), std::move(example));
  }

  void DescribeAnswers() {
    const RouteErrors& errors = route_.spec().errors;
    const std::string_view json = wire::MediaType(wire::Format::kJson);
    JsonSchema bad_row;
    if (errors.row) bad_row = ErrorSchema(*errors.row, /*of_a_row=*/true);
    const TemplateSpec& answer = route_.spec().answer;
    operation_.AddAnswer("200", "The answer.", json,
                         SchemaOf(JsonNode(answer.json, answer.path), route_.scope(), bad_row));
    if (!errors.body) return;
    // What comes before the route, such as a body that is too large, is answered as everywhere.
    const JsonSchema error{
        {"anyOf",
         JsonSchema::array({ErrorSchema(*errors.body, /*of_a_row=*/false), SchemaNamed("Error")})}};
    operation_.AddAnswer("4XX", "What was asked is wrong, not there, or cannot be answered.", json,
                         error);
    operation_.AddAnswer("5XX", "Not ready yet, or too much is waiting (503); too late (504).",
                         json, error);
  }

  static JsonSchema ErrorSchema(const TemplateSpec& shape, bool of_a_row) {
    return SchemaOf(JsonNode(shape.json, shape.path), Route::ErrorScope(of_a_row), nullptr);
  }

  const Route& route_;
  const ApiDeployment& deployment_;
  ApiOperation& operation_;
};

}  // namespace

void DescribeRoute(const Route& route, const ApiDeployment& deployment, ApiOperation& operation) {
  RouteApi(route, deployment, operation).Describe();
}

}  // namespace forkcast::serving
