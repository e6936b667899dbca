#include "serving/web/api_schema.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace forkcast::serving {
namespace {

using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::TimePattern;

void SetType(JsonSchema& schema, std::string_view type, Nullable nullable) {
  if (nullable == Nullable::kYes) {
    schema["type"] = {type, "null"};
  } else {
    schema["type"] = type;
  }
}

/// The regular expression of what is written so.
std::string ExpressionOf(std::string_view format) {
  std::string expression = "^";
  for (const char c : format) {
    if (std::string_view("YMDHS").find(c) != std::string_view::npos) {
      expression += "[0-9]";
    } else {
      if (std::string_view("\\^$.|?*+()[]{}/").find(c) != std::string_view::npos)
        expression += '\\';
      expression += c;
    }
  }
  return expression + "$";
}

/// Walks a template as its compiler does.
class TemplateSchema {
 public:
  TemplateSchema(const TemplateScope& scope, const JsonSchema& bad_row)
      : scope_(scope), bad_row_(bad_row) {}

  [[nodiscard]] JsonSchema Of(const JsonNode& node) const {
    const TemplatePlace place = ReadTemplatePlace(node);
    switch (place.kind) {
      case TemplatePlace::Kind::kPlain:
        return OfPlain(node);
      case TemplatePlace::Kind::kRows:
        return ArrayOf(OrBadRow(Of(node.Get("$rows"))));
      case TemplatePlace::Kind::kSteps:
        return ArrayOf(Of(node.Get("$steps")));
      case TemplatePlace::Kind::kValue:
        return OfValue(place);
      case TemplatePlace::Kind::kRequest:
        return {{"description",
                 place.name.empty() ? "what was sent" : place.name + ", as it was sent"}};
    }
    return {};
  }

 private:
  [[nodiscard]] JsonSchema OrBadRow(JsonSchema row) const {
    if (bad_row_.is_null()) return row;
    return {{"anyOf", JsonSchema::array({std::move(row), bad_row_})}};
  }

  [[nodiscard]] JsonSchema OfPlain(const JsonNode& node) const {
    const nlohmann::ordered_json& json = node.json();
    if (json.is_object()) return OfObject(node);
    if (json.is_array()) {
      JsonSchema elements = JsonSchema::array();
      for (const JsonNode& element : node.Elements()) elements.push_back(Of(element));
      JsonSchema schema{{"type", "array"}, {"minItems", json.size()}, {"maxItems", json.size()}};
      if (!elements.empty()) schema["prefixItems"] = std::move(elements);
      return schema;
    }
    if (!json.is_string()) return {{"const", json}};
    return {{"const", PlainText(json.get_ref<const std::string&>())}};
  }

  [[nodiscard]] JsonSchema OfObject(const JsonNode& node) const {
    JsonSchema schema{{"type", "object"}};
    if (node.json().empty()) return schema;
    node.EachMember([&](const std::string& name, const JsonNode& member) {
      schema["properties"][PlainText(name)] = Of(member);
      schema["required"].push_back(PlainText(name));
    });
    return schema;
  }

  [[nodiscard]] JsonSchema OfValue(const TemplatePlace& place) const {
    for (const auto& [name, json] : scope_.constants) {
      if (name == place.name) return OfConstant(nlohmann::ordered_json::parse(json));
    }
    if (place.format) return SchemaOf(*place.format, Nullable::kYes);
    if (place.rounding != Rounding::kNone) return SchemaOf(ColumnType::kInt64, Nullable::kYes);
    for (const auto* names : {&scope_.step, &scope_.row}) {
      const auto name = std::ranges::find(*names, place.name, &TemplateName::name);
      if (name != names->end()) return SchemaOf(name->type, Nullable::kYes);
    }
    return {};
  }

  /// What changes with the model alone, so that its type is said, and what it is now.
  static JsonSchema OfConstant(nlohmann::ordered_json value) {
    if (!value.is_array()) return {{"type", "string"}, {"examples", {std::move(value)}}};
    JsonSchema schema = ArrayOf({{"type", "string"}});
    schema["examples"].push_back(std::move(value));
    return schema;
  }

  const TemplateScope& scope_;
  const JsonSchema& bad_row_;
};

}  // namespace

JsonSchema SchemaOf(ColumnType type, Nullable nullable) {
  JsonSchema schema = JsonSchema::object();
  switch (type) {
    case ColumnType::kText:
      SetType(schema, "string", nullable);
      break;
    case ColumnType::kInt64:
      SetType(schema, "integer", nullable);
      schema["format"] = "int64";
      break;
    case ColumnType::kDouble:
      SetType(schema, "number", nullable);
      schema["format"] = "double";
      break;
    case ColumnType::kBool:
      SetType(schema, "boolean", nullable);
      break;
    case ColumnType::kTimestamp:
      SetType(schema, "string", nullable);
      schema["description"] = "YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or ISO 8601";
      break;
  }
  return schema;
}

JsonSchema SchemaOf(const TimePattern& format, Nullable nullable) {
  JsonSchema schema = JsonSchema::object();
  SetType(schema, "string", nullable);
  schema["pattern"] = ExpressionOf(format.text());
  schema["description"] = format.text();
  return schema;
}

JsonSchema ObjectSchema(const std::vector<ColumnSpec>& members) {
  JsonSchema schema{{"type", "object"}, {"properties", JsonSchema::object()}};
  for (const ColumnSpec& member : members) {
    schema["properties"][member.name] =
        SchemaOf(member.type, member.nullable ? Nullable::kYes : Nullable::kNo);
    if (member.format.time) {
      schema["properties"][member.name]["description"] =
          member.format.time->text() + ", or ISO 8601";
    }
    if (!member.nullable) schema["required"].push_back(member.name);
  }
  return schema;
}

JsonSchema TextSchema() { return {{"type", "string"}}; }

JsonSchema ArrayOf(JsonSchema element) {
  return {{"type", "array"}, {"items", std::move(element)}};
}

JsonSchema SchemaNamed(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string(name)}};
}

JsonSchema SchemaOf(const JsonNode& shape, const TemplateScope& scope, const JsonSchema& bad_row) {
  return TemplateSchema(scope, bad_row).Of(shape);
}

}  // namespace forkcast::serving
