#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// Where a job is on its way. The last three are final.
enum class JobState : std::uint8_t { kQueued, kRunning, kSucceeded, kFailed, kStopped };
inline constexpr std::array kJobStates{JobState::kQueued, JobState::kRunning, JobState::kSucceeded,
                                       JobState::kFailed, JobState::kStopped};
[[nodiscard]] std::string_view WordFor(JobState state) noexcept;
[[nodiscard]] std::optional<JobState> JobStateOf(std::string_view word) noexcept;
[[nodiscard]] constexpr bool IsFinal(JobState state) noexcept {
  return state != JobState::kQueued && state != JobState::kRunning;
}

/// What a job does: the command of this name.
enum class JobKind : std::uint8_t { kTrain, kEvaluate, kPredict, kIngest, kRetrain };
inline constexpr std::array kJobKinds{JobKind::kTrain, JobKind::kEvaluate, JobKind::kPredict,
                                      JobKind::kIngest, JobKind::kRetrain};
[[nodiscard]] std::string_view WordFor(JobKind kind) noexcept;
[[nodiscard]] std::optional<JobKind> JobKindOf(std::string_view word) noexcept;

/// What somebody wants done.
struct JobOrder {
  JobKind kind = JobKind::kTrain;
  std::string deployment{};
  std::string key{};           ///< A JSON object, the key's fields; empty: of all keys.
  std::string options = "{}";  ///< A JSON object, of the kind's own options (job_order.hpp).
  /// Those of one subject wait for each other; empty: the deployment.
  std::string subject{};

  friend bool operator==(const JobOrder&, const JobOrder&) = default;
};

/// Why a job failed, as its callers are told.
struct JobError {
  std::string code;
  std::string message;
  std::string field{};

  friend bool operator==(const JobError&, const JobError&) = default;
};

/// How far a job is.
struct JobProgress {
  std::optional<double> percent{};  ///< Of what it is doing; none: not known.
  std::string doing{};              ///< In words.
  std::optional<double> remaining_s{};

  friend bool operator==(const JobProgress&, const JobProgress&) = default;
};

/// One job of a queue, as its record says.
struct JobRecord {
  std::uint64_t id = 0;
  JobOrder order{};
  JobState state = JobState::kQueued;
  JobProgress progress{};
  Instant submitted_at{};
  std::optional<Instant> started_at{};  ///< Of the newest attempt.
  std::optional<Instant> ended_at{};
  std::string submitted_by{};
  std::string key_of_request{};  ///< By which the same request is known again; empty: none.
  std::uint64_t attempt = 0;     ///< Times that it was begun.
  std::string worker{};          ///< Who has it, or had it: for people.
  std::string owner{};           ///< The same for programs (OwnerMark).
  std::uint64_t beat = 0;        ///< Grows while its worker lives.
  bool is_suspected = false;     ///< Somebody has not seen it grow for long.
  bool stop_asked = false;
  std::optional<JobError> error{};
  std::string verdict{};  ///< A JSON object: what the command said of itself; empty: nothing.
  std::optional<std::uint64_t> version{};  ///< That it published.

  std::int64_t revision = 0;  ///< Of its record; not part of it.

  [[nodiscard]] const std::string& subject() const noexcept {
    return order.subject.empty() ? order.deployment : order.subject;
  }
};

/// The job as callers see it. `log`: its last lines.
[[nodiscard]] nlohmann::ordered_json ToJson(const JobRecord& job);

/// As its record has it: everything but id and revision.
[[nodiscard]] std::string RecordOf(const JobRecord& job);
/// kCorrupt when it is no such text.
[[nodiscard]] Result<JobRecord> ReadJob(std::uint64_t id, std::string_view record);

/// None when it is no number of a job.
[[nodiscard]] std::optional<std::uint64_t> JobIdOf(std::string_view text) noexcept;

/// A text cut to so many bytes, at the end of a character.
[[nodiscard]] std::string Clipped(std::string_view text, std::size_t most);

}  // namespace forkcast::serving
