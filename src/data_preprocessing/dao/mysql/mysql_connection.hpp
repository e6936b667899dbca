#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/mysql/mysql_url.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

struct st_mysql;

namespace forkcast::preprocessing {

/// One connection to a MariaDB server (10.5 or later). Errors name server and database, never the
/// password: kInvalidArgument for what is wrong with a statement or a value (SQLSTATE 42, 22, 0A),
/// kNotReady for what may pass (retry.hpp), kIo for everything else. Not thread-safe; to be opened
/// after fork().
///
/// The session is always the same, whatever server and option files say: utf8mb4 with a binary
/// collation, UTC, strict SQL mode, waiting 5 s for locks.
class MysqlConnection {
 public:
  using Parameter = std::optional<std::string>;  ///< None: NULL.
  using TextRows = std::vector<std::vector<std::optional<std::string>>>;

  /// Gives up after 10 s unless the URL's connect-timeout says otherwise. kInvalidArgument for an
  /// option that is not known.
  static Result<std::unique_ptr<MysqlConnection>> Open(const MysqlUrl& url, StoreAccess access);
  MysqlConnection(const MysqlConnection&) = delete;
  MysqlConnection& operator=(const MysqlConnection&) = delete;
  ~MysqlConnection();

  /// Runs one statement without parameters whose result does not matter.
  Status Execute(const std::string& sql) const;
  /// Runs one statement with what stands for its `?`, and gives all rows of its result as texts.
  Result<TextRows> Ask(const std::string& sql, std::span<const Parameter> parameters = {}) const;
  /// Takes a lock that one program can have at a time, and lasts as long as the connection; `name`
  /// is an SQL text. kIo where another program does not give it up within 5 s.
  Status Lock(std::string_view name) const;
  Status Unlock(std::string_view name) const;
  /// Rows that the last Execute() changed.
  [[nodiscard]] std::size_t changes() const noexcept;

  [[nodiscard]] StoreAccess access() const noexcept { return access_; }
  /// How many bytes the server takes at a time.
  [[nodiscard]] std::size_t most_packet_bytes() const noexcept { return most_packet_bytes_; }
  /// Whether names of tables tell upper from lower case, as they do on most servers.
  [[nodiscard]] bool tells_case() const noexcept { return tells_case_; }
  [[nodiscard]] const std::string& database() const noexcept { return url_.database; }
  /// An error about this store.
  [[nodiscard]] Error ErrorOf(std::string_view why) const;
  /// The error that the server or the client library told of.
  [[nodiscard]] Error ErrorOf(unsigned number, std::string_view state,
                              std::string_view message) const;

  [[nodiscard]] st_mysql* get() const noexcept { return mysql_; }

 private:
  MysqlConnection(MysqlUrl url, StoreAccess access);
  Status SetOptions();
  Status SetSession();
  [[nodiscard]] Error LastError() const;

  MysqlUrl url_;
  StoreAccess access_;
  st_mysql* mysql_;
  std::size_t most_packet_bytes_ = 0;
  bool tells_case_ = true;
};

/// `name` as an SQL identifier, whatever characters it has.
[[nodiscard]] std::string QuoteMysqlIdentifier(std::string_view name);

}  // namespace forkcast::preprocessing
