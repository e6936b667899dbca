#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/common/row_marks.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// The part of TableDao that is the same in every SQL database: Forkcast's own tables (FORMAT.md
/// of the SQLite store), and what follows from them. How to talk to the database, and how rows get
/// in and out of it, is for each kind of store.
class SqlTableDao : public TableDao {
 public:
  Status EnsureTable(const TableSpec& spec) final;
  Result<bool> IsForeign(const std::string& table) final;
  Result<std::optional<KnownFile>> FindFile(std::string_view table,
                                            std::string_view content_hash) final;
  Status RecordFile(std::string_view table, std::string_view content_hash,
                    std::string_view file_name, const KnownFile& file) final;
  Result<std::vector<RecordedFile>> FilesNamed(std::string_view table,
                                               std::string_view file_name) final;
  Status RemoveFile(std::string_view table, const RecordedFile& file) final;
  Result<std::int64_t> LastRow(std::string_view table) final;
  Result<std::optional<RowCursor>> CursorOf(const TableSource& source) final;
  Result<bool> IsUnchanged(const TableSource& source, const RowCursor& cursor) final;
  Result<std::uint64_t> CountRows(const TableSource& source, const RowRange& rows) final;
  Status ReadRows(const TableSource& source, const RowRange& rows, const Schema& schema,
                  const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                  const std::function<Status(const Table&)>& sink) final;
  Result<std::string> ChangeMark() final;
  Result<std::optional<std::string>> ZoneOf(std::string_view table) final;
  Status RecordZone(std::string_view table, std::string_view zone) final;
  Result<std::optional<std::string>> BookmarkOf(std::string_view table,
                                                std::string_view source) final;
  Result<bool> MoveBookmark(std::string_view table, std::string_view source,
                            const std::optional<std::string>& expected,
                            std::string_view position) final;

 protected:
  /// What the databases call differently.
  struct Dialect {
    std::string_view place;  ///< The column with a row's place in the order of ingestion.
    /// That of forkcast_files and forkcast_marks by which their rows ascend.
    std::string_view recorded;
    std::string (*quote)(std::string_view name);  ///< A name as an SQL identifier.
    /// The microseconds since 1970 of a timestamp, an SQL expression.
    std::string (*micros_of)(std::string_view timestamp);
    /// What a column of timestamps is compared with.
    std::string (*moment)(Instant instant);
    std::string_view now;  ///< The server's time in microseconds since 1970, an SQL expression.
  };
  using Parameter = std::optional<std::string>;  ///< A text; none: NULL.
  /// Rows of results as texts.
  using TextRows = std::vector<std::vector<std::optional<std::string>>>;

  /// The whole number that a result has as text; 0: NULL.
  [[nodiscard]] static std::int64_t NumberOf(const std::optional<std::string>& text) noexcept;

  explicit SqlTableDao(const Dialect& dialect) noexcept : dialect_(dialect) {}

  /// What the transaction at hand has done to tables: to be noted by Append(), and forgotten by
  /// Rollback().
  [[nodiscard]] ChangedTables& changed() noexcept { return changed_; }
  /// Leaves the marks (row_marks.hpp) of that, before the end of a transaction that writes.
  Status LeaveMarks();

  /// Runs `change` within the caller's transaction, or within one of its own, so that it happens
  /// whole or not at all.
  Status Atomically(const std::function<Status()>& change);

