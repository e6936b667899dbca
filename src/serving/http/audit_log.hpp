#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/access/access.hpp"
#include "serving/access/gate.hpp"
#include "serving/process/log_file.hpp"

namespace forkcast::serving {

/// What somebody did, or was refused. What is not known is empty.
struct AuditEntry {
  enum class Outcome : std::uint8_t {
    kDone,
    kRefused,    ///< Who asked may not, or is nobody we know.
    kFailed,     ///< Who asked may, but it could not be done.
    kBrokenOff,  ///< The caller left, or the server stopped, before the answer.
  };

  std::string who{};  ///< The token's or user's name.
  std::optional<Role> role{};
  Proof proof = Proof::kNone;
  std::string from{};         ///< ClientAddress(); empty of a Unix socket.
  std::string_view action{};  ///< The endpoint's operation.
  std::string_view method{};
  std::string path{};  ///< Without the query, where callers put what they should not.
  int status = 0;      ///< 0: there was no answer.
  Outcome outcome = Outcome::kBrokenOff;
  std::string request_id{};
  std::size_t worker = 0;
  Instant time{};
};

/// Appends the entry as one line of JSON, of printable ASCII, whatever bytes came from outside.
void AppendAuditLine(const AuditEntry& entry, std::string& out);

/// The lines in their file, which its owner alone may read (mode 0600). Move-only; not thread-safe.
class AuditLog {
 public:
  /// kIo naming the path when it cannot be written to. `losses` outlives the log.
  static Result<AuditLog> Open(const std::filesystem::path& path, LogLosses& losses,
                               const std::optional<Identity>& owner = std::nullopt);

  /// See LogFile.
  Status Reopen() { return file_.Reopen(); }

  void Write(const AuditEntry& entry) noexcept;

  /// Lines that this process has lost since the last call.
  [[nodiscard]] std::uint64_t TakeLost() noexcept { return file_.TakeLost(); }

 private:
  explicit AuditLog(LogFile file) : file_(std::move(file)) {}

  LogFile file_;
  std::string line_;
};

}  // namespace forkcast::serving
