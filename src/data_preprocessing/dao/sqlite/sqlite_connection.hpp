#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/value.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace forkcast::preprocessing {

class SqliteConnection;

/// `name` as an SQL identifier, whatever characters it has.
[[nodiscard]] std::string QuoteIdentifier(std::string_view name);

/// One prepared statement. Must not outlive its connection. Parameters and result columns count
/// from 0 here.
class SqliteStatement {
 public:
  /// Binds a parameter. A text is not copied: it must live until Reset(). A failure shows at the
  /// next Step().
  void Bind(std::size_t parameter, const Value& value);
  /// True: a result row is there. False: the statement has run to its end.
  Result<bool> Step();
  /// Makes ready to bind and run again.
  void Reset() noexcept;

  [[nodiscard]] std::size_t column_count() const noexcept;
  [[nodiscard]] std::string_view ColumnName(std::size_t column) const noexcept;
  [[nodiscard]] bool IsNull(std::size_t column) const noexcept;
  [[nodiscard]] std::int64_t Int64(std::size_t column) const noexcept;
  /// Lives until the next Step() or Reset().
  [[nodiscard]] std::string_view Text(std::size_t column) const noexcept;
  /// Appends the result's value to `out` as `spec` declares it. kInvalidArgument, and no change,
  /// when it is of another type, or missing where it may not be; numbers are not turned into texts
  /// or texts into numbers.
  Status AppendTo(std::size_t column, const ColumnSpec& spec, Column& out) const;

 private:
  friend class SqliteConnection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  SqliteStatement(const SqliteConnection& connection, sqlite3_stmt* statement) noexcept
      : connection_(&connection), statement_(statement) {}

  const SqliteConnection* connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_code_ = 0;
};

/// One open SQLite database. Errors are kIo, name its path and say whether it is locked, no
/// database, or what else SQLite says. Not thread-safe. Does not move, because statements point
/// to it. A file that it created, and to which nobody has committed, is removed with it.
class SqliteConnection {
 public:
  /// Errors as OpenStore(). `busy_timeout`: how long any call waits for locks of others.
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::filesystem::path& path,
                                                        StoreAccess access,
                                                        std::chrono::milliseconds busy_timeout);
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  ~SqliteConnection();

  /// `sql`: exactly one statement of our own.
  Result<SqliteStatement> Prepare(std::string_view sql) const;
  /// `sql`: whatever a user wrote. kInvalidArgument unless it is one SELECT without parameters that
  /// reads none of `forbidden`, neither directly nor through a view, a subquery or `*`. Where some
  /// are forbidden, neither it nor a view that it reads may join by NATURAL or USING.
  Result<SqliteStatement> PrepareQuery(std::string_view sql,
                                       const std::vector<ForbiddenColumn>& forbidden) const;
  /// Runs one statement that has no parameters and whose result does not matter.
  Status Execute(std::string_view sql) const;

  [[nodiscard]] bool in_transaction() const noexcept;
  [[nodiscard]] StoreAccess access() const noexcept { return access_; }
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  [[nodiscard]] std::int64_t changes() const noexcept;
  /// `_rowid_` of the row that was inserted last.
  [[nodiscard]] std::int64_t last_row() const noexcept;
  /// The error that SQLite's `code` stands for, in SQLite's words.
  [[nodiscard]] Error ErrorOf(int code) const;

 private:
  SqliteConnection(std::string path, StoreAccess access) noexcept
      : path_(std::move(path)), access_(access) {}
  void RemoveUnlessCommitted() noexcept;
  /// kInvalidArgument when one of `sources` is a view that joins by NATURAL or USING.
  [[nodiscard]] Status CheckViews(const std::set<std::string>& sources) const;

  std::string path_;
  StoreAccess access_;
  std::filesystem::path created_;  // absolute; empty when the file was there before
  std::chrono::milliseconds busy_timeout_{0};
  sqlite3* database_ = nullptr;
};

}  // namespace forkcast::preprocessing
