#include "serving/process/refresher.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestReport = 65'536;

/// Thrown within ParseRefresherReport() alone.
struct NoReport {
  std::string what;
};

/// Empty when absent.
std::string TextIn(const Json& json, const char* name) {
  const auto member = json.find(name);
  if (member == json.end()) return {};
  if (!member->is_string()) throw NoReport{fmt::format("{}: expected a text", name)};
  return member->get<std::string>();
}

/// None when absent.
std::optional<std::uint64_t> CountIn(const Json& json, const char* name) {
  const auto member = json.find(name);
  if (member == json.end()) return std::nullopt;
  if (!member->is_number_unsigned()) throw NoReport{fmt::format("{}: expected a count", name)};
  return member->get<std::uint64_t>();
}

/// What a counter grew by; one that began anew has grown by all it has.
std::uint64_t GrownBy(std::uint64_t before, std::uint64_t now) noexcept {
  return now >= before ? now - before : now;
}

}  // namespace

Result<RefresherReport> ParseRefresherReport(std::string_view json) {
  const Json members = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!members.is_object()) return Error{ErrorCode::kCorrupt, "no refresher's report"};
  try {
    RefresherReport report{.state = TextIn(members, "state"),
                           .rows = CountIn(members, "rows").value_or(0),
                           .rejected = CountIn(members, "rejected").value_or(0),
                           .published = CountIn(members, "published").value_or(0),
                           .last_success = std::nullopt,
                           .error = TextIn(members, "error"),
                           .lag = CountIn(members, "lag")};
    const std::string last_success = TextIn(members, "last_success");
    if (last_success.empty()) return report;
    const auto instant = preprocessing::ParseTimestamp(last_success, preprocessing::TimeZone());
    if (!instant) throw NoReport{fmt::format("last_success: {}", instant.error().message)};
    report.last_success = *instant;
    return report;
  } catch (const NoReport& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("no refresher's report: {}", error.what)};
  }
}

Refresher::Refresher(bool wanted, std::uint32_t seed, MetricValues& metrics, spdlog::logger& log)
    : keeper_({.name = "refresher", .ends = KeptChild::Ends::kOnTerm, .patience = kPatience},
              wanted, seed, log),
      wanted_(wanted),
      metrics_(metrics),
      log_(log) {}

void Refresher::StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork) {
  if (!keeper_.StartIfDue(now, fork)) return;
  const auto last_success = report_.last_success;
  report_ = {.last_success = last_success};
}

void Refresher::Take(MonotonicTime now, Asked asked) {
  if (!keeper_.running()) return;
  std::array<char, kLongestReport> message;  // NOLINT(*-member-init): filled by recv()
  while (keeper_.control() >= 0) {
    const ssize_t got =
        ::recv(keeper_.control(), message.data(), message.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0) break;  // nothing yet, or its end, which its pidfd tells
    if (static_cast<std::size_t>(got) <= message.size()) {
      OnReport({message.data(), static_cast<std::size_t>(got)});
    }
  }
  if (keeper_.is_ending()) asked = Asked::kYes;
  if (!keeper_.Reap(now, asked)) return;
  metrics_.Set("refresher_up", 0);
  if (asked == Asked::kNo) metrics_.Count("refresher_restarts");
}

void Refresher::OnReport(std::string_view json) {
  Result<RefresherReport> report = ParseRefresherReport(json);
  if (!report) {
    log_.warn("refresher_not_understood error={:?}", report.error().message);
    return;
  }
  if (report->error != report_.error) {
    if (report->error.empty()) {
      log_.info("refresher_recovered");
    } else {
      log_.error("refresher_failing error={:?}", report->error);
    }
  }
  metrics_.Count("refresher_rows", GrownBy(report_.rows, report->rows));
  metrics_.Count("refresher_rejected", GrownBy(report_.rejected, report->rejected));
  metrics_.Count("refresher_publications", GrownBy(report_.published, report->published));
  metrics_.Set("refresher_up", report->error.empty() ? 1 : 0);
  metrics_.Set("refresher_lag", report->lag.value_or(0));
  if (!report->last_success) report->last_success = report_.last_success;
  if (report->last_success) {
    const auto second =
        std::chrono::floor<std::chrono::seconds>(*report->last_success).time_since_epoch();
    metrics_.Set("refresher_success", static_cast<std::uint64_t>(second.count()));
  }
  report_ = *std::move(report);
}

std::optional<RefresherStatus> Refresher::Describe() const {
  if (!wanted_) return std::nullopt;
  RefresherStatus status{.pid = keeper_.pid(), .state = report_.state, .error = report_.error};
  if (report_.last_success) {
    status.last_success = preprocessing::IsoTimestamp(*report_.last_success);
  }
  return status;
}

}  // namespace forkcast::serving
