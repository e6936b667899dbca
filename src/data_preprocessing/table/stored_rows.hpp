#pragma once

#include <optional>
#include <string>
#include <variant>

#include "data_preprocessing/table/schema.hpp"

namespace forkcast::preprocessing {

/// A column, int64 or timestamp and never missing, whose values grow from row to row: of a table
/// that somebody else keeps, it tells what is new.
struct GrowingColumn {
  std::string name;
  ColumnType type = ColumnType::kInt64;
  friend bool operator==(const GrowingColumn&, const GrowingColumn&) = default;
};

/// Where a series or a training set reads its rows: a whole table, or a SELECT whose result columns
/// are declared. A query is in the SQL of the store, and gives each column in the type by which the
/// store keeps the declared one (FORMAT.md of its folder in dao/).
struct TableSource {
  std::string table;
  std::optional<GrowingColumn> grows_by{};
  friend bool operator==(const TableSource&, const TableSource&) = default;
};
struct QuerySource {
  std::string sql;
  friend bool operator==(const QuerySource&, const QuerySource&) = default;
};
using StoredRows = std::variant<TableSource, QuerySource>;

}  // namespace forkcast::preprocessing
