#include "serving/http/guarded_job.hpp"

#include <utility>

#include "serving/http/client_address.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/request_reader.hpp"

namespace forkcast::serving {
namespace {

using Outcome = AuditEntry::Outcome;

bool Changes(const Endpoint& endpoint) noexcept {
  return RuleOf(endpoint.access).asked == AccessRule::Asked::kAlways;
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
                    .origin = request.origin,
                    .is_local = IsLocal(peer, request)};
  if (peer.reader != nullptr) {
    question.host = peer.reader->host();
    question.authorization = peer.reader->Find("Authorization");
  }
  return guards_.gate.Ask(question);
}

std::string_view GuardedJob::From() const noexcept {
  const RequestView& request = exchange_->request();
  return ClientAddress(exchange_->peer().address,
                       {.forwarded_for = request.forwarded_for, .forwarded = request.forwarded},
                       guards_.trusted_proxies);
}

void GuardedJob::Open(const Admission& admission) {
  using Proof = AuditEntry::Proof;
  const RequestView& request = exchange_->request();
  const Proof unnamed = admission.allowed() ? Proof::kLocal : Proof::kNone;
  entry_.emplace(AuditEntry{.who = std::string(admission.who),
                            .role = admission.role,
                            .proof = admission.role ? Proof::kToken : unnamed,
                            .from = std::string(From()),
                            .action = exchange_->endpoint().operation,
                            .method = WordFor(request.method),
                            .path = std::string(request.path),
                            .request_id = exchange_->id(),
                            .worker = guards_.worker});
}

void GuardedJob::Note(Outcome outcome, int status) noexcept {
  if (!entry_) return;
  entry_->outcome = outcome;
  entry_->status = status;
  entry_->time = guards_.clock.Now();
  guards_.audit->Write(*entry_);
  entry_.reset();
}

void GuardedJob::NoteAnswer() noexcept {
  const int status = exchange_->response().status;
  Note(status < 400 ? Outcome::kDone : Outcome::kFailed, status);
}

Status GuardedJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  const Endpoint& endpoint = exchange.endpoint();
  // Refused anyway, since too much waits.
  refused_ = endpoint.load == Load::kWork && exchange.request().retry_after.count() != 0;
  if (refused_) return {};
  const Admission admission = Ask();
  refused_ = !admission.allowed();
  exchange.SetCaller(admission.who);
  if (guards_.audit != nullptr && (refused_ || Changes(endpoint))) Open(admission);
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
    if (progress == Progress::kDone) NoteAnswer();
    return progress;
  } catch (...) {
    Note(Outcome::kFailed, ToHttp(ErrorCode::kInternal).status);
    throw;
  }
}

}  // namespace forkcast::serving
