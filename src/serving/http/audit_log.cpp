#include "serving/http/audit_log.hpp"

#include <fmt/format.h>

#include <exception>
#include <iterator>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/escaped_text.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kAuditWords = 7;
static_assert(kMostOfAPath + kMostOfAnId + kAuditWords * kMostOfAWord + kMostOfTheRest <=
              LogOutput::kMostBytes);

constexpr mode_t kMode = 0600;

std::string_view WordFor(Proof proof) noexcept {
  switch (proof) {
    case Proof::kNone:
      return "none";
    case Proof::kLocal:
      return "local";
    case Proof::kToken:
      return "token";
    case Proof::kSession:
      return "session";
    case Proof::kPassword:
      return "password";
  }
  return {};
}

std::string_view WordFor(AuditEntry::Outcome outcome) noexcept {
  switch (outcome) {
    case AuditEntry::Outcome::kDone:
      return "done";
    case AuditEntry::Outcome::kRefused:
      return "refused";
    case AuditEntry::Outcome::kFailed:
      return "failed";
    case AuditEntry::Outcome::kBrokenOff:
      return "broken_off";
  }
  return {};
}

}  // namespace

void AppendAuditLine(const AuditEntry& entry, std::string& out) {
  out += R"({"time":")";
  preprocessing::AppendIsoTimestamp(entry.time, out);
  out += '"';
  AppendJsonMember("who", entry.who, kMostOfAWord, out);
  AppendJsonMember("role", entry.role ? serving::WordFor(*entry.role) : std::string_view(),
                   kMostOfAWord, out);
  AppendJsonMember("proof", WordFor(entry.proof), kMostOfAWord, out);
  AppendJsonMember("from", entry.from, kMostOfAWord, out);
  AppendJsonMember("action", entry.action, kMostOfAWord, out);
  AppendJsonMember("method", entry.method, kMostOfAWord, out);
  AppendJsonMember("path", entry.path, kMostOfAPath, out);
  AppendJsonMember("outcome", WordFor(entry.outcome), kMostOfAWord, out);
  AppendJsonMember("request_id", entry.request_id, kMostOfAnId, out);
  fmt::format_to(std::back_inserter(out), ",\"status\":{},\"worker\":{}}}\n", entry.status,
                 entry.worker);
}

Result<AuditLog> AuditLog::Open(const std::filesystem::path& path, LogLosses& losses,
                                const std::optional<Identity>& owner) {
  Result<LogFile> file =
      LogFile::Open({.path = path, .setting = "audit_log", .mode = kMode, .owner = owner}, losses);
  if (!file) return std::move(file).error();
  return AuditLog(*std::move(file));
}

void AuditLog::Write(const AuditEntry& entry) noexcept {
  try {
    line_.clear();
    AppendAuditLine(entry, line_);
    file_.Write(line_);
  } catch (const std::exception&) {
    file_.CountLost();
  }
}

}  // namespace forkcast::serving
