#pragma once

// What the server counts is declared once, in kMetrics. From its rows come the layout of the
// counters in shared memory (MetricValues), what `forkcast status` shows, the text that Prometheus
// reads (exposition.hpp) and the table of docs/operations.md, which a test compares. To add a
// metric: a row here, the line of docs/operations.md, and `metrics.Count("its_name")` where it
// happens.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace forkcast::serving {

struct Metric {
  enum class Kind : std::uint8_t {
    kCounter,  ///< Only grows, from the server's start on, through the workers that come and go.
    kGauge,    ///< What is now; 0 when the process that told it has ended.
  };
  enum class Unit : std::uint8_t { kNone, kBytes, kSeconds };
  /// How the values of the workers become one of the server.
  enum class Across : std::uint8_t {
    kSum,
    kMax,
    kByWorker,  ///< They stay apart: a sum would hide the one that matters.
    kServer,    ///< There is one, the master's.
  };

  /// What the code and the JSON of `forkcast status` call it; unique.
  std::string_view name;
  /// To Prometheus: forkcast_FAMILY, or forkcast_FAMILY_total of a counter. A family in bytes ends
  /// in `_bytes`, one in seconds in `_seconds`. Metrics of one family stand side by side and differ
  /// in labels alone.
  std::string_view family;
  std::string_view labels{};  ///< `name="value"`, with commas between; empty: none.
  Kind kind = Kind::kCounter;
  Unit unit = Unit::kNone;
  Across across = Across::kSum;
  std::string_view heading{};  ///< Of its column in the table of `forkcast status`; empty: none.
  std::string_view help;       ///< One line, without backslashes.
};

