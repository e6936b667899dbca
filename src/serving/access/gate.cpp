#include "serving/access/gate.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "serving/access/allowed_hosts.hpp"
#include "serving/access/sessions.hpp"
#include "serving/access/token_file.hpp"

namespace forkcast::serving {
namespace {

using Outcome = Admission::Outcome;

constexpr std::string_view kInvalidToken = "invalid_token";
constexpr std::string_view kOtherPage = "pages of other origins may not ask for this";

Admission Refusal(Outcome outcome, std::string message, std::string_view field = {},
                  std::string_view reason = {}) {
  return {.outcome = outcome, .message = std::move(message), .field = field, .reason = reason};
}

/// Empty: none was sent.
Result<std::string_view> SessionCookie(const Question& question) {
  return FindCookie(question.cookie, SessionCookieName(question.channel));
}

}  // namespace

Gate::Gate(Options options, const Clock& clock, spdlog::logger& log)
    : options_(std::move(options)),
      proofs_{.tokens = !options_.tokens.empty(),
              .sessions = options_.sessions != nullptr,
              .locked = options_.locked},
      clock_(clock),
      log_(log),
      tokens_(options_.tokens, ReadTokens) {}

bool Gate::Guards(Access access, Hosts hosts) const noexcept {
  return proofs_.AreAskedFor(access) || access == Access::kLogIn ||
         (hosts == Hosts::kAllowed && !options_.allowed_hosts.empty());
}

Admission Gate::Ask(const Question& question) {
  if (question.hosts == Hosts::kAllowed && !options_.allowed_hosts.empty() &&
      !IsAllowedHost(options_.allowed_hosts, question.host)) {
    return Refusal(Outcome::kWrongHost,
                   "this server is not known by the name under which it was asked (allowed_hosts)",
                   "Host");
  }
  if (question.access == Access::kLogIn) return AskWho(question);
  if (!proofs_.AreAskedFor(question.access)) return {};
  const bool can_show = proofs_.tokens || proofs_.sessions;
  return can_show ? AskProof(question, RuleOf(question.access).role) : AskLocal(question);
}

Admission Gate::AskLocal(const Question& question) {
  // A browser sends a form to whoever listens here, for a page from anywhere.
  if (!question.page.origin.empty()) {
    return Refusal(Outcome::kMalformed, "web pages may not ask for this", "Origin");
  }
  if (question.is_local) return {.proof = Proof::kLocal};
  return Refusal(Outcome::kForbidden,
                 "without a tokens file (the setting tokens, `forkcast token create`) this is "
                 "answered to programs on the server's own machine alone");
}

Admission Gate::AskWho(const Question& question) {
  const bool has_effect = question.effect != Question::Effect::kNone;
  if (has_effect && IsOfAnotherOrigin(question.page, question.host)) {
    return Refusal(Outcome::kForbidden, std::string(kOtherPage), "Origin");
  }
  if (question.effect == Question::Effect::kLogIn) {
    // Whoever it was before: a session that another one shows is not gone on with, whatever is
    // shown beside it.
    const Result<std::string_view> cookie = SessionCookie(question);
    if (options_.sessions == nullptr || !cookie || cookie->empty()) return {};
    Admission before = AskSession(question, *cookie, Role::kViewer);
    return before.proof == Proof::kSession ? std::move(before) : Admission();
  }
  Admission admission = AskProof(question, Role::kViewer);
  const bool is_nobody = admission.outcome == Outcome::kUnknown && !admission.role;
  if (!is_nobody || question.authorization.count > 0) return admission;
  const bool may_watch = !proofs_.AreAskedFor(Access::kWatch);
  return {.role = may_watch ? std::optional(Role::kViewer) : std::nullopt};
}

Admission Gate::AskProof(const Question& question, Role least) {
  if (options_.sessions == nullptr || question.authorization.count > 0) {
    return AskToken(question, least);
  }
  const Result<std::string_view> cookie = SessionCookie(question);
  if (!cookie) {
    return Refusal(Outcome::kMalformed, cookie.error().message, "Cookie", "invalid_request");
  }
  return cookie->empty() ? AskToken(question, least) : AskSession(question, *cookie, least);
}

Admission Gate::AskSession(const Question& question, std::string_view cookie, Role least) {
  using State = Sessions::Shown::State;
  Sessions::Shown shown = options_.sessions->Show(cookie);
  switch (shown.state) {
    case State::kUnavailable:
      return Refusal(Outcome::kUnavailable, "the server's users cannot be read at the moment");
    case State::kUnknown:
      return Refusal(Outcome::kUnknown, std::string(shown.why), "Cookie");
    case State::kGood:
      break;
  }
  Admission admission{.who = shown.user->name,
                      .role = shown.user->role,
                      .proof = Proof::kSession,
                      .session = std::move(shown.session),
                      .cookie = std::move(shown.renewed)};
  if (shown.user->role < least) {
    admission.outcome = Outcome::kForbidden;
    admission.message = fmt::format("this takes the role {}, {} has the role {}", WordFor(least),
                                    shown.user->name, WordFor(shown.user->role));
    return admission;
  }
  return CheckPage(question, std::move(admission));
}

Admission Gate::CheckPage(const Question& question, Admission admission) const {
  if (question.effect != Question::Effect::kAnything) return admission;
  if (IsOfAnotherOrigin(question.page, question.host)) {
    admission.outcome = Outcome::kForbidden;
    admission.message = kOtherPage;
    admission.field = "Origin";
  } else if (!AreSame(question.csrf_token, options_.sessions->CsrfToken(*admission.session))) {
    admission.outcome = Outcome::kNoCsrfToken;
    admission.message = "expected the session's csrf_token, which GET /session tells";
    admission.field = "X-CSRF-Token";
  }
  return admission;
}

Admission Gate::AskToken(const Question& question, Role least) {
  const Result<std::string_view> secret = BearerToken(question.authorization);
  if (!secret) {
    const bool is_malformed = secret.error().code == ErrorCode::kMalformed;
    return Refusal(is_malformed ? Outcome::kMalformed : Outcome::kUnknown, secret.error().message,
                   "Authorization", "invalid_request");
  }
  if (secret->empty()) {
    const std::string_view or_session = options_.sessions == nullptr ? "" : ", or a session";
    return Refusal(Outcome::kUnknown,
                   fmt::format("this takes a token of the role {}: Authorization: Bearer TOKEN{}",
                               WordFor(least), or_session),
                   "Authorization");
  }
  if (proofs_.tokens && !LookAtTokens()) {
    return Refusal(Outcome::kUnavailable, "the server's tokens cannot be read at the moment");
  }
  const Token* const token = FindToken(tokens_.contents(), *secret);
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
  admission.proof = Proof::kToken;
  return admission;
}

bool Gate::LookAtTokens() {
  using Look = WatchedFile<std::vector<Token>>::Look;
  switch (tokens_.LookAgain()) {
    case Look::kSame:
      return true;
    case Look::kNew:
      log_.info("tokens_read path={:?} tokens={}", tokens_.path().string(),
                tokens_.contents().size());
      return true;
    case Look::kUnreadable:
      break;
  }
  if (const auto held_back = failures_.Pass(clock_.Monotonic())) {
    log_.error("tokens_unreadable error={:?} suppressed={}", tokens_.error().message, *held_back);
  }
  return false;
}

}  // namespace forkcast::serving
