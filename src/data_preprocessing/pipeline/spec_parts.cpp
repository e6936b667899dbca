#include "data_preprocessing/pipeline/spec_parts.hpp"

#include <algorithm>
#include <cctype>

namespace forkcast::preprocessing {
namespace {

ColumnType ReadType(const JsonNode& node) {
  const auto type = ColumnTypeFromString(node.String());
  if (!type) node.Fail("expected text, int64, double, bool or timestamp");
  return *type;
}

/// `"text"` or `{"type": "text", "nullable": true}`.
ColumnSpec ReadColumn(const std::string& name, const JsonNode& node) {
  if (node.json().is_string()) return {.name = name, .type = ReadType(node)};
  node.RequireObject({"type", "nullable"});
  const auto nullable = node.Find("nullable");
  return {
      .name = name, .type = ReadType(node.Get("type")), .nullable = nullable && nullable->Bool()};
}

}  // namespace

void RequirePresent(const ColumnSpec& column, const JsonNode& node) {
  if (column.nullable) node.Fail("column \"" + column.name + "\" may not be nullable here");
}

void RequireTimestamp(const ColumnSpec& column, const JsonNode& node) {
  if (column.type != ColumnType::kTimestamp) {
    node.Fail("column \"" + column.name + "\" is " + std::string(ToString(column.type)) +
              ", expected timestamp");
  }
}

void RequirePlainName(const std::string& name, const JsonNode& node) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (name.empty() || !std::ranges::all_of(name, plain)) {
    node.Fail("name \"" + name + "\": expected letters, digits, _ and - only");
  }
}

Schema ReadSchema(const JsonNode& node) {
  Schema schema;
  node.EachMember([&schema](const std::string& name, const JsonNode& column) {
    if (name.empty()) column.Fail("a column needs a name");
    schema.columns.push_back(ReadColumn(name, column));
  });
  if (schema.columns.empty()) node.Fail("expected at least one column");
  return schema;
}

std::string ReadLines(const JsonNode& node) {
  if (!node.json().is_array()) return node.String();
  std::string text;
  for (const JsonNode& line : node.Elements()) {
    text += (text.empty() ? "" : "\n") + line.String();
  }
  if (text.empty()) node.Fail("expected at least one line");
  return text;
}

std::chrono::microseconds ReadDuration(const JsonNode& node) {
  const auto duration = ParseDuration(node.String());
  if (!duration) node.Fail(duration.error().message);
  return *duration;
}

const TableSpec& RequireTable(const PipelineSpec& pipeline, const JsonNode& node) {
  const auto found = std::ranges::find(pipeline.tables, node.String(), &TableSpec::name);
  if (found == pipeline.tables.end()) node.Fail("no table \"" + node.String() + "\"");
  return *found;
}

}  // namespace forkcast::preprocessing
