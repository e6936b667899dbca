#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/postgres/postgres_connection.hpp"
#include "data_preprocessing/table/table.hpp"

/// PostgreSQL's binary forms of values, in which numbers and instants keep every bit.
/// https://www.postgresql.org/docs/15/sql-copy.html (binary format)
namespace forkcast::preprocessing {

/// The rows of `batch` as `COPY ... FROM STDIN BINARY` reads them, each with one int64 behind its
/// columns: `first_place` and what follows it. kInvalidArgument naming the column when a text has a
/// NUL, which PostgreSQL cannot hold; `failed_row` is then its row.
[[nodiscard]] Result<std::string> EncodeCopy(const Table& batch, std::int64_t first_place,
                                             std::size_t& failed_row);

/// Appends a value of a binary result to `out` as `spec` declares it. kInvalidArgument, and no
/// change, when it is of a type that is none of the declared one's (FORMAT.md), no finite number or
/// instant, or missing where it may not be.
[[nodiscard]] Status AppendBinary(const PgResult& result, std::size_t row, std::size_t column,
                                  const ColumnSpec& spec, Column& out);

}  // namespace forkcast::preprocessing
