#include "model/remote/aws_settings.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::model {
namespace {

using Profile = std::map<std::string, std::string, std::less<>>;

/// Adds the members of a section of an INI file to `profile`; those that are there stay. A file
/// that is not there has none.
void AddSection(const std::filesystem::path& path, const std::string& section, Profile& profile) {
  std::ifstream file(path);
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    const bool is_nested = !line.empty() && (line.front() == ' ' || line.front() == '\t');
    const std::string_view text = Trimmed(line, kBlanksAndLineEnds);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    if (text.front() == '[') {
      is_inside = Trimmed(text.substr(1, text.find(']') - 1), kBlanksAndLineEnds) == section;
      continue;
    }
    const std::size_t equals = text.find('=');
    if (!is_inside || is_nested || equals == text.npos) continue;
    profile.emplace(Trimmed(text.substr(0, equals), kBlanksAndLineEnds),
                    Trimmed(text.substr(equals + 1), kBlanksAndLineEnds));
  }
}

/// The file that a variable names, or the one below ~/.aws.
std::filesystem::path FileOf(const Environment& environment, const char* variable,
                             const char* name) {
  if (const auto given = environment(variable)) return *given;
  const auto home = environment("HOME");
  return home ? std::filesystem::path(*home) / ".aws" / name : std::filesystem::path();
}

Profile ReadProfile(const Environment& environment) {
  const std::string name = environment("AWS_PROFILE").value_or("default");
  Profile profile;
  AddSection(FileOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), name, profile);
  AddSection(FileOf(environment, "AWS_CONFIG_FILE", "config"),
             name == "default" ? name : fmt::format("profile {}", name), profile);
  return profile;
}

/// The first that is there: of variables, then of the profile.
std::string Find(const Environment& environment, std::initializer_list<const char*> variables,
                 const Profile& profile, std::string_view member, std::string_view fallback = {}) {
  for (const char* const variable : variables) {
    if (auto value = environment(variable)) return *std::move(value);
  }
  const auto found = profile.find(member);
  return found == profile.end() ? std::string(fallback) : found->second;
}

Status Check(const AwsSettings& settings) {
  const auto refuse = [](std::string what) {
    return Error{ErrorCode::kInvalidArgument, std::move(what)};
  };
  if (settings.keys.id.empty() || settings.keys.secret.empty()) {
    return refuse(
        "S3 needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE and a "
        "file ~/.aws/credentials");
  }
  if (!IsVisibleAscii(settings.keys.id) || !IsVisibleAscii(settings.keys.secret) ||
      !IsVisibleAscii(settings.keys.session_token)) {
    return refuse(
        "S3's keys: expected printable characters without blanks in AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN");
  }
  const std::string& endpoint = settings.endpoint;
  const bool is_http = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  if (!is_http || !IsVisibleAscii(endpoint) || endpoint.find_first_of("@?#") != endpoint.npos) {
    return refuse("AWS_ENDPOINT_URL_S3: expected http:// or https://, a host and perhaps a port");
  }
  if (!IsVisibleAscii(settings.region)) return refuse("AWS_REGION: expected a region's name");
  return {};
}

}  // namespace

Result<AwsSettings> ReadAwsSettings(const Environment& environment) {
  const bool has_key = environment("AWS_ACCESS_KEY_ID").has_value();
  const Profile profile = ReadProfile(environment);
  // A key and a secret belong together: never one of the variables and the other of the file.
  const Profile none;
  const Profile& keys = has_key ? none : profile;
  AwsSettings settings;
  settings.keys = {.id = Find(environment, {"AWS_ACCESS_KEY_ID"}, keys, "aws_access_key_id"),
                   .secret = has_key ? environment("AWS_SECRET_ACCESS_KEY").value_or("")
                                     : Find(environment, {}, keys, "aws_secret_access_key"),
                   .session_token = has_key ? environment("AWS_SESSION_TOKEN").value_or("")
                                            : Find(environment, {}, keys, "aws_session_token")};
  settings.region =
      Find(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"}, profile, "region", "us-east-1");
  settings.endpoint =
      Find(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, profile, "endpoint_url",
           fmt::format("https://s3.{}.amazonaws.com", settings.region));
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (Status checked = Check(settings); !checked) return std::move(checked).error();
  return settings;
}

}  // namespace forkcast::model
