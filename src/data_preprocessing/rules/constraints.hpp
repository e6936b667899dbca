#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/rules/column_rule.hpp"

namespace forkcast::preprocessing {

/// A constraints file: what values may be, of the tables that `forkcast ingest` takes in, and of
/// what is served. `forkcast baseline` learns one, `forkcast train` writes one into each version.
///
///     {"format": "forkcast.constraints", "format_version": 1,
///      "tables": {"orders": {"price": {"min": 0}}},
///      "fields": {"quantity": {"min": 1, "max": 500, "nullable": false}},
///      "features": {"payment": {"allowed": ["OK", "FAILED"]}},
///      "outputs": {"value": {"min": 0}}}
///
/// Any of the four may be absent.
struct Constraints {
  static constexpr const char* kFile = "constraints.json";

  std::map<std::string, std::vector<ColumnRule>> tables{};  ///< By name.
  std::vector<ColumnRule> fields{};                         ///< Of requests.
  std::vector<ColumnRule> features{};
  std::vector<ColumnRule> outputs{};  ///< Of the model.

  /// `usual`: the action of a rule that says none. Throws SpecError naming the file.
  static Constraints Read(const std::filesystem::path& file, RuleAction usual);
  [[nodiscard]] nlohmann::ordered_json ToJson() const;
};

/// The rules of an object whose members are columns. Throws SpecError.
[[nodiscard]] std::vector<ColumnRule> ReadRules(const JsonNode& node, RuleAction usual);

}  // namespace forkcast::preprocessing
