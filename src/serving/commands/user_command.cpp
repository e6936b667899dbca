#include "serving/commands/user_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/access/password.hpp"
#include "serving/access/user_file.hpp"
#include "serving/commands/account_words.hpp"
#include "serving/commands/password_prompt.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::IsoTimestamp;
using preprocessing::Require;

ordered_json UserJson(const User& user) {
  return {{"name", user.name},
          {"role", WordFor(user.role)},
          {"created", IsoTimestamp(user.created)},
          {"changed", IsoTimestamp(user.changed)}};
}

/// Says what was done to a user.
void Tell(const Arguments& arguments, const CommandContext& context, const ordered_json& json,
          const std::string& text) {
  context.out << (arguments.Has("json") ? json.dump() : text) << '\n';
}

/// The hash of a password that is asked for here.
std::string NewHash(const std::string& name, const CommandContext& context) {
  std::string password = Require(AskNewPassword(name, context.err));
  const Status good = CheckNewPassword(name, password);
  if (!good) {
    Forget(password);
    throw Failure(ExitCode::kUsage, fmt::format("password: {}", good.error().message));
  }
  Result<std::string> hash = HashOfPassword(password);
  Forget(password);
  return Require(std::move(hash));
}

/// Changes the user of this name; all its sessions end.
User Change(const Arguments& arguments, const CommandContext& context,
            const std::function<void(User&)>& change) {
  const std::string& name = arguments.operands()[0];
  const std::string path = arguments.Text("users");
  User changed;
  Require(ChangeUsers(path, WhenAbsent::kFail, [&](std::vector<User>& users) -> Status {
    const auto user = std::ranges::find(users, name, &User::name);
    if (user == users.end()) {
      return Error{ErrorCode::kNotFound, fmt::format("{}: there is no user {}", path, name)};
    }
    change(*user);
    user->stamp = NewStamp();
    user->changed = context.clock.Now();
    changed = *user;
    return {};
  }));
  return changed;
}

ExitCode Add(const Arguments& arguments, const CommandContext& context) {
  const std::string& name = arguments.operands()[0];
  RequireAccountName(name, kMostUserName);
  const Instant now = context.clock.Now();
  const User user{.name = name,
                  .role = *RoleOf(arguments.Text("role")),
                  .password = NewHash(name, context),
                  .stamp = NewStamp(),
                  .created = now,
                  .changed = now};
  const std::string path = arguments.Text("users");
  Require(ChangeUsers(path, WhenAbsent::kBegin, [&](std::vector<User>& users) -> Status {
    if (FindUser(users, name) != nullptr) {
      return Error{
          ErrorCode::kRefusedData,
          fmt::format("{}: there is a user {} already: forkcast user passwd, or role", path, name)};
    }
    users.push_back(user);
    return {};
  }));
  Tell(arguments, context, UserJson(user),
       fmt::format("{} may log in, and do what the role {} may", name, WordFor(user.role)));
  return ExitCode::kDone;
}

ExitCode ChangePassword(const Arguments& arguments, const CommandContext& context) {
  const std::string& name = arguments.operands()[0];
  const std::string path = arguments.Text("users");
  if (FindUser(Require(ReadUsers(path)), name) == nullptr) {  // before somebody types in vain
    throw Failure(ExitCode::kUnfit, fmt::format("{}: there is no user {}", path, name));
  }
  const std::string hash = NewHash(name, context);
  const User user = Change(arguments, context, [&hash](User& one) { one.password = hash; });
  Tell(arguments, context, UserJson(user),
       fmt::format("{} has another password, and has to log in again", name));
  return ExitCode::kDone;
}

ExitCode ChangeRole(const Arguments& arguments, const CommandContext& context) {
  const Role role = *RoleOf(arguments.Text("role"));
  const User user = Change(arguments, context, [role](User& one) { one.role = role; });
  Tell(arguments, context, UserJson(user),
       fmt::format("{} may do what the role {} may, and has to log in again", user.name,
                   WordFor(role)));
  return ExitCode::kDone;
}

ExitCode LogOut(const Arguments& arguments, const CommandContext& context) {
  const User user = Change(arguments, context, [](User&) {});
  Tell(arguments, context, UserJson(user), fmt::format("{} has to log in again", user.name));
  return ExitCode::kDone;
}

ExitCode Remove(const Arguments& arguments, const CommandContext& context) {
  const std::string& name = arguments.operands()[0];
  const std::string path = arguments.Text("users");
  Require(ChangeUsers(path, WhenAbsent::kFail, [&](std::vector<User>& users) -> Status {
    if (std::erase_if(users, [&name](const User& user) { return user.name == name; }) > 0) {
      return {};
    }
    return Error{ErrorCode::kNotFound, fmt::format("{}: there is no user {}", path, name)};
  }));
  Tell(arguments, context, {{"name", name}, {"removed", true}}, fmt::format("{} is removed", name));
  return ExitCode::kDone;
}

ExitCode ListUsers(const Arguments& arguments, const CommandContext& context) {
  const std::vector<User> users = Require(ReadUsers(arguments.Text("users")));
  if (arguments.Has("json")) {
    ordered_json all = ordered_json::array();
    for (const User& user : users) all.push_back(UserJson(user));
    context.out << all.dump() << '\n';
    return ExitCode::kDone;
  }
  TextTable table({{"name"}, {"role"}, {"created"}, {"changed"}});
  for (const User& user : users) {
    table.Add({user.name, std::string(WordFor(user.role)), IsoTimestamp(user.created),
               IsoTimestamp(user.changed)});
  }
  context.out << (users.empty() ? "no users\n" : table.Text(context.style));
  return ExitCode::kDone;
}

std::vector<preprocessing::Command> UserVerbs() {
  const Flag role = RoleFlag("the user");
  return {{.name = "add",
           .meaning = "makes a user, whose password is typed, or the first line of standard input",
           .operands = {{"NAME"}},
           .flags = {role},
           .run = Add},
          {.name = "passwd",
           .meaning = "gives a user another password, asked for alike, and ends the sessions",
           .operands = {{"NAME"}},
           .run = ChangePassword},
          {.name = "role",
           .meaning = "gives a user another role, and ends the sessions",
           .operands = {{"NAME"}},
           .flags = {role},
           .run = ChangeRole},
          {.name = "logout",
           .meaning = "ends all sessions of a user",
           .operands = {{"NAME"}},
           .run = LogOut},
          {.name = "remove",
           .meaning = "from the next request on nobody is let in as this user",
           .operands = {{"NAME"}},
           .run = Remove},
          {.name = "list", .meaning = "names and roles", .run = ListUsers}};
}

}  // namespace

preprocessing::Command UserCommand() {
  return {
      .name = "user",
      .meaning = "makes, lists, changes and removes the users that log in to a server",
      .flags = {{.name = "users",
                 .argument = "FILE",
                 .meaning = "Where they are kept, as the server's setting of that name says.",
                 .variable = "FORKCAST_USERS",
                 .need = Flag::Need::kRequired},
                preprocessing::JsonFlag("Prints one line of JSON.")},
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kUsage, .when = "wrong usage, or a password that is too weak"},
                  {.code = ExitCode::kUnfit,
                   .when = "there is one of that name already, or none, or the file is damaged"},
                  {.code = ExitCode::kIo, .when = "the file cannot be read or written"}},
      .verbs = UserVerbs()};
}

}  // namespace forkcast::serving
