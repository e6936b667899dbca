#include "data_preprocessing/rules/constraints.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFormat = "forkcast.constraints";
constexpr std::int64_t kFormatVersion = 1;

ordered_json JsonOf(const std::vector<ColumnRule>& rules) {
  ordered_json json = ordered_json::object();
  for (const ColumnRule& rule : rules) json[rule.column] = rule.ToJson();
  return json;
}

}  // namespace

std::vector<ColumnRule> ReadRules(const JsonNode& node, RuleAction usual) {
  std::vector<ColumnRule> rules;
  node.EachMember([&](const std::string& column, const JsonNode& rule) {
    rules.push_back(ColumnRule::FromJson(column, rule, usual));
  });
  return rules;
}

Constraints Constraints::Read(const std::filesystem::path& file, RuleAction usual) {
  const ordered_json json = ReadJsonFile(file);
  const JsonNode root(json, fmt::format("{}: $", file.string()));
  root.RequireObject({"format", "format_version", "tables", "fields", "features", "outputs"});
  root.RequireFormat(kFormat, kFormatVersion);
  Constraints constraints;
  const auto read = [&](std::string_view member, std::vector<ColumnRule>& rules) {
    if (const auto node = root.Find(member)) rules = ReadRules(*node, usual);
  };
  read("fields", constraints.fields);
  read("features", constraints.features);
  read("outputs", constraints.outputs);
  if (const auto tables = root.Find("tables")) {
    tables->EachMember([&](const std::string& table, const JsonNode& rules) {
      constraints.tables.emplace(table, ReadRules(rules, usual));
    });
  }
  return constraints;
}

ordered_json Constraints::ToJson() const {
  ordered_json json{{"format", kFormat}, {"format_version", kFormatVersion}};
  for (const auto& [table, rules] : tables) json["tables"][table] = JsonOf(rules);
  if (!fields.empty()) json["fields"] = JsonOf(fields);
  if (!features.empty()) json["features"] = JsonOf(features);
  if (!outputs.empty()) json["outputs"] = JsonOf(outputs);
  return json;
}

}  // namespace forkcast::preprocessing
