#include "serving/http/access_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <exception>
#include <iterator>
#include <system_error>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::serving {
namespace {

// Escaped bytes of each; together with the rest of a line less than what is written in one piece.
constexpr std::size_t kMostMethod = 64;
constexpr std::size_t kMostTarget = 2048;
constexpr std::size_t kMostId = 1024;
constexpr std::size_t kMostTraceparent = 128;
constexpr std::size_t kMostPeer = 64;
constexpr std::size_t kMostOfTheRest = 512;
static_assert(kMostMethod + kMostTarget + kMostId + kMostTraceparent + kMostPeer + kMostOfTheRest <=
              LogOutput::kMostBytes);

constexpr std::string_view kStandardOutput = "-";
constexpr mode_t kMode = 0644;

/// Appends `text` escaped, cut to `most` bytes. `prefix`: of a byte that is written as its number.
void AppendEscaped(std::string_view text, std::string_view prefix, std::size_t most,
                   std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kCut = "...";
  const std::size_t begin = out.size();
  std::size_t room = begin;  // where the mark of a cut still fits behind
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte >= 0x7F) {
      out.append(prefix).append({kDigits[byte >> 4U], kDigits[byte & 15U]});
    } else {
      out += c;
    }
    if (out.size() - begin > most) {
      out.resize(room);
      out.append(kCut);
      return;
    }
    if (out.size() - begin + kCut.size() <= most) room = out.size();
  }
}

/// `10/Oct/2000:13:55:36 +0000`
void AppendCommonTime(Instant time, std::string& out) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  // Not strftime's %b, which follows the locale.
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  fmt::format_to(std::back_inserter(out), "{:02}/{}/{}:{:02}:{:02}:{:02} +0000", utc.tm_mday,
                 kMonths.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                 utc.tm_min, utc.tm_sec);
}

void AppendCommonLine(const AccessEntry& entry, std::string& out) {
  constexpr std::string_view kPrefix = "\\x";
  const auto or_dash = [](std::string_view text) { return text.empty() ? "-" : text; };
  AppendEscaped(or_dash(entry.peer), kPrefix, kMostPeer, out);
  out += " - - [";
  AppendCommonTime(entry.time, out);
  out += "] \"";
  AppendEscaped(or_dash(entry.method), kPrefix, kMostMethod, out);
  if (!entry.target.empty()) {
    out += ' ';
    AppendEscaped(entry.target, kPrefix, kMostTarget, out);
    out.append(" ").append(entry.version);
  }
  fmt::format_to(std::back_inserter(out), "\" {} {}\n", entry.status, entry.body_bytes);
}

void AppendJsonLine(const AccessEntry& entry, std::string& out) {
  const auto add_text = [&out](std::string_view name, std::string_view text, std::size_t most) {
    out.append(",\"").append(name).append("\":\"");
    AppendEscaped(text, "\\u00", most, out);
    out += '"';
  };
  out += R"({"time":")";
  preprocessing::AppendIsoTimestamp(entry.time, out);
  out += '"';
  add_text("peer", entry.peer, kMostPeer);
  add_text("method", entry.method, kMostMethod);
  add_text("target", entry.target, kMostTarget);
  add_text("version", entry.version, kMostMethod);
  fmt::format_to(std::back_inserter(out), R"(,"status":{},"body_bytes":{},"latency_us":{})",
                 entry.status, entry.body_bytes, entry.latency.count());
  add_text("request_id", entry.request_id, kMostId);
  if (!entry.traceparent.empty()) add_text("traceparent", entry.traceparent, kMostTraceparent);
  fmt::format_to(std::back_inserter(out), ",\"worker\":{}}}\n", entry.worker);
}

Error SystemError(const std::filesystem::path& path) {
  return {ErrorCode::kIo,
          path.string() + ": cannot be written to: " + std::generic_category().message(errno),
          "access_log_file"};
}

Fd OpenFile(const std::filesystem::path& path, const std::optional<Identity>& owner) noexcept {
  // O_NONBLOCK: for a named pipe.
  Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                 kMode));
  // A regular file only; best effort, since whoever may open it may write to it already.
  struct stat status {};
  if (file && owner && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    [[maybe_unused]] const int given = ::fchown(file.get(), owner->user, owner->group);
  }
  return file;
}

}  // namespace

void AppendAccessLine(AccessLogFormat format, const AccessEntry& entry, std::string& out) {
  if (format == AccessLogFormat::kCommon) AppendCommonLine(entry, out);
  if (format == AccessLogFormat::kJson) AppendJsonLine(entry, out);
}

Result<AccessLog> AccessLog::Open(AccessLogFormat format, const std::filesystem::path& path,
                                  LogLosses& losses, const std::optional<Identity>& owner) {
  std::error_code failed;
  const bool to_file = path != kStandardOutput;
  AccessLog log(format, to_file ? std::filesystem::absolute(path, failed) : "", owner, losses);
  log.output_ = to_file ? LogOutput(OpenFile(log.path_, owner), losses)
                        : LogOutput::OfStandard(STDOUT_FILENO, losses);
  if (!log.output_) return SystemError(path);
  return log;
}

Status AccessLog::Reopen() {
  if (path_.empty()) return {};
  LogOutput file(OpenFile(path_, owner_), losses_);
  if (!file) return SystemError(path_);
  output_ = std::move(file);
  return {};
}

void AccessLog::Write(const AccessEntry& entry) noexcept {
  try {
    line_.clear();
    AppendAccessLine(format_, entry, line_);
    if (!output_.Write(line_)) ++lost_;
  } catch (const std::exception&) {
    ++lost_;  // no memory for the line
  }
}

}  // namespace forkcast::serving
