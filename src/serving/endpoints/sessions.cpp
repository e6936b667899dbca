#include "serving/endpoints/sessions.hpp"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/access/password.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/http/url.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/web/login_page.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::size_t kMostLoginBytes = 4096;
constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kWrong = "the user or the password is wrong";

Channel ChannelOf(const Exchange& exchange) {
  return exchange.caller() == nullptr ? Channel::kPlain : exchange.caller()->channel;
}

const Session* SessionOf(const Exchange& exchange) {
  const Caller* const caller = exchange.caller();
  return caller == nullptr || !caller->session ? nullptr : &*caller->session;
}

void KeepFromCaches(Response& response) { response.AddHeader("Cache-Control", "no-store"); }

LoginPage::Language LanguageOf(const Exchange& exchange) {
  const RequestReader* const reader = exchange.peer().reader;
  if (reader == nullptr) return LoginPage::Language::kEnglish;
  return LoginPage::LanguageOf(reader->Find("Accept-Language").value);
}

void WritePage(LoginPage page, Exchange& exchange) {
  page.language = LanguageOf(exchange);
  WriteLoginPage(page, exchange.response());
}

void SendOn(std::string_view location, Response& response) {
  response.status = 303;
  response.AddHeader("Location", location);
  KeepFromCaches(response);
}

/// Seen from /session, which a proxy may have below a path of its own.
constexpr std::string_view kLoginPage = "login";

/// Where somebody who has logged in by a form goes on: the server's page, if it has one.
std::string_view Entrance(const Service& service) noexcept {
  constexpr std::string_view kPage = "/";
  const bool has_page =
      std::ranges::find(service.endpoints, kPage, &Endpoint::path) != service.endpoints.end();
  return has_page ? "./" : kLoginPage;
}

JsonSchema SessionSchema() {
  const JsonSchema text{{"type", {"string", "null"}}};
  return {{"type", "object"},
          {"required", {"user", "role", "csrf_token"}},
          {"properties",
           {{"user", text},
            {"role", {{"enum", {"viewer", "operator", "admin", nullptr}}}},
            {"csrf_token", text},
            {"login", {{"type", "boolean"}}}}}};
}

}  // namespace

void ShowSession(Exchange& exchange, Service& service) {
  const Caller* const caller = exchange.caller();
  const Session* const session = SessionOf(exchange);
  const bool is_known = caller != nullptr && !caller->name.empty();
  const bool has_role = caller != nullptr && caller->role;
  ordered_json shown{
      {"user", is_known ? ordered_json(caller->name) : ordered_json(nullptr)},
      {"role", has_role ? ordered_json(WordFor(*caller->role)) : ordered_json(nullptr)},
      {"csrf_token", session == nullptr ? ordered_json(nullptr)
                                        : ordered_json(service.sessions->CsrfToken(*session))}};
  if (!is_known) shown["login"] = service.sessions->HasUsers();
  Response& response = exchange.response();
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body = shown.dump();
  KeepFromCaches(response);
}

void DescribeShowSession(ApiOperation& operation) {
  operation.AddAnswer("200",
                      "The user, or null for nobody; the role; what a page shows in the header "
                      "X-CSRF-Token; of nobody, whether somebody can log in.",
                      wire::MediaType(wire::Format::kJson), SessionSchema());
}

Attempt LogInJob::AttemptNow() const {
  const Caller* const caller = exchange_->caller();
  return {.name = user_, .address = caller == nullptr ? "" : std::string_view(caller->address)};
}

Status LogInJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  check_.reset();
  form_ = Form::kJson;
  return {};
}

Progress LogInJob::Work() {
  if (!check_) {
    if (const Progress progress = TryPassword(); progress == Progress::kDone) return progress;
  }
  using State = PasswordCheck::State;
  switch (check_->state()) {
    case State::kRight:
      return door_.stamp == 0 ? Deny() : LetIn();
    case State::kWrong:
      return Deny();
    case State::kNoMemory:
      service_.sessions->TakeBack(AttemptNow());
      return Refuse({ErrorCode::kNotReady, "there is no memory for a login now: try again"});
    case State::kWaiting:
      break;
  }
  const bool stops = service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0;
  const bool is_late = service_.clock.Monotonic() >= exchange_->request().deadline;
  if (!stops && !is_late) return Progress::kWaits;
  return Refuse({ErrorCode::kNotReady, "too many log in at this moment: try again"});
}

