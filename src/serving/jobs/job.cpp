#include "serving/jobs/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using preprocessing::DumpText;

Json TimeJson(const std::optional<Instant>& time) {
  return time ? Json(preprocessing::IsoTimestamp(*time)) : Json();
}

template <typename T>
Json Optional(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json JsonOf(const std::string& text) { return text.empty() ? Json() : Json::parse(text); }

Json ToJson(const std::optional<JobError>& error) {
  if (!error) return {};
  return {{"code", error->code}, {"message", error->message}, {"field", error->field}};
}

template <typename T>
std::optional<T> ReadOptional(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->get<T>();
}

std::optional<Instant> ReadTime(const Json& json, const char* name) {
  const auto micros = ReadOptional<std::int64_t>(json, name);
  if (!micros) return std::nullopt;
  return FromMicros(*micros);
}

std::optional<JobError> ReadError(const Json& json) {
  const auto found = json.find("error");
  if (found == json.end() || found->is_null()) return std::nullopt;
  return JobError{.code = found->at("code").get<std::string>(),
                  .message = found->at("message").get<std::string>(),
                  .field = found->at("field").get<std::string>()};
}

}  // namespace

std::string_view WordFor(JobState state) noexcept {
  switch (state) {
    case JobState::kQueued:
      return "queued";
    case JobState::kRunning:
      return "running";
    case JobState::kSucceeded:
      return "succeeded";
    case JobState::kFailed:
      return "failed";
    case JobState::kStopped:
      return "stopped";
  }
  return {};
}

std::optional<JobState> JobStateOf(std::string_view word) noexcept {
  for (const JobState state : kJobStates) {
    if (WordFor(state) == word) return state;
  }
  return std::nullopt;
}

std::string_view WordFor(JobKind kind) noexcept {
  switch (kind) {
    case JobKind::kTrain:
      return "train";
    case JobKind::kEvaluate:
      return "evaluate";
    case JobKind::kPredict:
      return "predict";
    case JobKind::kIngest:
      return "ingest";
    case JobKind::kRetrain:
      return "retrain";
  }
  return {};
}

std::optional<JobKind> JobKindOf(std::string_view word) noexcept {
  for (const JobKind kind : kJobKinds) {
    if (WordFor(kind) == word) return kind;
  }
  return std::nullopt;
}

Json ToJson(const JobRecord& job) {
  const auto tenths = [](const std::optional<double>& value) {
    return value ? std::optional(std::round(*value * 10) / 10) : std::nullopt;
  };
  return {{"id", std::to_string(job.id)},
          {"kind", WordFor(job.order.kind)},
          {"deployment", job.order.deployment},
          {"key", JsonOf(job.order.key)},
          {"options", JsonOf(job.order.options)},
          {"state", WordFor(job.state)},
          {"progress", Optional(tenths(job.progress.percent))},
          {"doing", job.progress.doing},
          {"remaining_s", Optional(tenths(job.progress.remaining_s))},
          {"submitted_at", TimeJson(job.submitted_at)},
          {"started_at", TimeJson(job.started_at)},
          {"ended_at", TimeJson(job.ended_at)},
          {"submitted_by", job.submitted_by},
          {"attempt", job.attempt},
          {"worker", job.worker},
          {"stop_asked", job.stop_asked},
          {"error", ToJson(job.error)},
          {"verdict", JsonOf(job.verdict)},
          {"version", Optional(job.version)}};
}

std::string RecordOf(const JobRecord& job) {
  const auto micros = [](const std::optional<Instant>& time) {
    return time ? Json(ToMicros(*time)) : Json();
  };
  return DumpText({{"kind", WordFor(job.order.kind)},
                   {"deployment", job.order.deployment},
                   {"key", job.order.key},
                   {"options", job.order.options},
                   {"subject", job.order.subject},
                   {"state", WordFor(job.state)},
                   {"percent", Optional(job.progress.percent)},
                   {"doing", job.progress.doing},
                   {"remaining_s", Optional(job.progress.remaining_s)},
                   {"submitted_at", ToMicros(job.submitted_at)},
                   {"started_at", micros(job.started_at)},
                   {"ended_at", micros(job.ended_at)},
                   {"submitted_by", job.submitted_by},
                   {"key_of_request", job.key_of_request},
                   {"attempt", job.attempt},
                   {"worker", job.worker},
                   {"owner", job.owner},
                   {"beat", job.beat},
                   {"is_suspected", job.is_suspected},
                   {"stop_asked", job.stop_asked},
                   {"error", ToJson(job.error)},
                   {"verdict", job.verdict},
                   {"version", Optional(job.version)}});
}

Result<JobRecord> ReadJob(std::uint64_t id, std::string_view record) {
  const auto corrupt = [id](std::string_view why) {
    return Error{ErrorCode::kCorrupt, fmt::format("the record of job {} is damaged: {}", id, why)};
  };
  const Json json = Json::parse(record, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return corrupt("it is no JSON object");
  try {
    const auto kind = JobKindOf(json.at("kind").get<std::string>());
    const auto state = JobStateOf(json.at("state").get<std::string>());
    if (!kind || !state) return corrupt("its kind or state is not known");
    JobRecord job{.id = id,
                  .order = {.kind = *kind,
                            .deployment = json.at("deployment").get<std::string>(),
                            .key = json.at("key").get<std::string>(),
                            .options = json.at("options").get<std::string>(),
                            .subject = json.at("subject").get<std::string>()},
                  .state = *state,
                  .progress = {.percent = ReadOptional<double>(json, "percent"),
                               .doing = json.at("doing").get<std::string>(),
                               .remaining_s = ReadOptional<double>(json, "remaining_s")},
                  .submitted_at = FromMicros(json.at("submitted_at").get<std::int64_t>()),
                  .started_at = ReadTime(json, "started_at"),
                  .ended_at = ReadTime(json, "ended_at"),
                  .submitted_by = json.at("submitted_by").get<std::string>(),
                  .key_of_request = json.at("key_of_request").get<std::string>(),
                  .attempt = json.at("attempt").get<std::uint64_t>(),
                  .worker = json.at("worker").get<std::string>(),
                  .owner = json.at("owner").get<std::string>(),
                  .beat = json.at("beat").get<std::uint64_t>(),
                  .is_suspected = json.at("is_suspected").get<bool>(),
                  .stop_asked = json.at("stop_asked").get<bool>(),
                  .error = ReadError(json),
                  .verdict = json.at("verdict").get<std::string>(),
                  .version = ReadOptional<std::uint64_t>(json, "version")};
    for (const std::string* const text : {&job.order.key, &job.order.options, &job.verdict}) {
      if (!text->empty() && !Json::accept(*text)) return corrupt("a member is no JSON");
    }
    return job;
  } catch (const Json::exception& error) {
    return corrupt(error.what());
  }
}

std::optional<std::uint64_t> JobIdOf(std::string_view text) noexcept {
  std::uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, failed] = std::from_chars(text.data(), end, id);
  const bool is_number = failed == std::errc() && parsed == end && id != 0 && text.front() != '0';
  return is_number ? std::optional(id) : std::nullopt;
}

std::string Clipped(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  // A byte 10xxxxxx goes on with the character before it.
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return std::string(text.substr(0, most)) + "...";
}

}  // namespace forkcast::serving
