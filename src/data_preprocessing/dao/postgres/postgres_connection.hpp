#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

struct pg_conn;
struct pg_result;

namespace forkcast::preprocessing {

/// What a statement gave. Rows and columns count from 0.
class PgResult {
 public:
  explicit PgResult(pg_result* result) noexcept : result_(result) {}

  [[nodiscard]] std::size_t row_count() const noexcept;
  [[nodiscard]] std::size_t column_count() const noexcept;
  [[nodiscard]] std::string_view ColumnName(std::size_t column) const noexcept;
  /// The object id of the column's type.
  [[nodiscard]] std::uint32_t Type(std::size_t column) const noexcept;
  [[nodiscard]] bool IsNull(std::size_t row, std::size_t column) const noexcept;
  /// The bytes of a value, in the form that was asked for.
  [[nodiscard]] std::string_view Bytes(std::size_t row, std::size_t column) const noexcept;
  /// A whole number in text form.
  [[nodiscard]] std::int64_t Int64(std::size_t row, std::size_t column) const noexcept;
  /// Rows that an INSERT, UPDATE or DELETE changed.
  [[nodiscard]] std::size_t changes() const noexcept;
  /// The statement that was carried out, such as COMMIT.
  [[nodiscard]] std::string_view tag() const noexcept;
  /// Of a prepared statement that was described: how many parameters it has.
  [[nodiscard]] std::size_t parameter_count() const noexcept;

  [[nodiscard]] pg_result* get() const noexcept { return result_.get(); }

 private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// One connection to a PostgreSQL server (12 or later). Errors name server and database, never user
/// or password: kInvalidArgument for what is wrong with a statement (SQLSTATE 42, 22 and 0A),
/// kNotReady for what may pass (retry.hpp), kIo for everything else. Not thread-safe; to be opened
/// after fork().
class PostgresConnection {
 public:
  enum class Form : std::uint8_t { kText, kBinary };
  using Parameter = std::optional<std::string>;  ///< None: NULL.

  /// `url`: as libpq takes it, but without password, which would be seen in `ps` and logs:
  /// kInvalidArgument. libpq finds it in PGPASSWORD or the file of PGPASSFILE. Gives up after 10 s
  /// unless the URL's connect_timeout says otherwise.
  static Result<std::unique_ptr<PostgresConnection>> Open(const std::string& url,
                                                          StoreAccess access);
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;
  ~PostgresConnection();

  /// Runs one statement with the texts of $1, $2 ...
  Result<PgResult> Run(const std::string& sql, std::span<const Parameter> parameters = {},
                       Form form = Form::kText) const;
  /// Runs one statement whose result does not matter.
  Status Execute(const std::string& sql) const;
  /// What one statement would give, without running it.
  Result<PgResult> Describe(const std::string& sql) const;
  /// Runs `COPY ... FROM STDIN`, with these bytes behind it.
  Status CopyIn(const std::string& sql, std::string_view bytes) const;

  /// How many notifications have come since this was last asked. Precondition: a LISTEN.
  [[nodiscard]] std::size_t TakeNotifications() const noexcept;

  [[nodiscard]] bool in_transaction() const noexcept;
  [[nodiscard]] StoreAccess access() const noexcept { return access_; }
  /// An error about this store.
  [[nodiscard]] Error ErrorOf(std::string_view why) const;

 private:
  PostgresConnection(pg_conn* connection, StoreAccess access) noexcept
      : connection_(connection), access_(access) {}
  [[nodiscard]] Error ErrorOf(const PgResult& failed) const;
  [[nodiscard]] Result<PgResult> Checked(pg_result* result) const;

  pg_conn* connection_;
  StoreAccess access_;
};

/// The name that SQL means by `name` without quotes, as an SQL identifier, whatever characters it
/// has.
[[nodiscard]] std::string QuotePgIdentifier(std::string_view name);

}  // namespace forkcast::preprocessing
