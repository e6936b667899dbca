#include "serving/commands/token_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/access/token.hpp"
#include "serving/access/token_file.hpp"
#include "serving/commands/account_words.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Flag;
using preprocessing::IsoTimestamp;
using preprocessing::Require;

constexpr std::string_view kNever = "never";

/// The one of this name that is not revoked: of those there is one at most.
auto FindValid(std::vector<Token>& tokens, std::string_view name) {
  return std::ranges::find_if(
      tokens, [name](const Token& token) { return token.name == name && !token.revoked; });
}

std::optional<Instant> ExpiryOf(const Arguments& arguments, Instant now) {
  const std::string text = arguments.Text("expires");
  if (text == kNever) return std::nullopt;
  return now + Require(preprocessing::ParseDuration(text), ExitCode::kUsage);
}

std::string Shown(const std::optional<Instant>& time, std::string_view none) {
  return time ? IsoTimestamp(*time) : std::string(none);
}

ordered_json TokenJson(const Token& token, Instant now) {
  return {{"name", token.name},
          {"role", WordFor(token.role)},
          {"state", WordFor(token.StateAt(now))},
          {"created", IsoTimestamp(token.created)},
          {"expires", Shown(token.expires, kNever)}};
}

ExitCode Create(const Arguments& arguments, const CommandContext& context) {
  const std::string& name = arguments.operands()[0];
  RequireAccountName(name, kMostTokenName);
  const Instant now = context.clock.Now();
  const std::string secret = NewSecret();
  const Token token{.name = name,
                    .role = *RoleOf(arguments.Text("role")),
                    .hash = HashOf(secret),
                    .created = now,
                    .expires = ExpiryOf(arguments, now)};
  const std::string path = arguments.Text("tokens");
  const auto add = [&](std::vector<Token>& tokens) -> Status {
    if (FindValid(tokens, name) != tokens.end()) {
      return Error{ErrorCode::kRefusedData,
                   fmt::format("{}: there is a token {} already; revoke it first", path, name)};
    }
    tokens.push_back(token);
    return {};
  };
  Require(ChangeTokens(path, WhenAbsent::kBegin, add));
  if (arguments.Has("json")) {
    ordered_json summary = TokenJson(token, now);
    summary["token"] = secret;
    context.out << summary.dump() << '\n';
    return ExitCode::kDone;
  }
  context.out << secret << '\n';
  context.err << fmt::format(
      "{} may do what the role {} may, until {}; the token is shown this once\n", name,
      WordFor(token.role), token.expires ? IsoTimestamp(*token.expires) : "it is revoked");
  return ExitCode::kDone;
}

ExitCode ListTokens(const Arguments& arguments, const CommandContext& context) {
  const std::vector<Token> tokens = Require(ReadTokens(arguments.Text("tokens")));
  const Instant now = context.clock.Now();
  if (arguments.Has("json")) {
    ordered_json all = ordered_json::array();
    for (const Token& token : tokens) all.push_back(TokenJson(token, now));
    context.out << all.dump() << '\n';
    return ExitCode::kDone;
  }
  TextTable table({{"name"}, {"role"}, {"state"}, {"created"}, {"expires"}});
  for (const Token& token : tokens) {
    table.Add({token.name, std::string(WordFor(token.role)),
               std::string(WordFor(token.StateAt(now))), IsoTimestamp(token.created),
               Shown(token.expires, kNever)});
  }
  context.out << (tokens.empty() ? "no tokens\n" : table.Text(context.style));
  return ExitCode::kDone;
}

ExitCode Revoke(const Arguments& arguments, const CommandContext& context) {
  const std::string& name = arguments.operands()[0];
  const std::string path = arguments.Text("tokens");
  const auto revoke = [&](std::vector<Token>& tokens) -> Status {
    const auto token = FindValid(tokens, name);
    if (token == tokens.end()) {
      return Error{ErrorCode::kNotFound, fmt::format("{}: there is no token {}", path, name)};
    }
    token->revoked = context.clock.Now();
    return {};
  };
  Require(ChangeTokens(path, WhenAbsent::kFail, revoke));
  if (arguments.Has("json")) {
    context.out << ordered_json{{"name", name}, {"state", "revoked"}}.dump() << '\n';
  } else {
    context.out << fmt::format("{} is revoked\n", name);
  }
  return ExitCode::kDone;
}

bool IsExpiry(std::string_view text) {
  return text == kNever || static_cast<bool>(preprocessing::ParseDuration(text));
}

std::vector<preprocessing::Command> TokenVerbs() {
  return {{.name = "create",
           .meaning = "makes a token, prints it, and keeps its SHA-256 alone",
           .operands = {{"NAME"}},
           .flags = {RoleFlag("its bearer"),
                     {.name = "expires",
                      .argument = "SPAN",
                      .meaning = "After how long it is worth nothing.",
                      .fallback = "90d",
                      .allowed = {.expected = "a span of time such as 12h or 90d, or never",
                                  .is_value = IsExpiry}}},
           .run = Create},
          {.name = "list", .meaning = "names, roles and states, no secrets", .run = ListTokens},
          {.name = "revoke",
           .meaning = "from the next request on nobody gets in with it",
           .operands = {{"NAME"}},
           .run = Revoke}};
}

}  // namespace

preprocessing::Command TokenCommand() {
  return {
      .name = "token",
      .meaning = "makes, lists and revokes the tokens that callers show to a server",
      .flags = {{.name = "tokens",
                 .argument = "FILE",
                 .meaning = "Where they are kept, as the server's setting of that name says.",
                 .variable = "FORKCAST_TOKENS",
                 .need = Flag::Need::kRequired},
                preprocessing::JsonFlag("Prints one line of JSON.")},
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kUsage, .when = "wrong usage"},
                  {.code = ExitCode::kUnfit,
                   .when = "there is one of that name already, or none, or the file is damaged"},
                  {.code = ExitCode::kIo, .when = "the file cannot be read or written"}},
      .verbs = TokenVerbs()};
}

}  // namespace forkcast::serving