Progress LogInJob::TryPassword() {
  Result<Asked> asked = Read();
  if (!asked) return Refuse(asked.error());
  if (!asked->log_out.empty()) return LogOut(asked->log_out);
  user_ = std::move(asked->user);
  door_ = service_.sessions->Knock(AttemptNow());
  using State = Sessions::Door::State;
  if (door_.state != State::kOpen) Forget(asked->password);
  if (door_.state == State::kUnavailable) {
    return Refuse({ErrorCode::kNotReady, "the server's users cannot be read at the moment"});
  }
  if (door_.state == State::kTooOften) {
    service_.slot.metrics.Count("logins_limited");
    WriteTooOften(door_.wait, exchange_->id(), exchange_->response());
    if (form_ == Form::kForm) WritePage({.note = LoginPage::Note::kTooOften}, *exchange_);
    return Progress::kDone;
  }
  auto check = service_.passwords->Try(door_.hash, std::move(asked->password));
  if (!check) {
    service_.sessions->TakeBack(AttemptNow());
    return Refuse(check.error());
  }
  check_ = *std::move(check);
  return Progress::kWaits;
}

Result<LogInJob::Asked> LogInJob::Read() {
  const RequestView& request = exchange_->request();
  const std::string_view type = request.content_type.substr(0, request.content_type.find(';'));
  form_ = EqualsIgnoringCase(type, kForm) ? Form::kForm : Form::kJson;
  if (!request.content_encoding.empty()) {
    return Error{ErrorCode::kUnsupportedType, "expected a body that is not packed",
                 "Content-Encoding"};
  }
  if (request.body.size() > kMostLoginBytes) {
    return Error{ErrorCode::kTooLarge, "expected at most 4096 bytes"};
  }
  if (form_ == Form::kForm) return ReadForm();
  // A page of somebody else's may send texts and forms, but no JSON.
  const Result<wire::Format> format = wire::FormatOfRequest(request.content_type);
  if (request.content_type.empty() || !format || *format != wire::Format::kJson) {
    return Error{ErrorCode::kUnsupportedType,
                 "expected application/json or application/x-www-form-urlencoded", "Content-Type"};
  }
  return ReadJson();
}

Result<LogInJob::Asked> LogInJob::ReadJson() const {
  try {
    const ordered_json document = preprocessing::ParseJson(exchange_->request().body);
    const JsonNode root(document);
    root.RequireObject({"user", "password"});
    return Asked{.user = root.Get("user").String(), .password = root.Get("password").String()};
  } catch (const SpecError&) {
    // Not what the error says, which may repeat a part of the password.
    return Error{ErrorCode::kInvalidArgument,
                 R"(expected {"user": TEXT, "password": TEXT}, and nothing else)"};
  }
}

Result<LogInJob::Asked> LogInJob::ReadForm() const {
  Asked asked;
  for (const auto& [name, text] :
       {std::pair("user", &asked.user), std::pair("password", &asked.password),
        std::pair("log_out", &asked.log_out)}) {
    Result<std::optional<std::string>> value = QueryParameter(exchange_->request().body, name);
    if (!value) return std::move(value).error();
    if (*value) *text = **std::move(value);
  }
  if (asked.log_out.empty() && (asked.user.empty() || asked.password.empty())) {
    return Error{ErrorCode::kInvalidArgument, "expected user=TEXT&password=TEXT"};
  }
  return asked;
}

Progress LogInJob::Refuse(const Error& error) {
  exchange_->Refuse(error);
  if (form_ == Form::kForm) WritePage({.note = LoginPage::Note::kFailed}, *exchange_);
  return Progress::kDone;
}

