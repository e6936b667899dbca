#include "model/mlflow/mlflow_client.hpp"

#include <fmt/format.h>
#include <nettle/base64.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "data_preprocessing/base/ascii.hpp"
#include "model/remote/signature_v4.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kApi = "/api/2.0/mlflow/";
constexpr std::string_view kArtifactsApi = "/api/2.0/mlflow-artifacts/artifacts";
/// Of a text that a server wrote, in a message.
constexpr std::size_t kLongestQuote = 300;
constexpr std::size_t kMostArtifacts = 100'000;
constexpr std::ptrdiff_t kDeepestFolder = 16;

std::string Base64(const std::string& text) {
  std::string encoded(BASE64_ENCODE_RAW_LENGTH(text.size()), '\0');
  base64_encode_raw(encoded.data(), text.size(),
                    reinterpret_cast<const std::uint8_t*>(text.data()));
  return encoded;
}

/// "1/RUN/artifacts" of "mlflow-artifacts:/1/RUN/artifacts", also with a host.
std::optional<std::string> PathOf(std::string_view uri) {
  constexpr std::string_view kScheme = "mlflow-artifacts:";
  if (!uri.starts_with(kScheme)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  if (uri.starts_with("//")) uri.remove_prefix(std::min(uri.find('/', 2), uri.size()));
  while (uri.starts_with('/')) uri.remove_prefix(1);
  return std::string(uri);
}

Error NotGiven(const std::string& uri) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: MLflow keeps these artifacts elsewhere and does not pass them on: "
                      "expected a server with --artifacts-destination (mlflow-artifacts:/...)",
                      uri)};
}

}  // namespace

Result<MlflowSettings> ReadMlflowSettings(std::string url, const Environment& environment) {
  if (url.empty()) url = environment("MLFLOW_TRACKING_URI").value_or("");
  while (url.ends_with('/')) url.pop_back();
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  const bool is_plain = IsPrintableAscii(url) && url.find_first_of("@?# ") == url.npos;
  if (!is_http || !is_plain) {
    return Error{ErrorCode::kInvalidArgument,
                 "MLflow's server (--mlflow or MLFLOW_TRACKING_URI): expected http:// or https://, "
                 "a host and perhaps a port; who asks is said by MLFLOW_TRACKING_TOKEN"};
  }
  MlflowSettings settings{.url = std::move(url), .authorization = {}};
  const auto token = environment("MLFLOW_TRACKING_TOKEN");
  const auto user = environment("MLFLOW_TRACKING_USERNAME");
  if (token) {
    settings.authorization = fmt::format("Bearer {}", *token);
  } else if (user) {
    const std::string password = environment("MLFLOW_TRACKING_PASSWORD").value_or("");
    settings.authorization = fmt::format("Basic {}", Base64(fmt::format("{}:{}", *user, password)));
  }
  if (IsPrintableAscii(settings.authorization)) return settings;
  return Error{ErrorCode::kInvalidArgument, "MLFLOW_TRACKING_TOKEN: expected printable characters"};
}

MlflowClient::MlflowClient(MlflowSettings settings, const HttpLimits& limits)
    : settings_(std::move(settings)), http_(limits) {}

Result<HttpAnswer> MlflowClient::Send(HttpRequest request) {
  if (!settings_.authorization.empty()) {
    request.headers.push_back(fmt::format("Authorization: {}", settings_.authorization));
  }
  Result<HttpAnswer> answer = http_.Send(request);
  if (!answer || (answer->status >= 200 && answer->status < 300)) return answer;
  return Refused(request, *answer);
}

