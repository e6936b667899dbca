#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

/// The parts of TableDao's contract that are the same in every store: what is refused before the
/// database hears of it, and the words for what only it can find out.
namespace forkcast::preprocessing {

/// A name in lower case: SQL does not tell it from upper case.
[[nodiscard]] std::string Folded(std::string_view name);
/// kInvalidArgument when Forkcast keeps the name for its own tables: those that start with
/// `forkcast_`, in upper or lower case.
[[nodiscard]] Status CheckTableName(const std::string& name);
/// The same for a whole declaration: it has columns, and its key is made of some that are never
/// missing.
[[nodiscard]] Status CheckSpec(const TableSpec& spec);
/// What is wrong with the declaration of `table`.
[[nodiscard]] Error BadSpec(const std::string& table, std::string_view why);

/// Canonical text of columns and key, which a store keeps with the table and compares when it is
/// declared again:
/// `{"columns":[{"name":"sku_code","nullable":false,"type":"text"},...],"key":[...]}`.
[[nodiscard]] std::string SpecText(const TableSpec& spec);
/// Of a table that was created as `stored`, a SpecText(): positions of the columns that `spec` has
/// besides, which rows that are there can be without. The order of columns says nothing. kConflict,
/// naming each difference, when it is declared otherwise in anything else.
[[nodiscard]] Result<std::vector<std::size_t>> NewColumns(const TableSpec& spec,
                                                          std::string_view stored);
/// kConflict: a table of this name is there that no EnsureTable() created.
[[nodiscard]] Error NotOurs(const TableSpec& spec);
/// kConflict: the row of the same key has another value in `column`, a position.
[[nodiscard]] Error OtherRowOfKey(const TableSpec& spec, std::size_t column);

/// Which result column holds each column of `schema`; `names` are those of the result columns, of
/// which more may be there. kInvalidArgument when one is not there, or twice.
[[nodiscard]] Result<std::vector<std::size_t>> MatchColumns(std::span<const std::string> names,
                                                            const Schema& schema);
/// kInvalidArgument: a result is no value of the declared column; `got` says what it is ("a text").
[[nodiscard]] Error NotAsDeclared(const ColumnSpec& column, std::string_view got);
/// kInvalidArgument: a query reads what it may not.
[[nodiscard]] Error ReadsForbidden(const ForbiddenColumn& forbidden);
/// `error` with what was to be read put in front, where it is about the declaration.
[[nodiscard]] Error Explained(const StoredRows& source, Error error);

}  // namespace forkcast::preprocessing
