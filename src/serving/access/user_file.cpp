#include "serving/access/user_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/access/password.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::IsoTimestamp;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kSetting = "users";

std::uint64_t ReadStamp(const JsonNode& node) {
  const std::string text = node.String();
  constexpr std::size_t kDigits = 16;
  std::uint64_t stamp = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, stamp, 16);
  if (text.size() != kDigits || failed != std::errc() || stop != end || stamp == 0) {
    node.Fail("expected 16 hexadecimal digits that are not all 0");
  }
  return stamp;
}

Instant ReadTime(const JsonNode& node) {
  const auto time = preprocessing::ParseTimestamp(node.String(), preprocessing::TimeZone());
  if (!time) node.Fail(time.error().message);
  return *time;
}

User ReadUser(const JsonNode& node) {
  node.RequireObject({"name", "role", "password", "stamp", "created", "changed"});
  User user{.name = node.Get("name").String(), .password = node.Get("password").String()};
  if (!IsPlainName(user.name, kMostUserName)) {
    node.Get("name").Fail("expected 1 to 64 letters, digits, '-', '_' and '.'");
  }
  const auto role = RoleOf(node.Get("role").String());
  if (!role) node.Get("role").Fail("expected viewer, operator or admin");
  user.role = *role;
  if (!IsPasswordHash(user.password)) {
    node.Get("password").Fail("expected what `forkcast user passwd` makes of a password");
  }
  user.stamp = ReadStamp(node.Get("stamp"));
  user.created = ReadTime(node.Get("created"));
  user.changed = ReadTime(node.Get("changed"));
  return user;
}

/// ParseUsers() of a file, which its errors name.
Result<std::vector<User>> ParseNaming(const std::filesystem::path& path, std::string_view text) {
  Result<std::vector<User>> users = ParseUsers(text);
  if (users) return users;
  return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), users.error().message),
               std::string(kSetting)};
}

}  // namespace

Result<std::vector<User>> ParseUsers(std::string_view text) {
  try {
    const ordered_json document = preprocessing::ParseJson(text);
    const JsonNode root(document);
    root.RequireObject({"users"});
    std::vector<User> users;
    for (const JsonNode& node : root.Get("users").Elements()) {
      User user = ReadUser(node);
      if (FindUser(users, user.name) != nullptr)
        node.Get("name").Fail("there are two of this name");
      users.push_back(std::move(user));
    }
    return users;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what(), std::string(kSetting)};
  }
}

std::string ToText(const std::vector<User>& users) {
  ordered_json document{{"users", ordered_json::array()}};
  for (const User& user : users) {
    document["users"].push_back({{"name", user.name},
                                 {"role", WordFor(user.role)},
                                 {"password", user.password},
                                 {"stamp", fmt::format("{:016x}", user.stamp)},
                                 {"created", IsoTimestamp(user.created)},
                                 {"changed", IsoTimestamp(user.changed)}});
  }
  return document.dump(2) + "\n";
}

Result<std::vector<User>> ReadUsers(const std::filesystem::path& path) {
  const Result<std::string> text = ReadSecretFile(path, kSetting);
  if (!text) return text.error();
  return ParseNaming(path, *text);
}

Status ChangeUsers(const std::filesystem::path& path, WhenAbsent when_absent,
                   const std::function<Status(std::vector<User>&)>& change) {
  return ChangeSecretFile(path, kSetting, when_absent,
                          [&](const std::optional<std::string>& text) -> Result<std::string> {
                            Result<std::vector<User>> users =
                                text ? ParseNaming(path, *text) : Result(std::vector<User>());
                            if (!users) return std::move(users).error();
                            if (Status changed = change(*users); !changed) {
                              return std::move(changed).error();
                            }
                            return ToText(*users);
                          });
}

}  // namespace forkcast::serving