 private:
  /// The error: this connection writes nothing.
  [[nodiscard]] virtual Status CheckMayWrite() const = 0;
  [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
  /// CheckSpec(), and what this store has no room for.
  [[nodiscard]] virtual Status CheckDeclaration(const TableSpec& spec) const = 0;
  /// Runs one statement with what stands for its `?`, and gives all rows of its result.
  virtual Result<TextRows> Ask(const std::string& sql, std::span<const Parameter> parameters) = 0;
  /// Whether the database has a table or view of this name.
  virtual Result<bool> Exists(std::string_view name) = 0;
  /// What Forkcast's own tables call the table.
  [[nodiscard]] virtual std::string KeyOf(std::string_view table) const = 0;
  /// Creates Forkcast's own tables where they are absent, and what older ones lack.
  virtual Status EnsureBookkeeping() = 0;
  virtual Status CreateTable(const TableSpec& spec) = 0;
  virtual Status AddColumn(const TableSpec& spec, const ColumnSpec& column) = 0;
  /// ChangeMark(), as far as the database tells it.
  virtual Result<std::string> StoreMark() = 0;
  /// Rows of a table of somebody else's in the order of their values: what stands behind ORDER BY.
  [[nodiscard]] virtual std::string OrderOfValues(const Schema& schema) const = 0;
  /// Hands the rows of `sql`, which reads `source`, to `sink`. Otherwise as Read().
  virtual Status ReadSql(const std::string& sql, const StoredRows& source, const Schema& schema,
                         const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                         const std::function<Status(const Table&)>& sink) = 0;
  /// Returns when all transactions that wrote when it was called have ended, or that takes too
  /// long, or cannot be told.
  virtual Status WaitForWriters() { return {}; }
  /// A text that becomes another one when rows of a table of somebody else's are updated or
  /// deleted, where the database counts that.
  virtual Result<std::string> OtherChanges(const std::string& /*table*/) { return std::string(); }
  /// What is read of forkcast_files for `rejected, first_row, last_row`.
  virtual Result<std::string> FileColumns() { return std::string("rejected, first_row, last_row"); }

  struct Assignment {
    std::string_view column;
    Parameter value;
  };
  /// Gives the row of an own table with this key these values, be it there or not.
  Status Keep(std::string_view own_table, const std::vector<Assignment>& key,
              const std::vector<Assignment>& values);
  /// The one text of Forkcast's own tables that `column` has of a table; none: nothing was kept.
  Result<std::optional<std::string>> Kept(std::string_view own_table, std::string_view column,
                                          std::string_view table);
  /// The columns of `spec`, by position, that the table lacks; none: there is no such table.
  Result<std::optional<std::vector<std::size_t>>> ColumnsToAdd(const TableSpec& spec);
  /// Those recorded with `value` in `column`.
  Result<std::vector<RecordedFile>> FilesBy(std::string_view table, std::string_view column,
                                            std::string_view value);

  // Tables that somebody else keeps and that have a growing column: growing_rows.cpp.
  /// Whether this is one.
  Result<bool> Grows(const TableSource& source);
  Status CheckGrowingColumn(const TableSource& source);
  Result<std::optional<RowCursor>> GrowingCursor(const TableSource& source);
  /// The last place that no row is expected to come before any more; none: there is no such row.
  Result<std::optional<std::int64_t>> SettledPlace(const TableSource& source);
  /// By which it is seen that rows in the places from `first` to `last` came or went.
  Result<std::string> GrowingMark(const TableSource& source, std::int64_t first, std::int64_t last);
  /// The places of a table whose places are in a column: as whole numbers, and as what is compared.
  [[nodiscard]] std::string PlaceSql(const GrowingColumn& column, std::string_view value) const;
  [[nodiscard]] std::string LiteralOf(const GrowingColumn& column, std::int64_t place) const;
  /// The rows in these places: what stands behind WHERE.
  [[nodiscard]] std::string Within(const TableSource& source, bool grows,
                                   const RowRange& rows) const;

  Status LeaveMark(const std::string& table, RowChange change);
  /// The marks of the table as mark, place of its row and number, the last one first.
  Result<TextRows> MarksOf(std::string_view table);

  Dialect dialect_;
  ChangedTables changed_;
  std::set<std::string> known_to_grow_;  ///< Tables whose growing column is as declared.
  /// Growing tables with rows that were not settled when their cursor was last asked for.
  std::set<std::string> unsettled_;
  std::size_t unsettled_looks_ = 0;
};

}  // namespace forkcast::preprocessing