// clang-format off
inline constexpr std::array kMetrics{
    Metric{.name = "requests", .family = "requests", .heading = "requests",
           .help = "Answers, whatever their status"},
    Metric{.name = "client_errors", .family = "errors", .labels = R"(class="client")", .heading = "4xx",
           .help = "Answers that were errors: 4xx of the client's making, 5xx of the server's"},
    Metric{.name = "server_errors", .family = "errors", .labels = R"(class="server")", .heading = "5xx",
           .help = "Answers that were errors: 4xx of the client's making, 5xx of the server's"},
    Metric{.name = "clipped", .family = "refused", .labels = R"(reason="stopping")", .heading = "clipped",
           .help = "Requests refused for want of time: the server had to stop, too much was waiting, theirs was over"},
    Metric{.name = "refused", .family = "refused", .labels = R"(reason="overload")", .heading = "refused",
           .help = "Requests refused for want of time: the server had to stop, too much was waiting, theirs was over"},
    Metric{.name = "late", .family = "refused", .labels = R"(reason="deadline")",
           .help = "Requests refused for want of time: the server had to stop, too much was waiting, theirs was over"},
    Metric{.name = "in_flight", .family = "in_flight", .kind = Metric::Kind::kGauge,
           .help = "Requests that are whole and not answered"},
    Metric{.name = "connections", .family = "connections", .kind = Metric::Kind::kGauge, .heading = "connections",
           .help = "Connections open"},
    Metric{.name = "resident_bytes", .family = "resident_bytes", .kind = Metric::Kind::kGauge,
           .unit = Metric::Unit::kBytes, .across = Metric::Across::kByWorker, .heading = "memory",
           .help = "Memory of a worker's process, shared pages included"},
    Metric{.name = "restarts", .family = "restarts", .heading = "restarts",
           .help = "Processes of workers that ended unasked"},
    Metric{.name = "captured", .family = "captured",
           .help = "Invocations handed to the recorder"},
    Metric{.name = "capture_dropped", .family = "capture_dropped",
           .help = "Invocations not captured: the recorder was slow or absent, or they were too large"},
    Metric{.name = "drift_delayed", .family = "drift_delayed",
           .help = "Times that the recorder could not take counts of drift, which wait for the next time"},
    Metric{.name = "drift_windows", .family = "drift_windows", .across = Metric::Across::kServer,
           .help = "Windows that were compared with the reference of a version"},
    Metric{.name = "drift_alarms", .family = "drift_alarms", .across = Metric::Across::kServer,
           .help = "Windows in which a feature or an output had drifted"},
    Metric{.name = "retrain_promoted", .family = "retrainings", .labels = R"(result="promoted")",
           .across = Metric::Across::kServer,
           .help = "Models that were trained anew because of drift: promoted, kept as they were, failed"},
    Metric{.name = "retrain_kept", .family = "retrainings", .labels = R"(result="kept")",
           .across = Metric::Across::kServer,
           .help = "Models that were trained anew because of drift: promoted, kept as they were, failed"},
    Metric{.name = "retrain_failed", .family = "retrainings", .labels = R"(result="failed")",
           .across = Metric::Across::kServer,
           .help = "Models that were trained anew because of drift: promoted, kept as they were, failed"},
    Metric{.name = "quality_reports", .family = "quality_reports", .across = Metric::Across::kServer,
           .help = "Reports of drift quality that were found"},
    Metric{.name = "quality_alarms", .family = "quality_alarms", .across = Metric::Across::kServer,
           .help = "Those by which answers have become worse"},
    Metric{.name = "hook_failures", .family = "hook_failures",
           .help = "Calls of a hook that failed, which costs the request nothing"},
    Metric{.name = "swaps", .family = "swaps",
           .help = "Newer models or snapshots that a worker took without a restart"},
    Metric{.name = "failed_swaps", .family = "failed_swaps",
           .help = "Times that a worker could not load newer models or snapshots and kept what it had"},
    Metric{.name = "edition", .family = "edition", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kByWorker, .heading = "edition",
           .help = "The edition of models and snapshots that a worker serves"},
    Metric{.name = "snapshot_age_seconds", .family = "snapshot_age_seconds", .kind = Metric::Kind::kGauge,
           .unit = Metric::Unit::kSeconds, .across = Metric::Across::kByWorker, .heading = "snapshots",
           .help = "Age of the oldest snapshot that a worker serves, since it was published"},
    Metric{.name = "generation", .family = "generation", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "1 at the start; each reload begins another"},
    Metric{.name = "target", .family = "workers_wanted", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "Workers wanted"},
    Metric{.name = "newest_edition", .family = "newest_edition", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "1 at the start; each change of a model or snapshot that is served begins another"},
    Metric{.name = "refresher_up", .family = "refresher_up", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "1 while a refresher runs that does not fail, else 0"},
    Metric{.name = "refresher_restarts", .family = "refresher_restarts", .across = Metric::Across::kServer,
           .help = "Times that the refresher ended unasked"},
    Metric{.name = "refresher_rows", .family = "refresher_rows", .across = Metric::Across::kServer,
           .help = "Rows that the refresher took in"},
    Metric{.name = "refresher_rejected", .family = "refresher_rejected", .across = Metric::Across::kServer,
           .help = "Rows or messages that the refresher set aside"},
    Metric{.name = "refresher_publications", .family = "refresher_publications", .across = Metric::Across::kServer,
           .help = "Times that the refresher published snapshots"},
    Metric{.name = "refresher_success", .family = "refresher_success_timestamp_seconds", .kind = Metric::Kind::kGauge,
           .unit = Metric::Unit::kSeconds, .across = Metric::Across::kServer,
           .help = "When all that its source had was last served, as seconds since 1970; 0: not yet"},
    Metric{.name = "refresher_lag", .family = "refresher_lag", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "Messages that wait in the source of the refresher"},
    Metric{.name = "trainer_up", .family = "trainer_up", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "1 while a trainer runs that can reach the queue of jobs, else 0"},
    Metric{.name = "trainer_restarts", .family = "trainer_restarts", .across = Metric::Across::kServer,
           .help = "Times that the trainer ended unasked"},
    Metric{.name = "jobs_queued", .family = "jobs", .labels = R"(state="queued")", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "Jobs that wait or run, wherever they are worked on"},
    Metric{.name = "jobs_running", .family = "jobs", .labels = R"(state="running")", .kind = Metric::Kind::kGauge,
           .across = Metric::Across::kServer,
           .help = "Jobs that wait or run, wherever they are worked on"},
    Metric{.name = "jobs_oldest_queued", .family = "jobs_oldest_queued_seconds", .kind = Metric::Kind::kGauge,
           .unit = Metric::Unit::kSeconds, .across = Metric::Across::kServer,
           .help = "How long the job that has waited longest has; 0: none waits"},
    Metric{.name = "jobs_succeeded", .family = "jobs_ended", .labels = R"(result="succeeded")",
           .across = Metric::Across::kServer,
           .help = "Jobs that this server's trainer has ended"},
    Metric{.name = "jobs_failed", .family = "jobs_ended", .labels = R"(result="failed")",
           .across = Metric::Across::kServer,
           .help = "Jobs that this server's trainer has ended"},
    Metric{.name = "jobs_stopped", .family = "jobs_ended", .labels = R"(result="stopped")",
           .across = Metric::Across::kServer,
           .help = "Jobs that this server's trainer has ended"},
    Metric{.name = "job_streams", .family = "job_streams", .kind = Metric::Kind::kGauge,
           .help = "Callers who follow a job (GET /jobs/ID/events)"},
    Metric{.name = "pushes_taken", .family = "pushes", .labels = R"(result="taken")",
           .help = "Requests to /tables by what came of them: taken, refused for what they are, put off since nobody takes rows now"},
    Metric{.name = "pushes_refused", .family = "pushes", .labels = R"(result="refused")",
           .help = "Requests to /tables by what came of them: taken, refused for what they are, put off since nobody takes rows now"},
    Metric{.name = "pushes_put_off", .family = "pushes", .labels = R"(result="put_off")",
           .help = "Requests to /tables by what came of them: taken, refused for what they are, put off since nobody takes rows now"},
    Metric{.name = "pushes_waiting", .family = "pushes_waiting", .kind = Metric::Kind::kGauge,
           .help = "Requests to /tables that the refresher has not answered yet"},
    Metric{.name = "pushed_rows", .family = "pushed_rows",
           .help = "Rows that came by POST /tables/NAME/rows and are stored"},
    Metric{.name = "pushed_left_out", .family = "pushed_rows_left_out",
           .help = "Rows that came so and were not taken"},
    Metric{.name = "pushed_bytes", .family = "pushed_bytes", .unit = Metric::Unit::kBytes,
           .help = "Bytes of bodies that came so"},
    Metric{.name = "logins", .family = "logins", .labels = R"(result="done")",
           .help = "Passwords that were sent to /session by what came of them: right, wrong, not looked at since there were too many"},
    Metric{.name = "logins_refused", .family = "logins", .labels = R"(result="refused")",
           .help = "Passwords that were sent to /session by what came of them: right, wrong, not looked at since there were too many"},
    Metric{.name = "logins_limited", .family = "logins", .labels = R"(result="limited")",
           .help = "Passwords that were sent to /session by what came of them: right, wrong, not looked at since there were too many"},
    Metric{.name = "log_lines_lost", .family = "log_lines_lost", .labels = R"(log="server")",
           .across = Metric::Across::kServer,
           .help = "Lines of a log that nobody took: a pipe was full, a terminal stopped, a disk full"},
    Metric{.name = "access_log_lines_lost", .family = "log_lines_lost", .labels = R"(log="access")",
           .across = Metric::Across::kServer,
           .help = "Lines of a log that nobody took: a pipe was full, a terminal stopped, a disk full"},
};
// clang-format on

