#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {

/// When the file of a target is full, and how long it is kept. What is not given has no limit.
struct CaptureFileRules {
  std::optional<std::uint64_t> max_file_bytes{};
  std::optional<std::chrono::seconds> max_file_age{};
  bool compress = false;  ///< Full files become gzip.
  std::optional<std::uint64_t> keep_files{};
  std::optional<std::chrono::seconds> keep_age{};
  std::optional<std::uint64_t> max_total_bytes{};
  std::optional<double> max_disk_share{};  ///< Of the disk, whoever uses it.

  friend bool operator==(const CaptureFileRules&, const CaptureFileRules&) = default;
};

/// Which fields are not kept as they are; names as bodies have them.
struct CaptureFieldRules {
  std::vector<std::string> drop{};
  std::vector<std::string> hash{};
  /// Where the key of hashes is: one of both.
  std::string key_file{};
  std::string key_variable{};

  friend bool operator==(const CaptureFieldRules&, const CaptureFieldRules&) = default;
};

/// How the recorder keeps what was captured for a target.
struct CaptureRules {
  CaptureFileRules files{};
  CaptureFieldRules fields{};
  std::string store{};  ///< The path of a CaptureStore; empty: none.

  friend bool operator==(const CaptureRules&, const CaptureRules&) = default;
};

/// Reads the members of a capture hook's settings that are about keeping; others are not looked at.
/// Throws preprocessing::SpecError naming the JSON path; a limit of zero is an error.
[[nodiscard]] CaptureRules ReadCaptureRules(const preprocessing::JsonNode& settings);

/// Those members alone, as JSON that ReadCaptureRules() takes; empty when there is none. It goes
/// with every message, so that a recorder needs no settings of its own.
[[nodiscard]] std::string CaptureRulesText(const preprocessing::JsonNode& settings);

}  // namespace forkcast::serving
