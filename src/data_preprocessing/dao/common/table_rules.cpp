#include "data_preprocessing/dao/common/table_rules.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kOwnPrefix = "forkcast_";

std::string Quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

}  // namespace

Error BadSpec(const std::string& table, std::string_view why) {
  return {ErrorCode::kInvalidArgument, "table " + Quoted(table) + ": " + std::string(why), table};
}

std::string Folded(std::string_view name) {
  std::string folded(name);
  std::ranges::transform(folded, folded.begin(), Lower);
  return folded;
}

Status CheckTableName(const std::string& name) {
  if (Folded(name).starts_with(kOwnPrefix)) {
    return BadSpec(name, "names that start with " + std::string(kOwnPrefix) +
                             " are kept for Forkcast's own tables");
  }
  return {};
}

Status CheckSpec(const TableSpec& spec) {
  Status name = CheckTableName(spec.name);
  if (!name) return name;
  if (spec.schema.columns.empty()) return BadSpec(spec.name, "has no columns");
  for (const std::string& key : spec.key) {
    const std::optional<std::size_t> column = spec.schema.Find(key);
    if (!column) return BadSpec(spec.name, "the key column " + Quoted(key) + " does not exist");
    if (spec.schema.columns[*column].nullable) {
      return BadSpec(spec.name, "the key column " + Quoted(key) + " may not be nullable");
    }
  }
  return {};
}

std::string SpecText(const TableSpec& spec) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnSpec& column : spec.schema.columns) {
    columns.push_back(
        {{"name", column.name}, {"type", ToString(column.type)}, {"nullable", column.nullable}});
  }
  return nlohmann::json{{"columns", columns}, {"key", spec.key}}.dump();
}

Result<std::vector<std::size_t>> NewColumns(const TableSpec& spec, std::string_view stored) {
  const auto was = nlohmann::json::parse(stored);
  std::vector<std::string> differences;
  std::vector<std::size_t> new_columns;
  const auto word = [](bool nullable) { return nullable ? "nullable" : "not nullable"; };
  for (std::size_t i = 0; i < spec.schema.columns.size(); ++i) {
    const ColumnSpec& column = spec.schema.columns[i];
    const auto old = std::find_if(was["columns"].begin(), was["columns"].end(),
                                  [&](const auto& one) { return one["name"] == column.name; });
    if (old == was["columns"].end()) {
      new_columns.push_back(i);
      if (column.nullable) continue;
      differences.push_back(fmt::format(
          "column \"{}\" is new, and the rows that are there have no value of it: declare it "
          "nullable",
          column.name));
      continue;
    }
    const std::string type = (*old)["type"];
    const bool nullable = (*old)["nullable"];
    if (type != ToString(column.type)) {
      differences.push_back(fmt::format("column \"{}\" is {} there and declared {}", column.name,
                                        type, ToString(column.type)));
    }
    if (nullable != column.nullable) {
      differences.push_back(fmt::format("column \"{}\" is {} there and declared {}", column.name,
                                        word(nullable), word(column.nullable)));
    }
  }
  for (const auto& old : was["columns"]) {
    const std::string name = old["name"];
    if (spec.schema.Find(name)) continue;
    differences.push_back(fmt::format("column \"{}\" is there and not declared", name));
  }
  const std::vector<std::string> key = was["key"];
  if (key != spec.key) {
    const auto name = [](const std::vector<std::string>& columns) {
      return columns.empty() ? std::string("none") : fmt::format("{}", fmt::join(columns, ", "));
    };
    differences.push_back(
        fmt::format("its key is {} there and declared {}", name(key), name(spec.key)));
  }
  if (differences.empty()) return new_columns;
  return Error{ErrorCode::kConflict,
               fmt::format("table \"{}\" exists with other columns or key: {}. Declare it as it is "
                           "there, or ingest into a new store",
                           spec.name, fmt::join(differences, "; ")),
               spec.name};
}

Error NotOurs(const TableSpec& spec) {
  return {
      ErrorCode::kConflict,
      "table " + Quoted(spec.name) +
          " exists, but was not created by Forkcast: its rows are read as they are, and no others "
          "taken into it",
      spec.name};
}

Error OtherRowOfKey(const TableSpec& spec, std::size_t column) {
  std::string key;
  for (const std::string& name : spec.key) key += (key.empty() ? "" : ", ") + Quoted(name);
  const std::string& name = spec.schema.columns[column].name;
  return {ErrorCode::kConflict,
          "table " + Quoted(spec.name) + " already has a row of the same key (" + key +
              ") with another " + Quoted(name),
          name};
}

Result<std::vector<std::size_t>> MatchColumns(std::span<const std::string> names,
                                              const Schema& schema) {
  std::vector<std::size_t> matched(schema.columns.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::optional<std::size_t> column = schema.Find(names[i]);
    if (!column) continue;
    if (matched[*column] != names.size()) {
      return Error{ErrorCode::kInvalidArgument,
                   "it has two result columns called " + Quoted(names[i]), names[i]};
    }
    matched[*column] = i;
  }
  for (std::size_t i = 0; i < matched.size(); ++i) {
    const std::string& name = schema.columns[i].name;
    if (matched[i] == names.size()) {
      return Error{ErrorCode::kInvalidArgument, "it has no result column called " + Quoted(name),
                   name};
    }
  }
  return matched;
}

Error NotAsDeclared(const ColumnSpec& column, std::string_view got) {
  return {ErrorCode::kInvalidArgument,
          "column " + Quoted(column.name) + " is declared as " +
              std::string(ToString(column.type)) + ", but holds " + std::string(got),
          column.name};
}

Error ReadsForbidden(const ForbiddenColumn& forbidden) {
  return {ErrorCode::kInvalidArgument, "it reads column " + Quoted(forbidden.column) +
                                           " of table " + Quoted(forbidden.table) +
                                           ", which is forbidden here"};
}

Error Explained(const StoredRows& source, Error error) {
  if (error.code != ErrorCode::kInvalidArgument) return error;
  const auto* const table = std::get_if<TableSource>(&source);
  const std::string what = table == nullptr ? "the query" : "table " + Quoted(table->table);
  error.message.insert(0, what + " cannot be read as declared: ");
  return error;
}

}  // namespace forkcast::preprocessing
