#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
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

/// Where the lines go: a file that all workers append to, or standard output. Each line is one
/// write, so that lines of several processes do not mix. Never waits for a reader: a line that is
/// not taken is lost and counted (LogOutput). Move-only; not thread-safe.
class AccessLog {
 public:
  /// Opens the file (mode 0644 less the umask, created when missing, and then given to `owner`), or
  /// standard output for "-". kIo naming the path when it cannot be written to. `losses` outlives
  /// the log.
  static Result<AccessLog> Open(AccessLogFormat format, const std::filesystem::path& path,
                                LogLosses& losses,
                                const std::optional<Identity>& owner = std::nullopt);

  /// Opens the file's path anew, as whoever moves full files away wants. On an error lines go on
  /// into the file that was open. Standard output stays what it is.
  Status Reopen();

  void Write(const AccessEntry& entry) noexcept;

  /// Lines that this process has lost since the last call.
  [[nodiscard]] std::uint64_t TakeLost() noexcept { return std::exchange(lost_, 0); }

 private:
  AccessLog(AccessLogFormat format, std::filesystem::path path, std::optional<Identity> owner,
            LogLosses& losses)
      : format_(format),
        path_(std::move(path)),
        owner_(std::move(owner)),
        losses_(losses),
        output_(Fd(), losses) {}

  AccessLogFormat format_;
  std::filesystem::path path_;  ///< Empty: standard output.
  std::optional<Identity> owner_;
  std::reference_wrapper<LogLosses> losses_;
  LogOutput output_;
  std::string line_;
  std::uint64_t lost_ = 0;
};

}  // namespace forkcast::serving
