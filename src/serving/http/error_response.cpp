#include "serving/http/error_response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kShownRows = 10;
/// Of no code: what there is no room for, a model, is known where it is said.
constexpr HttpError kNoRoom{507, "no_room"};
/// Nor that somebody has tried too often.
constexpr HttpError kTooOften{429, "too_many_attempts"};

/// Of no code, either: who may do what is told by admissions.
HttpError RefusalAsHttp(Admission::Outcome outcome) noexcept {
  switch (outcome) {
    case Admission::Outcome::kAllowed:
      break;
    case Admission::Outcome::kMalformed:
      return {400, "invalid_argument"};
    case Admission::Outcome::kUnknown:
      return {401, "unauthorized"};
    case Admission::Outcome::kForbidden:
      return {403, "forbidden"};
    case Admission::Outcome::kNoCsrfToken:
      return {403, "csrf_token_missing"};
    case Admission::Outcome::kWrongHost:
      return {421, "wrong_host"};
    case Admission::Outcome::kUnavailable:
      return {503, "not_ready"};
  }
  return {500, "internal"};
}

void AppendMember(std::string_view name, std::string_view text, std::string& out) {
  if (out.back() != '{') out += ',';
  wire::AppendJsonString(name, out);
  out += ':';
  wire::AppendJsonString(text, out);
}

void AppendMember(std::string_view name, std::size_t number, std::string& out) {
  if (out.back() != '{') out += ',';
  wire::AppendJsonString(name, out);
  out.append(":").append(std::to_string(number));
}

void AppendErrorMembers(const Error& error, std::string& out) {
  AppendMember("code", ToHttp(error.code).code, out);
  AppendMember("message", ShownMessage(error), out);
  if (!error.field.empty()) AppendMember("field", error.field, out);
}

void Begin(ErrorCode code, Response& response) {
  response.status = ToHttp(code).status;
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body.assign("{\"error\":{");
}

void WriteOfNoCode(const HttpError& http, std::string_view message, std::string_view request_id,
                   Response& response) {
  response.status = http.status;
  response.content_type = wire::MediaType(wire::Format::kJson);
  std::string& out = response.body;
  out.assign("{\"error\":{");
  AppendMember("code", http.code, out);
  AppendMember("message", message, out);
  if (!request_id.empty()) AppendMember("request_id", request_id, out);
  out += "}}";
}

/// What the multi-model server calls an error: by its exceptions.
std::string_view ModelErrorType(int status) noexcept {
  switch (status) {
    case 404:
      return "ModelNotFoundException";
    case 405:
      return "MethodNotAllowedException";
    case 409:
      return "ConflictStatusException";
    case 503:
      return "ServiceUnavailableException";
    case 507:
      return "InsufficientStorageException";
    default:
      return status < 500 ? "BadRequestException" : "InternalServerException";
  }
}

/// The message of an error that was written here, as JSON. It is behind a code without quotes.
std::string_view MessageIn(std::string_view body) noexcept {
  constexpr std::string_view kMember = "\"message\":";
  const std::size_t begin = body.find(kMember) + kMember.size();
  std::size_t end = begin + 1;
  while (body[end] != '"') end += body[end] == '\\' ? 2 : 1;
  return body.substr(begin, end + 1 - begin);
}

/// The value, as JSON, of the member that `members` begins with if it is called so, and is then
/// behind it; empty where it is another.
std::string_view TakeMember(std::string_view name, std::string_view& members) {
  const std::string key = fmt::format(",\"{}\":", name);
  if (!members.starts_with(key)) return {};
  std::size_t end = key.size();
  const bool is_text = members[end] == '"';
  ++end;
  while (is_text ? members[end] != '"' : members[end] != ',' && members[end] != '}') {
    end += is_text && members[end] == '\\' ? 2 : 1;
  }
  if (is_text) ++end;
  const std::string_view value = members.substr(key.size(), end - key.size());
  members.remove_prefix(end);
  return value;
}

