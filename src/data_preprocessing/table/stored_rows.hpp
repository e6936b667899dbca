#pragma once

#include <string>
#include <variant>

namespace forkcast::preprocessing {

/// Where a series or a training set reads its rows: a whole table, or a SELECT whose result columns
/// are declared. Timestamps are stored, and must be returned by a query, as integer microseconds
/// since 1970 UTC; bools as 0 or 1.
struct TableSource {
  std::string table;
  friend bool operator==(const TableSource&, const TableSource&) = default;
};
struct QuerySource {
  std::string sql;
  friend bool operator==(const QuerySource&, const QuerySource&) = default;
};
using StoredRows = std::variant<TableSource, QuerySource>;

}  // namespace forkcast::preprocessing
