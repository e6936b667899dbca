#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/schema.hpp"

namespace forkcast::preprocessing {

/// The values of one column, in row order. Clear() and Truncate() keep the memory, so that a
/// worker decodes request after request without allocating.
/// Reading a value of another type than type(), or of a missing row, is a precondition violation
/// (the result is meaningless, not undefined). Views from Text() live until the column changes.
class Column {
 public:
  explicit Column(ColumnType type) noexcept : type_(type) {}

  [[nodiscard]] ColumnType type() const noexcept { return type_; }
  [[nodiscard]] std::size_t size() const noexcept { return missing_.size(); }
  [[nodiscard]] bool IsMissing(std::size_t row) const noexcept { return missing_[row] != 0; }

  [[nodiscard]] std::string_view Text(std::size_t row) const noexcept {
    const std::size_t begin = row == 0 ? 0 : text_ends_[row - 1];
    return {characters_.data() + begin, text_ends_[row] - begin};
  }
  [[nodiscard]] std::int64_t Int64(std::size_t row) const noexcept { return integers_[row]; }
  [[nodiscard]] double Double(std::size_t row) const noexcept { return doubles_[row]; }
  [[nodiscard]] bool Bool(std::size_t row) const noexcept { return integers_[row] != 0; }
  [[nodiscard]] Instant Timestamp(std::size_t row) const noexcept {
    return FromMicros(integers_[row]);
  }

  /// Appends one value. Precondition: the value is of type().
  void AppendText(std::string_view value);
  void AppendInt64(std::int64_t value);
  void AppendDouble(double value);
  void AppendBool(bool value);
  void AppendTimestamp(Instant value);
  void AppendMissing();
  /// Appends all values of `other`, a column of the same type.
  void Append(const Column& other);

  /// Drops all rows from `rows` on; no effect when there are fewer.
  void Truncate(std::size_t rows) noexcept;
  void Clear() noexcept { Truncate(0); }

 private:
  ColumnType type_;
  std::vector<std::uint8_t> missing_;   // one per row; its size is the column's
  std::vector<std::int64_t> integers_;  // int64, bool, timestamp (microseconds)
  std::vector<double> doubles_;
  std::vector<std::size_t> text_ends_;  // end of each row's text within characters_
  std::string characters_;
};

/// Columns of equal length under one schema: a file being ingested, the rows of a query, or the
/// rows of one request.
class Table {
 public:
  explicit Table(Schema schema);

  [[nodiscard]] const Schema& schema() const noexcept { return schema_; }
  [[nodiscard]] const Column& column(std::size_t index) const noexcept { return columns_[index]; }
  [[nodiscard]] Column& column(std::size_t index) noexcept { return columns_[index]; }
  [[nodiscard]] std::size_t column_count() const noexcept { return columns_.size(); }

  /// Rows that are complete: the length of the shortest column.
  [[nodiscard]] std::size_t row_count() const noexcept;
  /// Appends all rows of `other`, a table of the same schema.
  void Append(const Table& other);
  /// Makes every column `rows` long, dropping what is behind: undoes a row that failed half-way.
  void Truncate(std::size_t rows) noexcept;
  void Clear() noexcept { Truncate(0); }

 private:
  Schema schema_;
  std::vector<Column> columns_;
};

}  // namespace forkcast::preprocessing
