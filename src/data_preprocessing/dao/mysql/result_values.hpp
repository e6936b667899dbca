#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/mysql/mysql_statement.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// The columns of a statement's result that a schema declares, and a buffer for a value of each.
/// Must not outlive the statement.
class ResultRow {
 public:
  /// Of a statement that has run. kInvalidArgument when a declared column is not there, or twice.
  static Result<ResultRow> Bind(MysqlStatement& statement, const Schema& schema);
  ResultRow(ResultRow&&) noexcept;
  ResultRow& operator=(ResultRow&&) = delete;
  ~ResultRow();

  /// Appends the row that was fetched to `out`. kInvalidArgument, naming the column, when a value
  /// is of a type that is none of the declared one's (FORMAT.md), no instant, or missing where it
  /// may not be.
  Status AppendTo(Table& out);

 private:
  struct Cell;
  ResultRow(MysqlStatement& statement, std::vector<std::unique_ptr<Cell>> cells);
  Status AppendCell(std::size_t column, const ColumnSpec& spec, Column& out);
  /// Of a text that is longer than its buffer, the whole is fetched.
  Status AppendText(const Cell& cell, Column& out) const;

  MysqlStatement* statement_;
  std::vector<std::unique_ptr<Cell>> cells_;  ///< One of each declared column.
};

}  // namespace forkcast::preprocessing
