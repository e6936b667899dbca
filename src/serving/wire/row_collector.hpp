#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::wire {

/// Puts the rows of one request into a DecodedRequest, whatever the format they come in: Begin(),
/// then each column at most once, then End(), which settles absent columns. A row that failed is
/// undone and noted; the first error of a row is the one that counts.
class RowCollector {
 public:
  RowCollector(DecodedRequest& out, std::size_t max_rows) noexcept
      : out_(out), max_rows_(max_rows) {}

  /// False when the request has as many rows as it may: nothing has begun then.
  [[nodiscard]] bool Begin() noexcept;
  [[nodiscard]] Error TooManyRows() const;
  void End();
  /// As if the row had not begun.
  void Abandon();

  /// Drops what the row has so far; its further values need not be given.
  void Fail(std::string message, std::string_view field = {});
  [[nodiscard]] bool failed() const noexcept { return failed_; }

  /// Whether the row has a value, or a missing one, for the column.
  [[nodiscard]] bool Has(std::size_t column) const noexcept {
    return out_.rows.column(column).size() > kept();
  }
  /// Notes that the column's value is missing, which fails the row when it is required.
  void AddMissing(std::size_t column);
  /// The column to append the row's value to. Precondition: !failed() && !Has(column).
  [[nodiscard]] preprocessing::Column& column(std::size_t index) noexcept {
    return out_.rows.column(index);
  }

  /// Number of the row that is open, or of the next.
  [[nodiscard]] std::size_t row() const noexcept { return out_.row_count; }

 private:
  /// Good rows before this one. Not Table::row_count(), which is 0 without columns.
  [[nodiscard]] std::size_t kept() const noexcept { return out_.row_numbers.size(); }

  DecodedRequest& out_;
  std::size_t max_rows_;
  bool failed_ = false;
};

}  // namespace forkcast::wire
