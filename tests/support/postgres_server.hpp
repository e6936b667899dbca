#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/test_files.hpp"

struct pg_conn;

namespace forkcast::process_test {

/// A program that writes into a store of a PostgresServer, with transactions of its own.
class PostgresSession {
 public:
  explicit PostgresSession(const std::string& store);
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;
  ~PostgresSession();

  /// The text of the first row and column that one statement gives; empty: nothing. Throws
  /// std::runtime_error.
  std::string Run(const std::string& sql) const;

 private:
  pg_conn* connection_;
};

/// A PostgreSQL server of a test's own, in a new folder and at a Unix socket in it; it ends with
/// the object, and with the test's process. As root it runs as the user `postgres` of the package.
/// It trusts everybody but the user `locked`, who needs a password.
class PostgresServer {
 public:
  /// Whether Debian's postgresql-15 is here.
  [[nodiscard]] static bool IsInstalled();

  /// Makes the database and starts; throws std::runtime_error when it does not answer in time.
  PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  /// The URL of a new, empty schema of its database.
  std::string NewStore();
  /// Runs SQL in the schema of a store, as another program would.
  void Run(const std::string& store, const std::string& sql) const;
  /// The text of the first row and column that one statement gives; empty: nothing.
  [[nodiscard]] std::string Ask(const std::string& store, const std::string& sql) const;

  /// Ends it at once, as a crash would.
  void Crash();
  void Start();
  /// One behind the other.
  void Restart();
  /// Where it listens; every store's URL has the socket's folder.
  [[nodiscard]] std::filesystem::path socket() const { return folder_.path() / ".s.PGSQL.5432"; }

 private:
  [[nodiscard]] std::vector<std::string> AsItsUser(std::vector<std::string> command) const;
  void AskForAPasswordOf(const std::string& user) const;

  preprocessing::TempFolder folder_;
  std::unique_ptr<Program> server_;
  int stores_ = 0;
};

}  // namespace forkcast::process_test