Error MlflowClient::Refused(const HttpRequest& request, const HttpAnswer& answer) const {
  constexpr long kNotFound = 404;
  constexpr long kUnauthorized = 401;
  constexpr long kForbidden = 403;
  const auto json = ordered_json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  const auto text = [&json](const char* name) {
    const ordered_json value = json.is_object() ? json.value(name, ordered_json()) : ordered_json();
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  std::string said = text("message").empty() ? text("error_code") : text("message");
  said = said.substr(0, std::min(said.find('\n'), kLongestQuote));
  const bool is_of_who = answer.status == kUnauthorized || answer.status == kForbidden;
  if (is_of_who && said.empty()) said = "see MLFLOW_TRACKING_TOKEN";
  const std::string_view path = std::string_view(request.url).substr(settings_.url.size());
  // An alias that is not there is 400 to MLflow.
  const bool is_wrong = text("error_code") == "INVALID_PARAMETER_VALUE";
  const ErrorCode refused = is_wrong ? ErrorCode::kInvalidArgument : ErrorCode::kIo;
  return {answer.status == kNotFound ? ErrorCode::kNotFound : refused,
          fmt::format("MLflow at {} answers {} to {}{}{}", settings_.url, answer.status,
                      path.substr(0, path.find('?')), said.empty() ? "" : ": ", said)};
}

Result<ordered_json> MlflowClient::Json(const HttpRequest& request) {
  const Result<HttpAnswer> answer = Send(request);
  if (!answer) return answer.error();
  ordered_json json = ordered_json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return json;
  return Error{ErrorCode::kIo, fmt::format("{} does not answer as MLflow does", settings_.url)};
}

Result<ordered_json> MlflowClient::Get(std::string_view path, const Query& query) {
  return Json({.url = fmt::format("{}{}{}?{}", settings_.url, kApi, path, CanonicalQuery(query))});
}

Result<ordered_json> MlflowClient::Post(std::string_view path, const ordered_json& body) {
  const std::string text = body.dump();
  return Json({.method = "POST",
               .url = fmt::format("{}{}{}", settings_.url, kApi, path),
               .headers = {"Content-Type: application/json"},
               .body = text});
}

Status MlflowClient::PutArtifact(const std::string& uri, const std::string& path,
                                 std::string_view bytes) {
  const auto root = PathOf(uri);
  if (!root) return NotGiven(uri);
  const std::string whole = fmt::format("{}/{}", *root, path);
  const Result<HttpAnswer> answer =
      Send({.method = "PUT",
            .url = fmt::format("{}{}/{}", settings_.url, kArtifactsApi,
                               PercentEncoded(whole, Slashes::kKept)),
            .headers = {"Content-Type: application/octet-stream"},
            .body = bytes});
  return answer ? Status() : Status(answer.error());
}

Status MlflowClient::GetArtifact(const std::string& uri, const std::string& path,
                                 const std::filesystem::path& file) {
  const auto root = PathOf(uri);
  if (!root) return NotGiven(uri);
  const std::string whole = fmt::format("{}/{}", *root, path);
  const Result<HttpAnswer> answer =
      Send({.url = fmt::format("{}{}/{}", settings_.url, kArtifactsApi,
                               PercentEncoded(whole, Slashes::kKept)),
            .to_file = file});
  return answer ? Status() : Status(answer.error());
}

Status MlflowClient::AddFolder(const std::string& root, const std::string& below,
                               std::vector<MlflowArtifact>& found) {
  const std::string place = below.empty() ? root : fmt::format("{}/{}", root, below);
  const Result<ordered_json> listed =
      Json({.url = fmt::format("{}{}?{}", settings_.url, kArtifactsApi,
                               CanonicalQuery({{"path", place}}))});
  if (!listed) return listed.error();
  for (const ordered_json& file : listed->value("files", ordered_json::array())) {
    const auto path = file.find("path");
    const bool is_too_much =
        found.size() > kMostArtifacts || std::ranges::count(below, '/') > kDeepestFolder;
    if (path == file.end() || !path->is_string() || is_too_much) {
      return Error{ErrorCode::kIo,
                   fmt::format("{}: a list of artifacts that cannot be read", settings_.url)};
    }
    // Below the folder that was asked for.
    const std::string name = path->get<std::string>();
    const std::string whole = below.empty() ? name : fmt::format("{}/{}", below, name);
    if (file.value("is_dir", false)) {
      if (Status added = AddFolder(root, whole, found); !added) return added;
      continue;
    }
    const ordered_json size = file.value("file_size", ordered_json());
    const std::uint64_t bytes = size.is_string()
                                    ? std::strtoull(size.get<std::string>().c_str(), nullptr, 10)
                                    : (size.is_number_unsigned() ? size.get<std::uint64_t>() : 0);
    found.push_back({.path = whole, .bytes = bytes});
  }
  return {};
}

Result<std::vector<MlflowArtifact>> MlflowClient::ListArtifacts(const std::string& uri) {
  const auto root = PathOf(uri);
  if (!root) return NotGiven(uri);
  std::vector<MlflowArtifact> found;
  if (Status added = AddFolder(*root, "", found); !added) return std::move(added).error();
  return found;
}

}  // namespace forkcast::model
