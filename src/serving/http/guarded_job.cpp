#include "serving/http/guarded_job.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "serving/http/client_address.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/request_reader.hpp"

namespace forkcast::serving {
namespace {

using Outcome = AuditEntry::Outcome;

/// Whose callers are told to the job and, as far as they change something, to the audit log.
bool IsPersonal(const Endpoint& endpoint) noexcept {
  return endpoint.access == Access::kLogIn ||
         RuleOf(endpoint.access).asked == AccessRule::Asked::kAlways;
}

bool IsNoted(const Endpoint& endpoint) noexcept {
  return IsPersonal(endpoint) &&
         (endpoint.access != Access::kLogIn || endpoint.method != Method::kGet);
}

Question::Effect EffectOf(const Endpoint& endpoint) noexcept {
  if (endpoint.method == Method::kGet) return Question::Effect::kNone;
  const bool logs_in = endpoint.access == Access::kLogIn && endpoint.method == Method::kPost;
  return logs_in ? Question::Effect::kLogIn : Question::Effect::kAnything;
}

std::string_view WordFor(Method method) noexcept {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
      break;
  }
  return {};
}

/// Whether the caller is a program on this machine that asks for itself: a proxy says for whom.
bool IsLocal(const Peer& peer, const RequestView& request) noexcept {
  const bool is_near = peer.is_unix || peer.address.starts_with("127.") || peer.address == "::1";
  return is_near && request.forwarded_for.empty() && request.forwarded.empty();
}

}  // namespace

GuardedJob::~GuardedJob() { Note(Outcome::kBrokenOff, 0); }

Admission GuardedJob::Ask() const {
  const Endpoint& endpoint = exchange_->endpoint();
  const RequestView& request = exchange_->request();
  const Peer& peer = exchange_->peer();
  Question question{.access = endpoint.access,
                    .hosts = endpoint.hosts,
                    .effect = EffectOf(endpoint),
                    .page = {.origin = request.origin},
                    .is_local = IsLocal(peer, request)};
  if (peer.reader == nullptr) return guards_.gate.Ask(question);
  question.host = peer.reader->host();
  question.authorization = peer.reader->Find("Authorization");
  // Looked for only where they matter: that is paid by each request.
  if (question.authorization.count == 0 || endpoint.access == Access::kLogIn) {
    question.cookie = peer.reader->Find("Cookie");
    question.page.site = peer.reader->Find("Sec-Fetch-Site").value;
  }
  if (question.cookie.count > 0) {
    question.csrf_token = peer.reader->Find("X-CSRF-Token").value;
    question.channel = ChannelOf();
  }
  return guards_.gate.Ask(question);
}

std::string_view GuardedJob::From() const noexcept {
  const RequestView& request = exchange_->request();
  return ClientAddress(exchange_->peer().address,
                       {.forwarded_for = request.forwarded_for, .forwarded = request.forwarded},
                       guards_.trusted_proxies);
}

Channel GuardedJob::ChannelOf() const noexcept {
  const Peer& peer = exchange_->peer();
  if (guards_.is_always_tls) return Channel::kTls;
  if (peer.reader == nullptr || !guards_.trusted_proxies.Trust(peer.address)) {
    return Channel::kPlain;
  }
  const SentField scheme = peer.reader->Find("X-Forwarded-Proto");
  return scheme.count == 1 && scheme.value == "https" ? Channel::kTls : Channel::kPlain;
}

void GuardedJob::Introduce(Admission& admission) {
  exchange_->SetCaller({.name = std::string(admission.who),
                        .role = admission.role,
                        .proof = admission.proof,
                        .session = std::move(admission.session),
                        .channel = ChannelOf(),
                        .address = std::string(From())});
}

void GuardedJob::Open() {
  const RequestView& request = exchange_->request();
  entry_.emplace(AuditEntry{.action = exchange_->endpoint().operation,
                            .method = WordFor(request.method),
                            .path = std::string(request.path),
                            .request_id = exchange_->id(),
                            .worker = guards_.worker});
}

void GuardedJob::Note(Outcome outcome, int status) noexcept {
  if (!entry_) return;
  // A job that lets somebody in has said whom meanwhile.
  if (const Caller* const caller = exchange_->caller()) {
    entry_->who = caller->name;
    entry_->role = caller->role;
    entry_->proof = caller->proof;
    entry_->from = caller->address;
  }
  entry_->outcome = outcome;
  entry_->status = status;
  entry_->time = guards_.clock.Now();
  guards_.audit->Write(*entry_);
  entry_.reset();
}

void GuardedJob::NoteAnswer() noexcept {
  constexpr std::array kRefusals{401, 403, 429};
  const int status = exchange_->response().status;
  const bool is_refused = std::ranges::find(kRefusals, status) != kRefusals.end();
  const Outcome without = is_refused ? Outcome::kRefused : Outcome::kFailed;
  Note(status < 400 ? Outcome::kDone : without, status);
}

void GuardedJob::GiveCookie() {
  Response& response = exchange_->response();
  // One that the job gives, or takes, goes before.
  if (cookie_.empty() || !HeaderValue(response, "Set-Cookie").empty()) return;
  response.AddHeader("Set-Cookie", SetSessionCookie(cookie_, ChannelOf()));
  if (HeaderValue(response, "Cache-Control").empty()) {
    response.AddHeader("Cache-Control", "no-store");
  }
}

Status GuardedJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  const Endpoint& endpoint = exchange.endpoint();
  // Refused anyway, since too much waits.
  refused_ = endpoint.load == Load::kWork && exchange.request().retry_after.count() != 0;
  if (refused_) return {};
  Admission admission = Ask();
  refused_ = !admission.allowed();
  cookie_ = std::move(admission.cookie);
  const bool is_noted = guards_.audit != nullptr && (refused_ || IsNoted(endpoint));
  if (is_noted || IsPersonal(endpoint)) Introduce(admission);
  if (is_noted) Open();
  if (refused_) {
    WriteRefusal(admission, exchange.id(), exchange.response());
    if (endpoint.errors != ErrorForm::kPlain) exchange.KeepErrorForm();
    Note(Outcome::kRefused, exchange.response().status);
    return {};
  }
  Status begun = job_->Begin(exchange);
  if (!begun) Note(Outcome::kFailed, ToHttp(begun.error().code).status);
  return begun;
}

Progress GuardedJob::Work() {
  if (refused_) return Progress::kDone;
  try {
    const Progress progress = job_->Work();
    if (progress != Progress::kDone) return progress;
    GiveCookie();
    NoteAnswer();
    return progress;
  } catch (...) {
    Note(Outcome::kFailed, ToHttp(ErrorCode::kInternal).status);
    throw;
  }
}

}  // namespace forkcast::serving
