#include "serving/http/access_log.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <exception>
#include <iterator>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/escaped_text.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kAccessWords = 3;
constexpr std::size_t kMostTraceparent = 128;
static_assert(kMostOfAPath + kMostOfAnId + kAccessWords * kMostOfAWord + kMostTraceparent +
                  kMostOfTheRest <=
              LogOutput::kMostBytes);

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
  AppendEscaped(or_dash(entry.peer), kPrefix, kMostOfAWord, out);
  out += " - - [";
  AppendCommonTime(entry.time, out);
  out += "] \"";
  AppendEscaped(or_dash(entry.method), kPrefix, kMostOfAWord, out);
  if (!entry.target.empty()) {
    out += ' ';
    AppendEscaped(entry.target, kPrefix, kMostOfAPath, out);
    out.append(" ").append(entry.version);
  }
  fmt::format_to(std::back_inserter(out), "\" {} {}\n", entry.status, entry.body_bytes);
}

void AppendJsonLine(const AccessEntry& entry, std::string& out) {
  out += R"({"time":")";
  preprocessing::AppendIsoTimestamp(entry.time, out);
  out += '"';
  AppendJsonMember("peer", entry.peer, kMostOfAWord, out);
  AppendJsonMember("method", entry.method, kMostOfAWord, out);
  AppendJsonMember("target", entry.target, kMostOfAPath, out);
  AppendJsonMember("version", entry.version, kMostOfAWord, out);
  fmt::format_to(std::back_inserter(out), R"(,"status":{},"body_bytes":{},"latency_us":{})",
                 entry.status, entry.body_bytes, entry.latency.count());
  AppendJsonMember("request_id", entry.request_id, kMostOfAnId, out);
  if (!entry.traceparent.empty())
    AppendJsonMember("traceparent", entry.traceparent, kMostTraceparent, out);
  fmt::format_to(std::back_inserter(out), ",\"worker\":{}}}\n", entry.worker);
}

}  // namespace

void AppendAccessLine(AccessLogFormat format, const AccessEntry& entry, std::string& out) {
  if (format == AccessLogFormat::kCommon) AppendCommonLine(entry, out);
  if (format == AccessLogFormat::kJson) AppendJsonLine(entry, out);
}

Result<AccessLog> AccessLog::Open(AccessLogFormat format, const std::filesystem::path& path,
                                  LogLosses& losses, const std::optional<Identity>& owner) {
  Result<LogFile> file =
      LogFile::Open({.path = path, .setting = "access_log_file", .owner = owner}, losses);
  if (!file) return std::move(file).error();
  return AccessLog(format, *std::move(file));
}

void AccessLog::Write(const AccessEntry& entry) noexcept {
  try {
    line_.clear();
    AppendAccessLine(format_, entry, line_);
    file_.Write(line_);
  } catch (const std::exception&) {
    file_.CountLost();
  }
}

}  // namespace forkcast::serving