/// A metric's place among kMetrics. Made from its name by the compiler, which refuses a name that
/// no row has: a metric costs a row, and looking it up costs nothing.
class MetricId {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): Count("requests") is how it reads
  consteval MetricId(const char* name) : index_(IndexOf(name)) {}
  /// Precondition: index < kMetrics.size().
  constexpr explicit MetricId(std::size_t index) noexcept : index_(index) {}

  [[nodiscard]] constexpr std::size_t index() const noexcept { return index_; }

 private:
  static consteval std::size_t IndexOf(std::string_view name) {
    const auto* const row = std::ranges::find(kMetrics, name, &Metric::name);
    if (row == kMetrics.end()) throw "no metric has this name";
    return static_cast<std::size_t>(row - kMetrics.begin());
  }

  std::size_t index_;
};

/// Values of all metrics at one moment. None: whoever told the rest does not know this metric.
class MetricReadings {
 public:
  std::optional<std::uint64_t>& operator[](MetricId metric) noexcept {
    return values_[metric.index()];
  }
  const std::optional<std::uint64_t>& operator[](MetricId metric) const noexcept {
    return values_[metric.index()];
  }

  friend bool operator==(const MetricReadings&, const MetricReadings&) = default;

 private:
  std::array<std::optional<std::uint64_t>, kMetrics.size()> values_{};
};

/// One value out of the workers', as `across` says; those that are not known are left out. 0 of
/// none. Precondition: `across` is kSum or kMax, which alone make one out of many.
[[nodiscard]] std::uint64_t AddUp(Metric::Across across,
                                  std::span<const std::optional<std::uint64_t>> values) noexcept;

/// `counter`, `gauge`.
[[nodiscard]] std::string_view WordFor(Metric::Kind kind) noexcept;
/// `sum`, `max`, `by worker`, `of the server`.
[[nodiscard]] std::string_view WordFor(Metric::Across across) noexcept;

}  // namespace forkcast::serving
