#include "data_preprocessing/pipeline/spec_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <span>

namespace forkcast::preprocessing {
namespace {

ColumnType ReadType(const JsonNode& node) {
  const auto type = ColumnTypeFromString(node.String());
  if (!type) node.Fail("expected text, int64, double, bool or timestamp");
  return *type;
}

/// The words for true and false, of which none may mean both.
void ReadWords(const JsonNode& node, ColumnSpec& column) {
  const auto yes = node.Find("true");
  const auto no = node.Find("false");
  if (!yes && !no) return;
  if (column.type != ColumnType::kBool) (yes ? *yes : *no).Fail("only a bool has words");
  column.format.true_words = node.Get("true").Strings();
  column.format.false_words = node.Get("false").Strings();
  for (const JsonNode& words : {*yes, *no}) {
    if (words.Elements().empty()) words.Fail("expected at least one word");
  }
  for (const JsonNode& word : no->Elements()) {
    if (std::ranges::find(column.format.true_words, word.String()) !=
        column.format.true_words.end()) {
      word.Fail("stands for true as well");
    }
  }
}

ColumnFormat ReadFormat(const JsonNode& node, ColumnSpec column) {
  if (const auto header = node.Find("header")) column.format.header = header->String();
  if (const auto format = node.Find("format")) {
    if (column.type != ColumnType::kTimestamp) {
      format->Fail(fmt::format("only a timestamp has a format, and column \"{}\" is {}",
                               column.name, ToString(column.type)));
    }
    auto made = TimeFormat::Make(format->String());
    if (!made) format->Fail(made.error().message);
    column.format.time = *std::move(made);
  }
  ReadWords(node, column);
  return column.format;
}

/// `"text"` or `{"type": "text", "nullable": true}`.
ColumnSpec ReadColumn(const std::string& name, const JsonNode& node, bool is_written) {
  if (node.json().is_string()) return {.name = name, .type = ReadType(node)};
  if (is_written) {
    node.RequireObject({"type", "nullable", "header", "format", "true", "false"});
  } else {
    node.RequireObject({"type", "nullable"});
  }
  const auto nullable = node.Find("nullable");
  ColumnSpec column{
      .name = name, .type = ReadType(node.Get("type")), .nullable = nullable && nullable->Bool()};
  if (is_written) column.format = ReadFormat(node, column);
  return column;
}

Schema ReadColumns(const JsonNode& node, bool are_written) {
  Schema schema;
  node.EachMember([&](const std::string& name, const JsonNode& column) {
    if (name.empty()) column.Fail("a column needs a name");
    schema.columns.push_back(ReadColumn(name, column, are_written));
    const ColumnSpec& added = schema.columns.back();
    for (const ColumnSpec& before : std::span(schema.columns).first(schema.columns.size() - 1)) {
      if (before.header() == added.header()) {
        column.Fail(fmt::format("column \"{}\" has the same header", before.name));
      }
    }
  });
  if (schema.columns.empty()) node.Fail("expected at least one column");
  return schema;
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

Schema ReadSchema(const JsonNode& node) { return ReadColumns(node, false); }

Schema ReadWrittenSchema(const JsonNode& node) { return ReadColumns(node, true); }

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
