#pragma once

#include <filesystem>
#include <ostream>
#include <span>
#include <string>

namespace forkcast::process_test {

/// A kind of store that is a server, with one that the test's process starts when it is first asked
/// for.
struct ServerKind {
  std::string name;
  bool (*is_installed)();
  std::string (*new_store)();  ///< The URL of an empty one.
  /// The text of the first row and column that a statement gives in a store, as another program
  /// runs it; empty: nothing.
  std::string (*ask)(const std::string& store, const std::string& sql);
  std::filesystem::path (*socket)();
  void (*crash)();       ///< At once, as when it is killed.
  void (*start)();       ///< Again.
  void (*end_others)();  ///< All connections but the one that says so.
};

/// PostgreSQL and MariaDB.
[[nodiscard]] std::span<const ServerKind> ServerKinds();

inline void PrintTo(const ServerKind& kind, std::ostream* out) { *out << kind.name; }

}  // namespace forkcast::process_test