/// As a relative reference (RFC 3986): what is not unreserved is escaped.
std::string AsReference(std::string_view id) {
  std::string text;
  for (const char c : id) {
    const bool is_unreserved = (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
                               std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_unreserved) {
      text += c;
    } else {
      fmt::format_to(std::back_inserter(text), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace

HttpError ToHttp(ErrorCode code) noexcept {
  switch (code) {  // no default: a new code without a row here is a warning, and an error in CI
    case ErrorCode::kInvalidArgument:
      return {400, "invalid_argument"};
    case ErrorCode::kMalformed:
      return {400, "bad_request"};
    case ErrorCode::kFeatureMissing:
      return {422, "feature_missing"};
    case ErrorCode::kFeatureStale:
      return {422, "feature_stale"};
    case ErrorCode::kRejected:
      return {422, "rejected"};
    case ErrorCode::kTooLarge:
      return {413, "too_large"};
    case ErrorCode::kHeaderTooLarge:
      return {431, "header_too_large"};
    case ErrorCode::kUnsupportedType:
      return {415, "unsupported_media_type"};
    case ErrorCode::kNotAcceptable:
      return {406, "not_acceptable"};
    case ErrorCode::kExpectationFailed:
      return {417, "expectation_failed"};
    case ErrorCode::kNotImplemented:
      return {501, "not_implemented"};
    case ErrorCode::kUnknownVersion:
      return {505, "version_not_supported"};
    case ErrorCode::kNotFound:
      return {404, "not_found"};
    case ErrorCode::kMethodNotAllowed:
      return {405, "method_not_allowed"};
    case ErrorCode::kNotReady:
      return {503, "not_ready"};
    case ErrorCode::kOverloaded:
      return {503, "overloaded"};
    case ErrorCode::kDeadlineExceeded:
      return {504, "deadline_exceeded"};
    case ErrorCode::kRemoteFailed:
      return {502, "remote_failed"};
    case ErrorCode::kClientTimeout:
      return {408, "request_timeout"};
    case ErrorCode::kConflict:
      return {409, "conflict"};
    case ErrorCode::kRefusedData:
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return {500, "internal"};
  }
  return {500, "internal"};
}

std::string_view ShownMessage(const Error& error) noexcept {
  return ToHttp(error.code).status == 500 ? "internal error; see the server's log"
                                          : std::string_view(error.message);
}

void WriteError(const Error& error, std::string_view request_id, Response& response) {
  WriteError(error, request_id, "{}", response);
}

void WriteError(const Error& error, std::string_view request_id, std::string_view more,
                Response& response) {
  Begin(error.code, response);
  AppendErrorMembers(error, response.body);
  if (!request_id.empty()) AppendMember("request_id", request_id, response.body);
  const std::string_view members = more.substr(1, more.size() - 2);
  if (!members.empty()) response.body.append(",").append(members);
  response.body += "}}";
  if (error.code == ErrorCode::kNotReady) response.AddHeader("Retry-After", "1");
}

void WriteRowErrors(std::span<const wire::RowError> errors, std::string_view request_id,
                    Response& response) {
  const wire::RowError& first = errors.front();
  Begin(first.error.code, response);
  std::string& out = response.body;
  AppendErrorMembers(first.error, out);
  AppendMember("row", first.row, out);
  AppendMember("request_id", request_id, out);
  AppendMember("bad_rows", errors.size(), out);
  out += ",\"rows\":[";
  for (const wire::RowError& bad : errors.first(std::min(errors.size(), kShownRows))) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendErrorMembers(bad.error, out);
    AppendMember("row", bad.row, out);
    out += '}';
  }
  out += "]}}";
}

void WriteOverload(std::chrono::seconds retry_after, std::string_view request_id,
                   Response& response) {
  WriteError({ErrorCode::kOverloaded,
              fmt::format("more requests are waiting than can be begun within max_queue_delay_ms; "
                          "come again in {} s",
                          retry_after.count())},
             request_id, response);
  response.AddHeader("Retry-After", std::to_string(retry_after.count()));
}

void WriteNoRoom(std::string_view message, std::string_view request_id, Response& response) {
  WriteOfNoCode(kNoRoom, message, request_id, response);
}

void WriteTooOften(std::chrono::seconds retry_after, std::string_view request_id,
                   Response& response) {
  WriteOfNoCode(kTooOften,
                fmt::format("too many tries to log in; come again in {} s", retry_after.count()),
                request_id, response);
  response.AddHeader("Retry-After", std::to_string(retry_after.count()));
}

void WriteRefusal(const Admission& admission, std::string_view request_id, Response& response) {
  const HttpError http = RefusalAsHttp(admission.outcome);
  response.status = http.status;
  response.content_type = wire::MediaType(wire::Format::kJson);
  std::string& out = response.body;
  out.assign("{\"error\":{");
  AppendMember("code", http.code, out);
  AppendMember("message", admission.message, out);
  if (!admission.field.empty()) AppendMember("field", admission.field, out);
  if (!request_id.empty()) AppendMember("request_id", request_id, out);
  out += "}}";
  if (http.status == 503) response.AddHeader("Retry-After", "1");
  if (http.status != 401) return;
  std::string challenge = R"(Bearer realm="forkcast")";
  if (!admission.reason.empty()) {
    fmt::format_to(std::back_inserter(challenge), ", error=\"{}\"", admission.reason);
  }
  response.AddHeader("WWW-Authenticate", challenge);
}

void WriteFault(const RequestFault& fault, std::string_view request_id, Response& response) {
  WriteError({fault.code, fault.message, std::string(fault.field)}, request_id, response);
  response.close = true;
}

void WrapForSageMaker(Response& response) {
  if (response.status < 400) return;
  const int status = response.status;
  const std::string original = std::exchange(response.body, "{");
  response.content_type = wire::MediaType(wire::Format::kJson);
  if (status == 503) {
    response.AddHeader("x-amzn-ErrorType", "ServiceUnavailable");
    AppendMember("Message", original, response.body);
  } else {
    response.status = 424;
    response.AddHeader("x-amzn-ErrorType", "ModelError");
    AppendMember("Message",
                 "Received client or server error (" + std::to_string(status) +
                     ") from the model with message \"" + original + "\"",
                 response.body);
    AppendMember("OriginalStatusCode", static_cast<std::size_t>(status), response.body);
    AppendMember("OriginalMessage", original, response.body);
    AppendMember("LogStreamArn", "", response.body);
  }
  response.body += '}';
}

void WrapAsProblem(std::string_view request_id, Response& response) {
  constexpr std::string_view kBegin = R"({"error":{)";
  constexpr std::string_view kEnd = "}}";
  constexpr std::string_view kMember = R"(,"message":)";
  if (response.status < 400 || !response.body.starts_with(kBegin)) return;
  const std::string original = std::exchange(response.body, R"({"type":"about:blank")");
  const std::string_view message = MessageIn(original);
  const auto at = static_cast<std::size_t>(message.data() - original.data());
  std::string& out = response.body;
  AppendMember("title", ReasonPhrase(response.status), out);
  AppendMember("status", static_cast<std::size_t>(response.status), out);
  out.append(R"(,"detail":)").append(message);
  if (!request_id.empty()) AppendMember("instance", AsReference(request_id), out);
  // What is before the message, and what is behind it.
  const std::size_t before = at - kMember.size() - kBegin.size();
  const std::size_t behind = at + message.size();
  out.append(",").append(original, kBegin.size(), before);
  out.append(original, behind, original.size() - kEnd.size() - behind).append("}");
  response.content_type = "application/problem+json";
}

void WrapForInference(Response& response) {
  if (response.status < 400) return;
  const std::string original = std::move(response.body);
  const std::string_view message = MessageIn(original);
  std::string_view behind(original);
  behind.remove_prefix(static_cast<std::size_t>(message.data() - original.data()) + message.size());
  const std::string_view field = TakeMember("field", behind);
  const std::string_view row = TakeMember("row", behind);
  // The texts are JSON already, and stay so.
  std::string& out = response.body;
  out.assign(R"({"error":")");
  if (!field.empty()) out.append(field.substr(1, field.size() - 2)).append(": ");
  out.append(message.substr(1, message.size() - 2));
  if (!row.empty()) out.append(" (row ").append(row).append(")");
  out += R"("})";
  response.content_type = wire::MediaType(wire::Format::kJson);
}

void WrapForModels(Response& response) {
  if (response.status < 400) return;
  const std::string original = std::exchange(response.body, "{");
  std::string& out = response.body;
  AppendMember("code", static_cast<std::size_t>(response.status), out);
  AppendMember("type", ModelErrorType(response.status), out);
  out.append(",\"message\":").append(MessageIn(original));
  out.append(",").append(original, 1);
}

}  // namespace forkcast::serving
