#include "serving/endpoints/jobs.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include "serving/http/error_response.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/jobs/job.hpp"
#include "serving/jobs/job_order.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/web/api_schema.hpp"
#include "serving/wire/content_encoding.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kLongestKey = 256;
constexpr std::size_t kLongestBody = 16'384;
constexpr std::size_t kLongestWord = 256;

/// A parameter of the query; empty: it is not there.
Result<std::string> Word(const Exchange& exchange, std::string_view name) {
  Result<std::optional<std::string>> text = exchange.QueryParameter(name);
  if (!text) return std::move(text).error();
  std::string word = (*text).value_or("");
  if (word.size() <= kLongestWord) return word;
  return Error{ErrorCode::kInvalidArgument, "expected at most 256 bytes", std::string(name)};
}

Result<std::uint64_t> Limit(const Exchange& exchange) {
  const Result<std::string> text = Word(exchange, "limit");
  if (!text) return text.error();
  if (text->empty()) return std::uint64_t{0};
  std::uint64_t limit = 0;
  const char* const end = text->data() + text->size();
  const auto [parsed, failed] = std::from_chars(text->data(), end, limit);
  if (failed == std::errc() && parsed == end && limit >= 1 && limit <= 200) return limit;
  return Error{ErrorCode::kInvalidArgument, "expected a whole number from 1 to 200", "limit"};
}

JobRequest OfOne(JobRequest::Kind kind, const Exchange& exchange) {
  const std::string_view id = exchange.PathParameter("id");
  return {.kind = kind, .id = std::string(id.substr(0, kLongestWord))};
}

JsonSchema OrNull(const char* type) { return {{"type", JsonSchema::array({type, "null"})}}; }

JsonSchema Words(auto all) {
  JsonSchema words = JsonSchema::array();
  for (const auto one : all) words.push_back(WordFor(one));
  return {{"type", "string"}, {"enum", words}};
}

JsonSchema JobSchema() {
  return {{"type", "object"},
          {"required", JsonSchema::array({"id", "kind", "deployment", "state"})},
          {"properties",
           {{"id", TextSchema()},
            {"kind", Words(kJobKinds)},
            {"deployment", TextSchema()},
            {"key", OrNull("object")},
            {"options", {{"type", "object"}}},
            {"state", Words(kJobStates)},
            {"progress", OrNull("number")},
            {"doing", TextSchema()},
            {"remaining_s", OrNull("number")},
            {"submitted_at", TextSchema()},
            {"started_at", OrNull("string")},
            {"ended_at", OrNull("string")},
            {"submitted_by", TextSchema()},
            {"attempt", {{"type", "integer"}}},
            {"worker", TextSchema()},
            {"stop_asked", {{"type", "boolean"}}},
            {"log", {{"type", "array"}, {"items", TextSchema()}}},
            {"error", OrNull("object")},
            {"verdict", OrNull("object")},
            {"version", OrNull("integer")}}}};
}

constexpr std::string_view kJson = "application/json";

}  // namespace

Status JobsJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  pending_.reset();
  return {};
}

bool JobsJob::is_over() const noexcept {
  return service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0;
}

Status JobsJob::Send() {
  const Result<JobRequest> request = Ask();
  if (!request) return request.error();
  auto pending = service_.jobs->Send(*request);
  if (!pending) return std::move(pending).error();
  pending_ = *std::move(pending);
  return {};
}

Progress JobsJob::Work() {
  if (!pending_) {
    if (const Status sent = Send(); !sent) {
      Refuse(sent.error());
      return Progress::kDone;
    }
  }
  const auto reply = pending_->Take();
  const bool is_late = service_.clock.Monotonic() >= exchange_->request().deadline;
  if (!reply && !is_over() && !is_late) return Progress::kWaits;
  pending_.reset();
  if (!reply || !*reply) {
    Refuse({ErrorCode::kNotReady,
            "the trainer has not answered; a job that was sent may have been taken: "
            "send it again, with the same Idempotency-Key"});
  } else if ((*reply)->error) {
    Refuse(*(*reply)->error);
  } else {
    exchange_->response().content_type = wire::MediaType(wire::Format::kJson);
    Answer(**reply);
  }
  return Progress::kDone;
}

void JobsJob::Answer(const JobReply& reply) { exchange_->response().body = reply.text; }

Result<JobRequest> SubmitJobJob::Ask() {
  const RequestView& request = exchange().request();
  if (Status good = CheckRequestKey(request.idempotency_key); !good) return std::move(good).error();
  const Result<wire::Format> format = wire::FormatOfRequest(request.content_type);
  if (!format) return format.error();
  const Result<bool> is_packed = wire::IsGzip(request.content_encoding);
  if (!is_packed) return is_packed.error();
  if (*format != wire::Format::kJson || *is_packed) {
    return Error{ErrorCode::kUnsupportedType, "a job is application/json, and not packed"};
  }
  if (request.body.size() > kLongestBody) {
    return Error{ErrorCode::kTooLarge, "a job has at most 16384 bytes"};
  }
  return JobRequest{.kind = JobRequest::Kind::kSubmit,
                    .body = std::string(request.body),
                    .key = std::string(request.idempotency_key),
                    .by = exchange().CallerName()};
}

void SubmitJobJob::Answer(const JobReply& reply) {
  JobsJob::Answer(reply);
  Response& response = exchange().response();
  if (reply.is_new) response.status = 202;
  response.AddHeader("Location", "/jobs/" + reply.id);
}

