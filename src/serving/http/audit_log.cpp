#include "serving/http/audit_log.hpp"

#include <fmt/format.h>

#include <exception>
#include <iterator>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/escaped_text.hpp"

namespace forkcast::serving {
namespace {

// Escaped bytes of each; together with the rest of a line less than what is written in one piece.
constexpr std::size_t kMostPath = 2048;
constexpr std::size_t kMostId = 1024;
constexpr std::size_t kMostWord = 64;
constexpr std::size_t kWords = 8;
constexpr std::size_t kMostOfTheRest = 384;
static_assert(kMostPath + kMostId + kWords * kMostWord + kMostOfTheRest <= LogOutput::kMostBytes);

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
  AppendJsonMember("who", entry.who, kMostWord, out);
  AppendJsonMember("role", entry.role ? serving::WordFor(*entry.role) : std::string_view(),
                   kMostWord, out);
  AppendJsonMember("proof", WordFor(entry.proof), kMostWord, out);
  AppendJsonMember("from", entry.from, kMostWord, out);
  AppendJsonMember("action", entry.action, kMostWord, out);
  AppendJsonMember("method", entry.method, kMostWord, out);
  AppendJsonMember("path", entry.path, kMostPath, out);
  AppendJsonMember("outcome", WordFor(entry.outcome), kMostWord, out);
  AppendJsonMember("request_id", entry.request_id, kMostId, out);
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
