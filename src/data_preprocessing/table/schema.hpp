#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/column_format.hpp"

namespace forkcast::preprocessing {

/// Declared, never guessed: text stays as it came (`00123` never becomes 123).
enum class ColumnType { kText, kInt64, kDouble, kBool, kTimestamp };

/// "text", "int64", "double", "bool", "timestamp": the names that pipeline files use.
[[nodiscard]] std::string_view ToString(ColumnType type) noexcept;
[[nodiscard]] std::optional<ColumnType> ColumnTypeFromString(std::string_view name) noexcept;

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::kText;
  /// Whether a value may be missing: an empty CSV field, a JSON null, an absent request field.
  bool nullable = false;
  ColumnFormat format{};

  /// What a CSV's header calls it.
  [[nodiscard]] const std::string& header() const noexcept {
    return format.header.empty() ? name : format.header;
  }
  friend bool operator==(const ColumnSpec&, const ColumnSpec&) = default;
};

/// Ordered columns with unique names.
struct Schema {
  std::vector<ColumnSpec> columns;

  /// Position of the column called `name`. O(columns).
  [[nodiscard]] std::optional<std::size_t> Find(std::string_view name) const noexcept;
  friend bool operator==(const Schema&, const Schema&) = default;
};

}  // namespace forkcast::preprocessing
