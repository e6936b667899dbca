#include "model/ray/ray_client.hpp"

#include <fmt/format.h>

#include <utility>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// Of the interface for jobs, as /api/version says it. Ray has said "4" since 2.0.
constexpr std::string_view kInterface = "4";
constexpr std::size_t kLongestQuote = 300;

std::string TextOf(const ordered_json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The last line, of a traceback the one that says what happened.
std::string LastLine(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  const std::size_t begin = text.rfind('\n');
  if (begin != text.npos) text.remove_prefix(begin + 1);
  return std::string(text.substr(0, kLongestQuote));
}

std::optional<RayStatus> StatusOf(std::string_view text) noexcept {
  if (text == "PENDING") return RayStatus::kPending;
  if (text == "RUNNING") return RayStatus::kRunning;
  if (text == "SUCCEEDED") return RayStatus::kSucceeded;
  if (text == "FAILED") return RayStatus::kFailed;
  if (text == "STOPPED") return RayStatus::kStopped;
  return std::nullopt;
}

Error NotRay(const std::string& url) {
  return {ErrorCode::kIo,
          fmt::format("{} does not answer as Ray does: expected the address of its dashboard, "
                      "ray://HOST:8265",
                      url)};
}

}  // namespace

Result<RaySettings> ReadRaySettings(std::string_view address, const Environment& environment) {
  const Error wrong{ErrorCode::kInvalidArgument,
                    "--on: expected the address of Ray's dashboard, ray://HOST:PORT (or "
                    "ray+https://HOST:PORT), perhaps with ?TOKEN behind"};
  RaySettings settings;
  std::string_view rest = address;
  if (rest.starts_with("ray://")) {
    rest.remove_prefix(std::string_view("ray://").size());
    settings.url = "http://";
  } else if (rest.starts_with("ray+https://")) {
    rest.remove_prefix(std::string_view("ray+https://").size());
    settings.url = "https://";
  } else {
    return wrong;
  }
  const std::size_t query = rest.find('?');
  std::string_view host = rest.substr(0, query);
  while (host.ends_with('/')) host.remove_suffix(1);
  if (host.empty() || !IsVisibleAscii(host) || host.find_first_of("/@#") != host.npos) return wrong;
  settings.url += host;
  settings.token = query == rest.npos ? environment("RAY_AUTH_TOKEN").value_or("")
                                      : std::string(rest.substr(query + 1));
  if (IsVisibleAscii(settings.token)) return settings;
  return Error{ErrorCode::kInvalidArgument, "RAY_AUTH_TOKEN: expected printable characters"};
}

RayClient::RayClient(RaySettings settings, const HttpLimits& limits)
    : settings_(std::move(settings)), http_(limits) {}

Result<ordered_json> RayClient::Ask(const std::string& method, const std::string& path,
                                    const std::string& body) {
  HttpRequest request{.method = method, .url = settings_.url + path, .body = body};
  if (!body.empty()) request.headers.emplace_back("Content-Type: application/json");
  if (!settings_.token.empty()) {
    request.headers.push_back(fmt::format("Authorization: Bearer {}", settings_.token));
  }
  const Result<HttpAnswer> answer = http_.Send(request);
  if (!answer) {
    return Error{answer.error().code, fmt::format("Ray: {}", answer.error().message)};
  }
  constexpr long kNotFound = 404;
  constexpr long kUnauthorized = 401;
  constexpr long kForbidden = 403;
  if (answer->status == kUnauthorized || answer->status == kForbidden) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("Ray at {} answers {}: it wants {} token (RAY_AUTH_TOKEN)", settings_.url,
                    answer->status, settings_.token.empty() ? "a" : "another")};
  }
  if (answer->status >= 200 && answer->status < 300) {
    ordered_json json = ordered_json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) return NotRay(settings_.url);
    return json;
  }
  const bool is_refused = answer->status >= 400 && answer->status < 500;
  return Error{answer->status == kNotFound ? ErrorCode::kNotFound
               : is_refused                ? ErrorCode::kInvalidArgument
                                           : ErrorCode::kIo,
               fmt::format("Ray at {} answers {} to {} {}: {}", settings_.url, answer->status,
                           method, path, LastLine(answer->body))};
}

Result<std::string> RayClient::Version() {
  const Result<ordered_json> json = Ask("GET", "/api/version");
  if (!json && json.error().code == ErrorCode::kNotFound) return NotRay(settings_.url);
  if (!json) return json.error();
  std::string version = TextOf(*json, "ray_version");
  if (version.empty()) return NotRay(settings_.url);
  const std::string interface = TextOf(*json, "version");
  if (interface == kInterface) return version;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("Ray {} at {} has version \"{}\" of its interface for jobs, expected "
                           "\"{}\"",
                           version, settings_.url, interface, kInterface)};
}

Status RayClient::Submit(const RayTask& task) {
  const ordered_json body{
      {"entrypoint", task.command},
      {"submission_id", task.id},
      {"entrypoint_num_cpus", task.cpus},
      {"metadata", task.metadata.is_null() ? ordered_json::object() : task.metadata}};
  const Result<ordered_json> json = Ask("POST", "/api/jobs/", body.dump());
  if (!json) {
    // An attempt before this one may have been taken, though its answer was lost.
    const Result<RayJob> there = Find(task.id);
    if (there) return {};
    return json.error();
  }
  if (TextOf(*json, "submission_id") != task.id) return NotRay(settings_.url);
  return {};
}

Result<RayJob> RayClient::Find(const std::string& id) {
  const Result<ordered_json> json = Ask("GET", "/api/jobs/" + id);
  if (!json) return json.error();
  const auto status = StatusOf(TextOf(*json, "status"));
  if (!status) return NotRay(settings_.url);
  RayJob job{.status = *status, .message = LastLine(TextOf(*json, "message"))};
  const auto code = json->find("driver_exit_code");
  if (code != json->end() && code->is_number_integer()) job.exit_code = code->get<int>();
  return job;
}

Result<std::string> RayClient::LogEnd(const std::string& id, std::size_t lines) {
  const Result<ordered_json> json = Ask("GET", fmt::format("/api/jobs/{}/logs", id));
  if (!json) return json.error();
  const std::string logs = TextOf(*json, "logs");
  std::size_t begin = logs.size();
  while (begin > 0 && logs[begin - 1] == '\n') --begin;
  for (std::size_t line = 0; begin > 0; --begin) {
    if (logs[begin - 1] == '\n' && ++line == lines) break;
  }
  return logs.substr(begin);
}

Status RayClient::Stop(const std::string& id) {
  const Result<ordered_json> json = Ask("POST", fmt::format("/api/jobs/{}/stop", id));
  if (json || json.error().code == ErrorCode::kNotFound) return {};
  return json.error();
}

}  // namespace forkcast::model
