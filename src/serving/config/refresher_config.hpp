#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {

/// What takes in new rows and publishes them while the server runs: `forkcast ingest --follow` with
/// these for its flags.
struct RefresherConfig {
  std::filesystem::path pipeline{};
  std::string store{};
  std::string from{};                  ///< What --from takes; empty: others fill the tables.
  std::filesystem::path snapshots{};   ///< Folder.
  bool takes_pushes = false;           ///< Rows that callers bring, at the admin address.
  std::filesystem::path originals{};   ///< What --originals takes; empty: nothing.
  std::vector<std::string> options{};  ///< Further flags and their values, as on a command line.

  friend bool operator==(const RefresherConfig&, const RefresherConfig&) = default;
};

/// Reads the config file's "refresher":
///   {"from": "incoming", "options": ["--rejects", "rejects.csv"]}
/// or, of one that takes rows from callers, {"push": true, "originals": "data"}.
/// Pipeline, store and snapshots may stay empty: the server's. Throws SpecError, also for an option
/// that has a member of its own.
[[nodiscard]] RefresherConfig ReadRefresher(const preprocessing::JsonNode& node);

/// The words behind `forkcast`.
[[nodiscard]] std::vector<std::string> CommandLineOf(const RefresherConfig& config);

}  // namespace forkcast::serving
