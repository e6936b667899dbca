#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/mysql/mysql_connection.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// How many characters a text of the table's key can have. An index of InnoDB takes 3072 bytes, of
/// which each character may need 4.
[[nodiscard]] std::size_t MostKeyCharacters(const TableSpec& spec);

/// kInvalidArgument naming the column, and the row in `failed_row`, when the batch has what the
/// store cannot keep: a number that is not finite, an instant outside of the years 1 to 9999, a
/// longer key text, or a text that the server does not take in one piece.
[[nodiscard]] Status CheckBatch(const MysqlConnection& connection, const TableSpec& spec,
                                const Table& batch, std::size_t& failed_row);

/// Runs `insert`, which has a `?` for each column of the batch and one for the row's place, for
/// these rows of the batch, many at a time. The place of the batch's first row is `first_place`.
[[nodiscard]] Status InsertRows(const MysqlConnection& connection, const std::string& insert,
                                const Table& batch, std::span<const std::size_t> rows,
                                std::int64_t first_place);

}  // namespace forkcast::preprocessing
