#include "serving/access/gate.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "serving/access/allowed_hosts.hpp"
#include "serving/access/token_file.hpp"

namespace forkcast::serving {
namespace {

using Outcome = Admission::Outcome;

constexpr std::string_view kInvalidToken = "invalid_token";

Admission Refusal(Outcome outcome, std::string message, std::string_view field = {},
                  std::string_view reason = {}) {
  return {.outcome = outcome, .message = std::move(message), .field = field, .reason = reason};
}

}  // namespace

Gate::Gate(Options options, const Clock& clock, spdlog::logger& log)
    : options_(std::move(options)), clock_(clock), log_(log) {}

bool Gate::TakesProof(Access access) const noexcept {
  switch (RuleOf(access).asked) {
    case AccessRule::Asked::kNever:
      return false;
    case AccessRule::Asked::kIfLocked:
      return std::ranges::find(options_.locked, access) != options_.locked.end();
    case AccessRule::Asked::kAlways:
      return true;
  }
  return true;
}

bool Gate::Guards(Access access, Hosts hosts) const noexcept {
  return TakesProof(access) || (hosts == Hosts::kAllowed && !options_.allowed_hosts.empty());
}

Admission Gate::Ask(const Question& question) {
  if (question.hosts == Hosts::kAllowed && !options_.allowed_hosts.empty() &&
      !IsAllowedHost(options_.allowed_hosts, question.host)) {
    return Refusal(Outcome::kWrongHost,
                   "this server is not known by the name under which it was asked (allowed_hosts)",
                   "Host");
  }
  if (!TakesProof(question.access)) return {};
  return options_.tokens.empty() ? AskLocal(question) : AskToken(question);
}

Admission Gate::AskLocal(const Question& question) {
  // A browser sends a form to whoever listens here, for a page from anywhere.
  if (!question.origin.empty()) {
    return Refusal(Outcome::kMalformed, "web pages may not ask for this", "Origin");
  }
  if (question.is_local) return {};
  return Refusal(Outcome::kForbidden,
                 "without a tokens file (the setting tokens, `forkcast token create`) this is "
                 "answered to programs on the server's own machine alone");
}

Admission Gate::AskToken(const Question& question) {
  const Result<std::string_view> secret = BearerToken(question.authorization);
  if (!secret) {
    const bool is_malformed = secret.error().code == ErrorCode::kMalformed;
    return Refusal(is_malformed ? Outcome::kMalformed : Outcome::kUnknown, secret.error().message,
                   "Authorization", "invalid_request");
  }
  const Role least = RuleOf(question.access).role;
  if (secret->empty()) {
    return Refusal(Outcome::kUnknown,
                   fmt::format("this takes a token of the role {}: Authorization: Bearer TOKEN",
                               WordFor(least)),
                   "Authorization");
  }
  if (!LookAtTokens()) {
    return Refusal(Outcome::kUnavailable, "the server's tokens cannot be read at the moment");
  }
  const Token* const token = FindToken(tokens_, *secret);
  if (token == nullptr) {
    return Refusal(Outcome::kUnknown, "the token is not one of this server's", "Authorization",
                   kInvalidToken);
  }
  Admission admission;
  const Token::State state = token->StateAt(clock_.Now());
  if (state != Token::State::kValid) {
    admission = Refusal(Outcome::kUnknown, fmt::format("the token is {}", WordFor(state)),
                        "Authorization", kInvalidToken);
  } else if (token->role < least) {
    admission = Refusal(Outcome::kForbidden,
                        fmt::format("this takes the role {}, the token has the role {}",
                                    WordFor(least), WordFor(token->role)),
                        {}, "insufficient_scope");
  }
  admission.who = token->name;
  admission.role = token->role;
  return admission;
}

bool Gate::LookAtTokens() {
  struct stat status {};
  std::optional<Version> now;
  if (::stat(options_.tokens.c_str(), &status) == 0) {
    constexpr std::int64_t kNsInASecond = 1'000'000'000;
    now = Version{.device = status.st_dev,
                  .inode = status.st_ino,
                  .size = status.st_size,
                  .changed_ns = status.st_ctim.tv_sec * kNsInASecond + status.st_ctim.tv_nsec};
  }
  if (is_good_ && now == seen_) return true;
  Result<std::vector<Token>> tokens = ReadTokens(options_.tokens);
  is_good_ = static_cast<bool>(tokens);
  seen_ = now;
  if (tokens) {
    tokens_ = *std::move(tokens);
    log_.info("tokens_read path={:?} tokens={}", options_.tokens.string(), tokens_.size());
  } else {
    tokens_.clear();
    if (const auto held_back = failures_.Pass(clock_.Monotonic())) {
      log_.error("tokens_unreadable error={:?} suppressed={}", tokens.error().message, *held_back);
    }
  }
  return is_good_;
}

}  // namespace forkcast::serving
