#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/process/log_file.hpp"
#include "serving/process/log_output.hpp"
#include "serving/process/privileges.hpp"

namespace forkcast::serving {

/// One answer, for the access log. What is not known is empty.
struct AccessEntry {
  std::string_view peer;     ///< ClientAddress(); empty for a Unix socket.
  std::string_view method;   ///< As sent; empty, with target and version, when bytes came that are
  std::string_view target;   ///< no request.
  std::string_view version;  ///< "HTTP/1.1"
  std::string_view request_id;
  std::string_view traceparent{};  ///< Only a valid one.
  std::size_t worker = 0;
  int status = 0;
  std::size_t body_bytes = 0;           ///< Of the body, as far as it was sent.
  Instant time{};                       ///< When the request's first byte came.
  std::chrono::microseconds latency{};  ///< From then to the answer's last byte.
};

/// Appends the entry as one line. Whatever bytes came from outside, it is one line of printable
/// ASCII with every field in its place: quotes, backslashes and other bytes are escaped (`\xHH`; in
/// JSON `\u00HH`, a byte beyond ASCII as the character of that number). At most 4,096 bytes, which
/// the system writes in one piece (PIPE_BUF): a long method or target ends in "...".
void AppendAccessLine(AccessLogFormat format, const AccessEntry& entry, std::string& out);

/// The lines in their file. Move-only; not thread-safe.
class AccessLog {
 public:
  /// Opens the file (mode 0644 less the umask, created when missing, and then given to `owner`), or
  /// standard output for "-". kIo naming the path when it cannot be written to. `losses` outlives
  /// the log.
  static Result<AccessLog> Open(AccessLogFormat format, const std::filesystem::path& path,
                                LogLosses& losses,
                                const std::optional<Identity>& owner = std::nullopt);

  /// See LogFile.
  Status Reopen() { return file_.Reopen(); }

  void Write(const AccessEntry& entry) noexcept;

  /// Lines that this process has lost since the last call.
  [[nodiscard]] std::uint64_t TakeLost() noexcept { return file_.TakeLost(); }

 private:
  AccessLog(AccessLogFormat format, LogFile file) : format_(format), file_(std::move(file)) {}

  AccessLogFormat format_;
  LogFile file_;
  std::string line_;
};

}  // namespace forkcast::serving
