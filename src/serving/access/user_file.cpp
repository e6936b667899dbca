#include "serving/access/user_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/access/account_list.hpp"
#include "serving/access/password.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::IsoTimestamp;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr AccountList<User> kUserList{.setting = "users", .parse = ParseUsers, .to_text = ToText};

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

User ReadUser(const JsonNode& node) {
  node.RequireObject({"name", "role", "password", "stamp", "created", "changed"});
  User user{.name = ReadAccountName(node.Get("name"), kMostUserName),
            .role = ReadRole(node.Get("role")),
            .password = node.Get("password").String()};
  if (!IsPasswordHash(user.password)) {
    node.Get("password").Fail("expected what `forkcast user passwd` makes of a password");
  }
  user.stamp = ReadStamp(node.Get("stamp"));
  user.created = ReadTime(node.Get("created"));
  user.changed = ReadTime(node.Get("changed"));
  return user;
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
    return Error{ErrorCode::kCorrupt, error.what(), std::string(kUserList.setting)};
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
  return kUserList.Read(path);
}

Status ChangeUsers(const std::filesystem::path& path, WhenAbsent when_absent,
                   const std::function<Status(std::vector<User>&)>& change) {
  return kUserList.Change(path, when_absent, change);
}

}  // namespace forkcast::serving
