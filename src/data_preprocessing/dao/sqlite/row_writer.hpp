#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/sqlite/row_numbers.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// Creates the index that keeps the keys of a table apart. Precondition: it has a key.
Status CreateKeyIndex(const SqliteConnection& connection, const TableSpec& spec);

/// Writes rows into one table, as TableDao::Append() says, within one transaction. Many rows go in
/// by one statement where none of them can be there already: in a table without key, and in one
/// that was empty. Of the latter it remembers the keys itself while the index is away, which
/// Finish() makes at once of the sorted keys: entering them one by one, in random order, takes
/// several times as long. A table with more keys than RowNumbers takes has its index from then on.
class RowWriter {
 public:
  /// Precondition: a transaction has begun.
  static Result<RowWriter> Make(const SqliteConnection& connection, const TableSpec& spec);

  [[nodiscard]] const TableSpec& spec() const noexcept { return spec_; }
  Status Append(const Table& batch, OnConflict on_conflict, AppendCounts& counts,
                std::size_t& failed_row);
  /// To be called before the transaction is committed; the object is of no more use.
  Status Finish();

 private:
  /// The stored row of the same key.
  struct Stored {
    std::int64_t row = 0;
    std::optional<std::size_t> differing;  ///< First column with another value.
  };

  RowWriter(const SqliteConnection& connection, const TableSpec& spec, SqliteStatement insert)
      : connection_(&connection), spec_(spec), insert_(std::move(insert)) {}
  Status PrepareForKey();
  /// Remembers keys from now on, if no row is there yet.
  Status TakeIndexAway();
  /// Adds the row, or decides by the stored one of its key.
  Status Write(const Table& batch, std::size_t row, OnConflict on_conflict, AppendCounts& counts);
  /// The row stored under the key of this one; none, and nothing written: it is new.
  Result<std::optional<Stored>> FindRemembered(const Table& batch, std::size_t row,
                                               std::uint32_t hash);
  /// The same by the index, which is asked by writing; none: it was new, and has been written.
  Result<std::optional<Stored>> InsertOrFind(const Table& batch, std::size_t row);
  Status Meet(const Stored& stored, const Table& batch, std::size_t row, OnConflict on_conflict,
              AppendCounts& counts);
  /// Writes what is pending, which ends before row `end` of the batch.
  Status Flush(const Table& batch, std::size_t end);
  /// False when a row of its key is there already.
  Result<bool> Insert(const Table& batch, std::size_t row);
  /// Looks with `find` for the row of the same key.
  Result<std::optional<Stored>> Find(SqliteStatement& find, const Table& batch, std::size_t row);
  [[nodiscard]] std::uint32_t HashKey(const Table& batch, std::size_t row) const;

  const SqliteConnection* connection_;
  TableSpec spec_;
  SqliteStatement insert_;
  std::size_t rows_at_once_ = 1;
  std::optional<SqliteStatement> insert_many_;  // where rows can be known to be new, as pending_
  // With a key only:
  std::vector<std::size_t> key_;  // positions of its columns
  std::optional<SqliteStatement> find_;
  std::optional<SqliteStatement> remove_;
  // While the index is away:
  std::optional<RowNumbers> remembered_;
  std::optional<SqliteStatement> find_at_;  // by the number of the row
  std::size_t pending_ = 0;                 // rows of the batch that are to be written yet
  std::int64_t last_row_ = 0;               // that was written
};

}  // namespace forkcast::preprocessing
