#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/test_files.hpp"

namespace forkcast::process_test {

/// A MariaDB server of a test's own, in a new folder and at a Unix socket in it; it ends with the
/// object, and with the test's process. As root it runs as the user `mysql` of the package.
class MariadbServer {
 public:
  /// Whether Debian's mariadb-server is here.
  [[nodiscard]] static bool IsInstalled();

  /// Makes the databases and starts with these options besides; throws std::runtime_error when it
  /// does not answer in time.
  explicit MariadbServer(std::vector<std::string> options = {"--skip-networking"});
  MariadbServer(const MariadbServer&) = delete;
  MariadbServer& operator=(const MariadbServer&) = delete;
  ~MariadbServer();

  /// The URL of a new, empty database.
  std::string NewStore();
  /// Runs SQL, statements with ; between, in the database of a store, as another program would.
  void Run(const std::string& store, const std::string& sql) const;
  /// The text of the first row and column that one statement gives; empty: nothing.
  [[nodiscard]] std::string Ask(const std::string& store, const std::string& sql) const;

  /// Where it listens; every store's URL has the socket's folder.
  [[nodiscard]] std::filesystem::path socket() const { return folder_.path() / "s"; }

  /// Ends it at once, as a crash would.
  void Crash();
  void Start();

 private:
  [[nodiscard]] std::vector<std::string> AsItsUser(std::vector<std::string> command) const;

  preprocessing::TempFolder folder_;
  std::vector<std::string> options_;
  std::unique_ptr<Program> server_;
  int stores_ = 0;
};

}  // namespace forkcast::process_test
