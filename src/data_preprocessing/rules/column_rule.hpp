#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// What becomes of a row with a value that breaks a rule.
enum class RuleAction : std::uint8_t {
  kCount,   ///< It is counted.
  kFlag,    ///< And the answer says so.
  kReject,  ///< It is refused.
};

/// A bound that a rule can have.
enum class Bound : std::uint8_t { kMissing, kMin, kMax, kAllowed, kMinLength, kMaxLength };
inline constexpr std::size_t kBounds = 6;

/// What the values of one column may be. Of each bound there may be none; a missing value breaks
/// `nullable` alone. NaN is missing.
struct ColumnRule {
  /// A larger set is a table of its own, which a series of the pipeline can look up.
  static constexpr std::size_t kMaxAllowed = 10'000;

  std::string column;
  bool nullable = true;
  std::optional<double> min{};                              ///< Of numbers, inclusive,
  std::optional<double> max{};                              ///< likewise.
  std::optional<std::vector<std::string>> allowed_texts{};  ///< In ascending order.
  std::optional<std::vector<double>> allowed_numbers{};     ///< Likewise.
  std::optional<std::size_t> min_length{};  ///< Of texts, in characters (code points of UTF-8).
  std::optional<std::size_t> max_length{};
  RuleAction action = RuleAction::kCount;
  std::string path{};  ///< Where it is declared, for messages.

  /// `{"min": 0, "max": 10, "nullable": false, "allowed": [...], "min_length": 1, "max_length": 3,
  /// "action": "flag"}`; `usual`: where it has no action. Throws SpecError.
  static ColumnRule FromJson(std::string column, const JsonNode& node, RuleAction usual);
  /// The same without the action.
  [[nodiscard]] nlohmann::ordered_json ToJson() const;

  /// The bound that `value` breaks, the first of several. O(log allowed), no allocation.
  [[nodiscard]] std::optional<Bound> BrokenBy(const Value& value) const noexcept;
  /// "got 600, expected at most 500". Precondition: `value` breaks this bound.
  [[nodiscard]] std::string Explain(Bound bound, const Value& value) const;
};

/// "count", "flag", "reject". Throws SpecError.
[[nodiscard]] RuleAction ReadRuleAction(const JsonNode& node);

/// Characters of UTF-8.
[[nodiscard]] std::size_t CharactersIn(std::string_view text) noexcept;
/// Of an int64 or a double.
[[nodiscard]] std::optional<double> NumberIn(const Value& value) noexcept;

/// "null", "min", "max", "allowed", "min_length", "max_length".
[[nodiscard]] std::string_view NameOf(Bound bound) noexcept;

/// A column as rules are checked against it.
struct RuleSubject {
  std::string_view name;
  ColumnType type = ColumnType::kText;
};

/// Whether each rule is of a column that there is, and of its type: kInvalidArgument whose message
/// begins with the rule's path. `kind`: what the columns are, such as "feature".
[[nodiscard]] Status FitRules(std::span<const ColumnRule> rules,
                              std::span<const RuleSubject> columns, std::string_view kind);

}  // namespace forkcast::preprocessing
