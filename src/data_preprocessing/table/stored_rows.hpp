#pragma once

#include <string>
#include <variant>

namespace forkcast::preprocessing {

/// Where a series or a training set reads its rows: a whole table, or a SELECT whose result columns
/// are declared. A query is in the SQL of the store, and gives each column in the type by which the
/// store keeps the declared one (FORMAT.md of its folder in dao/).
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