void DescribeSubmitJob(ApiOperation& operation) {
  operation.Add({.in = ApiOperation::In::kHeader,
                 .name = "Idempotency-Key",
                 .description = "The same job with the same key is taken once.",
                 .schema = {{"type", "string"}, {"maxLength", kLongestKey}}});
  JsonSchema properties{
      {"kind", Words(kJobKinds)}, {"deployment", TextSchema()}, {"key", {{"type", "object"}}}};
  for (const JobOption& option : JobOptions()) {
    const std::string name(option.name);
    if (properties.contains(name)) continue;
    const char* const type = option.type == JobOption::Type::kText    ? "string"
                             : option.type == JobOption::Type::kWhole ? "integer"
                                                                      : "boolean";
    properties[name] = {{"type", type}, {"description", option.meaning}};
  }
  operation.AddBody(kJson, {{"type", "object"},
                            {"required", JsonSchema::array({"kind", "deployment"})},
                            {"properties", properties}});
  operation.AddAnswer("202", "The job waits for its turn.", kJson, JobSchema());
  operation.AddAnswer("200", "The same was asked before: its job.", kJson, JobSchema());
}

Result<JobRequest> ListJobsJob::Ask() {
  Result<std::string> state = Word(exchange(), "state");
  if (!state) return std::move(state).error();
  Result<std::string> kind = Word(exchange(), "kind");
  if (!kind) return std::move(kind).error();
  Result<std::string> deployment = Word(exchange(), "deployment");
  if (!deployment) return std::move(deployment).error();
  const Result<std::uint64_t> limit = Limit(exchange());
  if (!limit) return limit.error();
  return JobRequest{.kind = JobRequest::Kind::kList,
                    .state = *std::move(state),
                    .job_kind = *std::move(kind),
                    .deployment = *std::move(deployment),
                    .limit = *limit};
}

void DescribeListJobs(ApiOperation& operation) {
  operation.Add({.name = "state", .schema = Words(kJobStates)});
  operation.Add({.name = "kind", .schema = Words(kJobKinds)});
  operation.Add({.name = "deployment", .schema = TextSchema()});
  operation.Add(
      {.name = "limit", .schema = {{"type", "integer"}, {"minimum", 1}, {"maximum", 200}}});
  operation.AddAnswer("200", "The newest first, without logs and verdicts.", kJson,
                      {{"type", "object"},
                       {"required", JsonSchema::array({"jobs"})},
                       {"properties", {{"jobs", {{"type", "array"}, {"items", JobSchema()}}}}}});
}

Result<JobRequest> ShowJobJob::Ask() { return OfOne(JobRequest::Kind::kShow, exchange()); }

void DescribeShowJob(ApiOperation& operation) {
  operation.AddAnswer("200", "The job, with the last lines of its log.", kJson, JobSchema());
}

Result<JobRequest> StopJobJob::Ask() { return OfOne(JobRequest::Kind::kStop, exchange()); }

void StopJobJob::Answer(const JobReply& reply) {
  JobsJob::Answer(reply);
  exchange().response().status = 202;
}

void DescribeStopJob(ApiOperation& operation) {
  operation.AddAnswer("202", "It was stopped, is being stopped, or had ended before.", kJson,
                      JobSchema());
}

Status FollowJobJob::Begin(Exchange& exchange) {
  streams_ = false;
  return JobsJob::Begin(exchange);
}

Result<JobRequest> FollowJobJob::Ask() {
  JobRequest request = OfOne(JobRequest::Kind::kFollow, exchange());
  if (exchange().peer().reader != nullptr) {
    const auto last = exchange().peer().reader->Find("Last-Event-ID");
    request.last_event = std::string(last.value.substr(0, kLongestWord));
  }
  return request;
}

Progress FollowJobJob::Work() {
  const MonotonicTime now = service().clock.Monotonic();
  Response& response = exchange().response();
  if (pending() == nullptr) {
    if (const Status sent = Send(); !sent) {
      exchange().Refuse(sent.error());
      return Progress::kDone;
    }
  }
  auto reply = pending()->Take();
  if (!streams_) {
    const bool is_late = now >= exchange().request().deadline;
    if (!reply && !is_over() && !is_late) return Progress::kWaits;
    if (!reply || !*reply || (*reply)->error) {
      Forget();
      exchange().Refuse(
          reply && *reply ? *(*reply)->error
                          : Error{ErrorCode::kNotReady, "the trainer has not answered: try again"});
      return Progress::kDone;
    }
    streams_ = true;
    beat_at_ = now + kHeartbeat;
    response.content_type = "text/event-stream";
    response.AddHeader("Cache-Control", "no-store");
    response.AddHeader("X-Accel-Buffering", "no");  // of nginx, which would keep events back
    response.is_stream = true;
    if (exchange().request().method == Method::kHead) {
      Forget();
      return Progress::kDone;
    }
  }
  while (reply && *reply && !(*reply)->error) {
    response.body += (*reply)->text;
    reply = pending()->Take();
  }
  if (reply || is_over()) {  // all is told, the trainer has ended, or we have to
    Forget();
    return Progress::kDone;
  }
  if (response.body.empty() && now < beat_at_) return Progress::kWaits;
  if (response.body.empty()) response.body = ":\n\n";
  beat_at_ = now + kHeartbeat;
  return Progress::kSends;
}

void DescribeFollowJob(ApiOperation& operation) {
  operation.Add({.in = ApiOperation::In::kHeader,
                 .name = "Last-Event-ID",
                 .description = "Of the last event that was seen: goes on behind it.",
                 .schema = TextSchema()});
  operation.AddAnswer("200", "Events named job and log, until the job has ended.",
                      "text/event-stream", TextSchema());
}

}  // namespace forkcast::serving
