#include "serving/jobs/job_desk.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/jobs/job_order.hpp"
#include "serving/jobs/job_words.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using preprocessing::DumpText;

constexpr std::uint64_t kUsualLimit = 50;
constexpr std::uint64_t kMostListed = 200;

Error NoJob(std::string_view id) {
  return {ErrorCode::kNotFound, fmt::format("there is no job {}", Clipped(id, 40)), "id"};
}

/// A choice among words; none: it was not asked for.
template <typename T, typename List, typename Read>
Result<std::optional<T>> Choice(const std::string& text, const char* field, const List& all,
                                Read read) {
  if (text.empty()) return std::optional<T>();
  if (const std::optional<T> value = read(text)) return std::optional<T>(*value);
  std::vector<std::string_view> words;
  for (const T one : all) words.push_back(WordFor(one));
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("expected one of {}", fmt::join(words, ", ")), field};
}

bool IsGone(int socket) noexcept {
  pollfd asked{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) != 0;  // nobody ever writes there: it is the end
}

std::string Event(const EventPlace& place, std::string_view name, std::string_view data) {
  return fmt::format("id: {}.{}\nevent: {}\ndata: {}\n\n", place.revision, place.line, name, data);
}

/// False: it does not fit into the same answer any more.
bool Add(std::string& text, const std::string& event) {
  if (!text.empty() && text.size() + event.size() > kMostReplyBytes) return false;
  text += event;
  return true;
}

}  // namespace

Error QueueOutOfReach() {
  return {ErrorCode::kNotReady,
          "the store that has the queue of jobs cannot be read or written at present (its "
          "operators find why in the log and by `forkcast status`): try again"};
}

EventPlace ReadEventPlace(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return {};
  EventPlace place;
  const auto read = [](std::string_view digits, auto& number) {
    const char* const end = digits.data() + digits.size();
    const auto [parsed, failed] = std::from_chars(digits.data(), end, number);
    return failed == std::errc() && parsed == end;
  };
  const bool is_good = read(text.substr(0, dot), place.revision) &&
                       read(text.substr(dot + 1), place.line) && place.revision >= 0;
  return is_good ? place : EventPlace{};
}

std::string EventsSince(const JobRecord& job, const JobLog& log, EventPlace& place) {
  std::string text;
  if (log.end() < place.line) place.line = 0;  // of an attempt before this one
  EventPlace next{.revision = place.revision, .line = std::max(place.line, log.first())};
  for (const std::string& one : log.From(next.line)) {
    ++next.line;
    if (!Add(text, Event(next, "log", one))) return text;
    place = next;
  }
  next.revision = job.revision;
  if (place != next && Add(text, Event(next, "job", DumpText(ToJson(job))))) place = next;
  return text;
}

std::string TextOf(const JobRecord& job, const JobLog& log, std::size_t most) {
  Json json = ToJson(job);
  std::size_t size = DumpText(json).size();
  std::size_t fitting = 0;
  for (auto line = log.lines().rbegin(); line != log.lines().rend(); ++line, ++fitting) {
    size += DumpText(*line).size() + 1;
    if (size > most) break;
  }
  json["log"] = log.From(log.end() - fitting);
  return DumpText(json);
}

Status JobDesk::Answer(JobQueue& queue, ReceivedJobRequest& asked, Instant now) {
  if (IsGone(asked.reply.get())) return {};
  Result<JobReply> reply = asked.request.kind == JobRequest::Kind::kFollow
                               ? Follow(queue, asked)
                               : Do(queue, asked.request, now);
  if (!reply) {
    const ErrorCode code = reply.error().code;
    const bool is_stores = code == ErrorCode::kIo || code == ErrorCode::kNotReady;
    SendJobReply(asked.reply.get(), {.error = is_stores ? QueueOutOfReach() : reply.error()});
    return is_stores ? Status(reply.error()) : Status();
  }
  if (asked.request.kind != JobRequest::Kind::kFollow) SendJobReply(asked.reply.get(), *reply);
  return {};
}

Result<JobReply> JobDesk::Do(JobQueue& queue, const JobRequest& request, Instant now) {
  if (request.kind == JobRequest::Kind::kSubmit) return Submit(queue, request, now);
  if (request.kind == JobRequest::Kind::kList) return List(queue, request);
  const auto id = JobIdOf(request.id);
  if (!id) return NoJob(request.id);
  const auto job =
      request.kind == JobRequest::Kind::kStop ? queue.AskStop(*id, now) : queue.Find(*id);
  if (!job) return job.error();
  if (!*job) return NoJob(request.id);
  return Show(queue, **job);
}

