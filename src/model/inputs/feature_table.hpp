#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {
struct FeatureColumn;
}

namespace forkcast::model {

enum class FeatureKind {
  kNumber,    ///< From int64, double or bool (0 or 1).
  kCategory,  ///< From text.
};

/// What a model needs to know of one feature.
struct FeatureColumnSpec {
  std::string name;
  FeatureKind kind = FeatureKind::kNumber;

  friend bool operator==(const FeatureColumnSpec&, const FeatureColumnSpec&) = default;
};

/// kInvalidArgument for a timestamp, which is no feature (the time since it is one).
[[nodiscard]] Result<FeatureColumnSpec> FeatureColumnOf(std::string_view name,
                                                        preprocessing::ColumnType type);

/// kInvalidArgument with the feature's name when `value` is neither missing nor of the kind.
[[nodiscard]] Status CheckKind(const FeatureColumnSpec& column, const preprocessing::Value& value);

/// The float that stands for a number in a matrix: NaN when `value` is missing or NaN. What is
/// beyond the floats' range becomes the nearest float that is finite, since the trainer knows no
/// infinity: no tree can tell the difference. An integer beyond 2^24 is rounded to the nearest
/// float. Precondition: `value` is missing, int64, double or bool.
[[nodiscard]] float NumberAsFloat(const preprocessing::Value& value) noexcept;

/// Features of many rows, by column: the input of FittedTransforms. 4 bytes a cell; a text is
/// stored once a column. Not thread-safe while rows are added.
class FeatureTable {
 public:
  /// Unique names; their order is that of the values of a row.
  explicit FeatureTable(std::vector<FeatureColumnSpec> columns);

  /// Adds one row of columns().size() values, as FeatureComputer yields them. kInvalidArgument with
  /// the feature's name when a value is of another kind than its column, and no row is added.
  /// Texts are copied. Precondition: row.size() == columns().size().
  Status Append(std::span<const preprocessing::Value> row);
  /// Adds these rows of columns, one a column of the table, as if each were added by itself.
  Status Append(std::span<const preprocessing::FeatureColumn* const> columns,
                std::span<const std::uint32_t> rows);
  /// Adds the rows of another table, as if each were added by itself. Precondition: the same
  /// columns.
  void Append(const FeatureTable& other);
  /// Memory for so many rows in all.
  void Reserve(std::size_t rows);

  [[nodiscard]] const std::vector<FeatureColumnSpec>& columns() const noexcept { return columns_; }
  [[nodiscard]] std::size_t row_count() const noexcept { return row_count_; }
  /// The values of one column, a row each: the number, or the position of the text among
  /// categories(column), which is exact for up to 2^24 texts; NaN is missing.
  [[nodiscard]] std::span<const float> column(std::size_t column) const noexcept {
    return cells_[column];
  }
  /// The texts of a column of categories, in the order of their first rows; empty for numbers.
  [[nodiscard]] const std::vector<std::string>& categories(std::size_t column) const noexcept {
    return dictionaries_[column].texts;
  }

 private:
  struct Dictionary {
    [[nodiscard]] std::uint32_t CodeOf(std::string_view text);
    /// What stands for a value of a column of the kind.
    [[nodiscard]] float CellOf(const preprocessing::Value& value);

    std::vector<std::string> texts;
    std::map<std::string, std::uint32_t, std::less<>> codes;
  };

  std::vector<FeatureColumnSpec> columns_;
  std::vector<std::vector<float>> cells_;
  std::vector<Dictionary> dictionaries_;
  std::size_t row_count_ = 0;
};

}  // namespace forkcast::model