Progress LogInJob::Deny() {
  service_.slot.metrics.Count("logins_refused");
  service_.sessions->NoteRefused(AttemptNow(), door_);
  Caller caller = exchange_->caller() == nullptr ? Caller() : *exchange_->caller();
  // What nobody is called may be a password that was typed into the wrong field.
  caller.name = door_.stamp == 0 ? std::string() : user_;
  caller.role.reset();
  caller.proof = Proof::kNone;
  exchange_->SetCaller(std::move(caller));
  WriteRefusal({.outcome = Admission::Outcome::kUnknown, .message = std::string(kWrong)},
               exchange_->id(), exchange_->response());
  if (form_ == Form::kForm) WritePage({.note = LoginPage::Note::kWrong}, *exchange_);
  return Progress::kDone;
}

Progress LogInJob::LetIn() {
  const auto begun = service_.sessions->Begin(AttemptNow(), door_);
  if (!begun) return Deny();
  service_.slot.metrics.Count("logins");
  // Whoever was logged in before in this browser is so no more.
  if (const Session* const before = SessionOf(*exchange_)) service_.sessions->End(*before);
  Caller caller = exchange_->caller() == nullptr ? Caller() : *exchange_->caller();
  caller.name = begun->session.user;
  caller.role = begun->role;
  caller.proof = Proof::kPassword;
  caller.session = begun->session;
  const Channel channel = caller.channel;
  exchange_->SetCaller(std::move(caller));
  Response& response = exchange_->response();
  response.AddHeader("Set-Cookie", SetSessionCookie(begun->cookie, channel));
  if (form_ == Form::kForm) {
    SendOn(Entrance(service_), response);
    return Progress::kDone;
  }
  response.status = 204;
  KeepFromCaches(response);
  return Progress::kDone;
}

Progress LogInJob::LogOut(const std::string& csrf_token) {
  const Session* const session = SessionOf(*exchange_);
  if (session != nullptr && !AreSame(csrf_token, service_.sessions->CsrfToken(*session))) {
    WriteRefusal({.outcome = Admission::Outcome::kNoCsrfToken,
                  .message = "expected the session's csrf_token",
                  .field = "log_out"},
                 exchange_->id(), exchange_->response());
    WritePage({.note = LoginPage::Note::kFailed}, *exchange_);
    return Progress::kDone;
  }
  if (session != nullptr) service_.sessions->End(*session);
  Response& response = exchange_->response();
  response.AddHeader("Set-Cookie", ClearSessionCookie(ChannelOf(*exchange_)));
  SendOn(kLoginPage, response);
  return Progress::kDone;
}

void DescribeLogIn(ApiOperation& operation) {
  const JsonSchema text{{"type", "string"}};
  const JsonSchema schema{{"type", "object"},
                          {"required", {"user", "password"}},
                          {"properties", {{"user", text}, {"password", text}}}};
  operation.AddBody(wire::MediaType(wire::Format::kJson), schema);
  operation.AddBody(kForm, schema);
  operation.AddAnswer("204", "The user is logged in, by the cookie that comes with the answer.");
  operation.AddAnswer("303", "Likewise, by a form.");
}

void EndSession(Exchange& exchange, Service& service) {
  if (const Session* const session = SessionOf(exchange)) service.sessions->End(*session);
  Response& response = exchange.response();
  response.status = 204;
  response.AddHeader("Set-Cookie", ClearSessionCookie(ChannelOf(exchange)));
  KeepFromCaches(response);
}

void DescribeLogOut(ApiOperation& operation) {
  operation.Add({.in = ApiOperation::In::kHeader,
                 .name = "X-CSRF-Token",
                 .description = "The csrf_token of the session, if there is one.",
                 .schema = {{"type", "string"}}});
  operation.AddAnswer("204", "Nobody is logged in by this session any more.");
}

void ShowLogin(Exchange& exchange, Service& service) {
  LoginPage page;
  if (const Session* const session = SessionOf(exchange)) {
    page.user = session->user;
    page.csrf_token = service.sessions->CsrfToken(*session);
  }
  WritePage(std::move(page), exchange);
}

void DescribeShowLogin(ApiOperation& operation) {
  operation.AddAnswer("200", "The page.", "text/html", {{"type", "string"}});
}

}  // namespace forkcast::serving