Result<JobReply> JobDesk::Submit(JobQueue& queue, const JobRequest& request, Instant now) {
  Result<JobOrder> order = ReadJobOrder(request.body);
  if (!order) return std::move(order).error();
  if (Status good = CheckOrder(*order, config_); !good) return std::move(good).error();
  const Result<Deployment> deployment = DeploymentOf(order->deployment, config_);
  if (!deployment) return deployment.error();
  order->subject = SubjectOf(*deployment);
  const auto submitted = queue.Submit(
      {.order = *std::move(order), .submitted_by = request.by, .key = request.key}, now);
  if (!submitted) return submitted.error();
  Result<JobReply> reply = Show(queue, submitted->job);
  if (!reply) return reply;
  reply->is_new = submitted->is_new;
  reply->id = std::to_string(submitted->job.id);
  return reply;
}

Result<JobReply> JobDesk::List(JobQueue& queue, const JobRequest& request) {
  const auto state = Choice<JobState>(request.state, "state", kJobStates, JobStateOf);
  if (!state) return state.error();
  const auto kind = Choice<JobKind>(request.job_kind, "kind", kJobKinds, JobKindOf);
  if (!kind) return kind.error();
  const std::uint64_t limit = request.limit == 0 ? kUsualLimit : request.limit;
  const auto jobs = queue.List({.state = *state,
                                .kind = *kind,
                                .deployment = request.deployment,
                                .limit = std::min(limit, kMostListed)});
  if (!jobs) return jobs.error();
  // A list is one message: verdicts, which may be long, are each job's own to show.
  std::string text;
  for (const JobRecord& job : *jobs) {
    Json json = ToJson(job);
    json["verdict"] = Json();
    json["log"] = Json::array();
    const std::string one = DumpText(json);
    if (text.size() + one.size() > kMostReplyBytes) break;
    text += (text.empty() ? "" : ",") + one;
  }
  return JobReply{.text = fmt::format("{{\"jobs\":[{}]}}", text)};
}

Result<JobReply> JobDesk::Show(JobQueue& queue, const JobRecord& job) {
  const Result<JobLog> log = queue.LogOf(job.id);
  if (!log) return log.error();
  return JobReply{.text = TextOf(job, *log, kMostReplyBytes)};
}

Result<JobReply> JobDesk::Follow(JobQueue& queue, ReceivedJobRequest& asked) {
  const auto id = JobIdOf(asked.request.id);
  if (!id) return NoJob(asked.request.id);
  const auto job = queue.Find(*id);
  if (!job) return job.error();
  if (!*job) return NoJob(asked.request.id);
  if (followers_.size() >= kMostFollowers) {
    return Error{ErrorCode::kOverloaded, "too many follow jobs already"};
  }
  followers_.push_back({.reply = std::move(asked.reply),
                        .id = *id,
                        .place = ReadEventPlace(asked.request.last_event)});
  // That it goes well is told at once, whenever the first event comes.
  SendJobReply(followers_.back().reply.get(), {.text = "retry: 2000\n\n"});
  return JobReply{};
}

Status JobDesk::TellFollowers(JobQueue& queue) {
  std::erase_if(followers_, [](const Follower& one) { return IsGone(one.reply.get()); });
  std::map<std::uint64_t, std::optional<JobRecord>> jobs;  // each is read once, whoever follows it
  std::map<std::uint64_t, JobLog> logs;
  for (auto next = followers_.begin(); next != followers_.end();) {
    const auto one = next++;
    auto job = jobs.find(one->id);
    if (job == jobs.end()) {
      Result<std::optional<JobRecord>> found = queue.Find(one->id);
      const bool is_damaged = !found && found.error().code == ErrorCode::kCorrupt;
      if (!found && !is_damaged) return std::move(found).error();
      job = jobs.emplace(one->id, is_damaged ? std::nullopt : *std::move(found)).first;
    }
    if (!job->second) {  // forgotten, or damaged, which whoever asks again is told
      followers_.erase(one);
      continue;
    }
    const JobRecord& record = *job->second;
    const bool is_final = IsFinal(record.state);
    if (record.revision == one->place.revision && !is_final) continue;
    auto log = logs.find(one->id);
    if (log == logs.end()) {
      Result<JobLog> found = queue.LogOf(one->id);
      if (!found) return std::move(found).error();
      log = logs.emplace(one->id, *std::move(found)).first;
    }
    const std::string events = EventsSince(record, log->second, one->place);
    const bool is_heard = events.empty() || SendJobReply(one->reply.get(), {.text = events});
    const bool is_all = one->place.revision == record.revision;
    if (!is_heard || (is_final && is_all)) followers_.erase(one);
  }
  return {};
}

}  // namespace forkcast::serving
