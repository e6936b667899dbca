#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/page/page_desk.hpp"

// Logs that are files of this machine, as the page shows them. All of it reads files: not for the
// loop.
namespace forkcast::serving {

/// A log that the page may show.
struct PageLog {
  std::string name;  ///< "server", "answers", "audit".
  std::filesystem::path path;
};
/// Those that a server writes into files: its own where standard error is one, that of answers and
/// that of changes where settings name a file, or where standard output is one.
[[nodiscard]] std::vector<PageLog> LogsOf(const ServerConfig& config);

/// `{"logs": [{"name", "bytes", "changed_at"}]}` of those that can be read.
[[nodiscard]] std::string ListLogs(const std::vector<PageLog>& logs);

/// Which lines are asked for.
struct LogQuestion {
  /// Of the file's end, at most so many bytes are looked at.
  static constexpr std::size_t kMostBytes = 4'194'304;
  static constexpr std::size_t kMostLines = 5000;

  std::string name;
  std::string search{};  ///< Lines that contain it, whatever the case of its letters.
  std::size_t lines = 500;
};
/// `{"name", "bytes", "lines": [...], "cut"}`: the newest lines, the oldest of them first. `cut`:
/// there are older ones that were not looked at. kNotFound, kIo.
[[nodiscard]] Result<std::string> TailLog(const std::vector<PageLog>& logs,
                                          const LogQuestion& question);

/// The same lines as a file of text.
[[nodiscard]] Result<PageAnswer> DownloadLog(const std::vector<PageLog>& logs,
                                             const LogQuestion& question);

}  // namespace forkcast::serving
