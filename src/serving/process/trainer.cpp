#include "serving/process/trainer.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestReport = 16'384;

}  // namespace

std::string TextOf(const TrainerReport& report) {
  return preprocessing::DumpText({{"queued", report.queued},
                                  {"running", report.running},
                                  {"oldest_queued_s", report.oldest_queued_s},
                                  {"succeeded", report.succeeded},
                                  {"failed", report.failed},
                                  {"stopped", report.stopped},
                                  {"doing", report.doing},
                                  {"error", report.error}});
}

std::optional<TrainerReport> ReadTrainerReport(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    return TrainerReport{.queued = json.at("queued").get<std::uint64_t>(),
                         .running = json.at("running").get<std::uint64_t>(),
                         .oldest_queued_s = json.at("oldest_queued_s").get<std::uint64_t>(),
                         .succeeded = json.at("succeeded").get<std::uint64_t>(),
                         .failed = json.at("failed").get<std::uint64_t>(),
                         .stopped = json.at("stopped").get<std::uint64_t>(),
                         .doing = json.at("doing").get<std::string>(),
                         .error = json.at("error").get<std::string>()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

Trainer::Trainer(bool wanted, std::uint32_t seed, MetricValues& metrics, spdlog::logger& log)
    : keeper_({.name = "trainer", .ends = KeptChild::Ends::kOnTerm, .patience = kPatience}, wanted,
              seed, log),
      wanted_(wanted),
      metrics_(metrics),
      log_(log) {}

void Trainer::StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork) {
  if (!keeper_.StartIfDue(now, fork)) return;
  report_ = {};
  retires_ = false;
}

void Trainer::Retire() noexcept {
  if (!keeper_.running()) return;
  retires_ = true;
  keeper_.Signal(SIGHUP);
}

void Trainer::Take(MonotonicTime now, Asked asked) {
  if (!keeper_.running()) return;
  std::array<char, kLongestReport> message;  // NOLINT(*-member-init): filled by recv()
  while (keeper_.control() >= 0) {
    const ssize_t got =
        ::recv(keeper_.control(), message.data(), message.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0) break;  // nothing yet, or its end, which its pidfd tells
    if (static_cast<std::size_t>(got) > message.size()) continue;
    if (const auto report = ReadTrainerReport({message.data(), static_cast<std::size_t>(got)})) {
      OnReport(*report);
    }
  }
  if (keeper_.is_ending() || retires_) asked = Asked::kYes;
  if (!keeper_.Reap(now, asked)) return;
  metrics_.Set("trainer_up", 0);
  if (asked == Asked::kNo) metrics_.Count("trainer_restarts");
}

void Trainer::OnReport(const TrainerReport& report) {
  if (report.error != report_.error) {
    if (report.error.empty()) {
      log_.info("trainer_recovered");
    } else {
      log_.error("trainer_failing error={:?}", report.error);
    }
  }
  metrics_.Set("trainer_up", report.error.empty() ? 1 : 0);
  metrics_.Set("jobs_queued", report.queued);
  metrics_.Set("jobs_running", report.running);
  metrics_.Set("jobs_oldest_queued", report.oldest_queued_s);
  // Each trainer begins at zero, and StartIfDue() with it.
  metrics_.Count("jobs_succeeded", report.succeeded - report_.succeeded);
  metrics_.Count("jobs_failed", report.failed - report_.failed);
  metrics_.Count("jobs_stopped", report.stopped - report_.stopped);
  report_ = report;
}

std::optional<TrainerStatus> Trainer::Describe() const {
  if (!wanted_) return std::nullopt;
  return TrainerStatus{.pid = keeper_.pid(), .doing = report_.doing, .error = report_.error};
}

}  // namespace forkcast::serving
